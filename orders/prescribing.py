"""What a prescriber writes: a new prescription, more of one, and its end. Lock → check → build → record; the caller commits.

Locks are taken in the order person, prescription item, order rows, renewal request; whoever locks a request holds its person.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from uuid import uuid4

from sqlalchemy.orm import Session

from auth.identity import Identity
from auth.models import Person, StaffMember, Unit
from auth.permissions import Permission, require
from auth.persons import post_message
from core import idempotency
from core.audit import record
from core.clock import now, today
from core.errors import NotFound
from core.policy import policy_of
from orders import prescription_rules as rules
from orders.kinds import OWN_SOURCE, PrescriptionStatus, RenewalStatus
from orders.models import Article, Prescription, PrescriptionItem
from orders.policy import PrescribingPolicy
from orders.prescribing_errors import PrescriptionRefused, ReasonMissing
from orders.prescribing_facts import (
    alternatives_of_region,
    article_facts,
    article_to_prescribe,
    extension_facts,
    is_kept_elsewhere,
    patient_facts,
    sub_articles_of,
)
from orders.renewal_requests import readers_of, settle, settle_those_met_by
from orders.rules import orders_remaining
from orders.services import lock_person
from orders.stopping import stop_item
from orders.unit_access import lock_item_of_unit, reason_to_open


@dataclass(frozen=True)
class Prescribe:
    """A new prescription of one article.

    No `sub_article_ids` means every orderable one; `first_order_date` None means at once. The confirmations answer NO_MATCHING_METER and
    ALREADY_PRESCRIBED.
    """

    person_id: int
    article_id: int
    packages_per_order: int
    orders_allowed: int
    days_per_order: int
    last_valid_date: date
    idempotency_key: str
    sub_article_ids: tuple[int, ...] = ()
    first_order_date: date | None = None
    allow_other_invoice_address: bool = False
    home_region_agreed: bool = False
    confirmed_meter: bool = False
    confirmed_second: bool = False


@dataclass(frozen=True)
class ExtendItem:
    """More withdrawals, a later last day, the home region's yes, or any of them together."""

    item_id: int
    idempotency_key: str
    more_orders: int = 0
    last_valid_date: date | None = None
    home_region_agreed: bool = False


@dataclass(frozen=True)
class StopItem:
    """The end of a prescription item, with the reason that goes into the access log."""

    item_id: int
    reason: str


def prescribe(session: Session, identity: Identity, command: Prescribe) -> PrescriptionItem:
    """Prescribe an article to a patient of the unit, or to one found in the region with a reason; the same key prescribes once.

    Locks the person. Raises NotPermitted, NotFound (also for somebody who was not found first), PrescriptionRefused. Open requests that
    it meets are answered; the patient is told.
    """
    require(identity, Permission.PRESCRIBE)
    person = lock_person_here(session, identity, command.person_id)
    reason = reason_to_open(session, identity, person.id)
    spent = idempotency.spend(session, "prescribe", f"staff:{identity.staff_id}:{person.id}", command.idempotency_key)
    if not spent.is_first:
        return session.get_one(PrescriptionItem, int(spent.earlier_result or 0))
    item = prescribe_to_locked(session, identity, person, command, reason=reason)
    spent.settle(session, str(item.id))
    if not settle_those_met_by(session, identity, item):
        _tell(session, person, item, "prescription.new")
    return item


def prescribe_to_locked(
    session: Session, identity: Identity, person: Person, command: Prescribe, *, reason: str = ""
) -> PrescriptionItem:
    """Prescribe to a person whom the caller has locked and may prescribe to; raise NotFound or PrescriptionRefused, tell nobody."""
    article = article_to_prescribe(session, identity.region, command.article_id)
    unit = session.get_one(Unit, identity.unit_id)
    _check(session, person, unit, article, command)
    staff = session.get_one(StaffMember, identity.staff_id)
    prescription = Prescription(
        region=identity.region,
        source=OWN_SOURCE,
        external_id=uuid4().hex,
        person_id=person.id,
        unit_id=unit.id,
        prescriber_id=staff.hsa_id,
        prescriber_name=staff.name,
        prescribing_unit=unit,
    )
    item = PrescriptionItem(
        prescription=prescription,
        external_id="1",
        article=article,
        orders_allowed=command.orders_allowed,
        orders_remaining=command.orders_allowed,
        packages_per_order=command.packages_per_order,
        pieces_per_order=command.packages_per_order * article.package_size,
        days_per_order=command.days_per_order,
        source_next_earliest_date=command.first_order_date,
        next_earliest_order_date=command.first_order_date,
        last_valid_date=command.last_valid_date,
        allow_other_invoice_address=command.allow_other_invoice_address,
        home_region_agreed=command.home_region_agreed,
        imported_at=now(session),
        sub_articles=sub_articles_of(session, article, command.sub_article_ids),
        delivery_alternatives=alternatives_of_region(person.region),
    )
    session.add_all((prescription, item))
    session.flush()
    _record(session, identity, item, "prescription.made", reason)
    return item


def _check(session: Session, person: Person, unit: Unit, article: Article, command: Prescribe) -> None:
    day, policy = today(session), policy_of(person.region).section(PrescribingPolicy)
    terms = rules.Terms(
        command.packages_per_order,
        command.orders_allowed,
        command.days_per_order,
        command.last_valid_date,
        command.first_order_date,
    )
    patient = patient_facts(session, person, unit, article)
    problems = rules.check_patient(patient) or (
        *rules.check_article(article_facts(session, article), command.sub_article_ids, patient),
        *rules.check_terms(terms, article.kind, policy, day),
    )
    confirmed = {
        rules.ProblemKind.NO_MATCHING_METER: command.confirmed_meter,
        rules.ProblemKind.ALREADY_PRESCRIBED: command.confirmed_second,
    }
    if left := tuple(problem for problem in problems if not confirmed.get(problem.kind, False)):
        raise PrescriptionRefused(left)


def extend_item(session: Session, identity: Identity, command: ExtendItem) -> PrescriptionItem:
    """Add withdrawals or time to an item of the unit, imported or made here; the same key extends once (handbook §3.4).

    Locks the person and the item. Raises NotPermitted, NotFound, PrescriptionRefused. An open request for it is answered; the patient
    is told.
    """
    require(identity, Permission.PRESCRIBE)
    item = lock_item_of_unit(session, identity, command.item_id)
    person = item.prescription.person
    spent = idempotency.spend(session, "extend", f"staff:{identity.staff_id}:{item.id}", command.idempotency_key)
    if not spent.is_first:
        return item
    extend_locked(session, identity, item, command)
    spent.settle(session, str(item.id))
    if not settle_those_met_by(session, identity, item):
        _tell(session, person, item, "prescription.extended")
    return item


def extend_locked(session: Session, identity: Identity, item: PrescriptionItem, command: ExtendItem) -> None:
    """Extend an item whose person and self the caller has locked; raise PrescriptionRefused, tell nobody."""
    person = item.prescription.person
    policy = policy_of(person.region).section(PrescribingPolicy)
    wanted = rules.Extension(command.more_orders, command.last_valid_date, command.home_region_agreed)
    patient = patient_facts(session, person, item.prescription.prescribing_unit, None)
    facts = extension_facts(item, today(session))
    if problems := rules.check_patient(patient) or rules.check_extension(facts, wanted, policy, today(session)):
        raise PrescriptionRefused(problems)
    item.orders_added += wanted.more_orders
    item.orders_allowed += wanted.more_orders
    item.orders_remaining = orders_remaining(item.orders_allowed, item.orders_used_here, item.orders_used_elsewhere)
    if wanted.last_valid_date is not None:
        item.extended_until = item.last_valid_date = wanted.last_valid_date
    if wanted.more_orders or wanted.last_valid_date is not None:
        item.status, item.ended_on = PrescriptionStatus.ACTIVE, None
    item.home_region_agreed |= wanted.home_region_agreed
    session.flush()
    _record(session, identity, item, "prescription.extended")


def stop_by_prescriber(session: Session, identity: Identity, command: StopItem) -> PrescriptionItem:
    """Stop an item of the unit for good: no later file brings it back; what nobody has begun to pick is cancelled (handbook §3.3).

    Locks the person, the item and the rows that it stops. Raises NotPermitted, NotFound, ReasonMissing, PrescriptionRefused for what
    another system has. Stopping twice changes nothing. An open request for it is closed, and the patient is told of the stop alone.
    """
    require(identity, Permission.PRESCRIBE)
    reason = command.reason.replace("\x00", "").strip()
    if not reason:
        raise ReasonMissing
    item = lock_item_of_unit(session, identity, command.item_id)
    if item.stopped_at is not None:
        return item
    if is_kept_elsewhere(item):
        raise PrescriptionRefused((rules.Problem(rules.ProblemKind.KEPT_ELSEWHERE),))
    was_cancelled = item.status is PrescriptionStatus.CANCELLED
    item.status, item.stopped_at = PrescriptionStatus.CANCELLED, now(session)
    item.ended_on = item.ended_on or min(today(session), item.last_valid_date)
    session.flush()
    stop_item(session, identity, item)
    settle(session, identity, item, RenewalStatus.DECLINED, tells=False)
    _record(session, identity, item, "prescription.stopped", reason)
    if not was_cancelled:
        _tell(session, item.prescription.person, item, "prescription.stopped")
    return item


def lock_person_here(session: Session, identity: Identity, person_id: int) -> Person:
    """Lock a person of the identity's region; raise NotFound."""
    person = lock_person(session, person_id)
    if person.region != identity.region:
        raise NotFound
    return person


def _record(session: Session, identity: Identity, item: PrescriptionItem, action: str, reason: str = "") -> None:
    record(
        session,
        identity.actor,
        action,
        subject_person_id=item.prescription.person_id,
        object_ref=f"prescription-item:{item.id}",
        reason=reason,
    )


def _tell(session: Session, person: Person, item: PrescriptionItem, kind: str) -> None:
    for reader in readers_of(session, person):
        post_message(
            session,
            reader,
            person.id,
            kind,
            article=item.article.display_name,
            until=item.last_valid_date.isoformat(),
        )
