"""What the depot's staff do about transports: try again, ask, print the carrier's label, call about what it will not cancel."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from auth.identity import Identity
from auth.permissions import Permission, require
from core.clock import now
from core.errors import NotFound
from core.outbox import publish
from delivery.bookings import booking_of, lock_booking, take_back_bookings
from delivery.carrier_models import BookingStatus, CarrierBooking
from delivery.claims import record_act
from delivery.errors import AlreadyShipped
from delivery.shipping import label_may_not_leave, lock_parcel


def book_again(session: Session, identity: Identity, parcel_id: int) -> None:
    """Try once more for a parcel whose booking was refused or has not come; one that is booked stays so.

    Locks person (shared), rows, depot order and booking. Raises NotPermitted, NotFound, AlreadyShipped.
    """
    depot_order, parcel = lock_parcel(session, identity, parcel_id)
    if parcel.shipped_at is not None:
        raise AlreadyShipped
    booking = booking_of(session, parcel_id)
    if booking is not None and booking.status is BookingStatus.BOOKED:
        return
    if booking is not None and booking.status is BookingStatus.WANTED:
        publish(session, "carrier.book", booking_id=booking.id)
    else:
        take_back_bookings(session, [parcel_id])
        publish(session, "parcel.packed", parcel_id=parcel_id)
    record_act(session, identity, depot_order, "booking.repeated")


def ask_carrier(session: Session, identity: Identity, parcel_id: int) -> None:
    """Publish `carrier.track` for a parcel that is booked: its carrier is asked where it is. Raises NotPermitted, NotFound."""
    require(identity, Permission.SHIP)
    booking = booking_of(session, parcel_id)
    if booking is None or booking.region != identity.region or booking.status is not BookingStatus.BOOKED:
        raise NotFound
    publish(session, "carrier.track", booking_id=booking.id)


def carrier_label(session: Session, identity: Identity, parcel_id: int) -> bytes:
    """Return the label that the carrier made of a parcel not yet handed over; the print goes to the access log.

    Locks person (shared), rows and depot order. Raises NotPermitted, NotFound.
    """
    depot_order, parcel = lock_parcel(session, identity, parcel_id)
    booking = booking_of(session, parcel_id)
    if booking is None or booking.label is None or parcel.shipped_at is not None or label_may_not_leave(depot_order):
        raise NotFound
    record_act(session, identity, depot_order, "label.printed")
    return booking.label


def left_standing(session: Session, identity: Identity) -> list[CarrierBooking]:
    """Return the transports of parcels that were unpacked which the carrier will not cancel: somebody must call. Raises NotPermitted."""
    require(identity, Permission.SHIP)
    return list(
        session.scalars(
            select(CarrierBooking)
            .where(
                CarrierBooking.region == identity.region,
                CarrierBooking.status == BookingStatus.REFUSED,
                CarrierBooking.parcel_id.is_(None),
            )
            .order_by(CarrierBooking.id)
            .limit(50)
        )
    )


def note_called(session: Session, identity: Identity, booking_id: int) -> None:
    """Note that the carrier has been called about a transport that it would not cancel. Locks it; raises NotPermitted, NotFound."""
    require(identity, Permission.SHIP)
    known = session.get(CarrierBooking, booking_id)
    if known is None or known.region != identity.region:
        raise NotFound
    booking = lock_booking(session, booking_id)
    if booking.status is BookingStatus.REFUSED and booking.parcel_id is None:
        booking.status, booking.changed_at = BookingStatus.CANCELLED, now(session)
