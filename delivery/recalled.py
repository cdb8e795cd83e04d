"""What is called back and lies in a box at the depot: named, listed, and taken out again. Handbook §7."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date

from sqlalchemy import ColumnElement, and_, exists, func, or_, select
from sqlalchemy.orm import Session

from auth.identity import Identity
from auth.models import StaffMember
from auth.permissions import Permission, require
from core import idempotency
from core.errors import NotFound
from delivery.claims import lock_own_pick, record_act
from delivery.goods_models import SerialisedUnit, UnitStatus
from delivery.models import (
    DepotOrder,
    DepotOrderStatus,
    Lot,
    LotStatus,
    MovementReason,
    Parcel,
    PickedLot,
    PickLine,
)
from delivery.serials import put_unit_back, put_units_back
from delivery.stock import book, lock_balances, release_reservations, reserve_lots
from orders.models import Article, Order

_IN_A_BOX = (DepotOrderStatus.PICKING, DepotOrderStatus.PICKED, DepotOrderStatus.PACKED)


@dataclass(frozen=True)
class RecalledInBox:
    """Packages in an order's box that must come out of it: of a lot, or one unit by its number."""

    depot_order_id: int
    picked_lot_id: int
    box: str
    article: str
    lot_no: str
    serial_no: str
    packages: int


@dataclass(frozen=True)
class StoppedOrder:
    """An order that a recall holds at the depot, and where its box is; `parcel_id` where it is packed."""

    depot_order_id: int
    order_no: str
    part: int
    status: DepotOrderStatus
    promised_date: date
    picker_name: str
    parcel_id: int | None


def recalled_in_boxes(session: Session, depot_order_ids: Collection[int]) -> list[RecalledInBox]:
    """Return what must come out of the boxes of these orders, in box and article order; in one statement, none without orders."""
    if not depot_order_ids:
        return []
    rows = session.execute(
        select(
            DepotOrder.id.label("depot_order_id"),
            PickedLot.id.label("picked_lot_id"),
            DepotOrder.box,
            Article,
            Lot.lot_no,
            func.coalesce(SerialisedUnit.serial_no, "").label("serial_no"),
            PickedLot.packages,
            SerialisedUnit.id.label("unit_id"),
        )
        .select_from(PickedLot)
        .join(PickLine, PickedLot.pick_line_id == PickLine.id)
        .join(DepotOrder, PickLine.depot_order_id == DepotOrder.id)
        .join(Article, PickLine.article_id == Article.id)
        .join(Lot, PickedLot.lot_id == Lot.id)
        .outerjoin(
            SerialisedUnit,
            and_(
                SerialisedUnit.picked_lot_id == PickedLot.id,
                SerialisedUnit.status == UnitStatus.PICKED,
                or_(SerialisedUnit.is_recalled, Lot.status == LotStatus.RECALLED),
            ),
        )
        .where(
            DepotOrder.id.in_(depot_order_ids),
            or_(Lot.status == LotStatus.RECALLED, SerialisedUnit.id.is_not(None)),
        )
        .order_by(DepotOrder.box, Article.name, Lot.lot_no, SerialisedUnit.serial_no)
    )
    return [
        RecalledInBox(
            depot_order_id=row.depot_order_id,
            picked_lot_id=row.picked_lot_id,
            box=row.box,
            article=row.Article.display_name,
            lot_no=row.lot_no,
            serial_no=row.serial_no,
            packages=1 if row.unit_id is not None else row.packages,
        )
        for row in rows
    ]


def recalled_in_hand(
    session: Session, identity: Identity, *, round_id: int | None = None, depot_order_id: int | None = None
) -> list[RecalledInBox]:
    """Return what must come out of the boxes that the picker has on this round, or for this order; in two statements.

    Raises NotPermitted, and NotFound for what is not in their hands.
    """
    require(identity, Permission.PICK)
    which = DepotOrder.pick_round_id == round_id if round_id is not None else DepotOrder.id == depot_order_id
    in_hand = session.scalars(
        select(DepotOrder.id).where(
            which,
            DepotOrder.region == identity.region,
            DepotOrder.picker_id == identity.staff_id,
            DepotOrder.status == DepotOrderStatus.PICKING,
        )
    ).all()
    if not in_hand:
        raise NotFound
    return recalled_in_boxes(session, in_hand)


def is_lot_recalled(session: Session, identity: Identity, lot_id: int) -> bool:
    """Tell whether a lot is called back now; False for one that the region does not have. Raises NotPermitted."""
    require(identity, Permission.PICK)
    found = select(Lot.status).join(Lot.article).where(Lot.id == lot_id, Article.region == identity.region)
    return session.scalar(found) is LotStatus.RECALLED


def has_recalled_in_box() -> ColumnElement[bool]:
    """Tell in SQL whether a depot order's box holds something that is called back."""
    return exists().where(
        PickLine.depot_order_id == DepotOrder.id,
        PickedLot.pick_line_id == PickLine.id,
        Lot.id == PickedLot.lot_id,
        or_(
            Lot.status == LotStatus.RECALLED,
            exists().where(SerialisedUnit.picked_lot_id == PickedLot.id, SerialisedUnit.is_recalled),
        ),
    )


def stopped_by_recalls(session: Session, identity: Identity, limit: int = 200) -> list[StoppedOrder]:
    """Return the region's orders whose boxes hold something that is called back, the oldest promise first; in one statement.

    Raises NotPermitted.
    """
    require(identity, Permission.SEE_DEPOT)
    rows = session.execute(
        select(
            DepotOrder.id.label("depot_order_id"),
            Order.order_no,
            DepotOrder.part,
            DepotOrder.status,
            DepotOrder.promised_date,
            func.coalesce(StaffMember.name, "").label("picker_name"),
            select(func.max(Parcel.id))
            .where(Parcel.depot_order_id == DepotOrder.id)
            .scalar_subquery()
            .label("parcel_id"),
        )
        .join(Order, DepotOrder.order_id == Order.id)
        .outerjoin(StaffMember, DepotOrder.picker_id == StaffMember.id)
        .where(DepotOrder.region == identity.region, DepotOrder.status.in_(_IN_A_BOX), has_recalled_in_box())
        .order_by(DepotOrder.promised_date, DepotOrder.id)
        .limit(limit)
    )
    return [StoppedOrder(**row) for row in rows.mappings()]


def take_out_recalled(session: Session, identity: Identity, depot_order_id: int, *, key: str = "") -> int:
    """Note that everything called back has been taken out of the box that one picks into; return how many packages that was.

    Counter-booked, and others are reserved where there are any. Locks rows, depot order, the balances of the lines' articles, then the
    units. Raises NotPermitted, NotFound, WrongStep, PickedBySomebodyElse. A key that was spent changes nothing.
    """
    depot_order = lock_own_pick(session, identity, depot_order_id)
    if key and not idempotency.spend(session, "take-out", f"staff:{identity.staff_id}", key).is_first:
        return 0
    recalled = recalled_in_boxes(session, [depot_order.id])
    if not recalled:
        return 0
    by_pick: dict[int, list[RecalledInBox]] = {}
    for one in recalled:
        by_pick.setdefault(one.picked_lot_id, []).append(one)
    lines = [line for line in depot_order.lines if any(pick.id in by_pick for pick in line.picked_lots)]
    lot_ids = {pick.lot_id for line in lines for pick in line.picked_lots}
    articles = {line.article_id for line in lines}
    balances = lock_balances(session, depot_order.depot_id, article_ids=articles, lot_ids=lot_ids)
    for line in lines:
        for pick in [pick for pick in line.picked_lots if pick.id in by_pick]:
            out = by_pick[pick.id]
            packages = sum(one.packages for one in out)
            if line.article.is_serialised:
                _take_out_units(session, pick, out)
            book(
                session,
                identity,
                balances[pick.lot_id],
                packages,
                MovementReason.PICK_UNDONE,
                f"pick_line:{line.id}",
            )
            line.picked -= packages
            pick.packages -= packages
            if not pick.packages:
                line.picked_lots.remove(pick)
                session.delete(pick)
        session.flush()
    reserve_anew(session, depot_order.depot_id, lines)
    record_act(session, identity, depot_order, "recall.taken_out")
    return sum(one.packages for one in recalled)


def _take_out_units(session: Session, pick: PickedLot, out: list[RecalledInBox]) -> None:
    named = [one.serial_no for one in out if one.serial_no]
    if len(named) == pick.packages:
        put_units_back(session, [pick.id])
        return
    for serial_no in named:
        put_unit_back(session, pick, serial_no)


def reserve_anew(session: Session, depot_id: int, lines: Collection[PickLine]) -> None:
    """Give up what is reserved for the lines and reserve anew what may leave; the caller holds their articles' balances."""
    release_reservations(session, depot_id, lines)
    for line in lines:
        session.refresh(line, ["reservations"])
    reserve_lots(session, depot_id, lines)
