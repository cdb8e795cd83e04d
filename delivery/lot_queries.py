"""Read models of one lot: its ledger, its units, what waits to be counted again, and what patients may send back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session, joinedload

from auth.identity import Identity
from auth.models import StaffMember
from auth.permissions import Permission, require
from core.clock import swedish_date, today
from core.errors import NotFound
from delivery.count_models import CountStatus, StockCount
from delivery.goods_models import SerialisedUnit, UnitStatus
from delivery.models import (
    DepotOrder,
    DepotOrderStatus,
    Lot,
    MovementReason,
    Parcel,
    PickedLot,
    PickLine,
    StockBalance,
    StockMovement,
)
from delivery.queries import record_look
from delivery.receipts import depot_of_region
from delivery.serials import serials_of
from delivery.shelves import EXPIRY_WARNING
from orders.models import Article, Order

MOVEMENTS_SHOWN = 200


@dataclass(frozen=True)
class Movement:
    """One line of the ledger in packages, and what was on hand after it."""

    at: datetime
    reason: MovementReason
    packages: int
    on_hand: int
    staff_name: str
    note: str


@dataclass(frozen=True)
class LotPage:
    """One lot at the depot: packages on hand and reserved, the latest movements first, and its units with numbers."""

    lot: Lot
    on_hand: int
    reserved: int
    location: str
    is_expired: bool
    expires_soon: bool
    movements: tuple[Movement, ...]
    units: tuple[SerialisedUnit, ...]
    waits_for_recount: bool


@dataclass(frozen=True)
class Recount:
    """A lot that somebody else must count again; neither figure is told."""

    lot: Lot
    location: str
    counted_by: str
    counted_at: datetime
    is_mine: bool


@dataclass(frozen=True)
class Sent:
    """One lot that was sent for an order: packages sent and those that have come back, and the numbers still with the patient."""

    picked_lot_id: int
    lot: Lot
    packages: int
    returned: int
    sent_on: date
    serials: tuple[str, ...]

    @property
    def left(self) -> int:
        """Packages that may still come back."""
        return self.packages - self.returned


@dataclass(frozen=True)
class SentOrder:
    """What was sent for one order; no word of whose it is."""

    order_no: str
    lots: tuple[Sent, ...]


def lot_page(session: Session, identity: Identity, lot_id: int) -> LotPage:
    """Return one lot in a fixed number of statements. Raises NotPermitted, NotFound."""
    require(identity, Permission.SEE_STOCK)
    balance = _balance(session, identity, lot_id)
    rows = session.execute(
        select(
            StockMovement.at,
            StockMovement.reason,
            StockMovement.packages,
            func.sum(StockMovement.packages).over(order_by=StockMovement.id).label("on_hand"),
            func.coalesce(StaffMember.name, "").label("staff_name"),
            StockMovement.note,
        )
        .outerjoin(StaffMember, StockMovement.staff_id == StaffMember.id)
        .where(StockMovement.depot_id == balance.depot_id, StockMovement.lot_id == lot_id)
        .order_by(StockMovement.id.desc())
        .limit(MOVEMENTS_SHOWN)
    )
    units: Sequence[SerialisedUnit] = ()
    if balance.lot.article.is_serialised:
        units = session.scalars(
            select(SerialisedUnit).where(SerialisedUnit.lot_id == lot_id).order_by(SerialisedUnit.serial_no)
        ).all()
    waiting = session.scalar(
        select(StockCount.id).where(
            StockCount.depot_id == balance.depot_id,
            StockCount.lot_id == lot_id,
            StockCount.status == CountStatus.RECOUNT,
        )
    )
    day = today(session)
    return LotPage(
        lot=balance.lot,
        on_hand=balance.on_hand,
        reserved=balance.reserved,
        location=balance.location or balance.lot.article.location,
        is_expired=balance.lot.expires_on < day,
        expires_soon=balance.lot.expires_on < day + EXPIRY_WARNING,
        movements=tuple(Movement(**row) for row in rows.mappings()),
        units=tuple(units),
        waits_for_recount=waiting is not None,
    )


def lot_to_count(session: Session, identity: Identity, lot_id: int) -> StockBalance:
    """Return the lot and where it stands, for a page that tells no figure. Raises NotPermitted, NotFound."""
    require(identity, Permission.ADJUST_STOCK)
    return _balance(session, identity, lot_id)


def recounts(session: Session, identity: Identity) -> list[Recount]:
    """Return the lots that wait for a second count, the oldest first. Raises NotPermitted."""
    require(identity, Permission.SEE_STOCK)
    rows = session.execute(
        select(StockCount, StaffMember.name, StockBalance.location)
        .join(StaffMember, StockCount.counted_by_id == StaffMember.id)
        .join(
            StockBalance,
            (StockBalance.depot_id == StockCount.depot_id) & (StockBalance.lot_id == StockCount.lot_id),
        )
        .join(StockCount.lot)
        .join(Lot.article)
        .where(StockCount.status == CountStatus.RECOUNT, Article.region == identity.region)
        .options(joinedload(StockCount.lot).joinedload(Lot.article))
        .order_by(StockCount.id)
    )
    return [
        Recount(
            lot=count.lot,
            location=location or count.lot.article.location,
            counted_by=name,
            counted_at=count.counted_at,
            is_mine=count.counted_by_id == identity.staff_id,
        )
        for count, name, location in rows
    ]


def sent_for(session: Session, identity: Identity, find: str) -> SentOrder | None:
    """Return what was sent, by order number or by a parcel's SSCC as printed or scanned; None when nothing was.

    Writes the look to the access log. Raises NotPermitted.
    """
    require(identity, Permission.ADJUST_STOCK)
    digits = "".join(sign for sign in find if sign.isascii() and sign.isdigit())[-18:]
    by_parcel = select(Parcel.id).where(Parcel.depot_order_id == DepotOrder.id, Parcel.sscc == digits).exists()
    parcels = (
        select(func.min(Parcel.shipped_at).label("sent_at"))
        .where(Parcel.depot_order_id == DepotOrder.id, Parcel.shipped_at.is_not(None))
        .lateral()
    )
    rows = session.execute(
        select(PickedLot, Order, parcels.c.sent_at)
        .join(PickLine, PickedLot.pick_line_id == PickLine.id)
        .join(DepotOrder, PickLine.depot_order_id == DepotOrder.id)
        .join(Order, DepotOrder.order_id == Order.id)
        .join(parcels, parcels.c.sent_at.is_not(None))
        .where(
            DepotOrder.region == identity.region,
            DepotOrder.status.in_((DepotOrderStatus.SHIPPED, DepotOrderStatus.DELIVERED)),
            by_parcel if len(digits) == 18 else Order.order_no == digits,
        )
        .options(joinedload(PickedLot.lot).joinedload(Lot.article))
        .order_by(PickedLot.id)
    ).all()
    if not rows:
        return None
    order = rows[0][1]
    record_look(session, identity, order, "depot_order.seen")
    picks = [picked.id for picked, _order, _sent in rows]
    returned, serials = _returned(session, picks), serials_of(session, picks, UnitStatus.SHIPPED)
    return SentOrder(
        order.order_no,
        tuple(
            Sent(
                picked_lot_id=picked.id,
                lot=picked.lot,
                packages=picked.packages,
                returned=returned.get(f"picked_lot:{picked.id}", 0),
                sent_on=swedish_date(sent_at),
                serials=serials.get(picked.id, ()),
            )
            for picked, _order, sent_at in rows
        ),
    )


def _returned(session: Session, picked_lot_ids: Sequence[int]) -> Mapping[str, int]:
    rows = session.execute(
        select(StockMovement.object_ref, func.sum(StockMovement.packages))
        .where(
            StockMovement.lot_id.in_(select(PickedLot.lot_id).where(PickedLot.id.in_(picked_lot_ids))),
            StockMovement.object_ref.in_([f"picked_lot:{one}" for one in picked_lot_ids]),
            StockMovement.reason == MovementReason.RETURNED,
        )
        .group_by(StockMovement.object_ref)
    )
    return {reference: int(packages) for reference, packages in rows}


def _balance(session: Session, identity: Identity, lot_id: int) -> StockBalance:
    depot = depot_of_region(session, identity.region)
    balance = session.scalar(
        select(StockBalance)
        .where(StockBalance.depot_id == depot.id, StockBalance.lot_id == lot_id)
        .options(joinedload(StockBalance.lot).joinedload(Lot.article))
    )
    if balance is None:
        raise NotFound
    return balance
