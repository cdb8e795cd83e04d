"""A prescriber on a patient's fault pages: whose, why, and for how long. Handbook §7: prescribers report too."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from auth.identity import Identity, Relation, Task
from auth.models import Person
from auth.permissions import Permission, require
from core.audit import record
from core.clock import now
from core.errors import NotFound
from orders.unit_access import reason_to_open

LONGEST_VISIT = timedelta(minutes=60)
REPORTING_TASKS = frozenset({Task.REPORT_FAULTS})


@dataclass(frozen=True)
class CareVisit:
    """The patient whose fault pages a prescriber has opened, why, and when."""

    person_id: int
    reason: str = field(repr=False)
    opened_at: datetime


def open_visit(session: Session, identity: Identity, person_id: int, reason: str) -> CareVisit:
    """Open a patient's fault pages and write that into the access log; raise NotPermitted, NotFound for who is not the unit's.

    `reason` stands in the log, with the one that was given when somebody else's patient was found.
    """
    require(identity, Permission.SEE_UNIT_PATIENTS)
    if _person(session, identity, person_id) is None:
        raise NotFound
    given = reason_to_open(session, identity, person_id)
    visit = CareVisit(person_id, f"{reason}: {given}" if given else reason, now(session))
    record(
        session, identity_in_care(identity, visit).actor, "reporting.opened", subject_person_id=person_id, manner="LOOK"
    )
    return visit


def patient_of_visit(session: Session, identity: Identity, visit: CareVisit) -> Person | None:
    """Return whom a visit is about; None once the hour is over or the person is no patient of the unit's."""
    if now(session) >= visit.opened_at + LONGEST_VISIT:
        return None
    try:
        reason_to_open(session, identity, visit.person_id)
    except NotFound:
        return None
    return _person(session, identity, visit.person_id)


def identity_in_care(identity: Identity, visit: CareVisit) -> Identity:
    """Return what the prescriber is during the visit: they may report the patient's faults and nothing else."""
    return replace(
        identity,
        subject_person_id=visit.person_id,
        relation=Relation.CARE,
        tasks=REPORTING_TASKS,
        reason=visit.reason,
    )


def close_visit(session: Session, identity: Identity, visit: CareVisit) -> None:
    """Write into the access log that a visit has ended."""
    record(session, identity_in_care(identity, visit).actor, "reporting.closed", subject_person_id=visit.person_id)


def _person(session: Session, identity: Identity, person_id: int) -> Person | None:
    person = session.get(Person, person_id) if 0 < person_id < 2**63 else None
    return person if person is not None and person.region == identity.region else None
