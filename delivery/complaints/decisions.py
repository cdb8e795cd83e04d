"""What consultants decide about a case: take, replace, decline. Lock → check → build → record; the caller commits.

Lock order: the person, then the complaint. The reporter is told in the inbox, never outside the log-in.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session, aliased, joinedload

from auth.calls import inbox_readers
from auth.identity import Identity
from auth.permissions import Permission, require
from auth.persons import post_message
from auth.relations import ActingPolicy, own_tasks
from core import idempotency
from core.audit import record
from core.clock import now, today
from core.errors import NotFound
from core.policy import policy_of
from delivery.complaints import rules
from delivery.complaints.errors import AlreadyDecided, PackagesOutOfRange, PatientHasDied, ReasonMissing
from delivery.complaints.models import Complaint, ComplaintEvent, ComplaintEventKind, ComplaintState, FaultReport
from delivery.models import PickedLot, PickLine
from orders.replacements import place_replacement
from orders.services import lock_person

_DECISIONS = frozenset({ComplaintEventKind.REPLACED, ComplaintEventKind.DECLINED})


def take_case(session: Session, identity: Identity, case_no: str) -> Complaint:
    """Make the consultant the owner of an undecided case; raise NotPermitted, NotFound, AlreadyDecided.

    Locks the person and the complaint. Taking one's own case changes nothing; a colleague's is taken over.
    """
    complaint = _lock_case(session, identity, case_no)
    if complaint.state not in rules.UNDECIDED:
        raise _already_decided(session, complaint)
    if complaint.owner_id != identity.staff_id:
        complaint.owner_id = identity.staff_id
        _tell_timeline(session, identity, complaint, ComplaintEventKind.OPENED)
        _record(session, identity, complaint, "complaint.taken")
    return complaint


@dataclass(frozen=True)
class ReplaceProduct:
    """A decision to send new packages of the same article."""

    case_no: str
    packages: int
    idempotency_key: str


def replace_product(session: Session, identity: Identity, command: ReplaceProduct) -> Complaint:
    """Order a replacement without a withdrawal (handbook §3.8) and tell the reporter; the same key gives the same result.

    Locks the person and the complaint. Raises NotPermitted, NotFound, AlreadyDecided, PackagesOutOfRange, PatientHasDied.
    """
    complaint = _lock_case(session, identity, command.case_no)
    spent = idempotency.spend(session, "complaint.replace", _key_owner(identity, complaint), command.idempotency_key)
    if not spent.is_first:
        return complaint
    _require_undecided(session, complaint, ComplaintState.REPLACEMENT_ORDERED)
    limit = delivered_packages(session, complaint)
    if not 1 <= command.packages <= limit:
        raise PackagesOutOfRange(limit)
    if complaint.person.deceased_on is not None:
        raise PatientHasDied

    order = place_replacement(
        session,
        identity,
        person_id=complaint.person_id,
        complaint_id=complaint.id,
        article_id=complaint.article_id,
        packages=command.packages,
        replaced_row_id=session.scalar(
            select(PickLine.order_row_id)
            .join(PickedLot, PickedLot.pick_line_id == PickLine.id)
            .where(PickedLot.id == complaint.report.picked_lot_id)
        ),
    )
    complaint.replacement_order_id = order.id
    complaint.state = ComplaintState.REPLACEMENT_ORDERED
    complaint.owner_id = identity.staff_id
    spent.settle(session, complaint.case_no)
    _tell_timeline(session, identity, complaint, ComplaintEventKind.REPLACED, order.order_no)
    _record(session, identity, complaint, "complaint.replaced")
    _tell_people(session, complaint, "fault.replaced", order_no=order.order_no)
    return complaint


def decline(session: Session, identity: Identity, case_no: str, reason: str, idempotency_key: str) -> Complaint:
    """Decline a complaint with the reason that the reporter will read; the same key gives the same result.

    Locks the person and the complaint. Raises NotPermitted, NotFound, AlreadyDecided, ReasonMissing.
    """
    reason = reason.strip()
    complaint = _lock_case(session, identity, case_no)
    spent = idempotency.spend(session, "complaint.decline", _key_owner(identity, complaint), idempotency_key)
    if not spent.is_first:
        return complaint
    _require_undecided(session, complaint, ComplaintState.DECLINED)
    if not reason:
        raise ReasonMissing

    complaint.decline_reason = reason
    complaint.state = ComplaintState.DECLINED
    complaint.owner_id = identity.staff_id
    spent.settle(session, complaint.case_no)
    _tell_timeline(session, identity, complaint, ComplaintEventKind.DECLINED, reason)
    _record(session, identity, complaint, "complaint.declined", reason)
    _tell_people(session, complaint, "fault.declined", reason=reason)
    return complaint


def delivered_packages(session: Session, complaint: Complaint) -> int:
    """Return how many packages of the reported lot came with the reported delivery."""
    reported, same = aliased(PickedLot), aliased(PickedLot)
    return session.scalars(
        select(func.sum(same.packages))
        .select_from(FaultReport)
        .join(reported, FaultReport.picked_lot_id == reported.id)
        .join(same, (same.pick_line_id == reported.pick_line_id) & (same.lot_id == reported.lot_id))
        .where(FaultReport.complaint_id == complaint.id)
    ).one()


def _key_owner(identity: Identity, complaint: Complaint) -> str:
    return f"staff:{identity.staff_id}:{complaint.id}"


def _lock_case(session: Session, identity: Identity, case_no: str) -> Complaint:
    require(identity, Permission.DECIDE_COMPLAINT)
    if not rules.is_case_no(case_no):
        raise NotFound
    person_id = session.scalar(
        select(Complaint.person_id).where(Complaint.case_no == case_no, Complaint.region == identity.region)
    )
    if person_id is None:
        raise NotFound
    lock_person(session, person_id)
    return session.scalars(
        select(Complaint)
        .where(Complaint.case_no == case_no)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one()


def _require_undecided(session: Session, complaint: Complaint, wanted: ComplaintState) -> None:
    if not rules.may_become(complaint.state, wanted):
        raise _already_decided(session, complaint)


def _already_decided(session: Session, complaint: Complaint) -> AlreadyDecided:
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


def _tell_timeline(
    session: Session, identity: Identity, complaint: Complaint, kind: ComplaintEventKind, text: str = ""
) -> None:
    session.add(
        ComplaintEvent(complaint_id=complaint.id, at=now(session), kind=kind, staff_id=identity.staff_id, text=text)
    )


def _record(session: Session, identity: Identity, complaint: Complaint, action: str, reason: str = "") -> None:
    record(
        session,
        identity.actor,
        action,
        subject_person_id=complaint.person_id,
        object_ref=f"case:{complaint.case_no}",
        reason=reason,
    )


def _tell_people(session: Session, complaint: Complaint, kind: str, **facts: str) -> None:
    """Tell the reporter, and the patient too when that is another who can log in; whoever reads for the patient when staff reported."""
    reporter_id = session.scalars(
        select(FaultReport.reporter_person_id).where(FaultReport.complaint_id == complaint.id)
    ).one()
    receivers = set(inbox_readers(session, complaint.person)) if reporter_id is None else {reporter_id}
    patient = complaint.person
    own_rights = own_tasks(patient.birth_date, today(session), policy_of(patient.region).section(ActingPolicy))
    if own_rights and patient.deceased_on is None:
        receivers.add(patient.id)
    article = complaint.article.display_name
    for receiver_id in sorted(receivers):
        post_message(session, receiver_id, patient.id, kind, case_no=complaint.case_no, article=article, **facts)
