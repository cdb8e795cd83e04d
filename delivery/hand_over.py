"""What each carrier is to fetch: parcels packed and waiting, why one cannot go, and the list that the driver signs. Handbook §6."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, exists, func, select
from sqlalchemy.orm import Session

from auth.identity import Identity
from auth.models import Person, Protection
from auth.permissions import Permission, require
from core.clock import STOCKHOLM, now, today
from core.errors import NotFound
from core.policy import policy_of
from delivery.carrier_models import BookingStatus, CarrierBooking
from delivery.carriers import slug_of
from delivery.errors import TrackingNumberMissing
from delivery.models import DepotOrder, Parcel, PickedLot, PickLine
from delivery.policy import DeliveryPolicy
from delivery.recalled import has_recalled_in_box
from delivery.receipts import depot_of_region
from delivery.shipping import ship
from delivery.waves import next_cut_off
from orders.models import DeliveryChoice, DeliveryMethod, Order, OrderRow, RowStatus

# Of one carrier on one page; what is left shows when these are gone.
MOST_SHOWN = 200


class Obstacle(StrEnum):
    """Why a parcel cannot be handed over with the others."""

    BOOKING_REFUSED = "BOOKING_REFUSED"
    BEING_BOOKED = "BEING_BOOKED"
    NO_NUMBER = "NO_NUMBER"
    LABEL_OUTDATED = "LABEL_OUTDATED"
    ROW_CANCELLED = "ROW_CANCELLED"
    DECEASED = "DECEASED"
    RECALLED = "RECALLED"


@dataclass(frozen=True)
class WaitingParcel:
    """A packed parcel; `weight_grams` is None when nobody knows."""

    parcel_id: int
    order_no: str
    sscc: str
    carrier: str
    tracking_no: str
    packages: int
    weight_grams: int | None
    packed_at: datetime
    obstacle: Obstacle | None


@dataclass(frozen=True)
class Load:
    """What one carrier is to fetch next, by when; `waiting` counts those that are not shown too."""

    carrier: str
    cut_off: datetime
    waiting: int
    parcels: tuple[WaitingParcel, ...]

    @property
    def slug(self) -> str:
        """The carrier as addresses have it."""
        return slug_of(self.carrier)

    @property
    def in_order(self) -> int:
        """How many of those shown can go."""
        return sum(parcel.obstacle is None for parcel in self.parcels)

    @property
    def packages(self) -> int:
        """Packages in the parcels shown."""
        return sum(parcel.packages for parcel in self.parcels)

    @property
    def weight_grams(self) -> int | None:
        """What the parcels shown weigh; None when one of them was not weighed."""
        return _total([parcel.weight_grams for parcel in self.parcels])


@dataclass(frozen=True)
class ListLine:
    """A parcel on the driver's list: no name and no order."""

    sscc: str
    tracking_no: str
    packages: int
    weight_grams: int | None


@dataclass(frozen=True)
class HandOverList:
    """What the driver signs for."""

    carrier: str
    made_at: datetime
    depot: str
    lines: tuple[ListLine, ...]

    @property
    def weight_grams(self) -> int | None:
        """What all weigh; None when one of them was not weighed."""
        return _total([line.weight_grams for line in self.lines])


def loads(session: Session, identity: Identity) -> list[Load]:
    """Return what waits for each carrier, the oldest first, the soonest cut-off first. Raises NotPermitted."""
    require(identity, Permission.SHIP)
    policy = policy_of(identity.region).section(DeliveryPolicy)
    place = func.row_number().over(partition_by=Parcel.carrier, order_by=Parcel.id).label("place")
    waiting = func.count().over(partition_by=Parcel.carrier).label("waiting")
    inner = _parcels(identity, Parcel.shipped_at.is_(None)).add_columns(place, waiting).subquery()
    rows = session.execute(select(inner).where(inner.c.place <= MOST_SHOWN).order_by(inner.c.carrier, inner.c.place))
    by_carrier: dict[str, list[Row[Any]]] = {}
    for row in rows:
        by_carrier.setdefault(row.carrier, []).append(row)
    found = [
        Load(carrier, next_cut_off(policy, carrier, now(session)), own[0].waiting, tuple(_waiting(row) for row in own))
        for carrier, own in by_carrier.items()
    ]
    return sorted(found, key=lambda load: (load.cut_off, load.carrier))


def hand_over(session: Session, identity: Identity, parcel_id: int) -> None:
    """Hand over a parcel under the number that its carrier gave it when it was booked.

    Locks and raises as `delivery.shipping.ship`, and TrackingNumberMissing.
    """
    require(identity, Permission.SHIP)
    parcel = session.get(Parcel, parcel_id)
    if parcel is None or parcel.depot_order.region != identity.region:
        raise NotFound
    if not parcel.tracking_no:
        raise TrackingNumberMissing
    ship(session, identity, parcel_id, parcel.tracking_no)


def hand_over_list(session: Session, identity: Identity, slug: str) -> HandOverList:
    """Return what a carrier gets today: handed over since midnight, or ready to be. Raises NotPermitted, NotFound when it is nothing."""
    require(identity, Permission.SHIP)
    since = datetime.combine(today(session), time(), STOCKHOLM)
    statement = _parcels(identity, Parcel.shipped_at.is_(None) | (Parcel.shipped_at >= since)).order_by(Parcel.id)
    rows = [row for row in session.execute(statement) if slug_of(row.carrier) == slug]
    lines = [_waiting(row) for row in rows]
    going = [line for line, row in zip(lines, rows, strict=True) if row.shipped_at is not None or not line.obstacle]
    if not going:
        raise NotFound
    return HandOverList(
        carrier=going[0].carrier,
        made_at=now(session),
        depot=depot_of_region(session, identity.region).unit.name,
        lines=tuple(ListLine(line.sscc, line.tracking_no, line.packages, line.weight_grams) for line in going),
    )


def _parcels(identity: Identity, which: ColumnElement[bool]) -> Select[Any]:
    packages = (
        select(func.coalesce(func.sum(PickedLot.packages), 0))
        .join(PickLine, PickedLot.pick_line_id == PickLine.id)
        .where(PickLine.depot_order_id == DepotOrder.id)
        .scalar_subquery()
    )
    cancelled = exists().where(
        PickLine.depot_order_id == DepotOrder.id,
        PickLine.picked > 0,
        OrderRow.id == PickLine.order_row_id,
        OrderRow.status == RowStatus.CANCELLED,
    )
    return (
        select(
            Parcel.id,
            Parcel.sscc,
            Parcel.carrier,
            Parcel.tracking_no,
            Parcel.weight_grams,
            Parcel.packed_at,
            Parcel.shipped_at,
            Order.order_no,
            packages.label("packages"),
            cancelled.label("is_cancelled"),
            (Parcel.shipped_at.is_(None) & has_recalled_in_box()).label("is_recalled"),
            Person.deceased_on,
            ((Person.protection != Protection.NONE) & (DeliveryChoice.method != DeliveryMethod.UNIT)).label(
                "is_outdated"
            ),
            CarrierBooking.status.label("booking"),
        )
        .join(DepotOrder, Parcel.depot_order_id == DepotOrder.id)
        .join(Order, DepotOrder.order_id == Order.id)
        .outerjoin(Person, Order.person_id == Person.id)
        .join(DeliveryChoice, DepotOrder.delivery_choice_id == DeliveryChoice.id)
        .outerjoin(CarrierBooking, CarrierBooking.parcel_id == Parcel.id)
        .where(DepotOrder.region == identity.region, which)
    )


def _waiting(row: Row[Any]) -> WaitingParcel:
    return WaitingParcel(
        parcel_id=row.id,
        order_no=row.order_no,
        sscc=row.sscc,
        carrier=row.carrier,
        tracking_no=row.tracking_no or "",
        packages=row.packages,
        weight_grams=row.weight_grams,
        packed_at=row.packed_at,
        obstacle=_obstacle(row),
    )


def _obstacle(row: Row[Any]) -> Obstacle | None:
    if row.deceased_on is not None:
        return Obstacle.DECEASED
    if row.is_recalled:
        return Obstacle.RECALLED
    if row.is_cancelled:
        return Obstacle.ROW_CANCELLED
    if row.is_outdated:
        return Obstacle.LABEL_OUTDATED
    if row.tracking_no:
        return None
    return {BookingStatus.REFUSED: Obstacle.BOOKING_REFUSED, BookingStatus.WANTED: Obstacle.BEING_BOOKED}.get(
        row.booking, Obstacle.NO_NUMBER
    )


def _total(weights: Sequence[int | None]) -> int | None:
    known = [weight for weight in weights if weight is not None]
    return sum(known) if known and len(known) == len(weights) else None
