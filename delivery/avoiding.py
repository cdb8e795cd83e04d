"""Which lots a replacement must not come from: the one that failed, and those that the patient has other cases about. Handbook §7."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from delivery.complaints.models import Complaint
from delivery.complaints.rules import SETTLED
from orders.models import Order, OrderRow


@dataclass(frozen=True)
class Avoided:
    """By order row: the lot that failed, and the lots of the article of which the patient has other cases that are not settled."""

    faulty: dict[int, int]
    more: dict[int, list[int]]


def lots_to_avoid(session: Session, order: Order, rows: list[OrderRow]) -> Avoided:
    """Return what the replacement rows of an order must not come from; at most one statement."""
    replacing = [row for row in rows if row.complaint_ref is not None]
    if not replacing:
        return Avoided({}, {})
    cases = session.scalars(
        select(Complaint).where(Complaint.person_id == order.person_id, Complaint.lot_id.is_not(None))
    ).all()
    faulty, more = {}, {}
    for row in replacing:
        for case in cases:
            if case.id == row.complaint_ref and case.lot_id is not None:
                faulty[row.id] = case.lot_id
        others = {case.lot_id for case in cases if case.article_id == row.article_id and case.state not in SETTLED}
        more[row.id] = sorted(lot_id for lot_id in others if lot_id is not None and lot_id != faulty.get(row.id))
    return Avoided(faulty, more)
