"""Calling carriers, by whichever way the installation has: book, cancel, ask. None is today's way: numbers are typed by hand."""

from __future__ import annotations

import logging

from sqlalchemy.orm import Session

from core.outbox import Message
from delivery import bookings
from delivery.carrier_models import BookingStatus, CarrierBooking
from delivery.carriers import CarrierPort, CarrierRefused
from delivery.tracking import take_events

log = logging.getLogger("portal.carriers")

_port: CarrierPort | None = None


def use_carriers(port: CarrierPort | None) -> None:
    """Give this process its way to the carriers; called once by each entry point."""
    global _port
    _port = port


def want_booking(session: Session, message: Message) -> None:
    """Want a transport for a parcel, where carriers can be called; handles `parcel.packed`."""
    if _port is not None:
        bookings.want_booking(session, message.payload["parcel_id"])


def book(session: Session, message: Message) -> None:
    """Book a wanted transport; handles `carrier.book`, and a second time books nothing.

    Locks nothing but its own outbox message while the carrier is called.
    """
    booking_id = message.payload["booking_id"]
    wanted = bookings.facts_to_book(session, booking_id)
    if wanted is None:
        return
    try:
        booked = _carriers().book(*wanted)
    except CarrierRefused as refusal:
        bookings.mark_refused(session, booking_id, refusal.problem)
        log.warning("a carrier refused a parcel", extra={"booking_id": booking_id, "status": refusal.status})
    else:
        bookings.mark_booked(session, booking_id, booked)


def cancel(session: Session, message: Message) -> None:
    """Cancel a transport; handles `carrier.cancel`, and a second time cancels nothing. Locks as `book`."""
    booking_id = message.payload["booking_id"]
    standing = bookings.what_to_cancel(session, booking_id)
    if standing is None:
        return
    carrier, reference, key = standing
    try:
        _carriers().cancel(carrier, reference, key)
    except CarrierRefused as refusal:
        bookings.mark_refused(session, booking_id, refusal.problem)
        log.warning("a carrier will not cancel", extra={"booking_id": booking_id, "status": refusal.status})
    else:
        bookings.mark_cancelled(session, booking_id, reference)


def ask(session: Session, message: Message) -> None:
    """Ask the carrier what has happened to a parcel, and take it; handles `carrier.track`. Locks as `book` while it asks."""
    booking = session.get_one(CarrierBooking, message.payload["booking_id"])
    if booking.status is not BookingStatus.BOOKED:
        return
    try:
        events = _carriers().track(booking.carrier, booking.reference)
    except CarrierRefused as refusal:
        log.warning("a carrier does not know", extra={"booking_id": booking.id, "status": refusal.status})
    else:
        take_events(session, booking.id, list(events))


def _carriers() -> CarrierPort:
    if _port is None:
        raise RuntimeError("no way to the carriers: set CARRIER_URL or CARRIER_FOLDER as when it was booked")
    return _port
