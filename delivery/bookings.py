"""Transports: wanted when a parcel is packed, booked and cancelled by whatever calls the carrier, written down here. Handbook §6.

No carrier is called here, and whoever calls one holds no lock of these while it does.
"""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from auth.identity import system_identity
from auth.permissions import Permission
from core.clock import now, swedish_date
from core.errors import NotFound
from core.outbox import publish
from core.policy import policy_of
from delivery.carrier_models import BookingStatus, CarrierBooking
from delivery.carriers import Booked, ParcelFacts, Place
from delivery.claims import record_act
from delivery.models import Depot, DepotOrder, Parcel
from delivery.policy import DeliveryPolicy
from delivery.shipping import label_may_not_leave, lock_parcel
from delivery.waves import next_cut_off
from orders.models import DeliveryChoice, DeliveryMethod, Notification, Order

_WORKER = "carrier"
TRACKING_TAKEN = "TRACKING_TAKEN"


def want_booking(session: Session, parcel_id: int) -> None:
    """Want a transport for a packed parcel, and publish `carrier.book`; again changes nothing.

    None for one that was unpacked or handed over, nor for one whose label must be printed anew first. Locks person (shared), rows and
    depot order.
    """
    locked = _lock_parcel(session, parcel_id)
    if locked is None:
        return
    depot_order, parcel = locked
    if parcel.shipped_at is not None or label_may_not_leave(depot_order) or booking_of(session, parcel_id) is not None:
        return
    booking = CarrierBooking(
        region=depot_order.region,
        parcel_id=parcel.id,
        sscc=parcel.sscc,
        carrier=parcel.carrier,
        changed_at=now(session),
    )
    session.add(booking)
    session.flush()
    publish(session, "carrier.book", booking_id=booking.id)


def facts_to_book(session: Session, booking_id: int) -> tuple[ParcelFacts, str] | None:
    """Return what the carrier is to be told and the key of the booking; None when it is not wanted any more. Locks nothing."""
    booking = session.get_one(CarrierBooking, booking_id, populate_existing=True)
    if booking.status is not BookingStatus.WANTED or booking.parcel is None:
        return None
    parcel = booking.parcel
    depot_order = parcel.depot_order
    if parcel.shipped_at is not None or label_may_not_leave(depot_order):
        return None
    policy = policy_of(depot_order.region).section(DeliveryPolicy)
    unit = session.get_one(Depot, depot_order.depot_id).unit
    facts = ParcelFacts(
        carrier=parcel.carrier,
        sscc=parcel.sscc,
        # By when it was packed, so that a repeat says the same day.
        fetched_on=swedish_date(next_cut_off(policy, parcel.carrier, parcel.packed_at)),
        weight_grams=parcel.weight_grams,
        sender=Place(unit.name, unit.street, unit.postal_code, unit.city, phone=unit.phone),
        receiver=_receiver(depot_order.delivery_choice),
    )
    return facts, booking.key


def mark_booked(session: Session, booking_id: int, booked: Booked) -> None:
    """Write down a transport that the carrier has; one that nobody wants any more is to be cancelled.

    Locks person (shared), rows, depot order and booking.
    """
    known = session.get_one(CarrierBooking, booking_id)
    locked = _lock_parcel(session, known.parcel_id) if known.parcel_id is not None else None
    booking = lock_booking(session, booking_id)
    booking.reference, booking.changed_at = booked.reference, now(session)
    parcel = locked[1] if locked is not None and booking.parcel_id is not None else None
    is_sent_otherwise = (
        parcel is not None and parcel.shipped_at is not None and parcel.tracking_no != booked.tracking_no
    )
    if booking.status is not BookingStatus.WANTED or locked is None or parcel is None or is_sent_otherwise:
        _let_go(session, booking)
        return
    if not _give_number(session, parcel, booked.tracking_no):
        booking.status, booking.problem = BookingStatus.REFUSED, TRACKING_TAKEN
        return
    booking.status, booking.label, booking.problem = BookingStatus.BOOKED, booked.label, ""
    record_act(session, system_identity(booking.region, _WORKER), locked[0], "parcel.booked")


def mark_refused(session: Session, booking_id: int, problem: str) -> None:
    """Write down that the carrier will not, and what it says. Locks the booking."""
    booking = lock_booking(session, booking_id)
    if booking.status in (BookingStatus.WANTED, BookingStatus.CANCEL_WANTED):
        booking.status, booking.changed_at = BookingStatus.REFUSED, now(session)
        booking.problem = "".join(character for character in problem if character.isprintable())[:200]


def what_to_cancel(session: Session, booking_id: int) -> tuple[str, str, str] | None:
    """Return carrier, reference (empty when it is not known) and key of a booking to cancel; None when it is not. Locks nothing."""
    booking = session.get_one(CarrierBooking, booking_id, populate_existing=True)
    if booking.status is not BookingStatus.CANCEL_WANTED:
        return None
    return booking.carrier, booking.reference, booking.key


def mark_cancelled(session: Session, booking_id: int, reference: str) -> None:
    """Write down that the carrier has cancelled; when it was booked meanwhile after all, that is cancelled next. Locks the booking."""
    booking = lock_booking(session, booking_id)
    if booking.status is BookingStatus.CANCEL_WANTED and booking.reference == reference:
        booking.status, booking.changed_at = BookingStatus.CANCELLED, now(session)


def take_back_bookings(session: Session, parcel_ids: Collection[int]) -> None:
    """Let go of the transports of parcels: they are to be cancelled, and their labels and numbers are forgotten.

    The caller holds the depot orders' locks, or the person's; locks the bookings by id.
    """
    if not parcel_ids:
        return
    bookings = session.scalars(
        select(CarrierBooking)
        .where(CarrierBooking.parcel_id.in_(parcel_ids))
        .order_by(CarrierBooking.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).all()
    for booking in bookings:
        parcel = session.get_one(Parcel, booking.parcel_id)
        if booking.status is BookingStatus.BOOKED and parcel.shipped_at is None:
            parcel.tracking_no = None
        _let_go(session, booking)
    session.flush()


def take_back_bookings_of(session: Session, person_id: int) -> None:
    """Let go of the transports to somebody's home whose identity is now protected; the unit's are booked with the new label.

    The caller holds the person's lock. Handbook §4.
    """
    parcel_ids = session.scalars(
        select(Parcel.id)
        .join(Parcel.depot_order)
        .join(DepotOrder.order)
        .join(DepotOrder.delivery_choice)
        .where(
            Order.person_id == person_id,
            Parcel.shipped_at.is_(None),
            DeliveryChoice.method != DeliveryMethod.UNIT,
        )
    ).all()
    take_back_bookings(session, parcel_ids)


def booking_of(session: Session, parcel_id: int) -> CarrierBooking | None:
    """Return the transport of a parcel, as it is now."""
    return session.scalar(
        select(CarrierBooking).where(CarrierBooking.parcel_id == parcel_id).execution_options(populate_existing=True)
    )


def _let_go(session: Session, booking: CarrierBooking) -> None:
    booking.parcel_id, booking.label, booking.changed_at = None, None, now(session)
    if booking.status is BookingStatus.REFUSED and not booking.reference:
        # It never was: nothing to cancel.
        booking.status = BookingStatus.CANCELLED
        return
    booking.status = BookingStatus.CANCEL_WANTED
    session.flush()
    publish(session, "carrier.cancel", booking_id=booking.id)


def _give_number(session: Session, parcel: Parcel, tracking_no: str) -> bool:
    try:
        with session.begin_nested():
            parcel.tracking_no = tracking_no
            session.flush()
    except IntegrityError:
        return False
    return True


def _lock_parcel(session: Session, parcel_id: int) -> tuple[DepotOrder, Parcel] | None:
    region = session.scalar(select(DepotOrder.region).join(Parcel).where(Parcel.id == parcel_id))
    if region is None:
        return None
    try:
        return lock_parcel(session, system_identity(region, _WORKER), parcel_id, Permission.ROUTE_MESSAGES)
    except NotFound:
        return None


def lock_booking(session: Session, booking_id: int) -> CarrierBooking:
    """Lock a transport and return it as it is now."""
    return session.scalars(
        select(CarrierBooking)
        .where(CarrierBooking.id == booking_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one()


def _receiver(choice: DeliveryChoice) -> Place:
    if choice.method is DeliveryMethod.UNIT:
        # The name that is nobody's is for the unit, not for the carrier.
        return Place(choice.receiver, choice.street, choice.postal_code, choice.city, phone=choice.phone)
    return Place(
        name=choice.receiver,
        street=choice.street,
        postal_code=choice.postal_code,
        city=choice.city,
        care_of=choice.care_of,
        door_code=choice.door_code,
        phone=choice.notify_to if choice.notification is Notification.SMS else choice.phone,
        email=choice.notify_to if choice.notification is Notification.EMAIL else "",
        comment=choice.comment,
        point_id=choice.point_id,
        point_name=choice.point_name,
        collected_by=choice.contact_person,
    )
