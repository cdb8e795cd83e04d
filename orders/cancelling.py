"""Cancelling an order that nobody has begun to pick. Lock → check → build → record; the caller commits."""

from __future__ import annotations

from datetime import date

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from auth.identity import Identity
from auth.permissions import Permission, require
from core import idempotency
from core.audit import record
from core.clock import now
from core.errors import NotFound
from core.outbox import publish
from core.policy import policy_of
from orders import rules
from orders.errors import RegisteredElsewhere, TooLateToCancel
from orders.models import Channel, Order, OrderRow, PrescriptionItem, RowStatus, Withdrawal
from orders.policy import OrderingPolicy
from orders.services import ORDER_KEYS, lock_person


def cancel_order(session: Session, identity: Identity, order_no: str) -> Order:
    """Cancel an order that nobody has begun to pick, and give its withdrawals back.

    Locks the person, the prescription items (in id order), then the rows. Raises NotPermitted, NotFound, RegisteredElsewhere,
    TooLateToCancel. Cancelling twice changes nothing.
    """
    require(identity, Permission.CANCEL_ORDER)
    order = session.scalar(
        select(Order).where(Order.order_no == order_no, Order.person_id == identity.subject_person_id)
    )
    if order is None:
        raise NotFound
    if not order.is_ours:
        raise RegisteredElsewhere
    lock_person(session, order.person_id)
    items = session.scalars(
        select(PrescriptionItem)
        .join(Withdrawal, Withdrawal.prescription_item_id == PrescriptionItem.id)
        # What a change has left out has been given back already.
        .where(Withdrawal.order_id == order.id, Withdrawal.cancelled_at.is_(None))
        .order_by(PrescriptionItem.id)
        .with_for_update(of=PrescriptionItem)
        .execution_options(populate_existing=True)
    ).all()
    rows = [row for row in lock_rows(session, order.id) if row.status is not RowStatus.CANCELLED]
    if not rows:
        return order
    if any(row.status is not RowStatus.RECEIVED for row in rows):
        raise TooLateToCancel
    instant = now(session)
    for row in rows:
        row.status, row.status_at = RowStatus.CANCELLED, instant
    for item in items:
        give_back(session, order, item)
    record(
        session, identity.actor, "order.cancelled", subject_person_id=order.person_id, object_ref=f"order:{order_no}"
    )
    publish(session, "order.cancelled", order_id=order.id)
    if order.channel is Channel.CONTRACT_1177:
        # The same order asked for anew is meant: a client's retry would otherwise be answered with an order without rows.
        idempotency.forget(session, ORDER_KEYS, order.order_no)
    return order


def lock_rows(session: Session, order_id: int) -> list[OrderRow]:
    """Lock and return an order's rows in id order."""
    return list(
        session.scalars(
            select(OrderRow)
            .where(OrderRow.order_id == order_id)
            .order_by(OrderRow.id)
            .with_for_update()
            .execution_options(populate_existing=True)
        )
    )


def give_back(session: Session, order: Order, item: PrescriptionItem) -> None:
    """Undo the order's withdrawal of an item that the caller has locked (handbook §3.1)."""
    withdrawal = session.scalars(
        select(Withdrawal).where(Withdrawal.order_id == order.id, Withdrawal.prescription_item_id == item.id)
    ).one()
    withdrawal.cancelled_at = now(session)
    session.flush()
    item.orders_used_here -= 1
    item.orders_remaining = rules.orders_remaining(
        item.orders_allowed, item.orders_used_here, item.orders_used_elsewhere
    )
    item.next_earliest_order_date = rules.next_earliest_date(
        item.source_next_earliest_date,
        last_withdrawn_on(session, item.id),
        item.days_per_order,
        policy_of(order.region).section(OrderingPolicy).reorder_days_before_empty,
    )


def last_withdrawn_on(session: Session, prescription_item_id: int) -> date | None:
    """Return the day of the latest withdrawal made here that still stands."""
    return session.scalar(
        select(func.max(Withdrawal.withdrawn_on)).where(
            Withdrawal.prescription_item_id == prescription_item_id, Withdrawal.cancelled_at.is_(None)
        )
    )
