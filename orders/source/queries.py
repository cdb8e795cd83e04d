"""What is known of a person at a source elsewhere, for those who look at their pages."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.audit import AccessLogEntry
from orders.models import Order
from orders.source.models import AwaitedOrder, SourceReading


@dataclass(frozen=True)
class KnownOfSource:
    """When the source was last asked with an answer that was taken (None for never), and the order that is awaited, if there is one."""

    read_at: datetime | None
    awaited_no: str


def known_of_source(session: Session, person_id: int) -> KnownOfSource:
    """Return what is known of a person at the source; two statements. The caller checks and logs."""
    reading = session.get(SourceReading, person_id)
    awaited = session.scalar(
        select(Order.order_no)
        .join(AwaitedOrder, AwaitedOrder.order_id == Order.id)
        .where(AwaitedOrder.person_id == person_id)
    )
    return KnownOfSource(reading.asked_at if reading is not None else None, awaited or "")


def was_taken_back(session: Session, person_id: int, order_no: str) -> bool:
    """Tell whether a number is that of an order of the person's that the source never registered: nothing else is left of it."""
    taken_back = select(AccessLogEntry.id).where(
        AccessLogEntry.subject_person_id == person_id,
        AccessLogEntry.action == "order.not_registered",
        AccessLogEntry.object_ref == f"order:{order_no}",
    )
    return session.scalar(taken_back.limit(1)) is not None
