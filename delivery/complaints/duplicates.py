"""Reports that may be about the same product: offered to whoever decides, never merged by themselves."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import ColumnElement, and_, select
from sqlalchemy.orm import Session, joinedload

from core.policy import policy_of
from delivery.complaints.models import Complaint, FaultReport
from delivery.complaints.policy import ComplaintsPolicy

MOST_OFFERED = 5


def possible_duplicates(session: Session, complaint: Complaint) -> list[Complaint]:
    """Return the latest cases of the same patient and article, and the same lot or serial number, reported within the policy's days.

    Two that state different serial numbers are two products. What is already another's duplicate is not offered. One statement.
    """
    policy = policy_of(complaint.region).section(ComplaintsPolicy)
    around = timedelta(days=policy.duplicate_within_days)
    return list(
        session.scalars(
            select(Complaint)
            .join(FaultReport, FaultReport.complaint_id == Complaint.id)
            .where(
                Complaint.person_id == complaint.person_id,
                Complaint.article_id == complaint.article_id,
                Complaint.id != complaint.id,
                Complaint.duplicate_of_id.is_(None),
                Complaint.received_at.between(complaint.received_at - around, complaint.received_at + around),
                _same_product(complaint),
            )
            .options(joinedload(Complaint.report))
            .order_by(Complaint.id.desc())
            .limit(MOST_OFFERED)
        )
    )


def _same_product(complaint: Complaint) -> ColumnElement[bool]:
    serial = complaint.report.stated_serial_no
    same_serial = FaultReport.stated_serial_no == serial
    same_lot = (
        Complaint.lot_id == complaint.lot_id
        if complaint.lot_id is not None
        else and_(Complaint.lot_id.is_(None), FaultReport.stated_lot_no == complaint.report.stated_lot_no)
    )
    if not serial:
        return same_lot
    return same_serial | (same_lot & (FaultReport.stated_serial_no == ""))
