"""What the papers of a parcel say, made true before they are printed."""

from __future__ import annotations

from typing import Literal

from sqlalchemy import select
from sqlalchemy.orm import Session

from auth.identity import Identity
from core.clock import swedish_date
from core.outbox import publish
from delivery.bookings import take_back_bookings
from delivery.claims import record_act
from delivery.documents import Address, NoteLine, ParcelPapers, ShortLine
from delivery.models import Depot, DepotOrder, DepotOrderStatus, PickLine
from delivery.shipping import label_may_not_leave, lock_parcel, packages_in, reroute_if_protected
from orders.delivery_plans import parcel_alias
from orders.models import DeliveryChoice, DeliveryMethod
from orders.redirection import prescribing_unit_of

# What a unit gets for its own store is unpacked by the region's staff.
_STAFF_LANGUAGE = "sv"


def prepare_papers(
    session: Session, identity: Identity, parcel_id: int, paper: Literal["delivery_note", "label"]
) -> ParcelPapers:
    """Return what the papers of a parcel say; a receiver whose identity is now protected has become the prescribing unit.

    Its transport is then booked anew. Locks person (shared), rows, depot order and booking; the print goes to the access log. Raises
    NotPermitted, NotFound.
    """
    depot_order, parcel = lock_parcel(session, identity, parcel_id)
    if parcel.shipped_at is None and label_may_not_leave(depot_order):
        reroute_if_protected(session, identity, depot_order)
        # Whoever was to fetch it knows the old address.
        take_back_bookings(session, [parcel.id])
        publish(session, "parcel.packed", parcel_id=parcel.id)
    record_act(session, identity, depot_order, f"{paper}.printed")
    depot = session.get_one(Depot, depot_order.depot_id)
    order, unit = depot_order.order, depot.unit
    return ParcelPapers(
        order_no=order.order_no,
        ordered_on=swedish_date(order.placed_at),
        packed_at=parcel.packed_at,
        sscc=parcel.sscc,
        language=order.person.language if order.person is not None else _STAFF_LANGUAGE,
        sender=Address(unit.name, unit.street, unit.postal_code, unit.city),
        receiver=_receiver(session, depot_order),
        lines=tuple(
            NoteLine(
                line.article.display_name, line.article.article_no, pick.packages, pick.lot.lot_no, pick.lot.expires_on
            )
            for line in depot_order.lines
            for pick in line.picked_lots
        ),
        short=_short_lines(session, depot_order),
        weight_grams=parcel.weight_grams,
        packages=packages_in(depot_order),
        is_for_store=order.unit_id is not None,
    )


def _receiver(session: Session, depot_order: DepotOrder) -> Address:
    choice = depot_order.delivery_choice
    if depot_order.order.receiver_is_protected and choice.method is not DeliveryMethod.UNIT:
        # It went home before the identity was protected; where that was is not printed again.
        unit = prescribing_unit_of(session, choice)
        alias = parcel_alias(depot_order.order.patient)
        return Address(unit.name, unit.street, unit.postal_code, unit.city, phone=unit.phone, reference=alias)
    return receiver_of(choice)


def receiver_of(choice: DeliveryChoice) -> Address:
    """Return the address of a delivery: at a service point the patient's name and the point's address."""
    is_unit = choice.method is DeliveryMethod.UNIT
    return Address(
        name=choice.receiver,
        street=choice.street,
        postal_code=choice.postal_code,
        city=choice.city,
        # A unit lives with nobody: there it is the name by which the unit knows whose parcel it is.
        care_of="" if is_unit else choice.care_of,
        reference=choice.care_of if is_unit else "",
        point=choice.point_name,
        collected_by=choice.contact_person,
        door_code=choice.door_code,
        phone=choice.phone,
        comment=choice.comment,
    )


def _short_lines(session: Session, depot_order: DepotOrder) -> tuple[ShortLine, ...]:
    short = {line.order_row_id: line for line in depot_order.lines if line.short}
    if not short:
        return ()
    parts = session.execute(
        select(PickLine.order_row_id, DepotOrder.promised_date)
        .join(DepotOrder, PickLine.depot_order_id == DepotOrder.id)
        .where(
            DepotOrder.delivery_choice_id == depot_order.delivery_choice_id,
            DepotOrder.part > depot_order.part,
            DepotOrder.status != DepotOrderStatus.CANCELLED,
            PickLine.order_row_id.in_(short),
        )
        .order_by(DepotOrder.part.desc())
    )
    expected = dict(parts.all())
    return tuple(
        ShortLine(line.article.display_name, line.short, expected.get(row_id)) for row_id, line in short.items()
    )
