"""What consultants decide about a case: take, replace, decline. Lock → check → build → record; the caller commits.

Lock order: the person, then the complaint. What leads up to a decision and what follows it: `triage.py`.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from auth.identity import Identity
from auth.permissions import Permission
from core import idempotency
from delivery.complaints import rules
from delivery.complaints.cases import change_state, lock_case, record_case, tell_people, tell_timeline
from delivery.complaints.errors import (
    AlreadyDecided,
    AlreadyReplaced,
    PackagesOutOfRange,
    PatientHasDied,
    ReasonMissing,
)
from delivery.complaints.models import Complaint, ComplaintEvent, ComplaintEventKind, ComplaintState
from delivery.complaints.replacing import delivered_packages, send_replacement

_DECISIONS = frozenset(
    {
        ComplaintEventKind.REPLACED,
        ComplaintEventKind.DECLINED,
        ComplaintEventKind.MADE_DUPLICATE,
        ComplaintEventKind.CLAIMED,
        ComplaintEventKind.ACCEPTED,
        ComplaintEventKind.REJECTED,
        ComplaintEventKind.ANSWER_UNDONE,
        ComplaintEventKind.CREDITED,
        ComplaintEventKind.CREDIT_UNDONE,
        ComplaintEventKind.CLOSED,
    }
)


def take_case(session: Session, identity: Identity, case_no: str) -> Complaint:
    """Make the consultant the owner of a case that is not closed; raise NotPermitted, NotFound, AlreadyDecided.

    Locks the person and the complaint. Taking one's own case changes nothing; a colleague's is taken over.
    """
    complaint = lock_case(session, identity, Permission.DECIDE_COMPLAINT, case_no)
    if complaint.state in rules.SETTLED:
        raise already_decided(session, complaint)
    if complaint.owner_id != identity.staff_id:
        complaint.owner_id = identity.staff_id
        tell_timeline(session, identity, complaint, ComplaintEventKind.OPENED)
        record_case(session, identity, complaint, "complaint.taken")
    return complaint


@dataclass(frozen=True)
class ReplaceProduct:
    """A decision to send new packages of the same article."""

    case_no: str
    packages: int
    idempotency_key: str


def replace_product(session: Session, identity: Identity, command: ReplaceProduct) -> Complaint:
    """Order a replacement without a withdrawal (handbook §3.8) and tell the reporter; the same key gives the same result.

    Locks the person and the complaint. Raises NotPermitted, NotFound, AlreadyDecided, AlreadyReplaced when one was sent before the case
    was opened again, PackagesOutOfRange, PatientHasDied, NothingPrescribed, SentFromElsewhere.
    """
    complaint = lock_case(session, identity, Permission.DECIDE_COMPLAINT, command.case_no)
    spent = idempotency.spend(session, "complaint.replace", _key_owner(identity, complaint), command.idempotency_key)
    if not spent.is_first:
        return complaint
    _require_undecided(session, complaint, ComplaintState.REPLACEMENT_ORDERED)
    if complaint.replacement_order is not None:
        raise AlreadyReplaced(complaint.replacement_order.order_no)
    limit = delivered_packages(session, complaint)
    if not 1 <= command.packages <= limit:
        raise PackagesOutOfRange(limit)
    if complaint.person.deceased_on is not None:
        raise PatientHasDied
    send_replacement(session, identity, complaint, command.packages)
    complaint.owner_id = identity.staff_id
    spent.settle(session, complaint.case_no)
    return complaint


def decline(session: Session, identity: Identity, case_no: str, reason: str, idempotency_key: str) -> Complaint:
    """Decline a complaint with the reason that the reporter will read; the same key gives the same result.

    Locks the person and the complaint. Raises NotPermitted, NotFound, AlreadyDecided, ReasonMissing.
    """
    reason = reason.strip()
    complaint = lock_case(session, identity, Permission.DECIDE_COMPLAINT, case_no)
    spent = idempotency.spend(session, "complaint.decline", _key_owner(identity, complaint), idempotency_key)
    if not spent.is_first:
        return complaint
    _require_undecided(session, complaint, ComplaintState.DECLINED)
    if not reason:
        raise ReasonMissing

    complaint.decline_reason = reason
    change_state(session, identity, complaint, ComplaintState.DECLINED)
    complaint.owner_id = identity.staff_id
    spent.settle(session, complaint.case_no)
    tell_timeline(session, identity, complaint, ComplaintEventKind.DECLINED, reason, for_reporter=True)
    record_case(session, identity, complaint, "complaint.declined", reason)
    tell_people(session, complaint, "fault.declined", reason=reason)
    return complaint


def _key_owner(identity: Identity, complaint: Complaint) -> str:
    return f"staff:{identity.staff_id}:{complaint.id}"


def _require_undecided(session: Session, complaint: Complaint, wanted: ComplaintState) -> None:
    if not rules.may_become(complaint.state, wanted):
        raise already_decided(session, complaint)


def already_decided(session: Session, complaint: Complaint) -> AlreadyDecided:
    """Return the refusal that says what has been decided, when and by whom; by nobody when the depot replaced at once."""
    event = session.scalars(
        select(ComplaintEvent)
        .where(ComplaintEvent.complaint_id == complaint.id, ComplaintEvent.kind.in_(_DECISIONS))
        .options(joinedload(ComplaintEvent.staff_member))
        .order_by(ComplaintEvent.id.desc())
        .limit(1)
    ).one()
    order = complaint.replacement_order
    name = event.staff_member.name if event.staff_member else ""
    return AlreadyDecided(complaint.state, event.at, name, order.order_no if order else None)
