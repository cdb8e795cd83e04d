"""Persons and guardianships, one row per person as the population register has them. Handbook §4."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from sqlalchemy import select
from sqlalchemy.orm import Session

from auth.identity import Identity
from auth.models import Guardianship, Person, PersonCategory, Protection, Unit
from auth.numbers import MalformedNumber, PersonNumber, is_hsa_id, parse_number
from auth.permissions import Permission, require
from auth.persons import find_persons_by_number
from core.audit import record
from core.clock import today
from core.importing import PEOPLE, Outcome, Progress, RowRefused, file_ref, finish, no_progress, one_at_a_time
from core.outbox import publish
from core.tables import Row, read_table

REQUIRED = ("number", "county_code")
# Column → most characters; each is kept under the same name, and nothing of it with protected identity.
TEXTS = {
    "given_name": 200,
    "family_name": 200,
    "care_of": 100,
    "street": 200,
    "postal_code": 6,
    "city": 100,
    "phone": 40,
    "email": 254,
}
# What is kept of a protected identity too.
GROUNDS = ("category", "home_care_municipality", "health_centre_hsa_id", "alias")
OPTIONAL = (*TEXTS, *GROUNDS, "protection", "deceased_on", "guardian_numbers", "language")
LANGUAGES = ("sv", "en")
ADDRESS = frozenset({"care_of", "street", "postal_code", "city"})


@dataclass(frozen=True)
class PersonRow:
    """One person as the file states them; `values` are columns of Person.

    Guardians and health centre (by HSA-id, empty for none) are None when the file has no such column.
    """

    line: int
    number: PersonNumber
    values: Mapping[str, object] = field(repr=False)
    guardians: tuple[PersonNumber, ...] | None = None
    health_centre: str | None = None


def parse_person_number(text: str, column: str, day: date) -> PersonNumber:
    """Read a number; raise RowRefused, which does not say the number."""
    try:
        return parse_number(text, day)
    except MalformedNumber:
        raise RowRefused(f"{column} is not a personal or co-ordination number") from None


def parse_persons(raw: bytes, day: date) -> tuple[list[PersonRow], Outcome]:
    """Read the file; refused rows are in the outcome. Raise FileRefused."""
    outcome, rows, seen = Outcome(), [], set[PersonNumber]()
    for row in read_table(raw, REQUIRED, OPTIONAL):
        try:
            person = _parse_row(row, day)
            if person.number in seen:
                raise RowRefused("the same number is on an earlier line")
        except RowRefused as refusal:
            outcome.refuse(row.line, refusal.reason)
            continue
        seen.add(person.number)
        rows.append(person)
    return rows, outcome


def _parse_row(row: Row, day: date) -> PersonRow:
    number = parse_person_number(row.text("number", 20, required=True), "number", day)
    values: dict[str, object] = {name: row.text(name, longest) for name, longest in TEXTS.items() if row.has(name)}
    if "postal_code" in values:
        values["postal_code"] = postal_code(row)
    if values.get("email") and not re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s]+", str(values["email"])):
        raise RowRefused("email is not an e-mail address")
    values["county_code"] = row.digits("county_code", 2, required=True)
    values |= _grounds(row)
    if row.has("protection"):
        values["protection"] = row.choice("protection", Protection, Protection.NONE)
    if row.has("language"):
        values["language"] = row.text("language", 5) or LANGUAGES[0]
        if values["language"] not in LANGUAGES:
            raise RowRefused(f"language is not one of {', '.join(LANGUAGES)}")
    if row.has("deceased_on"):
        deceased_on = row.day("deceased_on")
        if deceased_on is not None and not number.birth_date <= deceased_on <= day:
            raise RowRefused("deceased_on is before the day of birth or in the future")
        values["deceased_on"] = deceased_on
    guardians = None
    if row.has("guardian_numbers"):
        guardians = tuple(
            parse_person_number(text, "guardian_numbers", day) for text in row.several("guardian_numbers")
        )
        if number in guardians:
            raise RowRefused("guardian_numbers names the person themselves")
    return PersonRow(row.line, number, values, guardians, _health_centre(row))


def _grounds(row: Row) -> dict[str, object]:
    values: dict[str, object] = {}
    if row.has("category"):
        values["category"] = row.choice("category", PersonCategory, PersonCategory.RESIDENT)
    if row.has("home_care_municipality"):
        values["home_care_municipality"] = row.digits("home_care_municipality", 4)
    if row.has("alias"):
        alias = row.text("alias", 100)
        real = {row.text("given_name", 200).casefold(), row.text("family_name", 200).casefold()} - {""}
        if real & set(alias.casefold().split()):
            raise RowRefused("alias has a name of the person's own in it")
        values["alias"] = alias
    return values


def _health_centre(row: Row) -> str | None:
    if not row.has("health_centre_hsa_id"):
        return None
    hsa_id = row.text("health_centre_hsa_id", 31)
    if hsa_id and not is_hsa_id(hsa_id):
        raise RowRefused("health_centre_hsa_id is not an HSA-id")
    return hsa_id


def postal_code(row: Row) -> str:
    """Return a Swedish postal code as five digits, or nothing; raise RowRefused."""
    value = row.text("postal_code", 6).replace(" ", "")
    if value and not (value.isascii() and value.isdigit() and len(value) == 5):
        raise RowRefused("postal_code is not five digits")
    return value


def import_persons(
    session: Session, identity: Identity, raw: bytes, *, skip_bad: bool = False, progress: Progress = no_progress
) -> Outcome:
    """Add and change persons of the identity's region, and their guardianships; raises FileRefused, ImportRefused.

    Locks the persons in id order. Writes one access-log row per person who changed, and publishes `person.died` and
    `person.protected` for those of whom that is news. With protected identity (01003, 01020) nothing but number, county, the flag,
    category, home care's municipality, health centre and alias is kept, whatever the file says.
    """
    require(identity, Permission.RUN_IMPORT)
    one_at_a_time(session, PEOPLE)
    rows, outcome = parse_persons(raw, today(session))
    numbers = {number for row in rows for number in (row.number, *(row.guardians or ()))}
    known = find_persons_by_number(session, numbers, lock=True)
    rows, centres = _with_health_centres(session, rows, identity.region, outcome)
    rows = _of_the_region(_without_unknown_guardians(rows, known, outcome), known, identity.region, outcome)
    before = {number: (person.deceased_on, person.is_protected) for number, person in known.items()}
    new: set[PersonNumber] = set()
    touched: set[PersonNumber] = set()
    for done, row in enumerate(rows, start=1):
        person = known.get(row.number)
        if person is None:
            person = Person(region=identity.region, protection=Protection.NONE, language=LANGUAGES[0])
            person.set_number(row.number)
            new.add(row.number)
            known[row.number] = person
        centre = {} if row.health_centre is None else {"health_centre_id": centres.get(row.health_centre)}
        if _write(person, {**row.values, **centre}, is_new=row.number in new):
            touched.add(row.number)
        session.add(person)
        progress(done, len(rows))
    session.flush()
    touched |= _write_guardianships(session, rows, known)
    for row in rows:
        outcome.count(row.number in new, row.number in touched)
        if row.number in new or row.number in touched:
            subject_id = known[row.number].id
            record(session, identity.actor, "person.imported", subject_person_id=subject_id, object_ref=file_ref(raw))
            _tell_what_changed(session, known[row.number], *before.get(row.number, (None, False)))
    return finish(outcome, skip_bad=skip_bad)


def _tell_what_changed(session: Session, person: Person, died_before: date | None, was_protected: bool) -> None:
    """Handbook §4: a death stops what is not yet shipped, a flag hides where it goes."""
    if person.deceased_on is not None and died_before is None:
        publish(session, "person.died", person_id=person.id)
    if person.is_protected and not was_protected:
        publish(session, "person.protected", person_id=person.id)


def _with_health_centres(
    session: Session, rows: list[PersonRow], region: str, outcome: Outcome
) -> tuple[list[PersonRow], dict[str, int]]:
    """Return the rows whose health centre is a unit of the region or none, and those units' ids by HSA-id; in one statement."""
    named = {row.health_centre for row in rows if row.health_centre}
    units = select(Unit.hsa_id, Unit.id).where(Unit.hsa_id.in_(named), Unit.region == region)
    centres = {row.hsa_id: row.id for row in session.execute(units)}
    kept = []
    for row in rows:
        if row.health_centre and row.health_centre not in centres:
            outcome.refuse(row.line, "health_centre_hsa_id is not a known unit of the region; import units first")
        else:
            kept.append(row)
    return kept, centres


def _without_unknown_guardians(
    rows: list[PersonRow], known: Mapping[PersonNumber, Person], outcome: Outcome
) -> list[PersonRow]:
    in_file = {row.number for row in rows}
    kept = []
    for row in rows:
        if all(guardian in in_file or guardian in known for guardian in row.guardians or ()):
            kept.append(row)
        else:
            outcome.refuse(row.line, "guardian_numbers names somebody who is neither in the file nor known")
    # A row that falls may have been somebody's guardian.
    return kept if len(kept) == len(rows) else _without_unknown_guardians(kept, known, outcome)


def _of_the_region(
    rows: list[PersonRow], known: Mapping[PersonNumber, Person], region: str, outcome: Outcome
) -> list[PersonRow]:
    kept = []
    for row in rows:
        if row.number in known and known[row.number].region != region:
            outcome.refuse(row.line, "the person belongs to another region")
        else:
            kept.append(row)
    return kept


def _write(person: Person, values: Mapping[str, object], *, is_new: bool) -> bool:
    wanted = dict(values)
    protection = wanted.get("protection", person.protection)
    if protection is not Protection.NONE:
        wanted |= dict.fromkeys(TEXTS, "")
        wanted |= {"door_code": "", "door_code_asked": False}
    elif not is_new and any(name in wanted and getattr(person, name) != wanted[name] for name in ADDRESS):
        # A door code belongs to a door.
        wanted |= {"door_code": "", "door_code_asked": False}
    changed = False
    for name, value in wanted.items():
        if getattr(person, name) != value:
            setattr(person, name, value)
            changed = True
    return changed


def _write_guardianships(
    session: Session, rows: list[PersonRow], known: Mapping[PersonNumber, Person]
) -> set[PersonNumber]:
    stated = {
        known[row.number].id: (row, {known[guardian].id for guardian in row.guardians})
        for row in rows
        if row.guardians is not None
    }
    existing: dict[tuple[int, int], Guardianship] = {
        (found.child_id, found.guardian_id): found
        for found in session.scalars(
            select(Guardianship).where(Guardianship.child_id.in_(stated)).order_by(Guardianship.id).with_for_update()
        )
    }
    touched = set()
    for child_id, (row, guardian_ids) in stated.items():
        for guardian_id in guardian_ids:
            guardianship = existing.get((child_id, guardian_id))
            if guardianship is None:
                session.add(Guardianship(child_id=child_id, guardian_id=guardian_id))
                touched.add(row.number)
            elif guardianship.ended_on is not None:
                guardianship.ended_on = None
                touched.add(row.number)
        for (of_child, guardian_id), guardianship in existing.items():
            if of_child == child_id and guardian_id not in guardian_ids and guardianship.ended_on is None:
                guardianship.ended_on = today(session)
                touched.add(row.number)
    return touched
