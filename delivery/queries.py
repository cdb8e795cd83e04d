"""Read models of the depot: what its pages show, in a fixed number of statements. Staff see their own region only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time

from sqlalchemy import ColumnElement, and_, case, func, select
from sqlalchemy.orm import Session, joinedload, selectinload

from auth.identity import Identity
from auth.models import StaffMember
from auth.permissions import Permission, require
from core.audit import record
from core.clock import STOCKHOLM, today
from core.errors import NotFound
from delivery.models import (
    DepotOrder,
    DepotOrderStatus,
    Parcel,
    PickedLot,
    PickLine,
    Reservation,
)
from delivery.serials import serials_in_box
from delivery.stock import need_of
from orders.models import Article, Order, OrderRow, RowStatus

UNDELIVERED_PARTS = (
    DepotOrderStatus.WAITING,
    DepotOrderStatus.PICKING,
    DepotOrderStatus.PICKED,
    DepotOrderStatus.PACKED,
    DepotOrderStatus.BACK_ORDERED,
)


@dataclass(frozen=True)
class DepotNumbers:
    """The four numbers of the day, and who works on what is begun."""

    to_pick: int
    being_picked: int
    to_pack: int
    late: int
    back_ordered: int
    shipped_today: int


@dataclass(frozen=True)
class WorkItem:
    """One depot order in a list; no word of whose it is. Packages count what is still wanted."""

    id: int
    order_no: str
    part: int
    status: DepotOrderStatus
    promised_date: date
    is_late: bool
    lines: int
    packages: int
    first_location: str
    picker_id: int | None
    picker_name: str | None


@dataclass(frozen=True)
class PickPage:
    """One order being picked: lines in the order of the shelves, the one to fetch now, and the lot wanted of it."""

    depot_order: DepotOrder
    lines: tuple[PickLine, ...]
    current: PickLine | None
    wanted: Reservation | None
    packages_done: int
    packages_all: int
    picker_name: str
    # By picked lot, where each package has a number.
    serials: Mapping[int, tuple[str, ...]]

    @property
    def is_done(self) -> bool:
        """Whether every line is picked or short."""
        return self.current is None


def numbers_of_today(session: Session, identity: Identity) -> DepotNumbers:
    """Return the depot's numbers in two statements. Raises NotPermitted."""
    require(identity, Permission.SEE_DEPOT)
    day = today(session)

    def count(condition: ColumnElement[bool]) -> ColumnElement[int]:
        return func.count(case((condition, 1)))

    status = DepotOrder.status
    row = session.execute(
        select(
            count(status == DepotOrderStatus.WAITING),
            count(status == DepotOrderStatus.PICKING),
            count(status == DepotOrderStatus.PICKED),
            count(DepotOrder.promised_date < day),
            count(status == DepotOrderStatus.BACK_ORDERED),
        ).where(DepotOrder.region == identity.region, status.in_(UNDELIVERED_PARTS))
    ).one()
    midnight = datetime.combine(day, time.min, STOCKHOLM)
    shipped = session.scalars(
        select(func.count())
        .select_from(Parcel)
        .join(Parcel.depot_order)
        .where(DepotOrder.region == identity.region, Parcel.shipped_at >= midnight)
    ).one()
    to_pick, being_picked, to_pack, late, back_ordered = row
    return DepotNumbers(to_pick, being_picked, to_pack, late, back_ordered, shipped)


def pick_list(session: Session, identity: Identity, limit: int = 200) -> list[WorkItem]:
    """Return what is to be picked or being picked, the oldest promise first, in one statement. Raises NotPermitted."""
    statuses = (DepotOrderStatus.WAITING, DepotOrderStatus.PICKING)
    return _work(session, identity, DepotOrder.status.in_(statuses), limit)


def packing_list(session: Session, identity: Identity, limit: int = 200) -> list[WorkItem]:
    """Return what is picked and not yet in a parcel, the oldest promise first. Raises NotPermitted."""
    return _work(session, identity, DepotOrder.status == DepotOrderStatus.PICKED, limit)


def back_orders(session: Session, identity: Identity, limit: int = 200) -> list[WorkItem]:
    """Return what waits for stock, the first expected first. Raises NotPermitted."""
    return _work(session, identity, DepotOrder.status == DepotOrderStatus.BACK_ORDERED, limit)


def exceptions(session: Session, identity: Identity, limit: int = 20) -> list[WorkItem]:
    """Return what somebody must look at: late against the promise, the oldest first. Raises NotPermitted."""
    late = and_(DepotOrder.status.in_(UNDELIVERED_PARTS), DepotOrder.promised_date < today(session))
    return _work(session, identity, late, limit)


def _work(session: Session, identity: Identity, condition: ColumnElement[bool], limit: int) -> list[WorkItem]:
    require(identity, Permission.SEE_DEPOT)
    day = today(session)
    rows = session.execute(
        select(
            DepotOrder.id,
            Order.order_no,
            DepotOrder.part,
            DepotOrder.status,
            DepotOrder.promised_date,
            func.count(PickLine.id).label("lines"),
            func.coalesce(func.sum(PickLine.packages - PickLine.short), 0).label("packages"),
            func.coalesce(func.min(Article.location), "").label("first_location"),
            DepotOrder.picker_id,
            StaffMember.name.label("picker_name"),
        )
        .join(Order, DepotOrder.order_id == Order.id)
        .join(PickLine, PickLine.depot_order_id == DepotOrder.id)
        .join(OrderRow, and_(PickLine.order_row_id == OrderRow.id, OrderRow.status != RowStatus.CANCELLED))
        .join(Article, PickLine.article_id == Article.id)
        .outerjoin(StaffMember, DepotOrder.picker_id == StaffMember.id)
        .where(DepotOrder.region == identity.region, condition)
        .group_by(DepotOrder.id, Order.order_no, StaffMember.name)
        .order_by(DepotOrder.promised_date, DepotOrder.id)
        .limit(limit)
    )
    return [WorkItem(**row, is_late=row["promised_date"] < day) for row in rows.mappings()]


def depot_order_page(session: Session, identity: Identity, depot_order_id: int) -> PickPage:
    """Return one depot order for picking or packing; writes the look to the access log. Raises NotPermitted, NotFound."""
    require(identity, Permission.SEE_DEPOT)
    depot_order = session.scalar(
        select(DepotOrder)
        .where(DepotOrder.id == depot_order_id, DepotOrder.region == identity.region)
        .options(
            joinedload(DepotOrder.order),
            joinedload(DepotOrder.delivery_choice),
            selectinload(DepotOrder.parcels),
            selectinload(DepotOrder.lines).options(
                joinedload(PickLine.article),
                joinedload(PickLine.order_row),
                selectinload(PickLine.reservations).joinedload(Reservation.lot),
                selectinload(PickLine.picked_lots).joinedload(PickedLot.lot),
            ),
        )
    )
    if depot_order is None:
        raise NotFound
    picker = session.get(StaffMember, depot_order.picker_id) if depot_order.picker_id else None
    record_look(session, identity, depot_order.order, "depot_order.seen")
    wanted_lines = [line for line in depot_order.lines if line.order_row.status is not RowStatus.CANCELLED]
    lines = tuple(sorted(wanted_lines, key=lambda line: (line.article.location, line.id)))
    current = next((line for line in lines if need_of(line).packages), None)
    reservations = current.reservations if current else []
    return PickPage(
        depot_order=depot_order,
        lines=lines,
        current=current,
        wanted=min(reservations, key=lambda one: (one.lot.expires_on, one.lot_id), default=None),
        packages_done=sum(line.picked + line.short for line in lines),
        packages_all=sum(line.packages for line in lines),
        picker_name=picker.name if picker else "",
        serials=serials_in_box(session, [line for line in lines if line.article.is_serialised]),
    )


def record_look(session: Session, identity: Identity, order: Order, action: str) -> None:
    """Write a look at a patient's order to the access log."""
    record(
        session,
        identity.actor,
        action,
        subject_person_id=order.person_id,
        manner="LOOK",
        object_ref=f"order:{order.order_no}",
    )
