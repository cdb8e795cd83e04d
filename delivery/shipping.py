"""From packed box to delivered parcel: SSCC, label, hand-over, and what the carrier tells. Handbook §§4–6."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from auth.identity import Identity, Role
from auth.permissions import Permission
from core.clock import now
from core.errors import NotFound
from core.outbox import publish
from core.policy import policy_of
from delivery.carrier_names import CARRIERS
from delivery.claims import live_lines, lock_depot_order, record_act
from delivery.errors import (
    AlreadyShipped,
    LabelOutdated,
    NotShipped,
    ReceiverDeceased,
    RowCancelled,
    TrackingNumberTaken,
    WrongStep,
)
from delivery.leaving import check_lots_may_leave, check_not_recalled
from delivery.models import (
    PARCEL_NO_SEQUENCE,
    Depot,
    DepotOrder,
    DepotOrderStatus,
    Parcel,
    PickLine,
    TrackingEvent,
    TrackingKind,
)
from delivery.policy import DeliveryPolicy
from delivery.serials import send_units
from delivery.udi import build_sscc
from orders.kinds import ServicePointProvider
from orders.models import DeliveryMethod, OrderRow, RowStatus
from orders.progress import advance_rows
from orders.redirection import prescribing_unit_of, redirect_to_unit
from orders.telling import tell


def pack(session: Session, identity: Identity, depot_order_id: int, *, weight_grams: int | None = None) -> Parcel:
    """Close the box of a picked order: a parcel with an SSCC of its own; packing again returns the same parcel.

    Its weight is what the scales say, else the sum of what is in it where that is known. Publishes `parcel.packed`. Locks person (shared),
    rows, depot order and its lots (shared). Raises NotPermitted, NotFound, WrongStep, RowCancelled, ReceiverDeceased, LotRecalled,
    SerialRecalled.
    """
    depot_order = lock_depot_order(session, identity, depot_order_id, Permission.SHIP, with_person=True)
    if depot_order.status is DepotOrderStatus.PACKED:
        return depot_order.parcels[-1]
    if depot_order.status is not DepotOrderStatus.PICKED:
        raise WrongStep(depot_order.status)
    _check_still_wanted(depot_order)
    check_not_recalled(session, depot_order)
    reroute_if_protected(session, identity, depot_order)
    depot = session.get_one(Depot, depot_order.depot_id)
    parcel = Parcel(
        sscc=build_sscc(depot.gs1_prefix, session.scalars(select(PARCEL_NO_SEQUENCE.next_value())).one()),
        carrier=_carrier_of(depot_order),
        packed_at=now(session),
        weight_grams=weight_grams or contents_grams(depot_order),
    )
    depot_order.parcels.append(parcel)
    depot_order.status = DepotOrderStatus.PACKED
    session.flush()
    publish(session, "parcel.packed", parcel_id=parcel.id)
    record_act(session, identity, depot_order, "parcel.packed")
    return parcel


def contents_grams(depot_order: DepotOrder) -> int | None:
    """Return what the packages in the box weigh, in grams; None when nobody knows of all of them."""
    weights = [(line.picked, line.article.weight_grams) for line in depot_order.lines if line.picked]
    known = [packages * grams for packages, grams in weights if grams is not None]
    return sum(known) if known and len(known) == len(weights) else None


def packages_in(depot_order: DepotOrder) -> int:
    """Return how many packages are in the box."""
    return sum(line.picked for line in depot_order.lines)


def label_may_not_leave(depot_order: DepotOrder) -> bool:
    """Tell whether the receiver has died, or is protected since the label was written: no carrier is told the address. Handbook §4."""
    order = depot_order.order
    is_home = depot_order.delivery_choice.method is not DeliveryMethod.UNIT
    return order.receiver_has_died or (order.receiver_is_protected and is_home)


def _carrier_of(depot_order: DepotOrder) -> str:
    """Who takes the parcel: whoever runs the service point it goes to, else the region's carrier."""
    provider = depot_order.delivery_choice.provider
    if provider == ServicePointProvider.NONE:
        return policy_of(depot_order.region).section(DeliveryPolicy).carrier
    return CARRIERS.get(provider, provider)


def ship(session: Session, identity: Identity, parcel_id: int, tracking_no: str) -> Parcel:
    """Hand a packed parcel over to the carrier: rows are sent, and the patient and whoever ordered are told.

    Locks person (shared), rows and depot order. Raises NotPermitted, NotFound, AlreadyShipped, TrackingNumberTaken, RowCancelled,
    ReceiverDeceased, LabelOutdated when the receiver's identity became protected after the label was printed, and ValueError for a
    tracking number that is empty or longer than 40 characters.
    """
    tracking_no = "".join(tracking_no.split()).upper()
    if not 1 <= len(tracking_no) <= 40:
        raise ValueError("a tracking number is 1 to 40 characters")
    depot_order, parcel = lock_parcel(session, identity, parcel_id)
    if parcel.shipped_at is not None:
        raise AlreadyShipped
    _check_still_wanted(depot_order)
    check_lots_may_leave(session, depot_order)
    if depot_order.order.receiver_is_protected and depot_order.delivery_choice.method is not DeliveryMethod.UNIT:
        raise LabelOutdated
    _set_tracking_no(session, parcel, tracking_no)
    parcel.shipped_at = now(session)
    parcel.events.append(TrackingEvent(kind=TrackingKind.HANDED_OVER, at=now(session), source=_source(identity)))
    depot_order.status = DepotOrderStatus.SHIPPED
    send_units(session, depot_order)
    sent = [line.order_row_id for line in depot_order.lines if line.picked]
    advance_rows(session, sent, RowStatus.SENT)
    publish(session, "parcel.shipped", parcel_id=parcel.id)
    record_act(session, identity, depot_order, "parcel.shipped")
    tell(session, depot_order.order, "order.sent", tracking_no=tracking_no, carrier=parcel.carrier)
    return parcel


def register_delivery(session: Session, identity: Identity, parcel_id: int, source: str) -> Parcel:
    """Note that the parcel has arrived; a row is delivered when every part of it is. A second time changes nothing.

    Staff need the right to ship, workers to route messages. Locks person (shared), rows and depot order. Raises NotPermitted,
    NotFound, NotShipped.
    """
    permission = Permission.ROUTE_MESSAGES if identity.role is Role.SYSTEM else Permission.SHIP
    depot_order, parcel = lock_parcel(session, identity, parcel_id, permission)
    if parcel.shipped_at is None:
        raise NotShipped
    if parcel.delivered_at is not None:
        return parcel
    parcel.delivered_at = now(session)
    parcel.events.append(TrackingEvent(kind=TrackingKind.DELIVERED, at=now(session), source=source[:40]))
    depot_order.status = DepotOrderStatus.DELIVERED
    session.flush()
    advance_rows(session, _wholly_delivered_rows(session, depot_order), RowStatus.DELIVERED)
    record_act(session, identity, depot_order, "parcel.delivered", reason=source)
    tell(session, depot_order.order, "order.delivered")
    return parcel


def lock_parcel(
    session: Session, identity: Identity, parcel_id: int, permission: Permission = Permission.SHIP
) -> tuple[DepotOrder, Parcel]:
    """Lock person (shared), rows and depot order of a parcel; raise NotPermitted or NotFound."""
    depot_order_id = session.scalar(select(Parcel.depot_order_id).where(Parcel.id == parcel_id))
    if depot_order_id is None:
        raise NotFound
    depot_order = lock_depot_order(session, identity, depot_order_id, permission, with_person=True)
    parcel = next((one for one in depot_order.parcels if one.id == parcel_id), None)
    if parcel is None:
        # It was unpacked while this waited for the lock.
        raise NotFound
    return depot_order, parcel


def _check_still_wanted(depot_order: DepotOrder) -> None:
    if depot_order.order.receiver_has_died:
        raise ReceiverDeceased
    wanted = {line.id for line in live_lines(depot_order)}
    if any(line.picked and line.id not in wanted for line in depot_order.lines):
        raise RowCancelled


def reroute_if_protected(session: Session, identity: Identity, depot_order: DepotOrder) -> None:
    """Turn a delivery whose receiver's identity is now protected to the prescribing unit; the caller holds the locks. Handbook §4."""
    choice = depot_order.delivery_choice
    if depot_order.order.receiver_is_protected and choice.method is not DeliveryMethod.UNIT:
        redirect_to_unit(choice, depot_order.order, prescribing_unit_of(session, choice))
        record_act(session, identity, depot_order, "parcel.rerouted")


def _set_tracking_no(session: Session, parcel: Parcel, tracking_no: str) -> None:
    try:
        with session.begin_nested():
            parcel.tracking_no = tracking_no
            session.flush()
    except IntegrityError as problem:
        raise TrackingNumberTaken(tracking_no) from problem


def _source(identity: Identity) -> str:
    return f"staff:{identity.staff_id}" if identity.is_staff else "carrier"


def _wholly_delivered_rows(session: Session, depot_order: DepotOrder) -> list[int]:
    """Rows of the depot order of which no part is still to come; parts that were cancelled never will."""
    row_ids = [line.order_row_id for line in depot_order.lines if line.picked]
    settled = (DepotOrderStatus.DELIVERED, DepotOrderStatus.CANCELLED)
    on_their_way = set(
        session.scalars(
            select(OrderRow.id)
            .join(PickLine, PickLine.order_row_id == OrderRow.id)
            .join(DepotOrder, PickLine.depot_order_id == DepotOrder.id)
            .where(OrderRow.id.in_(row_ids), DepotOrder.status.not_in(settled))
        )
    )
    return [row_id for row_id in row_ids if row_id not in on_their_way]
