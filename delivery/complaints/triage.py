"""What leads up to a decision and what follows it: look, ask, note, give to a colleague, close, open again. Handbook §7.

Lock → check → build → record; the caller commits. Lock order: the person, then the complaint.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from auth.identity import Identity, Role
from auth.models import Commission, StaffMember, Unit
from auth.permissions import Permission, require
from core.clock import now
from core.policy import policy_of
from delivery.complaints import rules
from delivery.complaints.asking import resume_after_answer as resume_after_answer
from delivery.complaints.cases import change_state, lock_case, record_case, tell_people, tell_timeline
from delivery.complaints.clock import add_working_minutes
from delivery.complaints.decisions import already_decided
from delivery.complaints.errors import NotAColleague, ReasonMissing, StateRefused
from delivery.complaints.models import Complaint, ComplaintEventKind, ComplaintState
from delivery.complaints.policy import ComplaintsPolicy


@dataclass(frozen=True)
class Triage:
    """What a consultant sees in a case; `is_serious` makes it a red flag, and nothing here takes a red flag away."""

    case_no: str
    is_serious: bool = False
    has_lot_pattern: bool = False
    note: str = ""


def triage(session: Session, identity: Identity, command: Triage) -> Complaint:
    """Record that the case has been looked at, and what was seen; an undecided one becomes TRIAGED, a decided one stays where it is.

    Locks the person and the complaint. Raises NotPermitted, NotFound, StateRefused for a closed one.
    """
    complaint = lock_case(session, identity, Permission.DECIDE_COMPLAINT, command.case_no)
    if complaint.state is ComplaintState.CLOSED:
        raise StateRefused(complaint.state, ComplaintState.TRIAGED)
    if complaint.state is ComplaintState.RECEIVED:
        change_state(session, identity, complaint, ComplaintState.TRIAGED)
    complaint.triaged_at = now(session)
    complaint.owner_id = identity.staff_id
    if command.is_serious and not complaint.has_red_flag:
        complaint.has_red_flag = True
        _hasten(session, complaint)
    seen = [
        word for word, is_so in (("SERIOUS", command.is_serious), ("LOT_PATTERN", command.has_lot_pattern)) if is_so
    ]
    text = " ".join(seen) + "\n" + command.note.strip()
    tell_timeline(session, identity, complaint, ComplaintEventKind.TRIAGED, text)
    record_case(session, identity, complaint, "complaint.triaged")
    return complaint


def mark_read(session: Session, identity: Identity, case_no: str) -> Complaint:
    """Note that what was added to a decided case has been read and needs nothing more; nothing to read changes nothing.

    Locks the person and the complaint. Raises NotPermitted, NotFound.
    """
    complaint = lock_case(session, identity, Permission.DECIDE_COMPLAINT, case_no)
    if complaint.added_to_since is not None:
        complaint.added_to_since = None
        record_case(session, identity, complaint, "complaint.addition_read")
    return complaint


def assign(session: Session, identity: Identity, case_no: str, staff_id: int) -> Complaint:
    """Give a case to a consultant of the region; giving it to whoever has it changes nothing.

    Locks the person and the complaint. Raises NotPermitted, NotFound, NotAColleague, AlreadyDecided for what is settled.
    """
    complaint = lock_case(session, identity, Permission.DECIDE_COMPLAINT, case_no)
    if complaint.state in rules.SETTLED:
        raise already_decided(session, complaint)
    names = {colleague.id: colleague.name for colleague in colleagues(session, identity)}
    if staff_id not in names:
        raise NotAColleague
    if complaint.owner_id != staff_id:
        complaint.owner_id = staff_id
        tell_timeline(session, identity, complaint, ComplaintEventKind.ASSIGNED, names[staff_id])
        record_case(session, identity, complaint, "complaint.assigned")
    return complaint


def colleagues(session: Session, identity: Identity) -> list[StaffMember]:
    """Return the consultants of the identity's region, by name; raise NotPermitted."""
    require(identity, Permission.SEE_COMPLAINTS)
    return list(
        session.scalars(
            select(StaffMember)
            .where(
                StaffMember.id.in_(
                    select(Commission.staff_id)
                    .join(Unit, Commission.unit_id == Unit.id)
                    .where(
                        Commission.role == Role.CONSULTANT,
                        Commission.ended_at.is_(None),
                        Unit.region == identity.region,
                    )
                )
            )
            .order_by(StaffMember.name, StaffMember.id)
        )
    )


def add_note(session: Session, identity: Identity, case_no: str, text: str) -> Complaint:
    """Write a note that only those at work read; raise NotPermitted, NotFound, ReasonMissing when it is empty."""
    complaint = lock_case(session, identity, Permission.DECIDE_COMPLAINT, case_no)
    if not text.strip():
        raise ReasonMissing
    tell_timeline(session, identity, complaint, ComplaintEventKind.NOTE, text.strip())
    record_case(session, identity, complaint, "complaint.noted")
    return complaint


def close(session: Session, identity: Identity, case_no: str, reason: str) -> Complaint:
    """Close a case with the reason, which only those at work read; whoever has had no other answer is told that it is closed.

    Locks the person and the complaint. Raises NotPermitted, NotFound, ReasonMissing, StateRefused: not from everywhere, and a red flag
    only after triage.
    """
    complaint = lock_case(session, identity, Permission.DECIDE_COMPLAINT, case_no)
    if not reason.strip():
        raise ReasonMissing
    is_answered = complaint.state is not ComplaintState.TRIAGED or complaint.replacement_order_id is not None
    change_state(session, identity, complaint, ComplaintState.CLOSED)
    tell_timeline(session, identity, complaint, ComplaintEventKind.CLOSED, reason.strip())
    record_case(session, identity, complaint, "complaint.closed")
    if not is_answered:
        tell_people(session, complaint, "fault.closed")
    return complaint


def reopen(session: Session, identity: Identity, case_no: str, reason: str) -> Complaint:
    """Take a declined or closed case up again, with a new due time, and tell the reporter; why is read only at work.

    Locks the person and the complaint. Raises NotPermitted, NotFound, ReasonMissing, StateRefused.
    """
    complaint = lock_case(session, identity, Permission.DECIDE_COMPLAINT, case_no)
    if not reason.strip():
        raise ReasonMissing
    if complaint.state not in rules.SETTLED:
        raise StateRefused(complaint.state, ComplaintState.TRIAGED)
    change_state(session, identity, complaint, ComplaintState.TRIAGED)
    complaint.decline_reason, complaint.duplicate_of_id = "", None
    complaint.owner_id = identity.staff_id
    policy = _policy(complaint)
    minutes = policy.due_minutes(is_red=complaint.has_red_flag)
    complaint.due_at = add_working_minutes(now(session), minutes, policy.working_hours)
    tell_timeline(session, identity, complaint, ComplaintEventKind.REOPENED, reason.strip())
    record_case(session, identity, complaint, "complaint.reopened")
    tell_people(session, complaint, "fault.reopened")
    return complaint


def _hasten(session: Session, complaint: Complaint) -> None:
    """A red flag that is found later is due a red flag's time from now, unless it was due before."""
    policy = _policy(complaint)
    if complaint.minutes_left is not None:
        complaint.minutes_left = min(complaint.minutes_left, policy.due_minutes(is_red=True))
        return
    due_at = add_working_minutes(now(session), policy.due_minutes(is_red=True), policy.working_hours)
    complaint.due_at = min(complaint.due_at or due_at, due_at)


def _policy(complaint: Complaint) -> ComplaintsPolicy:
    return policy_of(complaint.region).section(ComplaintsPolicy)
