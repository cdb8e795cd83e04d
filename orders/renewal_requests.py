"""Closing requests to renew, and telling those who asked. The caller holds the lock of the person whom the request is about."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.orm import Session, contains_eager

from auth.identity import Identity, Role
from auth.models import Commission, Person
from auth.permissions import Permission, permits
from auth.persons import post_message
from auth.relations import guardians_of, identity_for, subjects_of
from core.audit import record
from core.clock import now
from orders.kinds import RenewalStatus
from orders.models import Article, Prescription, PrescriptionItem
from orders.prescribing_facts import is_kept_elsewhere, same_product
from orders.renewal_models import RenewalRequest
from orders.source.policy import source_of


def settle(
    session: Session, identity: Identity, item: PrescriptionItem, status: RenewalStatus, *, tells: bool = True
) -> None:
    """Answer the open request for an item, if there is one; locks it."""
    for request in _lock_open(session, RenewalRequest.prescription_item_id == item.id):
        close(session, identity, request, item, status, tells=tells)


def settle_those_met_by(session: Session, identity: Identity, item: PrescriptionItem) -> bool:
    """Answer with yes the unit's open requests that a prescribed or extended item meets; True when there was one.

    Met are requests for the item, for the same product, and for one whose successor it is. Locks them in id order.
    """
    met = (
        (Prescription.person_id == item.prescription.person_id)
        & (Prescription.unit_id == identity.unit_id)
        & or_(PrescriptionItem.id == item.id, same_product(item.article), Article.successor_id == item.article_id)
    )
    requests = _lock_open(session, met)
    for request in requests:
        close(session, identity, request, item, RenewalStatus.RENEWED)
    return bool(requests)


def _lock_open(session: Session, chosen: ColumnElement[bool]) -> list[RenewalRequest]:
    return list(
        session.scalars(
            select(RenewalRequest)
            .join(RenewalRequest.item)
            .join(PrescriptionItem.prescription)
            .join(PrescriptionItem.article)
            .where(chosen, RenewalRequest.status == RenewalStatus.OPEN)
            .options(contains_eager(RenewalRequest.item).contains_eager(PrescriptionItem.prescription))
            .order_by(RenewalRequest.id)
            .with_for_update(of=RenewalRequest)
            .execution_options(populate_existing=True)
        )
    )


def close(
    session: Session,
    identity: Identity,
    request: RenewalRequest,
    item: PrescriptionItem,
    status: RenewalStatus,
    answer: str = "",
    *,
    tells: bool = True,
) -> None:
    """Write the answer on a locked request, in the access log, and into the inboxes of those it concerns.

    `item` is what was asked for or what came of it.
    """
    request.status, request.answer = status, answer
    request.answered_at, request.answered_by_staff_id = now(session), identity.staff_id
    if identity.unit_id is not None:
        # A request follows its item to another unit; in the end it names who answered.
        request.unit_id = identity.unit_id
    session.flush()
    record(
        session,
        identity.actor,
        "renewal.renewed" if status is RenewalStatus.RENEWED else "renewal.declined",
        subject_person_id=request.person_id,
        object_ref=f"prescription-item:{item.id}",
        reason=answer,
    )
    if not tells:
        return
    article = item.article.display_name
    # When it ends is known here only once it has been read again.
    ends = {} if is_kept_elsewhere(item) else {"until": item.last_valid_date.isoformat()}
    for receiver in receivers_of(session, request):
        if status is RenewalStatus.RENEWED:
            post_message(session, receiver, request.person_id, "renewal.renewed", article=article, **ends)
        else:
            post_message(session, receiver, request.person_id, "renewal.declined", article=article, answer=answer)


def units_that_answer(session: Session, region: str, unit_ids: Collection[int]) -> frozenset[int]:
    """Return the units that a question reaches; a unit known only from a source elsewhere has nobody here who would read it.

    One statement, and none where the prescriptions live here.
    """
    if not source_of(region).lives_elsewhere:
        return frozenset(unit_ids)
    prescribing = select(Commission.unit_id).where(
        Commission.unit_id.in_(unit_ids), Commission.role == Role.PRESCRIBER, Commission.ended_at.is_(None)
    )
    return frozenset(session.scalars(prescribing.distinct()))


def readers_of(session: Session, person: Person) -> list[int]:
    """Return who is told of what a prescriber decides: the patient while alive, and the guardians who may act for them today."""
    if person.deceased_on is not None:
        return []
    return sorted({person.id, *(guardian.id for guardian in guardians_of(session, person))})


def receivers_of(session: Session, request: RenewalRequest) -> list[int]:
    """Return who hears of a request: those told anyway, and who asked for the patient while they may still order for them."""
    person = session.get_one(Person, request.person_id)
    readers, asker_id = readers_of(session, person), request.asked_by_person_id
    if not readers or asker_id is None or asker_id in readers:
        return readers
    asker = session.get_one(Person, asker_id)
    may_still = any(
        subject.person.id == person.id and permits(identity_for(asker, subject), Permission.ASK_TO_RENEW)
        for subject in subjects_of(session, asker)
    )
    return sorted({*readers, asker_id}) if may_still else readers
