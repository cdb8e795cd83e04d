"""Steps that tests of log-in and sessions share."""

from __future__ import annotations

from datetime import date
from typing import Any
from urllib.parse import parse_qs, urlsplit

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from auth.identity import Role
from auth.models import Commission, Person, StaffMember, Unit, WebSession
from auth.numbers import parse_number
from core.audit import AccessLogEntry
from core.db import Database
from portal.sessions import Owner, current_session

BASE = "http://localhost:8000"
CALLBACK = f"{BASE}/log-in/callback"
ANNA = "191212121212"
CO_ORDINATED = "199001629808"
STRANGER = "191502039819"


def fill_in_people(database: Database) -> None:
    with database.unit_of_work() as db:
        for number in (ANNA, CO_ORDINATED):
            person = Person(region="vgr", county_code="14")
            person.set_number(parse_number(number, date(2026, 12, 1)))
            db.add(person)
        unit = Unit(region="vgr", hsa_id="SE2321000131-U1", name="Depån")
        member = StaffMember(hsa_id="SE2321000131-E1", name="Prov Personal")
        db.add_all([unit, member])
        db.flush()
        for hsa_id, ended in (("SE2321000131-C1", None), ("SE2321000131-C9", database.clock.now())):
            db.add(Commission(hsa_id=hsa_id, staff_id=member.id, unit_id=unit.id, role=Role.DEPOT, ended_at=ended))


def log_entries(database: Database) -> list[tuple[str, str, int | None]]:
    with database.session() as db:
        entries = db.scalars(select(AccessLogEntry).order_by(AccessLogEntry.id))
        return [(entry.action, entry.actor_kind, entry.subject_person_id) for entry in entries]


def come_back(client: FlaskClient, address: str, **changes: str) -> Any:
    """Return from a fake provider: its code is the nonce to sign."""
    sent = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
    return client.get("/log-in/callback", query_string={"code": sent["nonce"], "state": sent["state"], **changes})


def add_person(database: Database, number: str) -> int:
    with database.unit_of_work() as db:
        person = Person(region="vgr", county_code="14", given_name="Prov", family_name="Person")
        person.set_number(parse_number(number, date(2026, 12, 1)))
        db.add(person)
        db.flush()
        return person.id


def log_in(app: Flask, client: FlaskClient, person_id: int) -> None:
    """Rotate the client's session to a person, as the callback does."""

    def rotate() -> str:
        with app.extensions["database"].unit_of_work() as db:
            current_session().rotate(db, Owner(person_id=person_id))
        return "in"

    if "test_log_in" not in app.view_functions:
        app.url_map.add(app.url_rule_class("/test-log-in", endpoint="test_log_in", methods=["GET"]))
    app.view_functions["test_log_in"] = rotate
    assert client.get("/test-log-in").text == "in"


def rows(database: Database) -> list[WebSession]:
    with database.session() as db:
        return list(db.scalars(select(WebSession).order_by(WebSession.id)))


def cookie(client: FlaskClient, name: str = "session") -> str:
    found = client.get_cookie(name)
    assert found is not None
    return found.value


def fill_in(client: FlaskClient, **fields: Any) -> dict[str, Any]:
    page = client.get("/form").get_json()
    return {"csrf_token": page["token"], "idempotency_key": "k", **fields}
