"""Units, staff with their commissions, and proxies: small files that a region keeps itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from sqlalchemy import select
from sqlalchemy.orm import Session

from auth.identity import Identity, Role, Task
from auth.importing.persons import LANGUAGES, parse_person_number, postal_code
from auth.models import Commission, ProxyAppointment, StaffMember, Unit
from auth.numbers import is_hsa_id
from auth.permissions import Permission, require
from auth.persons import find_persons_by_number
from core.audit import record
from core.clock import now, swedish_date, today
from core.importing import PEOPLE, Outcome, Progress, RowRefused, file_ref, finish, no_progress, one_at_a_time
from core.tables import Row, read_table

UNIT_REQUIRED = ("hsa_id", "name")
UNIT_TEXTS = {
    "name": 200,
    "street": 200,
    "postal_code": 6,
    "city": 100,
    "phone": 40,
    "cost_centre": 40,
    "store_cost_centre": 40,
}
# Where a children's clinic's patients belong from their 18th birthday.
ADULT_UNIT = "adult_unit_hsa_id"
STAFF_REQUIRED = ("hsa_id", "name", "role", "unit_hsa_id", "commission_hsa_id")
STAFF_OPTIONAL = ("language", "ended")
STAFF_ROLES = frozenset(Role) - {Role.PATIENT, Role.SYSTEM}
PROXY_REQUIRED = ("patient_number", "proxy_number", "tasks", "valid_from", "valid_until")
PROXY_OPTIONAL = ("withdrawn",)


@dataclass(frozen=True)
class _Written:
    is_new: bool
    is_changed: bool


class _Writer(Protocol):
    def __call__(self, session: Session, identity: Identity, row: Row, seen: set[object]) -> _Written: ...


def import_units(
    session: Session, identity: Identity, raw: bytes, *, skip_bad: bool = False, progress: Progress = no_progress
) -> Outcome:
    """Add and change units of the identity's region; raises FileRefused, ImportRefused."""
    rows = read_table(raw, UNIT_REQUIRED, [*(name for name in UNIT_TEXTS if name not in UNIT_REQUIRED), ADULT_UNIT])
    # Units that hand over to another come after those that do not, so that the other is there.
    rows.sort(key=lambda row: bool(row.text(ADULT_UNIT, 200)) if row.has(ADULT_UNIT) else False)
    return _import(session, identity, "units", rows, _write_unit, raw, skip_bad, progress)


def import_staff(
    session: Session, identity: Identity, raw: bytes, *, skip_bad: bool = False, progress: Progress = no_progress
) -> Outcome:
    """Add and change staff and their commissions, one commission per row; raises FileRefused, ImportRefused."""
    rows = read_table(raw, STAFF_REQUIRED, STAFF_OPTIONAL)
    return _import(session, identity, "staff", rows, _write_commission, raw, skip_bad, progress)


def import_proxies(
    session: Session, identity: Identity, raw: bytes, *, skip_bad: bool = False, progress: Progress = no_progress
) -> Outcome:
    """Add and change proxies that the patient has appointed and the proxy has accepted; raises FileRefused, ImportRefused."""
    rows = read_table(raw, PROXY_REQUIRED, PROXY_OPTIONAL)
    return _import(session, identity, "proxies", rows, _write_proxy, raw, skip_bad, progress, waits_as=PEOPLE)


def _import(
    session: Session,
    identity: Identity,
    kind: str,
    rows: list[Row],
    write: _Writer,
    raw: bytes,
    skip_bad: bool,
    progress: Progress,
    waits_as: str = "",
) -> Outcome:
    require(identity, Permission.RUN_IMPORT)
    one_at_a_time(session, waits_as or kind)
    outcome, seen = Outcome(), set[object]()
    for done, row in enumerate(rows, start=1):
        try:
            written = write(session, identity, row, seen)
            outcome.count(written.is_new, written.is_changed)
        except RowRefused as refusal:
            outcome.refuse(row.line, refusal.reason)
        progress(done, len(rows))
    if outcome.wrote_something:
        record(session, identity.actor, f"{kind}.imported", subject_person_id=None, object_ref=file_ref(raw))
    return finish(outcome, skip_bad=skip_bad)


def _write_unit(session: Session, identity: Identity, row: Row, seen: set[object]) -> _Written:
    hsa_id = _hsa_id(row, "hsa_id")
    _once(seen, hsa_id, "hsa_id")
    wanted = {name: row.text(name, longest) for name, longest in UNIT_TEXTS.items() if row.has(name)}
    row.text("name", 200, required=True)
    if "postal_code" in wanted:
        wanted["postal_code"] = postal_code(row)
    unit = session.scalar(select(Unit).where(Unit.hsa_id == hsa_id).with_for_update())
    if unit is not None and unit.region != identity.region:
        raise RowRefused("the unit belongs to another region")
    is_new = unit is None
    unit = unit or Unit(region=identity.region, hsa_id=hsa_id)
    changed = _set(unit, wanted)
    if row.has(ADULT_UNIT):
        changed |= _set(unit, {"adult_unit_id": _adult_unit_id(session, identity, row, hsa_id)})
    session.add(unit)
    session.flush()
    return _Written(is_new, changed)


def _adult_unit_id(session: Session, identity: Identity, row: Row, hsa_id: str) -> int | None:
    if not row.text(ADULT_UNIT, 31):
        return None
    adult_hsa_id = _hsa_id(row, ADULT_UNIT)
    found = session.scalar(select(Unit.id).where(Unit.hsa_id == adult_hsa_id, Unit.region == identity.region))
    if found is None or adult_hsa_id == hsa_id:
        raise RowRefused(f"{ADULT_UNIT} is not another known unit of the region")
    return found


def _write_commission(session: Session, identity: Identity, row: Row, seen: set[object]) -> _Written:
    hsa_id, commission_hsa_id = _hsa_id(row, "hsa_id"), _hsa_id(row, "commission_hsa_id")
    _once(seen, (hsa_id, commission_hsa_id), "commission_hsa_id")
    role = row.choice("role", Role)
    if role not in STAFF_ROLES:
        raise RowRefused("role is not one that staff can have")
    unit = session.scalar(
        select(Unit).where(Unit.hsa_id == _hsa_id(row, "unit_hsa_id"), Unit.region == identity.region)
    )
    if unit is None:
        raise RowRefused("unit_hsa_id is not a known unit of the region")
    name, language = row.text("name", 200, required=True), row.text("language", 5) or LANGUAGES[0]
    if language not in LANGUAGES:
        raise RowRefused(f"language is not one of {', '.join(LANGUAGES)}")
    is_ended = row.flag("ended", False)

    member = session.scalar(select(StaffMember).where(StaffMember.hsa_id == hsa_id).with_for_update())
    member = member or StaffMember(hsa_id=hsa_id)
    changed = _set(member, {"name": name, "language": language})
    session.add(member)
    session.flush()
    commission = session.scalar(
        select(Commission)
        .where(Commission.staff_id == member.id, Commission.hsa_id == commission_hsa_id)
        .with_for_update(of=Commission)
    )
    is_new = commission is None
    commission = commission or Commission(hsa_id=commission_hsa_id, staff_id=member.id)
    changed |= _set(commission, {"unit_id": unit.id, "role": role})
    if is_ended is not (commission.ended_at is not None):
        commission.ended_at = now(session) if is_ended else None
        changed = True
    session.add(commission)
    session.flush()
    return _Written(is_new, changed)


def _write_proxy(session: Session, identity: Identity, row: Row, seen: set[object]) -> _Written:
    day = today(session)
    patient_number = parse_person_number(row.text("patient_number", 20, required=True), "patient_number", day)
    proxy_number = parse_person_number(row.text("proxy_number", 20, required=True), "proxy_number", day)
    _once(seen, (patient_number, proxy_number), "proxy_number")
    if patient_number == proxy_number:
        raise RowRefused("nobody is their own proxy")
    tasks = sorted(set(row.several("tasks")))
    if not tasks or not set(tasks) <= {task.value for task in Task}:
        raise RowRefused(f"tasks is not made of {', '.join(task.value for task in Task)}")
    valid_from, valid_until = row.required_day("valid_from"), row.required_day("valid_until")
    if valid_until < valid_from:
        raise RowRefused("valid_until is before valid_from")
    is_withdrawn = row.flag("withdrawn", False)
    known = find_persons_by_number(session, {patient_number, proxy_number}, lock=True)
    patient, proxy = known.get(patient_number), known.get(proxy_number)
    if patient is None or proxy is None or patient.region != identity.region:
        raise RowRefused("the patient or the proxy is not a known person; import persons first")

    appointment = session.scalar(
        select(ProxyAppointment)
        .where(ProxyAppointment.patient_id == patient.id, ProxyAppointment.proxy_id == proxy.id)
        .order_by(ProxyAppointment.id.desc())
        .limit(1)
        .with_for_update()
    )
    if appointment is not None and appointment.withdrawn_at is not None:
        # What the patient has withdrawn only a new appointment restores, never an old file.
        if is_withdrawn or valid_from <= swedish_date(appointment.withdrawn_at):
            return _Written(is_new=False, is_changed=False)
        appointment = None
    is_new = appointment is None
    appointment = appointment or ProxyAppointment(patient_id=patient.id, proxy_id=proxy.id, accepted_at=now(session))
    changed = _set(appointment, {"tasks": tasks, "valid_from": valid_from, "valid_until": valid_until})
    if is_withdrawn:
        appointment.withdrawn_at = now(session)
        changed = True
    session.add(appointment)
    session.flush()
    if is_new or changed:
        record(session, identity.actor, "proxy.imported", subject_person_id=patient.id)
    return _Written(is_new, changed)


def _hsa_id(row: Row, column: str) -> str:
    value = row.text(column, 31, required=True)
    if not is_hsa_id(value):
        raise RowRefused(f"{column} is not an HSA-id")
    return value


def _once(seen: set[object], key: object, column: str) -> None:
    if key in seen:
        raise RowRefused(f"the same {column} is on an earlier line")
    seen.add(key)


def _set(thing: object, wanted: Mapping[str, object]) -> bool:
    changed = False
    for name, value in wanted.items():
        if getattr(thing, name) != value:
            setattr(thing, name, value)
            changed = True
    return changed
