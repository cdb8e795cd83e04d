"""What a unit has ordered for its own store and where it is: in a fixed number of statements. It tells of no patient."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session, selectinload

from auth.identity import Identity
from auth.models import Unit
from auth.permissions import Permission, require
from core.errors import NotFound
from delivery.models import DepotOrder, DepotOrderStatus, Parcel, PickLine
from orders.models import Order, OrderRow, RowStatus

PAGE = 20
_TO_COME = frozenset({DepotOrderStatus.WAITING, DepotOrderStatus.PICKING, DepotOrderStatus.PICKED})
_TO_COME |= {DepotOrderStatus.PACKED, DepotOrderStatus.BACK_ORDERED, DepotOrderStatus.AT_WAREHOUSE}


@dataclass(frozen=True)
class StoreRow:
    """One article of an order: packages ordered, sent, and still to come; the day when that is expected, None when nothing is."""

    row: OrderRow
    sent: int
    to_come: int
    expected_on: date | None


@dataclass(frozen=True)
class StoreOrder:
    """One order with what has become of it; parcels in the order in which they were packed."""

    order: Order
    rows: tuple[StoreRow, ...]
    parcels: tuple[Parcel, ...]

    @property
    def can_be_cancelled(self) -> bool:
        """Whether nobody has begun to pick; decided anew by whoever cancels it."""
        live = [one.row for one in self.rows if one.row.status is not RowStatus.CANCELLED]
        return bool(live) and all(row.status is RowStatus.RECEIVED for row in live)


@dataclass(frozen=True)
class StorePage:
    """A unit's orders, the newest first, and the id to go on from, None when there are no older ones."""

    unit: Unit
    orders: tuple[StoreOrder, ...]
    older_than: int | None


def store_page(session: Session, identity: Identity, older_than: int | None = None) -> StorePage:
    """Return the orders for the store of the identity's unit. Raises NotPermitted."""
    require(identity, Permission.SEE_STORE)
    own: ColumnElement[bool] = Order.unit_id == identity.unit_id
    if older_than is not None:
        own &= Order.id < older_than
    found = _orders(session, identity, own, PAGE + 1)
    shown = found[:PAGE]
    return StorePage(
        session.get_one(Unit, identity.unit_id),
        tuple(_with_parts(session, shown)),
        shown[-1].id if len(found) > PAGE else None,
    )


def store_order(session: Session, identity: Identity, order_no: str) -> StoreOrder:
    """Return one order for the store of the identity's unit. Raises NotPermitted, NotFound."""
    require(identity, Permission.SEE_STORE)
    own = (Order.unit_id == identity.unit_id) & (Order.order_no == order_no)
    found = _with_parts(session, _orders(session, identity, own, 1))
    if not found:
        raise NotFound
    return found[0]


def _orders(session: Session, identity: Identity, own: ColumnElement[bool], limit: int) -> Sequence[Order]:
    return session.scalars(
        select(Order)
        .where(own, Order.region == identity.region)
        .options(
            selectinload(Order.rows).selectinload(OrderRow.article),
            selectinload(Order.delivery_choices),
            selectinload(Order.unit),
        )
        .order_by(Order.id.desc())
        .limit(limit)
    ).all()


def _with_parts(session: Session, orders: Sequence[Order]) -> list[StoreOrder]:
    parts = session.scalars(
        select(DepotOrder)
        .where(DepotOrder.order_id.in_([order.id for order in orders]))
        .options(selectinload(DepotOrder.lines), selectinload(DepotOrder.parcels))
        .order_by(DepotOrder.id)
    ).all()
    return [_store_order(order, [part for part in parts if part.order_id == order.id]) for order in orders]


def _store_order(order: Order, parts: Sequence[DepotOrder]) -> StoreOrder:
    return StoreOrder(
        order=order,
        rows=tuple(_store_row(order, row, parts) for row in order.rows),
        parcels=tuple(
            sorted((parcel for part in parts for parcel in part.parcels), key=lambda parcel: parcel.packed_at)
        ),
    )


def _store_row(order: Order, row: OrderRow, parts: Sequence[DepotOrder]) -> StoreRow:
    if row.status is RowStatus.CANCELLED:
        return StoreRow(row, 0, 0, None)
    mine = [(part, line) for part in parts for line in part.lines if line.order_row_id == row.id]
    coming = [(part, line) for part, line in mine if part.status in _TO_COME]
    if not mine:
        # The depot has not seen it yet.
        return StoreRow(row, 0, row.packages, order.promised_date)
    return StoreRow(
        row,
        sent=sum(line.picked for part, line in mine if part.status not in _TO_COME),
        to_come=sum(_left(part, line) for part, line in coming),
        expected_on=max((part.promised_date for part, _line in coming), default=None),
    )


def _left(part: DepotOrder, line: PickLine) -> int:
    # What is short here comes with another part, which counts it.
    return line.packages - line.short
