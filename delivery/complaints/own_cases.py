"""What reporters see of the cases that came of their reports. Handbook §4."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date

from sqlalchemy import Select, select
from sqlalchemy.orm import Session, joinedload, selectinload

from auth.identity import Identity, Relation
from auth.permissions import Permission, require
from core.audit import record
from core.clock import swedish_date
from core.errors import NotFound
from core.policy import policy_of
from delivery.complaints.clock import add_working_minutes
from delivery.complaints.draft_models import Photo
from delivery.complaints.models import Complaint, ComplaintEvent, ComplaintEventKind
from delivery.complaints.photos import photos_for_reporter
from delivery.complaints.policy import ComplaintRoute, ComplaintsPolicy
from delivery.complaints.replacing import route_of
from delivery.complaints.rules import is_case_no
from orders.models import Article


@dataclass(frozen=True)
class OwnCase:
    """One case as its reporter sees it; `answer_by` is the day by which somebody decides it, `route` who helps them until then."""

    complaint: Complaint
    answer_by: date
    route: ComplaintRoute
    photos: tuple[Photo, ...] = ()

    @property
    def question(self) -> str:
        """What the consultant asks and nobody has answered; empty for nothing."""
        if not is_asked(self.complaint):
            return ""
        return next(event.text for event in reversed(self.complaint.events) if event.kind is ComplaintEventKind.ASKED)

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
    return [_own(session, case) for case in cases]


def own_case(session: Session, identity: Identity, case_no: str) -> OwnCase:
    """Return one case that the identity may follow, with its photos, and log the look; raise NotPermitted, NotFound."""
    require(identity, Permission.SEE_OWN_CASES)
    complaint = find_own(session, identity, case_no)
    record(
        session,
        identity.actor,
        "case.seen",
        subject_person_id=complaint.person_id,
        manner="LOOK",
        object_ref=f"case:{complaint.case_no}",
    )
    return replace(_own(session, complaint), photos=tuple(photos_for_reporter(session, identity, complaint.id)))


def find_own(session: Session, identity: Identity, case_no: str) -> Complaint:
    """Return one case that the identity may follow; raise NotFound. The caller checks and logs."""
    if not is_case_no(case_no):
        raise NotFound
    complaint = session.scalar(
        _visible_to(identity)
        .where(Complaint.case_no == case_no)
        .options(selectinload(Complaint.events))
        .execution_options(populate_existing=True)
    )
    if complaint is None:
        raise NotFound
    return complaint


# What ends a question: its answer, or a decision that was made without one.
_ENDS_QUESTION = frozenset(
    {
        ComplaintEventKind.ANSWERED,
        ComplaintEventKind.REPLACED,
        ComplaintEventKind.DECLINED,
        ComplaintEventKind.CLOSED,
    }
)


def is_asked(complaint: Complaint) -> bool:
    """Tell whether a consultant has asked something that waits for an answer."""
    for event in reversed(complaint.events):
        if event.kind in _ENDS_QUESTION:
            return False
        if event.kind is ComplaintEventKind.ASKED:
            return True
    return False


def told(identity: Identity, complaint: Complaint) -> list[ComplaintEvent]:
    """Return the lines of a case's timeline that its reporter reads, oldest first; a proxy none that another person added."""
    lines = [event for event in complaint.events if event.for_reporter]
    if identity.relation is Relation.PROXY:
        return [line for line in lines if line.person_id in (None, identity.person_id)]
    return lines


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


def _own(session: Session, complaint: Complaint) -> OwnCase:
    policy = policy_of(complaint.region).section(ComplaintsPolicy)
    minutes = policy.due_minutes(is_red=complaint.has_red_flag)
    expected = complaint.due_at or add_working_minutes(complaint.received_at, minutes, policy.working_hours)
    route = complaint.route or route_of(session, complaint.region, complaint.article.kind)
    return OwnCase(complaint, swedish_date(expected), route)
