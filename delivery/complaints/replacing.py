"""A replacement for a locked case: by the system at once, or because a consultant decided so. No withdrawal is used. Handbook §3.8."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session, aliased

from auth.identity import Identity
from core.clock import now
from delivery.complaints.cases import change_state, record_case, require_way, tell_people, tell_timeline
from delivery.complaints.errors import NothingPrescribed
from delivery.complaints.models import Complaint, ComplaintEventKind, ComplaintState, FaultReport
from delivery.models import PickedLot, PickLine
from orders.models import Order, OrderRow, RowStatus
from orders.replacements import place_replacement

A_YEAR = timedelta(days=365)


def send_replacement(session: Session, identity: Identity, complaint: Complaint, packages: int) -> Order:
    """Order `packages` for a case whose person and complaint are locked, and tell the reporter; raise StateRefused, NothingPrescribed."""
    require_way(identity, complaint, ComplaintState.REPLACEMENT_ORDERED)
    try:
        order = place_replacement(
            session,
            identity,
            person_id=complaint.person_id,
            complaint_id=complaint.id,
            article_id=complaint.article_id,
            packages=packages,
            replaced_row_id=session.scalar(
                select(PickLine.order_row_id)
                .join(PickedLot, PickedLot.pick_line_id == PickLine.id)
                .where(PickedLot.id == complaint.report.picked_lot_id)
            ),
        )
    except LookupError:
        raise NothingPrescribed from None
    complaint.replacement_order = order
    change_state(session, identity, complaint, ComplaintState.REPLACEMENT_ORDERED)
    tell_timeline(session, identity, complaint, ComplaintEventKind.REPLACED, order.order_no, for_reporter=True)
    record_case(session, identity, complaint, "complaint.replaced")
    tell_people(session, complaint, "fault.replaced", order_no=order.order_no)
    return order


def delivered_packages(session: Session, complaint: Complaint) -> int:
    """Return how many packages of the reported lot came with the reported delivery; of an unknown delivery, how many are reported."""
    reported, same = aliased(PickedLot), aliased(PickedLot)
    delivered: int | None = session.scalar(
        select(func.sum(same.packages))
        .select_from(FaultReport)
        .join(reported, FaultReport.picked_lot_id == reported.id)
        .join(same, (same.pick_line_id == reported.pick_line_id) & (same.lot_id == reported.lot_id))
        .where(FaultReport.complaint_id == complaint.id)
    )
    return complaint.report.packages if delivered is None else delivered


def replaced_packages(session: Session, complaint: Complaint) -> int:
    """Return how many packages of the reported delivery have been replaced for any case."""
    reported, same = aliased(PickedLot), aliased(PickedLot)
    delivery = (
        select(same.id)
        .join(reported, (same.pick_line_id == reported.pick_line_id) & (same.lot_id == reported.lot_id))
        .where(reported.id == complaint.report.picked_lot_id)
    )
    return session.scalars(
        select(func.coalesce(func.sum(OrderRow.packages), 0))
        .join(FaultReport, FaultReport.complaint_id == OrderRow.complaint_ref)
        .where(FaultReport.picked_lot_id.in_(delivery), OrderRow.status != RowStatus.CANCELLED)
    ).one()


def replacements_of_a_year(session: Session, complaint: Complaint) -> int:
    """Return how many times the patient has been sent a replacement of the article in the last twelve months."""
    return session.scalars(
        select(func.count())
        .select_from(OrderRow)
        .join(Order, OrderRow.order_id == Order.id)
        .where(
            Order.person_id == complaint.person_id,
            Order.placed_at > now(session) - A_YEAR,
            OrderRow.article_id == complaint.article_id,
            OrderRow.complaint_ref.is_not(None),
            OrderRow.status != RowStatus.CANCELLED,
        )
    ).one()
