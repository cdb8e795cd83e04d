"""Which patients and items a prescriber may open: their own unit's, and whom they have looked up in the region with a reason."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from auth.identity import Identity
from auth.models import Person
from auth.numbers import PersonNumber
from auth.permissions import Permission, require
from auth.persons import find_person_by_number
from core.audit import AccessLogEntry, ActorKind, record
from core.clock import now
from core.errors import NotFound
from orders.models import Prescription, PrescriptionItem
from orders.prescribing_errors import ReasonMissing
from orders.services import lock_person

FOUND = "patient.found"
# A working day: after that the number and the reason are given again.
FOUND_FOR = timedelta(hours=12)


def find_patient(session: Session, identity: Identity, number: PersonNumber, reason: str) -> Person:
    """Return a person of the region by number, to prescribe to; who is not the unit's patient needs a reason.

    Writes the look to the access log. Raises NotPermitted, ReasonMissing (also for a number that nobody has), NotFound.
    """
    require(identity, Permission.SEE_UNIT_PATIENTS)
    reason = reason.replace("\x00", "").strip()
    person = find_person_by_number(session, number)
    if person is not None and person.region != identity.region:
        person = None
    if not reason and (person is None or not is_patient_of(session, identity, person.id)):
        raise ReasonMissing
    if person is None:
        raise NotFound
    record(session, identity.actor, "patient.found", subject_person_id=person.id, manner="LOOK", reason=reason)
    session.flush()
    return person


def is_patient_of(session: Session, identity: Identity, person_id: int) -> bool:
    """Whether the identity's unit has ever prescribed to the person."""
    prescription = select(Prescription.id).where(
        Prescription.person_id == person_id,
        Prescription.unit_id == identity.unit_id,
        Prescription.region == identity.region,
    )
    return session.scalar(prescription.limit(1)) is not None


def reason_to_open(session: Session, identity: Identity, person_id: int) -> str:
    """Return why the identity may open a person: "" for the unit's patient, else the reason given when they were found today.

    Raises NotFound for somebody who is neither.
    """
    if is_patient_of(session, identity, person_id):
        return ""
    reason = session.scalar(
        select(AccessLogEntry.reason)
        .where(
            AccessLogEntry.subject_person_id == person_id,
            AccessLogEntry.at >= now(session) - FOUND_FOR,
            AccessLogEntry.action == FOUND,
            AccessLogEntry.actor_kind == ActorKind.STAFF.value,
            AccessLogEntry.actor_id == identity.staff_id,
            AccessLogEntry.unit_id == identity.unit_id,
            AccessLogEntry.region == identity.region,
        )
        .order_by(AccessLogEntry.id.desc())
        .limit(1)
    )
    if reason is None:
        raise NotFound
    return reason


def lock_item_of_unit(session: Session, identity: Identity, item_id: int) -> PrescriptionItem:
    """Lock the person and then the item, which the identity's unit has prescribed; raise NotFound for any other."""
    of_unit = (
        select(PrescriptionItem)
        .join(Prescription)
        .where(
            PrescriptionItem.id == item_id,
            Prescription.unit_id == identity.unit_id,
            Prescription.region == identity.region,
        )
    )
    person_id = session.scalar(of_unit.with_only_columns(Prescription.person_id))
    if person_id is None:
        raise NotFound
    lock_person(session, person_id)
    item = session.scalar(of_unit.with_for_update(of=PrescriptionItem).execution_options(populate_existing=True))
    if item is None:
        raise NotFound
    return item
