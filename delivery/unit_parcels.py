"""What is on its way to a prescribing unit under its own name, for patients with protected identity. Handbook §4."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.orm import Session, aliased, joinedload, selectinload

from auth.identity import Identity
from auth.permissions import Permission, require
from core.audit import record
from core.clock import now
from delivery.models import DepotOrder, DepotOrderStatus, Parcel
from orders.models import DeliveryChoice, DeliveryMethod, Order, OrderRow, Prescription, PrescriptionItem, Withdrawal

# So long a parcel that has arrived is still told of: somebody at the unit has to hand it over.
ARRIVED_FOR = timedelta(days=14)
MOST_SHOWN = 100


@dataclass(frozen=True)
class UnitParcel:
    """One delivery to the unit; no name stands anywhere. `person_id` leads to the patient's row, `alias` is a name that is nobody's.

    `parcel_no` (the SSCC) and `tracking_no` are empty until it is packed and handed over; `expected_on` is the promised day.
    """

    person_id: int
    alias: str
    order_no: str
    parcel_no: str
    tracking_no: str
    status: DepotOrderStatus
    expected_on: date
    delivered_at: datetime | None


def parcels_to_unit(session: Session, identity: Identity) -> tuple[UnitParcel, ...]:
    """Return what is on its way to the identity's unit and what has come lately, the earliest first; written to the access log.

    Raises NotPermitted. A fixed number of statements.
    """
    require(identity, Permission.SEE_UNIT_PATIENTS)
    arrived = select(Parcel.id).where(
        Parcel.depot_order_id == DepotOrder.id, Parcel.delivered_at > now(session) - ARRIVED_FOR
    )
    found = session.scalars(
        select(DepotOrder)
        .join(DepotOrder.delivery_choice)
        .join(DepotOrder.order)
        .where(
            DepotOrder.region == identity.region,
            DepotOrder.status != DepotOrderStatus.CANCELLED,
            Order.person_id.is_not(None),
            or_(DepotOrder.status != DepotOrderStatus.DELIVERED, arrived.exists()),
            DeliveryChoice.method == DeliveryMethod.UNIT,
            _goes_to(identity.unit_id),
        )
        .options(joinedload(DepotOrder.order).joinedload(Order.person), selectinload(DepotOrder.parcels))
        .order_by(DepotOrder.promised_date, DepotOrder.id)
        .limit(MOST_SHOWN)
    ).all()
    for person_id in sorted({depot_order.order.patient_id for depot_order in found}):
        record(session, identity.actor, "unit_parcels.seen", subject_person_id=person_id, manner="LOOK")
    return tuple(shown for depot_order in found for shown in _shown(depot_order))


def _goes_to(unit_id: int | None) -> ColumnElement[bool]:
    """Whether `orders.redirection.prescribing_unit_of` is the unit: that of the withdrawals, else of the latest prescription."""
    of_rows = (
        select(Prescription.unit_id)
        .join(PrescriptionItem, PrescriptionItem.prescription_id == Prescription.id)
        .join(Withdrawal, Withdrawal.prescription_item_id == PrescriptionItem.id)
        .join(OrderRow, OrderRow.withdrawal_id == Withdrawal.id)
        .where(OrderRow.delivery_choice_id == DeliveryChoice.id)
        .order_by(OrderRow.id)
        .limit(1)
        .correlate(DeliveryChoice)
        .scalar_subquery()
    )
    latest, order = aliased(Prescription), aliased(Order)
    of_person = (
        select(latest.unit_id)
        .join(order, order.person_id == latest.person_id)
        .where(order.id == DeliveryChoice.order_id)
        .order_by(latest.id.desc())
        .limit(1)
        .correlate(DeliveryChoice)
        .scalar_subquery()
    )
    return func.coalesce(of_rows, of_person) == unit_id


def _shown(depot_order: DepotOrder) -> list[UnitParcel]:
    parcels: list[Parcel | None] = list(depot_order.parcels) or [None]
    return [
        UnitParcel(
            person_id=depot_order.order.patient_id,
            alias=depot_order.order.patient.alias,
            order_no=depot_order.order.order_no,
            parcel_no=parcel.sscc if parcel else "",
            tracking_no=(parcel.tracking_no or "") if parcel else "",
            status=depot_order.status,
            expected_on=depot_order.promised_date,
            delivered_at=parcel.delivered_at if parcel else None,
        )
        for parcel in parcels
    ]
