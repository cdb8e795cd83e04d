"""Who can log in to the demo, as the identity provider knows them and as the terminal lists them."""

from __future__ import annotations

import csv
import io
from datetime import date
from typing import Any

from auth.numbers import SNR_ROOT, parse_number
from portal.demo.region.filling import filled

PERSON_ACR = "http://id.swedenconnect.se/loa/1.0/uncertified-loa3"
STAFF_ACR = "http://id.sambi.se/loa/loa3"
_CLAIM = "https://id.oidc.se/claim/"


def records(name: str, loaded_on: date) -> list[dict[str, str]]:
    """Return a data file's rows by column name."""
    return list(csv.DictReader(io.StringIO(filled(name, loaded_on).decode("utf-8"))))


def listed(loaded_on: date) -> list[tuple[str, str, str]]:
    """Return name, number and what they show, of everybody who can log in."""
    return [(who["label"], who["key"], who["shows_en"]) for who in records("who.csv", loaded_on)]


def at_identity_provider(loaded_on: date) -> list[dict[str, Any]]:
    """Return everybody who can log in, with the claims that the identity provider vouches for."""
    staff = {member["hsa_id"]: member for member in records("staff.csv", loaded_on)}
    units = {unit["hsa_id"]: unit["name"] for unit in records("units.csv", loaded_on)}
    people = []
    for who in records("who.csv", loaded_on):
        given_name, _, family_name = who["label"].rpartition(" ")
        is_staff = who["group"] == "staff"
        if is_staff:
            member = staff[who["key"]]
            claims = {
                "employeeHsaId": member["hsa_id"],
                "commissionHsaId": member["commission_hsa_id"],
                "commissionPurpose": "Vård och behandling",
                "healthCareUnitHsaId": member["unit_hsa_id"],
                "healthCareUnitName": units[member["unit_hsa_id"]],
            }
        else:
            number = parse_number(who["key"], loaded_on)
            name = "coordinationNumber" if number.root == SNR_ROOT else "personalIdentityNumber"
            claims = {_CLAIM + name: number.extension}
        people.append(
            {
                "id": who["id"],
                "group": who["group"],
                "label": who["label"],
                "description": {"sv": who["shows_sv"], "en": who["shows_en"]},
                "claims": {**claims, "given_name": given_name, "family_name": family_name},
                "acr": STAFF_ACR if is_staff else PERSON_ACR,
            }
        )
    return people
