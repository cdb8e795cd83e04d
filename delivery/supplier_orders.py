"""An order to a supplier that comes another day, or of which the rest never comes. Whoever waits for it is promised anew."""

from __future__ import annotations

from datetime import date

from sqlalchemy import select
from sqlalchemy.orm import Session

from auth.identity import Identity
from auth.permissions import Permission, require
from core.audit import record
from core.clock import now, today
from core.errors import NotFound
from core.outbox import publish
from delivery.errors import DayHasPassed, SupplierOrderClosed
from delivery.goods_models import SupplierOrder


def move_supplier_order(
    session: Session, identity: Identity, supplier_order_id: int, expected_on: date
) -> SupplierOrder:
    """Note that what is left of an order comes another day. Locks it; raises NotPermitted, NotFound, SupplierOrderClosed, DayHasPassed."""
    order = _lock(session, identity, supplier_order_id)
    if expected_on < today(session):
        raise DayHasPassed
    if order.expected_on != expected_on:
        order.expected_on = expected_on
        _record(session, identity, order, "supplier_order.moved")
    return order


def close_supplier_order(session: Session, identity: Identity, supplier_order_id: int) -> SupplierOrder:
    """Note that the rest of an order never comes. Locks it; raises NotPermitted, NotFound, SupplierOrderClosed."""
    order = _lock(session, identity, supplier_order_id)
    order.closed_at = now(session)
    _record(session, identity, order, "supplier_order.closed")
    return order


def _lock(session: Session, identity: Identity, supplier_order_id: int) -> SupplierOrder:
    require(identity, Permission.RECEIVE_GOODS)
    order = session.scalar(
        select(SupplierOrder)
        .where(SupplierOrder.id == supplier_order_id, SupplierOrder.region == identity.region)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if order is None:
        raise NotFound
    if order.closed_at is not None:
        raise SupplierOrderClosed(order.order_no)
    return order


def _record(session: Session, identity: Identity, order: SupplierOrder, action: str) -> None:
    publish(session, "back_orders.expected", region=order.region)
    record(session, identity.actor, action, subject_person_id=None, object_ref=f"supplier_order:{order.order_no}")
