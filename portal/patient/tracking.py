"""How far an order has come, as its patient sees it: one way of four steps for everything that travels together."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import IntEnum

from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload

from delivery.models import DepotOrder, DepotOrderStatus, Parcel
from orders.models import Order, OrderRow, Registration, RowStatus


class Stage(IntEnum):
    """Where a shipment is; WAITING is for goods that the depot lacks, AWAITED for what nobody has said yes to yet."""

    AWAITED = -3
    CANCELLED = -2
    WAITING = -1
    RECEIVED = 0
    PICKING = 1
    SENT = 2
    DELIVERED = 3


_STAGES = {
    DepotOrderStatus.WAITING: Stage.RECEIVED,
    DepotOrderStatus.PICKING: Stage.PICKING,
    DepotOrderStatus.PICKED: Stage.PICKING,
    DepotOrderStatus.AT_WAREHOUSE: Stage.PICKING,
    DepotOrderStatus.PACKED: Stage.PICKING,
    DepotOrderStatus.SHIPPED: Stage.SENT,
    DepotOrderStatus.DELIVERED: Stage.DELIVERED,
    DepotOrderStatus.BACK_ORDERED: Stage.WAITING,
}
_ROW_STAGES = {
    RowStatus.RECEIVED: Stage.RECEIVED,
    RowStatus.PICKING: Stage.PICKING,
    RowStatus.BACK_ORDERED: Stage.WAITING,
    RowStatus.SENT: Stage.SENT,
    RowStatus.DELIVERED: Stage.DELIVERED,
    RowStatus.CANCELLED: Stage.CANCELLED,
}


@dataclass(frozen=True)
class Line:
    """A row of the order, or a part of one: packages that travel in this shipment."""

    row: OrderRow
    packages: int


@dataclass(frozen=True)
class Shipment:
    """What travels together: its lines, where they are, when each step was reached, and the day it is expected."""

    order: Order
    stage: Stage
    lines: tuple[Line, ...]
    expected: date
    picking_at: datetime | None = None
    sent_at: datetime | None = None
    delivered_at: datetime | None = None
    parcels: tuple[Parcel, ...] = ()

    @property
    def is_under_way(self) -> bool:
        """Whether the patient still waits for it to come."""
        return self.stage not in (Stage.AWAITED, Stage.CANCELLED, Stage.DELIVERED)

    def is_late(self, day: date) -> bool:
        """Whether the day it was promised for has passed."""
        return self.is_under_way and self.expected < day


def shipments_of(session: Session, orders: Sequence[Order]) -> dict[int, tuple[Shipment, ...]]:
    """Return each order's shipments by order id, rows and articles loaded; three statements however many orders and rows."""
    depot_orders = session.scalars(
        select(DepotOrder)
        .where(DepotOrder.order_id.in_([order.id for order in orders]))
        .options(selectinload(DepotOrder.lines), selectinload(DepotOrder.parcels))
        .order_by(DepotOrder.delivery_choice_id, DepotOrder.part)
    ).all()
    by_order: dict[int, list[DepotOrder]] = defaultdict(list)
    for depot_order in depot_orders:
        by_order[depot_order.order_id].append(depot_order)
    return {order.id: _shipments(order, by_order[order.id]) for order in orders}


def _shipments(order: Order, depot_orders: list[DepotOrder]) -> tuple[Shipment, ...]:
    rows = {row.id: row for row in order.rows if row.status is not RowStatus.CANCELLED}
    shipments = [
        _shipment(order, found, rows) for found in depot_orders if found.status is not DepotOrderStatus.CANCELLED
    ]
    shipments = [shipment for shipment in shipments if shipment.lines]
    covered = {line.row.id for shipment in shipments for line in shipment.lines}
    # Not at the depot yet, or cancelled: grouped by how far the rows themselves say that they are.
    rest: dict[Stage, list[Line]] = defaultdict(list)
    for row in order.rows:
        if row.id not in covered:
            stage = Stage.AWAITED if order.registration is Registration.AWAITED else _ROW_STAGES[row.status]
            rest[stage].append(Line(row, row.packages))
    return (*shipments, *(_of_rows(order, stage, lines) for stage, lines in rest.items()))


def _of_rows(order: Order, stage: Stage, lines: Sequence[Line]) -> Shipment:
    # Whoever else sends it tells of the delivery by the row.
    arrived = _latest(line.row.status_at for line in lines) if stage is Stage.DELIVERED else None
    return Shipment(order, stage, tuple(lines), order.promised_date, delivered_at=arrived)


def _shipment(order: Order, depot_order: DepotOrder, rows: dict[int, OrderRow]) -> Shipment:
    lines = [
        Line(rows[line.order_row_id], line.packages - line.short)
        for line in depot_order.lines
        if line.order_row_id in rows and line.packages > line.short
    ]
    parcels = depot_order.parcels
    return Shipment(
        order,
        _STAGES[depot_order.status],
        tuple(lines),
        depot_order.promised_date,
        picking_at=depot_order.picking_started_at,
        sent_at=_latest(parcel.shipped_at for parcel in parcels),
        delivered_at=_latest(parcel.delivered_at for parcel in parcels),
        parcels=tuple(parcel for parcel in parcels if parcel.shipped_at),
    )


def _latest(instants: Iterable[datetime | None]) -> datetime | None:
    return max((instant for instant in instants if instant is not None), default=None)
