"""Read models of parcels: one with what is in it, those to hand over, those on their way. Staff see their own region only."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload, selectinload

from auth.identity import Identity
from auth.permissions import Permission, require
from core.errors import NotFound
from delivery.models import DepotOrder, Parcel, PickedLot, PickLine, TrackingEvent, TrackingKind
from delivery.queries import record_look
from orders.models import DeliveryMethod, Order


def parcel_page(session: Session, identity: Identity, parcel_id: int) -> Parcel:
    """Return a parcel with what is in it; writes the look to the access log. Raises NotPermitted, NotFound."""
    require(identity, Permission.SEE_DEPOT)
    parcel = session.scalar(
        select(Parcel)
        .join(Parcel.depot_order)
        .where(Parcel.id == parcel_id, DepotOrder.region == identity.region)
        .options(
            selectinload(Parcel.events),
            joinedload(Parcel.depot_order).options(
                joinedload(DepotOrder.order).joinedload(Order.person),
                joinedload(DepotOrder.delivery_choice),
                selectinload(DepotOrder.lines).options(
                    joinedload(PickLine.article), selectinload(PickLine.picked_lots).joinedload(PickedLot.lot)
                ),
            ),
        )
    )
    if parcel is None:
        raise NotFound
    record_look(session, identity, parcel.depot_order.order, "parcel.seen")
    return parcel


def label_is_outdated(parcel: Parcel) -> bool:
    """Tell whether the receiver's identity became protected after the address was written; the address may then not be shown."""
    depot_order = parcel.depot_order
    return depot_order.order.receiver_is_protected and depot_order.delivery_choice.method is not DeliveryMethod.UNIT


def parcels(session: Session, identity: Identity, *, shipped: bool, limit: int = 200) -> list[Parcel]:
    """Return parcels to hand over (oldest first), or those handed over (not yet delivered first, then newest). Raises NotPermitted."""
    require(identity, Permission.SEE_DEPOT)
    statement = (
        select(Parcel)
        .join(Parcel.depot_order)
        .where(DepotOrder.region == identity.region)
        .options(joinedload(Parcel.depot_order).joinedload(DepotOrder.order))
        .limit(limit)
    )
    if shipped:
        statement = statement.where(Parcel.shipped_at.is_not(None)).order_by(
            Parcel.delivered_at.is_not(None), Parcel.shipped_at.desc(), Parcel.id.desc()
        )
    else:
        statement = statement.where(Parcel.shipped_at.is_(None)).order_by(Parcel.id)
    return list(session.scalars(statement))


def on_their_way_back(session: Session, among: Collection[Parcel]) -> set[int]:
    """Return the ids of the parcels that their carrier is bringing back."""
    statement = select(TrackingEvent.parcel_id).where(
        TrackingEvent.parcel_id.in_([parcel.id for parcel in among]), TrackingEvent.kind == TrackingKind.RETURNED
    )
    return set(session.scalars(statement))
