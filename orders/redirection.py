"""Sending what is not yet handed over to the prescribing unit instead of home. Handbook §4."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from auth.models import Unit
from orders.delivery_plans import parcel_alias, unit_delivery_choice
from orders.kinds import ServicePointProvider
from orders.models import DeliveryChoice, Order, OrderRow, Prescription, PrescriptionItem, Withdrawal


def prescribing_unit_of(session: Session, choice: DeliveryChoice) -> Unit:
    """Return the unit behind a delivery's rows: that of the withdrawals, for replacements that of the person's latest prescription."""
    unit = session.scalar(
        select(Unit)
        .join(Prescription, Prescription.unit_id == Unit.id)
        .join(PrescriptionItem, PrescriptionItem.prescription_id == Prescription.id)
        .join(Withdrawal, Withdrawal.prescription_item_id == PrescriptionItem.id)
        .join(OrderRow, OrderRow.withdrawal_id == Withdrawal.id)
        .where(OrderRow.delivery_choice_id == choice.id)
        .order_by(OrderRow.id)
        .limit(1)
    )
    return (
        unit
        or session.scalars(
            select(Unit)
            .join(Prescription, Prescription.unit_id == Unit.id)
            .join(Order, Order.person_id == Prescription.person_id)
            .where(Order.id == choice.order_id)
            .order_by(Prescription.id.desc())
            .limit(1)
        ).one()
    )


_PERSONAL = (
    *("receiver", "care_of", "street", "postal_code", "city", "door_code", "phone", "comment"),
    *("point_id", "point_name", "notify_to", "contact_person"),
    *("invoice_receiver", "invoice_street", "invoice_postal_code", "invoice_city"),
)


def forget_address(choice: DeliveryChoice) -> None:
    """Take everything of the patient's out of a delivery, and leave the way in which it went."""
    for name in _PERSONAL:
        setattr(choice, name, "")
    choice.notification = None


def redirect_to_unit(choice: DeliveryChoice, order: Order, unit: Unit) -> None:
    """Overwrite a delivery with the unit's name and address, so that nothing of the patient's is left in it."""
    forget_address(choice)
    to_unit = unit_delivery_choice(order, unit, parcel_alias(order.patient))
    choice.method_id, choice.method = to_unit.method_id, to_unit.method
    choice.provider = ServicePointProvider.NONE.value
    choice.receiver, choice.care_of, choice.phone = to_unit.receiver, to_unit.care_of, to_unit.phone
    choice.street, choice.postal_code, choice.city = to_unit.street, to_unit.postal_code, to_unit.city
