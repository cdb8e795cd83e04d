"""Two reports of the same thing: one is closed as the same as the other, by a consultant and never by itself. Handbook §7."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from auth.identity import Identity
from auth.permissions import Permission
from core.clock import now
from delivery.complaints import rules
from delivery.complaints.cases import change_state, lock_case, record_case, tell_people, tell_timeline
from delivery.complaints.decisions import already_decided
from delivery.complaints.errors import DuplicateIsGraver, NotADuplicate
from delivery.complaints.models import Complaint, ComplaintEventKind, ComplaintState, LookFirst


def mark_duplicate(session: Session, identity: Identity, case_no: str, same_as: str) -> Complaint:
    """Close an undecided case as the same as another of the patient's, and tell the reporter; nothing of either is lost.

    The other is the one that a chain of duplicates leads to. Locks the person and both complaints. Raises NotPermitted, NotFound,
    NotADuplicate, DuplicateIsGraver, AlreadyDecided.
    """
    complaint, original = _lock_both(session, identity, case_no, same_as)
    if complaint.state not in rules.UNDECIDED:
        raise already_decided(session, complaint)
    if original.id == complaint.id or original.article_id != complaint.article_id:
        raise NotADuplicate
    if complaint.has_red_flag and not original.has_red_flag:
        raise DuplicateIsGraver
    if complaint.state is ComplaintState.RECEIVED:
        change_state(session, identity, complaint, ComplaintState.TRIAGED)
    complaint.triaged_at = now(session)
    complaint.owner_id = identity.staff_id
    complaint.duplicate_of_id = original.id
    change_state(session, identity, complaint, ComplaintState.CLOSED)
    tell_timeline(session, identity, complaint, ComplaintEventKind.MADE_DUPLICATE, original.case_no, for_reporter=True)
    tell_timeline(session, identity, complaint, ComplaintEventKind.CLOSED)
    record_case(session, identity, complaint, "complaint.made_duplicate")
    tell_people(session, complaint, "fault.duplicate", other_no=original.case_no)
    return complaint


def not_duplicate(session: Session, identity: Identity, case_no: str) -> Complaint:
    """Record that a case is about something else than the ones it was offered; it stays where it is.

    Locks the person and the complaint. Raises NotPermitted, NotFound. A case that is not offered any changes nothing.
    """
    complaint = lock_case(session, identity, Permission.DECIDE_COMPLAINT, case_no)
    if complaint.look_first is LookFirst.POSSIBLE_DUPLICATE:
        complaint.look_first = None
    tell_timeline(session, identity, complaint, ComplaintEventKind.NOT_DUPLICATE)
    record_case(session, identity, complaint, "complaint.not_duplicate")
    return complaint


def _lock_both(session: Session, identity: Identity, case_no: str, same_as: str) -> tuple[Complaint, Complaint]:
    """Lock the person and the case, then the case that the other's chain of duplicates ends with, if it is the same patient's."""
    complaint = lock_case(session, identity, Permission.DECIDE_COMPLAINT, case_no)
    if not rules.is_case_no(same_as):
        raise NotADuplicate
    of_patient = select(Complaint.id, Complaint.duplicate_of_id).where(Complaint.person_id == complaint.person_id)
    row = session.execute(of_patient.where(Complaint.case_no == same_as)).one_or_none()
    while row is not None and row.duplicate_of_id is not None:
        row = session.execute(of_patient.where(Complaint.id == row.duplicate_of_id)).one_or_none()
    if row is None:
        raise NotADuplicate
    # The lock on their person keeps every other change of the patient's cases away: the order of the two does not matter.
    original = session.get_one(Complaint, row.id, with_for_update=True, populate_existing=True)
    return complaint, original
