"""What reporters see of the cases that came of their reports. Handbook §4."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from sqlalchemy import Select, select
from sqlalchemy.orm import Session, joinedload, selectinload

from auth.identity import Identity, Relation
from auth.permissions import Permission, require
from core.audit import record
from core.clock import swedish_date
from core.errors import NotFound
from core.policy import policy_of
from delivery.complaints.models import Complaint
from delivery.complaints.policy import ComplaintRoute, ComplaintsPolicy
from delivery.complaints.rules import due_at, is_case_no
from delivery.policy import DeliveryPolicy
from orders.models import Article


@dataclass(frozen=True)
class OwnCase:
    """One case as its reporter sees it; `answer_by` is the day by which somebody decides it, `route` who helps them until then."""

    complaint: Complaint
    answer_by: date
    route: ComplaintRoute

    @property
    def support_phone(self) -> str:
        """The phone number of the maker's support; empty when none is known."""
        supplier = self.complaint.article.supplier
        return supplier.support_phone if supplier is not None else ""


def own_cases(session: Session, identity: Identity, limit: int = 50) -> list[OwnCase]:
    """Return the subject's latest cases, those of a proxy only as far as they reported them; logs the look.

    One statement. Raises NotPermitted.
    """
    require(identity, Permission.SEE_OWN_CASES)
    cases = session.scalars(_visible_to(identity).order_by(Complaint.id.desc()).limit(limit)).all()
    record(session, identity.actor, "cases.seen", subject_person_id=identity.subject_person_id, manner="LOOK")
    return [_own(case) for case in cases]


def own_case(session: Session, identity: Identity, case_no: str) -> OwnCase:
    """Return one case that the identity may follow and log the look; raise NotPermitted, NotFound."""
    require(identity, Permission.SEE_OWN_CASES)
    if not is_case_no(case_no):
        raise NotFound
    complaint = session.scalar(
        _visible_to(identity).where(Complaint.case_no == case_no).options(selectinload(Complaint.events))
    )
    if complaint is None:
        raise NotFound
    record(
        session,
        identity.actor,
        "case.seen",
        subject_person_id=complaint.person_id,
        manner="LOOK",
        object_ref=f"case:{complaint.case_no}",
    )
    return _own(complaint)


def _visible_to(identity: Identity) -> Select[Complaint]:
    statement = (
        select(Complaint)
        .where(Complaint.person_id == identity.subject_person_id)
        .options(
            joinedload(Complaint.article).joinedload(Article.supplier),
            joinedload(Complaint.lot),
            joinedload(Complaint.report),
            joinedload(Complaint.replacement_order),
        )
    )
    if identity.relation is Relation.PROXY:
        # What others have reported is more than a proxy who may report faults is to know.
        statement = statement.where(Complaint.report.has(reporter_person_id=identity.person_id))
    return statement


def _own(complaint: Complaint) -> OwnCase:
    policy = policy_of(complaint.region).section(DeliveryPolicy)
    expected = complaint.due_at or due_at(
        swedish_date(complaint.received_at),
        is_red=complaint.has_red_flag,
        working_days=policy.complaint_due_working_days,
        red_flag_working_days=policy.red_flag_due_working_days,
    )
    route = policy_of(complaint.region).section(ComplaintsPolicy).route_of(complaint.article.kind)
    return OwnCase(complaint, swedish_date(expected), route)
