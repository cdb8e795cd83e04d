"""Who knows: answers by a click, on the phone, and the list of those who are still to be phoned. Handbook §§4 and 7."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session, joinedload

from auth.identity import Identity
from auth.models import Guardianship, Person, Unit
from auth.permissions import Permission, require
from auth.relations import ActingPolicy, age_on, guardian_tasks
from core.audit import record
from core.clock import now, today
from core.errors import NotFound
from core.policy import policy_of
from delivery.complaints import recall_errors as errors
from delivery.complaints.recall_models import Recall, RecallAnswer, RecallRecipient, RecallStatus, ToldBy
from orders.models import Prescription

CALLS_ON_A_PAGE = 25
_ASKED = (RecallStatus.TOLD, RecallStatus.CLOSED)


@dataclass(frozen=True)
class ToPhone:
    """Whom to phone: name and number only; with protected identity the unit, by the name that it knows."""

    recipient_id: int
    name: str = field(repr=False)
    phone: str = field(repr=False)
    # Who is asked for on the phone: the guardians of a child, or the unit.
    ask_for: str = field(repr=False)
    is_child: bool
    via_unit: bool
    phoned_at: datetime | None
    note: str = field(repr=False)


@dataclass(frozen=True)
class PhoneList:
    """One page of those who have not answered; `waiting` counts all of them."""

    recall: Recall
    waiting: int
    people: tuple[ToPhone, ...]


def acknowledge(session: Session, identity: Identity, recall_no: str) -> RecallRecipient:
    """Note that the subject of the identity knows: by a click, or on the phone when customer service has them there.

    A second time changes nothing. Locks the recipient. Raises NotPermitted, and NotFound for a recall that is not about them.
    """
    require(identity, Permission.ANSWER_RECALL)
    recipient = _lock(
        session,
        RecallRecipient.person_id == identity.subject_person_id,
        Recall.recall_no == recall_no[:12],
        Recall.status.in_(_ASKED),
    )
    _answer(session, identity, recipient, RecallAnswer.PHONE if identity.is_staff else RecallAnswer.CLICK)
    return recipient


def acknowledge_for_unit(session: Session, identity: Identity, recall_no: str) -> RecallRecipient:
    """Note that a unit has seen to its own store. A second time changes nothing. Locks the recipient. Raises NotPermitted, NotFound."""
    require(identity, Permission.SEE_STORE)
    recipient = _lock(
        session,
        RecallRecipient.unit_id == identity.unit_id,
        Recall.recall_no == recall_no[:12],
        Recall.region == identity.region,
        Recall.status.in_(_ASKED),
    )
    _answer(session, identity, recipient, RecallAnswer.CLICK)
    return recipient


def note_call(
    session: Session, identity: Identity, recall_no: str, recipient_id: int, *, has_answered: bool, note: str
) -> None:
    """Note a try to phone: whether somebody answered and knows now, and what came of it.

    Locks the recipient. Raises NotPermitted, NotFound, NoteTooShort for an answer that nobody wrote anything about.
    """
    require(identity, Permission.PHONE_ABOUT_RECALL)
    note = note.strip()
    if has_answered and not note:
        raise errors.NoteTooShort
    recipient = _lock(
        session,
        RecallRecipient.id == recipient_id,
        Recall.recall_no == recall_no[:12],
        Recall.region == identity.region,
        Recall.status == RecallStatus.TOLD,
    )
    recipient.phoned_at, recipient.phone_note = now(session), note[:400]
    if has_answered:
        if recipient.told_at is None:
            recipient.told_at, recipient.told_by = now(session), ToldBy.PHONE
        _answer(session, identity, recipient, RecallAnswer.PHONE)
        return
    _record(session, identity, recipient, recall_no, "recall.phoned")


def phone_list(session: Session, identity: Identity, recall_no: str, *, limit: int = CALLS_ON_A_PAGE) -> PhoneList:
    """Return those who have not answered: never phoned first, then the longest ago. Each look is in the access log.

    A fixed number of statements. Raises NotPermitted, NotFound.
    """
    require(identity, Permission.PHONE_ABOUT_RECALL)
    recall = session.scalar(
        select(Recall).where(
            Recall.recall_no == recall_no[:12], Recall.region == identity.region, Recall.status == RecallStatus.TOLD
        )
    )
    if recall is None:
        raise NotFound
    unanswered = (
        RecallRecipient.recall_id == recall.id,
        RecallRecipient.acknowledged_at.is_(None),
        Person.deceased_on.is_(None),
    )
    waiting = session.scalars(
        select(func.count()).select_from(RecallRecipient).outerjoin(RecallRecipient.person).where(*unanswered)
    ).one()
    recipients = session.scalars(
        select(RecallRecipient)
        .outerjoin(RecallRecipient.person)
        .where(*unanswered)
        .order_by(RecallRecipient.phoned_at.asc().nulls_first(), RecallRecipient.id)
        .limit(limit)
        .options(joinedload(RecallRecipient.person), joinedload(RecallRecipient.unit))
    ).all()
    persons = [one.person for one in recipients if one.person is not None]
    units = units_of(session, [person.id for person in persons if person.is_protected])
    guardians = _guardians(session, persons)
    for person in persons:
        record(
            session,
            identity.actor,
            "recall.phone_list_seen",
            subject_person_id=person.id,
            manner="LOOK",
            object_ref=f"recall:{recall.recall_no}",
        )
    return PhoneList(recall, waiting, tuple(_to_phone(session, one, units, guardians) for one in recipients))


def _to_phone(
    session: Session, recipient: RecallRecipient, units: dict[int, Unit], guardians: dict[int, list[Person]]
) -> ToPhone:
    person = recipient.person
    if person is None:
        assert recipient.unit is not None
        unit = recipient.unit
        return _line(recipient, unit.name, unit.phone, "", via_unit=True)
    if person.is_protected:
        own_unit = units.get(person.id)
        # A name that is nobody's: the unit knows whose it is.
        return _line(
            recipient,
            person.alias,
            own_unit.phone if own_unit else "",
            own_unit.name if own_unit else "",
            via_unit=True,
        )
    policy = policy_of(person.region).section(ActingPolicy)
    is_child = age_on(person.birth_date, today(session)) < policy.own_account_from_age
    asked = guardians.get(person.id, []) if is_child else []
    phone = next((one.phone for one in asked if one.phone), person.phone)
    return _line(recipient, person.full_name, phone, ", ".join(one.full_name for one in asked), is_child=is_child)


def _line(
    recipient: RecallRecipient, name: str, phone: str, ask_for: str, *, is_child: bool = False, via_unit: bool = False
) -> ToPhone:
    return ToPhone(
        recipient_id=recipient.id,
        name=name,
        phone=phone,
        ask_for=ask_for,
        is_child=is_child,
        via_unit=via_unit,
        phoned_at=recipient.phoned_at,
        note=recipient.phone_note,
    )


def units_of(session: Session, person_ids: Collection[int]) -> dict[int, Unit]:
    """Return each person's latest prescribing unit, in one statement; none asked for when there is nobody."""
    if not person_ids:
        return {}
    rows = session.execute(
        select(Prescription.person_id, Unit)
        .join(Unit, Prescription.unit_id == Unit.id)
        .where(Prescription.person_id.in_(person_ids))
        .order_by(Prescription.id)
    )
    return dict(rows.all())


def _guardians(session: Session, persons: Collection[Person]) -> dict[int, list[Person]]:
    by_id = {person.id: person for person in persons}
    day, found = today(session), dict[int, list[Person]]()
    for child_id, guardian in session.execute(
        select(Guardianship.child_id, Person)
        .join(Person, Guardianship.guardian_id == Person.id)
        .where(Guardianship.child_id.in_(by_id), Guardianship.ended_on.is_(None))
        .order_by(Person.id)
    ):
        child = by_id[child_id]
        if guardian_tasks(child, guardian, day, policy_of(child.region).section(ActingPolicy)):
            found.setdefault(child_id, []).append(guardian)
    return found


def _lock(session: Session, *which: ColumnElement[bool]) -> RecallRecipient:
    recipient = session.scalar(
        select(RecallRecipient)
        .join(RecallRecipient.recall)
        .where(*which)
        .with_for_update(of=RecallRecipient)
        .execution_options(populate_existing=True)
    )
    if recipient is None:
        raise NotFound
    return recipient


def _answer(session: Session, identity: Identity, recipient: RecallRecipient, answer: RecallAnswer) -> None:
    if recipient.acknowledged_at is not None:
        return
    recipient.acknowledged_at, recipient.answer = now(session), answer
    recipient.acknowledged_by_person_id, recipient.acknowledged_by_staff_id = identity.person_id, identity.staff_id
    recall = session.get_one(Recall, recipient.recall_id)
    _record(session, identity, recipient, recall.recall_no, "recall.acknowledged")


def _record(session: Session, identity: Identity, recipient: RecallRecipient, recall_no: str, action: str) -> None:
    record(session, identity.actor, action, subject_person_id=recipient.person_id, object_ref=f"recall:{recall_no}")
