"""What cases are worth and whether they can be claimed. Handbook §7. The callers have checked what they may see and do."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from decimal import Decimal

from sqlalchemy import ColumnElement, Select, exists, or_, select
from sqlalchemy.orm import Session, joinedload

from delivery.complaints.claim_models import ClaimLine, ClaimOutcome, ClaimPack
from delivery.complaints.claim_rules import ClaimFacts, ClaimProblem, claim_problem, line_value
from delivery.complaints.models import Complaint, ComplaintState, FaultReport
from delivery.models import PickedLot, PickLine
from orders.models import Article, OrderRow

# A claim that is unanswered or accepted: the case cannot be claimed again beside it.
IS_LIVE: ColumnElement[bool] = or_(ClaimLine.outcome.is_(None), ClaimLine.outcome == ClaimOutcome.ACCEPTED)


@dataclass(frozen=True)
class Worth:
    """What was faulty of a case and what it cost; `value` is None when nobody knows the price."""

    packages: int
    is_kept: bool
    package_price: Decimal | None
    value: Decimal | None


def live_claims(session: Session, complaint_ids: Collection[int]) -> dict[int, ClaimPack]:
    """Return the pack in which each of the cases is claimed now, in one statement."""
    lines = session.scalars(
        select(ClaimLine)
        .where(ClaimLine.complaint_id.in_(complaint_ids), IS_LIVE)
        .options(joinedload(ClaimLine.pack))
        .execution_options(populate_existing=True)
    )
    return {line.complaint_id: line.pack for line in lines}


def worths(session: Session, complaint_ids: Collection[int]) -> dict[int, Worth]:
    """Return what each of the cases is worth, in one statement: the packages that failed at the price of when they were ordered."""
    rows = session.execute(
        select(
            FaultReport.complaint_id,
            FaultReport.packages,
            FaultReport.is_kept,
            OrderRow.package_price,
            Article.price,
        )
        .join(Complaint, FaultReport.complaint_id == Complaint.id)
        .join(Article, Complaint.article_id == Article.id)
        .outerjoin(PickedLot, FaultReport.picked_lot_id == PickedLot.id)
        .outerjoin(PickLine, PickedLot.pick_line_id == PickLine.id)
        .outerjoin(OrderRow, PickLine.order_row_id == OrderRow.id)
        .where(FaultReport.complaint_id.in_(complaint_ids))
    )
    return {
        complaint_id: Worth(
            packages, is_kept, article_price if paid is None else paid, line_value(packages, paid, article_price)
        )
        for complaint_id, packages, is_kept, paid, article_price in rows
    }


def problem_of(
    complaint: Complaint, worth: Worth, *, has_live_line: bool, even_if_thrown: bool = False
) -> ClaimProblem | None:
    """Return what stops a claim of the case; its article must be loaded."""
    facts = ClaimFacts(
        state=complaint.state,
        has_live_line=has_live_line,
        is_duplicate=complaint.duplicate_of_id is not None,
        has_supplier=complaint.article.supplier_id is not None,
        value=worth.value,
        is_kept=worth.is_kept,
    )
    return claim_problem(facts, even_if_thrown=even_if_thrown)


def waiting_to_be_claimed(region: str) -> Select[Complaint]:
    """Select the replaced cases that nobody has claimed, whose product is kept; their article is joined."""
    claimed = exists().where(ClaimLine.complaint_id == Complaint.id, IS_LIVE)
    return (
        select(Complaint)
        .join(Article, Complaint.article_id == Article.id)
        .join(FaultReport, FaultReport.complaint_id == Complaint.id)
        .where(
            Complaint.region == region,
            Complaint.state == ComplaintState.REPLACEMENT_ORDERED,
            Complaint.duplicate_of_id.is_(None),
            Article.supplier_id.is_not(None),
            FaultReport.is_kept,
            ~claimed,
        )
    )
