"""The writes of ordering: placing orders. Lock → check → build → record; the caller commits.

Lock order everywhere: person, prescription items (by id), order rows (by id), then what delivery owns.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session
from stdnum import luhn

from auth.identity import Identity
from auth.models import Person
from auth.permissions import Permission, require
from core import idempotency
from core.clock import now, today
from core.errors import NotPermitted
from core.policy import policy_of
from core.workdays import add_working_days
from orders import rules
from orders.addresses import is_registered_place
from orders.announcing import announce_order
from orders.delivery_plans import PlannedDelivery, delivery_choice_of, plan_deliveries
from orders.errors import LineProblem, NothingChosen, OrderRefused, RegisteredElsewhere
from orders.locking import Locked as Locked, lock_items, lock_person as lock_person
from orders.models import (
    ORDER_NO_SEQUENCE,
    Channel,
    DeliveryChoice,
    Order,
    OrderRow,
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
    # How long the key stands for this order; for good when nothing is said.
    key_lasts: timedelta | None = None


def place_order(session: Session, identity: Identity, command: PlaceOrder, *, locked: Locked | None = None) -> Order:
    """Place the order of the identity's subject, or return the one that the same key already placed.

    Locks the person and the prescription items (in id order) unless the caller has, decides every line anew (handbook §3.1), and writes
    order, withdrawals, rows, a delivery choice per delivery, access log, outbox and inbox. Raises NotPermitted, NothingChosen,
    OrderRefused naming every refused line, DeliveryRefused naming every refused wish, or RegisteredElsewhere where a source takes the
    orders.
    """
    if source_of(identity.region).lives_elsewhere:
        raise RegisteredElsewhere
    placed = _build(session, identity, command, Registration.HERE, locked)
    if placed.is_first:
        announce_order(session, identity, placed.order)
    return placed.order


@dataclass(frozen=True)
class Placed:
    """An order that was written, or had been by the same key."""

    order: Order
    is_first: bool


def write_order(
    session: Session,
    identity: Identity,
    command: PlaceOrder,
    registration: Registration = Registration.HERE,
    *,
    locked: Locked | None = None,
) -> Placed:
    """Write an order as `place_order` does, and tell nobody of it."""
    placed = _build(session, identity, command, registration, locked)
    session.flush()
    return placed


def _build(
    session: Session, identity: Identity, command: PlaceOrder, registration: Registration, locked: Locked | None
) -> Placed:
    """Decide, and add everything to the session: written in one flush, the rows of each table go in one statement."""
    require(identity, Permission.PLACE_ORDER)
    person = locked.person if locked is not None else lock_person(session, identity.subject_person_id)
    if person.id != identity.subject_person_id:
        raise NotPermitted
    order_no = next_order_no(session)
    spent = idempotency.spend(
        session,
        ORDER_KEYS,
        key_owner(identity, person.id),
        command.idempotency_key,
        result_ref=order_no,
        lasts=command.key_lasts,
    )
    if not spent.is_first:
        earlier = session.scalars(select(Order).where(Order.order_no == spent.earlier_result)).one()
        return Placed(earlier, is_first=False)
    if not command.lines:
        raise NothingChosen
    wanted = [line.prescription_item_id for line in command.lines]
    items = (locked or lock_items(session, person, wanted)).items
    if len(set(wanted)) != len(wanted) or not items.keys() >= set(wanted):
        raise NotPermitted
    _check_lines(session, identity, person, items, command.lines)

    planned = plan_deliveries(
        session,
        person,
        {item_id: items[item_id] for item_id in sorted(wanted)},
        command.deliveries,
        {line.prescription_item_id: line.delivery for line in command.lines},
    )

    order = _build_order(
        session, identity, person, Channel.PHONE if identity.is_staff else command.channel, order_no, registration
    )
    if command.channel is Channel.CONTRACT_1177:
        order.orderer_name = "" if person.is_protected else command.orderer
        order.by_delegate = command.by_delegate
    choices = dict[int, DeliveryChoice]()
    for delivery in planned:
        choice = delivery_choice_of(person, delivery)
        choice.order = order
        choices |= dict.fromkeys(delivery.item_ids, choice)
    session.add(order)
    session.add_all(dict.fromkeys(choices.values()))
    for line in command.lines:
        item = items[line.prescription_item_id]
        _withdraw(session, order, person, choices[item.id], item, line)
    _remember_door_code(person, planned)
    return Placed(order, is_first=True)


def key_owner(identity: Identity, person_id: int) -> str:
    """Return whose a form's key is: one person's or employee's, for one patient."""
    who = f"staff:{identity.staff_id}" if identity.is_staff else f"person:{identity.person_id}"
    return f"{who}:{person_id}"


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
    """Write an order with the next number and the promised day (handbook §5), recording who ordered."""
    order = _build_order(session, identity, person, channel, next_order_no(session))
    session.add(order)
    session.flush()
    return order


def _build_order(
    session: Session,
    identity: Identity,
    person: Person,
    channel: Channel,
    order_no: str,
    registration: Registration = Registration.HERE,
) -> Order:
    policy = policy_of(person.region).section(OrderingPolicy)
    return Order(
        order_no=order_no,
        region=person.region,
        person_id=person.id,
        person=person,
        placed_at=now(session),
        channel=channel,
        orderer_person_id=identity.person_id,
        orderer_staff_id=identity.staff_id,
        orderer_name="" if person.is_protected else identity.label,
        by_delegate=identity.acts_for_another,
        promised_date=add_working_days(today(session), policy.promise_working_days),
        registration=registration,
    )


def _withdraw(
    session: Session, order: Order, person: Person, choice: DeliveryChoice, item: PrescriptionItem, line: OrderLine
) -> None:
    day = today(session)
    withdrawal = Withdrawal(
        order=order,
        prescription_item=item,
        packages=sum(line.packages.values()),
        limit_packages=item.packages_per_order,
        withdrawn_on=day,
    )
    session.add(withdrawal)
    payer = payer_of(person, item.prescription.prescribing_unit, day)
    articles = {article.id: article for article in (item.article, *item.sub_articles)}
    session.add_all(
        OrderRow(
            order=order,
            delivery_choice=choice,
            withdrawal=withdrawal,
            article=articles[article_id],
            packages=packages,
            status_at=now(session),
            payer=payer.kind,
            payer_ref=payer.ref,
            package_price=articles[article_id].price,
        )
        for article_id, packages in sorted(line.packages.items())
        if packages
    )
    item.orders_used_here += 1
    item.orders_remaining -= 1
    item.next_earliest_order_date = rules.next_earliest_date(
        item.source_next_earliest_date,
        day,
        item.days_per_order,
        policy_of(person.region).section(OrderingPolicy).reorder_days_before_empty,
    )


def _remember_door_code(person: Person, planned: Iterable[PlannedDelivery]) -> None:
    for delivery in planned:
        address = delivery.wish.address
        if address is not None and not delivery.is_protected:
            person.door_code_asked = True
            # The code of somewhere else does not open the door at home.
            if is_registered_place(person, address):
                person.door_code = address.door_code
