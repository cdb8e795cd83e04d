"""A replacement for a locked case: by the system at once, or because a consultant decided so. No withdrawal is used. Handbook §3.8."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session, aliased

from auth.identity import Identity
from auth.models import Unit
from core.clock import now
from core.policy import policy_of
from delivery.complaints.cases import change_state, record_case, require_way, tell_people, tell_timeline
from delivery.complaints.errors import NothingPrescribed, SentFromElsewhere
from delivery.complaints.models import Complaint, ComplaintEventKind, ComplaintState, FaultReport
from delivery.complaints.policy import ComplaintRoute, ComplaintsPolicy
from delivery.models import Depot, PickedLot, PickLine
from delivery.policy import DeliveryPolicy
from orders.models import Order, OrderRow, ProductKind, RowStatus
from orders.replacements import place_replacement
from orders.source.policy import source_of

A_YEAR = timedelta(days=365)


def send_replacement(session: Session, identity: Identity, complaint: Complaint, packages: int) -> Order:
    """Order `packages` for a case whose person and complaint are locked, and tell the reporter.

    Raises StateRefused, NothingPrescribed, SentFromElsewhere.
    """
    require_way(identity, complaint, ComplaintState.REPLACEMENT_ORDERED)
    if is_sent_from_elsewhere(session, complaint.region):
        raise SentFromElsewhere
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


def is_sent_from_elsewhere(session: Session, region: str) -> bool:
    """Tell whether another system sends the region's orders and no depot of ours could; no statement where prescriptions live here."""
    if not source_of(region).lives_elsewhere:
        return False
    hsa_id = policy_of(region).section(DeliveryPolicy).depot_hsa_id
    depot = select(Depot.id).join(Unit, Depot.unit_id == Unit.id).where(Unit.hsa_id == hsa_id)
    return session.scalar(depot) is None


def route_of(session: Session, region: str, kind: ProductKind) -> ComplaintRoute:
    """Return who sees to it that somebody has a working product: as the policy says, but nobody waits for a depot that is not ours."""
    route = policy_of(region).section(ComplaintsPolicy).route_of(kind)
    if route is ComplaintRoute.DEPOT_REPLACES and is_sent_from_elsewhere(session, region):
        return ComplaintRoute.CUSTOMER_SERVICE
    return route


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
