"""The writes of ordering: placing orders. Lock → check → build → record; the caller commits.

Lock order everywhere: person, prescription items (by id), order rows (by id), then what delivery owns.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload
from stdnum import luhn

from auth.identity import Identity
from auth.models import Person, Unit
from auth.permissions import Permission, require
from core import idempotency
from core.clock import now, today
from core.errors import NotFound, NotPermitted
from core.policy import policy_of
from core.workdays import add_working_days
from orders import rules
from orders.addresses import is_registered_place
from orders.announcing import announce_order
from orders.delivery_plans import PlannedDelivery, build_delivery_choice, plan_deliveries
from orders.errors import LineProblem, NothingChosen, OrderRefused, RegisteredElsewhere
from orders.models import (
    ORDER_NO_SEQUENCE,
    Article,
    Channel,
    DeliveryChoice,
    Order,
    OrderRow,
    Prescription,
    PrescriptionItem,
    Registration,
    Withdrawal,
)
from orders.payers import payer_of
from orders.policy import OrderingPolicy
from orders.queries import item_facts, order_of_today, orderable_article_ids, person_facts
from orders.source.policy import source_of
from orders.wishes import DeliveryWish

ORDER_KEYS = "order"


@dataclass(frozen=True)
class OrderLine:
    """One withdrawal asked for: packages per article id, and the remaining withdrawals that the page showed; None when none was shown.

    `delivery` is which of the command's wishes it goes by, counted from 0.
    """

    prescription_item_id: int
    packages: Mapping[int, int]
    seen_remaining: int | None
    delivery: int = 0


@dataclass(frozen=True)
class PlaceOrder:
    """Everything that placing an order needs; no wishes for deliveries means each product's usual way, as last time.

    With protected identity wishes are ignored. What staff orders comes in by phone, whatever `channel` says. `orderer` and `by_delegate`
    are what another system says of whom it has logged in; the identity says it of whoever is logged in here.
    """

    lines: tuple[OrderLine, ...]
    deliveries: tuple[DeliveryWish, ...] = ()
    idempotency_key: str = field(kw_only=True)
    channel: Channel = Channel.WEB
    orderer: str = field(default="", repr=False)
    by_delegate: bool = False


def place_order(session: Session, identity: Identity, command: PlaceOrder) -> Order:
    """Place the order of the identity's subject, or return the one that the same key already placed.

    Locks the person and the prescription items (in id order), decides every line anew (handbook §3.1), and writes order,
    withdrawals, rows, a delivery choice per delivery, access log, outbox and inbox. Raises NotPermitted, NothingChosen, OrderRefused
    naming every refused line, DeliveryRefused naming every refused wish, or RegisteredElsewhere where a source takes the orders.
    """
    if source_of(identity.region).lives_elsewhere:
        raise RegisteredElsewhere
    placed = write_order(session, identity, command)
    if placed.is_first:
        announce_order(session, identity, placed.order)
    return placed.order


@dataclass(frozen=True)
class Placed:
    """An order that was written, or had been by the same key."""

    order: Order
    is_first: bool


def write_order(
    session: Session, identity: Identity, command: PlaceOrder, registration: Registration = Registration.HERE
) -> Placed:
    """Write an order as `place_order` does, and tell nobody of it."""
    require(identity, Permission.PLACE_ORDER)
    person = lock_person(session, identity.subject_person_id)
    spent = idempotency.spend(session, ORDER_KEYS, key_owner(identity, person.id), command.idempotency_key)
    if not spent.is_first:
        earlier = session.scalars(select(Order).where(Order.order_no == spent.earlier_result)).one()
        return Placed(earlier, is_first=False)
    if not command.lines:
        raise NothingChosen
    items = _lock_items(session, person, [line.prescription_item_id for line in command.lines])
    _check_lines(session, identity, person, items, command.lines)

    planned = plan_deliveries(
        session, person, items, command.deliveries, {line.prescription_item_id: line.delivery for line in command.lines}
    )

    order = new_order(session, identity, person, Channel.PHONE if identity.is_staff else command.channel)
    if command.channel is Channel.CONTRACT_1177:
        order.orderer_name = "" if person.is_protected else command.orderer
        order.by_delegate = command.by_delegate
    choices = {
        item_id: choice
        for delivery in planned
        for choice in [build_delivery_choice(session, order, person, delivery)]
        for item_id in delivery.item_ids
    }
    policy = policy_of(person.region).section(OrderingPolicy)
    for line in command.lines:
        item = items[line.prescription_item_id]
        _withdraw(session, order, choices[item.id], item, line, policy)
    order.registration = registration
    spent.settle(session, order.order_no)
    _remember_door_code(person, planned)
    return Placed(order, is_first=True)


def key_owner(identity: Identity, person_id: int) -> str:
    """Return whose a form's key is: one person's or employee's, for one patient."""
    who = f"staff:{identity.staff_id}" if identity.is_staff else f"person:{identity.person_id}"
    return f"{who}:{person_id}"


def lock_person(session: Session, person_id: int | None) -> Person:
    """Lock the person, so that one person's orders queue and no change of address, protection or death comes between; raise NotFound.

    Exclusive from the start: a shared lock that is later raised to write the door code would let two orders wait for each other.
    """
    person = session.scalar(
        select(Person)
        .where(Person.id == person_id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )
    if person is None:
        raise NotFound
    return person


def _lock_items(session: Session, person: Person, item_ids: list[int]) -> dict[int, PrescriptionItem]:
    rows = session.scalars(
        select(PrescriptionItem)
        .join(Prescription)
        .where(PrescriptionItem.id.in_(item_ids), Prescription.person_id == person.id)
        .order_by(PrescriptionItem.id)
        .with_for_update(of=PrescriptionItem)
        .execution_options(populate_existing=True)
        .options(
            selectinload(PrescriptionItem.article).selectinload(Article.successor),
            selectinload(PrescriptionItem.sub_articles),
            selectinload(PrescriptionItem.delivery_alternatives),
            selectinload(PrescriptionItem.prescription)
            .selectinload(Prescription.prescribing_unit)
            .selectinload(Unit.adult_unit),
        )
    ).all()
    if len(rows) != len(set(item_ids)) or len(item_ids) != len(set(item_ids)):
        raise NotPermitted
    return {row.id: row for row in rows}


def _check_lines(
    session: Session,
    identity: Identity,
    person: Person,
    items: Mapping[int, PrescriptionItem],
    lines: tuple[OrderLine, ...],
) -> None:
    day = today(session)
    policy = policy_of(person.region).section(OrderingPolicy)
    facts = person_facts(person, policy)
    problems = []
    for line in lines:
        item = items[line.prescription_item_id]
        verdict = rules.decide_withdrawal(
            item_facts(item, person, policy), facts, day, by_customer_service=identity.is_staff
        )
        quantity = rules.check_quantities(line.packages, orderable_article_ids(item), item.packages_per_order)
        changed = line.seen_remaining not in (None, item.orders_remaining)
        if changed or quantity or not verdict.is_allowed:
            problems.append(LineProblem(item.id, None if verdict.is_allowed else verdict, quantity, changed))
    if problems:
        refused = [problem.prescription_item_id for problem in problems]
        raise OrderRefused(tuple(problems), order_of_today(session, refused))


def next_order_no(session: Session) -> str:
    """Return the next order number, with its check digit."""
    number = str(session.scalar(ORDER_NO_SEQUENCE))
    return number + luhn.calc_check_digit(number)


def new_order(session: Session, identity: Identity, person: Person, channel: Channel) -> Order:
    """Build an order with the next number and the promised day (handbook §5), recording who ordered."""
    policy = policy_of(person.region).section(OrderingPolicy)
    order = Order(
        order_no=next_order_no(session),
        region=person.region,
        person_id=person.id,
        placed_at=now(session),
        channel=channel,
        orderer_person_id=identity.person_id,
        orderer_staff_id=identity.staff_id,
        orderer_name="" if person.is_protected else identity.label,
        by_delegate=identity.acts_for_another,
        promised_date=add_working_days(today(session), policy.promise_working_days),
    )
    session.add(order)
    session.flush()
    return order


def _withdraw(
    session: Session,
    order: Order,
    choice: DeliveryChoice,
    item: PrescriptionItem,
    line: OrderLine,
    policy: OrderingPolicy,
) -> None:
    day = today(session)
    withdrawal = Withdrawal(
        order_id=order.id,
        prescription_item_id=item.id,
        packages=sum(line.packages.values()),
        limit_packages=item.packages_per_order,
        withdrawn_on=day,
    )
    session.add(withdrawal)
    session.flush()
    payer = payer_of(order.patient, item.prescription.prescribing_unit, day)
    prices = {article.id: article.price for article in (item.article, *item.sub_articles)}
    session.add_all(
        OrderRow(
            order_id=order.id,
            delivery_choice_id=choice.id,
            withdrawal_id=withdrawal.id,
            article_id=article_id,
            packages=packages,
            status_at=now(session),
            payer=payer.kind,
            payer_ref=payer.ref,
            package_price=prices[article_id],
        )
        for article_id, packages in sorted(line.packages.items())
        if packages
    )
    item.orders_used_here += 1
    item.orders_remaining -= 1
    item.next_earliest_order_date = rules.next_earliest_date(
        item.source_next_earliest_date, day, item.days_per_order, policy.reorder_days_before_empty
    )


def _remember_door_code(person: Person, planned: Iterable[PlannedDelivery]) -> None:
    for delivery in planned:
        address = delivery.wish.address
        if address is not None and not delivery.is_protected:
            person.door_code_asked = True
            # The code of somewhere else does not open the door at home.
            if is_registered_place(person, address):
                person.door_code = address.door_code
