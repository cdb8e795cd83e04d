"""Asking one's unit to renew a prescription item, and the unit's answer. Lock → check → build → record; the caller commits.

Locks are taken in the order person, prescription item, renewal request.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from auth.identity import Identity
from auth.models import Person, StaffMember
from auth.permissions import Permission, require
from auth.persons import post_message
from core import idempotency
from core.audit import record
from core.clock import now, today
from core.errors import NotFound
from core.policy import policy_of
from orders import rules
from orders.kinds import RenewalStatus
from orders.models import Prescription, PrescriptionItem
from orders.policy import OrderingPolicy, PrescribingPolicy
from orders.prescribing import ExtendItem, Prescribe, extend_locked, prescribe_to_locked
from orders.prescribing_errors import AlreadyAnswered, MayNotAskToRenew, PrescriptionRefused, ReasonMissing
from orders.prescribing_facts import is_kept_elsewhere
from orders.prescription_rules import Problem, ProblemKind
from orders.queries import item_facts, person_facts
from orders.renewal_models import RenewalRequest
from orders.renewal_requests import close, receivers_of, units_that_answer
from orders.services import lock_person
from orders.unit_access import lock_item_of_unit

MOST_CHARACTERS = 500


@dataclass(frozen=True)
class AskToRenew:
    """Which item to ask for, and what the patient wants to say about it."""

    item_id: int
    note: str
    idempotency_key: str


@dataclass(frozen=True)
class Decline:
    """A no, with the reason that the patient reads."""

    reason: str


@dataclass(frozen=True)
class RenewedElsewhere:
    """A yes: the unit has renewed it in the system that has the region's prescriptions."""


@dataclass(frozen=True)
class AnswerRenewal:
    """The unit's answer: more of the same item, another prescription (a successor, say), or a no.

    Of an ExtendItem the item's id is not used, of a Prescribe the person's, and no key of either: the request says whose and which it is,
    and is answered once.
    """

    request_id: int
    decision: ExtendItem | Prescribe | RenewedElsewhere | Decline


def ask_to_renew(session: Session, identity: Identity, command: AskToRenew) -> RenewalRequest:
    """Ask the item's unit to renew it, or return the open request for it; the same key asks once.

    Locks the person and the item. Raises NotPermitted, NotFound, or MayNotAskToRenew with the verdict when a renewal would not help
    or nobody at the unit would read the question here.
    """
    require(identity, Permission.ASK_TO_RENEW)
    person = lock_person(session, identity.subject_person_id)
    item = _lock_item(session, person, command.item_id)
    owner = f"staff:{identity.staff_id}" if identity.is_staff else f"person:{identity.person_id}"
    spent = idempotency.spend(session, "renewal", f"{owner}:{item.id}", command.idempotency_key)
    if not spent.is_first:
        return session.get_one(RenewalRequest, int(spent.earlier_result or 0))
    request = session.scalar(
        select(RenewalRequest).where(
            RenewalRequest.prescription_item_id == item.id, RenewalRequest.status == RenewalStatus.OPEN
        )
    )
    if request is None:
        request = _new_request(session, identity, person, item, command.note)
    spent.settle(session, str(request.id))
    return request


def _lock_item(session: Session, person: Person, item_id: int) -> PrescriptionItem:
    item = session.scalar(
        select(PrescriptionItem)
        .join(Prescription)
        .where(PrescriptionItem.id == item_id, Prescription.person_id == person.id)
        .with_for_update(of=PrescriptionItem)
        .execution_options(populate_existing=True)
    )
    if item is None:
        raise NotFound
    return item


def _new_request(
    session: Session, identity: Identity, person: Person, item: PrescriptionItem, note: str
) -> RenewalRequest:
    verdict = verdict_of(session, item, person)
    policy = policy_of(person.region).section(PrescribingPolicy)
    unit_id = item.prescription.unit_id
    is_heard = unit_id in units_that_answer(session, person.region, [unit_id])
    if not is_heard or not rules.may_ask_to_renew(
        verdict, item.last_valid_date, today(session), policy.tell_days_before_end
    ):
        raise MayNotAskToRenew(verdict)
    request = RenewalRequest(
        region=person.region,
        prescription_item_id=item.id,
        person_id=person.id,
        unit_id=item.prescription.unit_id,
        note=_text(note),
        asked_at=now(session),
        asked_by_person_id=identity.person_id,
        asked_by_staff_id=identity.staff_id,
    )
    session.add(request)
    session.flush()
    record(
        session,
        identity.actor,
        "renewal.asked",
        subject_person_id=person.id,
        object_ref=f"prescription-item:{item.id}",
    )
    for receiver in receivers_of(session, request):
        post_message(
            session,
            receiver,
            person.id,
            "renewal.asked",
            article=item.article.display_name,
            unit=item.prescription.prescribing_unit.name,
        )
    return request


def verdict_of(session: Session, item: PrescriptionItem, person: Person) -> rules.Verdict:
    """Decide as for the patient on the web, whoever asks: what only customer service can order still needs no renewal."""
    policy = policy_of(person.region).section(OrderingPolicy)
    return rules.decide_withdrawal(item_facts(item, person, policy), person_facts(person, policy), today(session))


def answer_renewal(session: Session, identity: Identity, command: AnswerRenewal) -> PrescriptionItem:
    """Answer a request of the unit that the item belongs to now; return what was renewed or declined.

    Locks the person, the item and the request. Raises NotPermitted, NotFound, AlreadyAnswered, ReasonMissing, PrescriptionRefused. Two
    answers at once: the first stands, the second is told who gave it. The patient and who asked are told.
    """
    require(identity, Permission.PRESCRIBE)
    item_id = session.scalar(
        select(RenewalRequest.prescription_item_id).where(
            RenewalRequest.id == command.request_id, RenewalRequest.region == identity.region
        )
    )
    if item_id is None:
        raise NotFound
    item = lock_item_of_unit(session, identity, item_id)
    request = session.scalars(
        select(RenewalRequest)
        .where(RenewalRequest.id == command.request_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one()
    if request.status is not RenewalStatus.OPEN:
        raise _already_answered(session, request)
    match command.decision:
        case Decline(reason):
            answer = _text(reason)
            if not answer:
                raise ReasonMissing
            close(session, identity, request, item, RenewalStatus.DECLINED, answer)
            return item
        case RenewedElsewhere():
            if not is_kept_elsewhere(item):
                raise PrescriptionRefused((Problem(ProblemKind.NOTHING_CHANGES),))
            renewed = item
        case ExtendItem() as terms:
            extend_locked(session, identity, item, terms)
            renewed = item
        case Prescribe() as terms:
            renewed = prescribe_to_locked(session, identity, item.prescription.person, terms)
    close(session, identity, request, renewed, RenewalStatus.RENEWED)
    return renewed


def _already_answered(session: Session, request: RenewalRequest) -> AlreadyAnswered:
    assert request.answered_at is not None
    by = session.get(StaffMember, request.answered_by_staff_id) if request.answered_by_staff_id else None
    return AlreadyAnswered(request.status, request.answered_at, by.name if by else "")


def open_requests_of(session: Session, item_ids: Collection[int]) -> dict[int, RenewalRequest]:
    """Return the open request of each item that has one, for pages that have logged the look; one statement."""
    found = session.scalars(
        select(RenewalRequest).where(
            RenewalRequest.prescription_item_id.in_(item_ids), RenewalRequest.status == RenewalStatus.OPEN
        )
    )
    return {request.prescription_item_id: request for request in found}


def _text(text: str) -> str:
    return text.replace("\x00", "").strip()[:MOST_CHARACTERS]
