"""Where is my parcel: what customer service may see of an order while somebody calls about it."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload, selectinload

from auth.identity import Identity
from auth.permissions import Permission, require
from core.audit import record
from core.errors import DomainError
from delivery.models import DepotOrder, Parcel
from orders.models import Order, OrderRow


class ReasonMissing(DomainError):
    """An order is looked up because somebody asked; without the reason it is not looked up."""


@dataclass(frozen=True)
class FoundOrder:
    """An order's rows and parcels; `caller_name` is whom to expect on the phone, empty with protected identity."""

    order: Order
    parcels: tuple[Parcel, ...]
    caller_name: str
    is_protected: bool


def find_order(session: Session, identity: Identity, order_no: str, reason: str) -> FoundOrder | None:
    """Return an order of the identity's region, or None; the look is logged with its reason, found or not.

    A fixed number of statements. Raises NotPermitted, ReasonMissing. No prescription, address or phone number is read.
    """
    require(identity, Permission.FIND_ORDER)
    reason = reason.strip()
    if not reason:
        raise ReasonMissing
    order = session.scalar(
        select(Order)
        .where(Order.order_no == order_no, Order.region == identity.region)
        .options(
            joinedload(Order.person),
            selectinload(Order.rows).joinedload(OrderRow.article),
            selectinload(Order.delivery_choices),
        )
    )
    record(
        session,
        identity.actor,
        "order.enquired",
        subject_person_id=order.person_id if order else None,
        manner="LOOK",
        object_ref=f"order:{order_no}"[:80],
        reason=reason,
    )
    if order is None:
        return None
    parcels = session.scalars(
        select(Parcel)
        .join(DepotOrder, Parcel.depot_order_id == DepotOrder.id)
        .where(DepotOrder.order_id == order.id)
        .order_by(Parcel.id)
    ).all()
    return FoundOrder(order, tuple(parcels), order.person.full_name, order.person.is_protected)
