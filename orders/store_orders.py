"""A unit orders for its own store, at its own cost centre. Lock → check → build → record; the caller commits. Handbook §§6 and 8.

Lock order: the unit, then the order's rows (by id).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from sqlalchemy import select
from sqlalchemy.orm import Session

from auth.identity import Identity
from auth.models import Unit
from auth.permissions import Permission, require
from core import idempotency
from core.audit import record
from core.clock import now, today
from core.errors import DomainError, NotFound
from core.outbox import publish
from core.policy import policy_of
from core.workdays import add_working_days
from orders.cancelling import lock_rows
from orders.delivery_plans import unit_delivery_choice
from orders.errors import NothingChosen, TooLateToCancel
from orders.models import Channel, Order, OrderRow, PayerKind, RowKind, RowStatus
from orders.policy import OrderingPolicy
from orders.services import next_order_no
from orders.store_queries import facts_of, storable
from orders.store_rules import MOST_LINES, StoreProblem, judge_line


class NoStore(DomainError):
    """The unit has no cost centre for a store, or no address to send to: it can order nothing for itself."""


class TooManyLines(DomainError):
    """An order of more articles than a store order may have."""


class StoreOrderRefused(DomainError):
    """All or nothing: every refused line is named, by article id. Nothing was ordered."""

    def __init__(self, problems: Mapping[int, StoreProblem]) -> None:
        super().__init__(f"{len(problems)} lines refused")
        self.problems = problems


@dataclass(frozen=True)
class PlaceStoreOrder:
    """Packages by article id, and the form's key."""

    packages: Mapping[int, int]
    idempotency_key: str = field(kw_only=True)


def place_store_order(session: Session, identity: Identity, command: PlaceStoreOrder) -> Order:
    """Order for the store of the identity's unit, or return the order that the same key already placed.

    Locks the unit, so that its cost centre and address are those of this moment. Writes order, rows, delivery, access log and outbox;
    nobody's data is in it. Raises NotPermitted, NothingChosen, NoStore, TooManyLines, or StoreOrderRefused naming every refused line.
    """
    require(identity, Permission.ORDER_FOR_STORE)
    unit = _lock_unit(session, identity)
    spent = idempotency.spend(session, "store-order", f"unit:{unit.id}", command.idempotency_key)
    if not spent.is_first:
        return session.scalars(select(Order).where(Order.order_no == spent.earlier_result)).one()
    if not command.packages:
        raise NothingChosen
    if not may_have_store(unit):
        raise NoStore
    if len(command.packages) > MOST_LINES:
        raise TooManyLines
    articles = {article.id: article for article in storable(session, identity, command.packages)}
    problems = {
        article_id: problem
        for article_id, packages in command.packages.items()
        if (problem := judge_line(facts_of(articles.get(article_id)), packages)) is not None
    }
    if problems:
        raise StoreOrderRefused(problems)
    order = _build(session, identity, unit)
    choice = unit_delivery_choice(order, unit, identity.label[:100])
    session.add(choice)
    session.flush()
    session.add_all(
        OrderRow(
            order_id=order.id,
            delivery_choice_id=choice.id,
            article_id=article_id,
            kind=RowKind.STORE,
            packages=packages,
            status_at=now(session),
            payer=PayerKind.UNIT_STORE,
            payer_ref=unit.store_cost_centre,
            package_price=articles[article_id].price,
        )
        for article_id, packages in sorted(command.packages.items())
    )
    session.flush()
    spent.settle(session, order.order_no)
    _record(session, identity, order, "store.ordered")
    publish(session, "order.placed", order_id=order.id)
    return order


def cancel_store_order(session: Session, identity: Identity, order_no: str) -> Order:
    """Cancel an order for the unit's store that nobody has begun to pick; cancelling twice changes nothing.

    Locks the unit, then the rows. Raises NotPermitted, NotFound, TooLateToCancel.
    """
    require(identity, Permission.ORDER_FOR_STORE)
    unit = _lock_unit(session, identity)
    order = session.scalar(select(Order).where(Order.order_no == order_no, Order.unit_id == unit.id))
    if order is None:
        raise NotFound
    rows = [row for row in lock_rows(session, order.id) if row.status is not RowStatus.CANCELLED]
    if not rows:
        return order
    if any(row.status is not RowStatus.RECEIVED for row in rows):
        raise TooLateToCancel
    for row in rows:
        row.status, row.status_at = RowStatus.CANCELLED, now(session)
    _record(session, identity, order, "store.cancelled")
    publish(session, "order.cancelled", order_id=order.id)
    return order


def may_have_store(unit: Unit) -> bool:
    """Whether the unit can order for itself: somebody pays, and there is somewhere to send it."""
    return bool(unit.store_cost_centre and unit.street and unit.postal_code)


def _lock_unit(session: Session, identity: Identity) -> Unit:
    unit = session.scalar(
        select(Unit)
        .where(Unit.id == identity.unit_id, Unit.region == identity.region)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )
    if unit is None:
        raise NotFound
    return unit


def _build(session: Session, identity: Identity, unit: Unit) -> Order:
    policy = policy_of(unit.region).section(OrderingPolicy)
    order = Order(
        order_no=next_order_no(session),
        region=unit.region,
        unit_id=unit.id,
        placed_at=now(session),
        channel=Channel.UNIT,
        orderer_staff_id=identity.staff_id,
        orderer_name=identity.label,
        promised_date=add_working_days(today(session), policy.promise_working_days),
    )
    session.add(order)
    session.flush()
    return order


def _record(session: Session, identity: Identity, order: Order, action: str) -> None:
    record(session, identity.actor, action, subject_person_id=None, object_ref=f"order:{order.order_no}")
