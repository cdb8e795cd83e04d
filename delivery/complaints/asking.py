"""Asking the reporter: the clock of the case stands still until there is an answer. Handbook §7.

Lock → check → build → record; the caller commits. Lock order: the person, then the complaint.
"""

from __future__ import annotations

from sqlalchemy.orm import Session

from auth.identity import Identity
from auth.permissions import Permission
from core import idempotency
from core.clock import now
from core.policy import policy_of
from delivery.complaints import rules
from delivery.complaints.cases import lock_case, record_case, tell_people, tell_timeline
from delivery.complaints.clock import add_working_minutes, working_minutes_between
from delivery.complaints.errors import NobodyToAsk, NotWaiting, ReasonMissing, StateRefused
from delivery.complaints.models import Complaint, ComplaintEventKind, ComplaintState
from delivery.complaints.policy import ComplaintsPolicy


def ask(session: Session, identity: Identity, case_no: str, question: str, idempotency_key: str) -> Complaint:
    """Ask the reporter in the inbox; the clock of an undecided case stands still until they answer. The same key asks once.

    Locks the person and the complaint. Raises NotPermitted, NotFound, ReasonMissing without a question, StateRefused for a closed case,
    NobodyToAsk when nobody reads an inbox for the patient.
    """
    complaint = lock_case(session, identity, Permission.DECIDE_COMPLAINT, case_no)
    owner = f"staff:{identity.staff_id}:{complaint.id}"
    spent = idempotency.spend(session, "complaint.ask", owner, idempotency_key)
    if not spent.is_first:
        return complaint
    if complaint.state is ComplaintState.CLOSED:
        raise StateRefused(complaint.state, complaint.state)
    if not question.strip():
        raise ReasonMissing
    if complaint.state in rules.UNDECIDED and complaint.waiting_since is None:
        _pause(session, complaint)
    complaint.owner_id = identity.staff_id
    spent.settle(session, complaint.case_no)
    tell_timeline(session, identity, complaint, ComplaintEventKind.ASKED, question.strip(), for_reporter=True)
    record_case(session, identity, complaint, "complaint.asked")
    if not tell_people(session, complaint, "fault.asked", question=question.strip()):
        raise NobodyToAsk
    return complaint


def resume_after_answer(session: Session, complaint: Complaint) -> None:
    """Let the clock of a case go on with the minutes that were left; nothing happens to one that does not wait.

    The caller has locked the complaint and writes the timeline and the access log.
    """
    if complaint.waiting_since is None or complaint.minutes_left is None:
        return
    hours = policy_of(complaint.region).section(ComplaintsPolicy).working_hours
    complaint.due_at = add_working_minutes(now(session), complaint.minutes_left, hours)
    complaint.waiting_since, complaint.minutes_left = None, None


def resume_by_hand(session: Session, identity: Identity, case_no: str, answer: str) -> Complaint:
    """Let the clock go on because the reporter answered in another way, by phone perhaps; `answer` is what they said.

    Locks the person and the complaint. Raises NotPermitted, NotFound, ReasonMissing, NotWaiting.
    """
    complaint = lock_case(session, identity, Permission.DECIDE_COMPLAINT, case_no)
    if complaint.waiting_since is None:
        raise NotWaiting
    if not answer.strip():
        raise ReasonMissing
    resume_after_answer(session, complaint)
    tell_timeline(session, identity, complaint, ComplaintEventKind.ANSWERED, answer.strip(), for_reporter=True)
    record_case(session, identity, complaint, "complaint.answer_noted")
    return complaint


def _pause(session: Session, complaint: Complaint) -> None:
    instant = now(session)
    hours = policy_of(complaint.region).section(ComplaintsPolicy).working_hours
    complaint.waiting_since = instant
    complaint.minutes_left = working_minutes_between(instant, complaint.due_at, hours) if complaint.due_at else 0
