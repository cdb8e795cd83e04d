"""Single days of a patient's own items, for a calendar."""

from __future__ import annotations

from datetime import date

from sqlalchemy import select
from sqlalchemy.orm import Session

from auth.identity import Identity
from auth.permissions import Permission, require
from core.audit import record
from core.clock import today
from core.errors import NotFound
from orders.models import Prescription, PrescriptionItem, PrescriptionStatus


def can_order_on(session: Session, identity: Identity, item_id: int) -> date:
    """Return the day from which an item of the subject's can be ordered again; writes the look to the access log.

    Raises NotPermitted, and NotFound for another person's item and for one that has no such day to come.
    """
    require(identity, Permission.SEE_PRODUCTS)
    item = session.scalar(
        select(PrescriptionItem)
        .join(Prescription)
        .where(
            PrescriptionItem.id == item_id,
            Prescription.person_id == identity.subject_person_id,
            PrescriptionItem.status == PrescriptionStatus.ACTIVE,
            PrescriptionItem.orders_remaining > 0,
            PrescriptionItem.next_earliest_order_date > today(session),
            PrescriptionItem.next_earliest_order_date <= PrescriptionItem.last_valid_date,
        )
    )
    if item is None or item.next_earliest_order_date is None:
        raise NotFound
    record(session, identity.actor, "products.seen", subject_person_id=identity.subject_person_id, manner="LOOK")
    return item.next_earliest_order_date
