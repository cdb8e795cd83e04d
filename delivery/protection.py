"""A protected identity that arrives after the order: names and addresses are taken away at once. Handbook §4."""

from __future__ import annotations

from sqlalchemy import or_, select, update
from sqlalchemy.orm import Session

from auth.identity import system_identity
from auth.models import Person
from auth.permissions import Permission, require
from auth.settings import forget_contact
from core.audit import record
from core.outbox import Message
from delivery.bookings import take_back_bookings_of
from delivery.complaints.models import Complaint, FaultReport
from delivery.models import DepotOrder, DepotOrderStatus
from delivery.unit_turning import turn_to_units
from delivery.warehouse_orders import forget_bodies
from orders.models import DeliveryChoice, DeliveryMethod, Order, OrderRow, Registration, RowStatus
from orders.redirection import forget_address
from orders.services import lock_person

_TO_COME = (RowStatus.RECEIVED, RowStatus.PICKING, RowStatus.BACK_ORDERED)


def hide_person(session: Session, message: Message) -> None:
    """Turn what is not yet packed to the prescribing unit, and forget name and address elsewhere; handles `person.protected`.

    Locks the person: packing, printing and shipping wait for that too; then the rows and depot orders not packed, each by id. A packed
    parcel keeps its old method, so that it cannot be shipped before its label has been printed anew, and its transport is cancelled. A
    flag that was taken back meanwhile hides nothing.
    """
    person = lock_person(session, message.payload["person_id"])
    if not person.is_protected:
        return
    identity = system_identity(person.region, "protection")
    require(identity, Permission.ROUTE_MESSAGES, region=person.region)
    _hide_deliveries(session, person)
    forget_bodies(session, person.id)
    take_back_bookings_of(session, person.id)
    session.execute(
        update(Order)
        .where(or_(Order.person_id == person.id, Order.orderer_person_id == person.id))
        .values(orderer_name="")
    )
    cases = select(Complaint.id).where(Complaint.person_id == person.id)
    session.execute(
        update(FaultReport)
        .where(or_(FaultReport.reporter_person_id == person.id, FaultReport.complaint_id.in_(cases)))
        .values(reporter_name="", call_on="")
        .execution_options(synchronize_session=False)
    )
    forget_contact(session, person.id)
    record(session, identity.actor, "person.hidden", subject_person_id=person.id)


def _hide_deliveries(session: Session, person: Person) -> None:
    choices = session.scalars(
        select(DeliveryChoice)
        .join(DeliveryChoice.order)
        .where(Order.person_id == person.id, DeliveryChoice.method != DeliveryMethod.UNIT)
        .order_by(DeliveryChoice.id)
    ).all()
    ids = [choice.id for choice in choices]
    to_come = set(
        session.scalars(
            select(OrderRow.delivery_choice_id)
            .join(OrderRow.order)
            .where(
                OrderRow.delivery_choice_id.in_(ids),
                OrderRow.status.in_(_TO_COME),
                # What a source sends, it sends where it knows to: our copy is only told no address.
                Order.registration == Registration.HERE,
            )
        )
    )
    packed = set(
        session.scalars(
            select(DepotOrder.delivery_choice_id).where(
                DepotOrder.delivery_choice_id.in_(ids), DepotOrder.status == DepotOrderStatus.PACKED
            )
        )
    )
    turned = [choice for choice in choices if choice.id in to_come - packed]
    for choice in choices:
        if choice not in turned:
            forget_address(choice)
    turn_to_units(session, turned)
