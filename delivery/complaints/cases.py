"""One case, locked, and what every change of one leaves behind: its new state, a line in the timeline, a row in the access log.

Lock order: the person, then the complaint. The reporter is told in the inbox, never outside the log-in.
"""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from auth.calls import inbox_readers
from auth.identity import Identity, Role
from auth.permissions import Permission, require
from auth.persons import post_message
from auth.relations import ActingPolicy, own_tasks
from core.audit import record
from core.clock import now, today
from core.errors import NotFound
from core.policy import policy_of
from delivery.complaints import rules
from delivery.complaints.errors import StateRefused
from delivery.complaints.models import Complaint, ComplaintEvent, ComplaintEventKind, ComplaintState, FaultReport
from orders.services import lock_person

_FROM_REPORTER = frozenset({ComplaintEventKind.ADDED, ComplaintEventKind.ANSWERED, ComplaintEventKind.PHOTO_ADDED})


def lock_case(session: Session, identity: Identity, permission: Permission, case_no: str) -> Complaint:
    """Lock the person and the complaint of a case of the identity's region and return it fresh; raise NotPermitted, NotFound."""
    require(identity, permission)
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


def change_state(session: Session, identity: Identity, complaint: Complaint, wanted: ComplaintState) -> None:
    """Let a locked case go to `wanted`; the caller writes the timeline and the access log beside it. Raises as `require_way`.

    A decision ends the waiting for the reporter.
    """
    require_way(identity, complaint, wanted)
    complaint.state = wanted
    complaint.closed_at = now(session) if wanted is ComplaintState.CLOSED else None
    if wanted not in rules.UNDECIDED:
        complaint.waiting_since, complaint.minutes_left = None, None


def require_way(identity: Identity, complaint: Complaint, wanted: ComplaintState) -> None:
    """Raise StateRefused when the rules do not let the case go to `wanted`; a red flag is closed only after triage, and by a person."""
    closes_red = wanted is ComplaintState.CLOSED and complaint.has_red_flag
    if not rules.may_become(complaint.state, wanted) or (
        closes_red and (identity.staff_id is None or complaint.triaged_at is None)
    ):
        raise StateRefused(complaint.state, wanted)


def tell_timeline(
    session: Session,
    identity: Identity,
    complaint: Complaint,
    kind: ComplaintEventKind,
    text: str = "",
    *,
    for_reporter: bool = False,
) -> None:
    """Add a line to a case's timeline in the name of whoever acts; `for_reporter` lets the reporter read it.

    What is added to a decided case waits on the board until a consultant acts on the case.
    """
    if kind in _FROM_REPORTER and complaint.state not in rules.UNDECIDED:
        complaint.added_to_since = complaint.added_to_since or now(session)
    elif identity.role is Role.CONSULTANT:
        complaint.added_to_since = None
    session.add(
        ComplaintEvent(
            complaint_id=complaint.id,
            at=now(session),
            kind=kind,
            staff_id=identity.staff_id,
            person_id=identity.person_id,
            for_reporter=for_reporter,
            text=text,
        )
    )


def record_case(session: Session, identity: Identity, complaint: Complaint, action: str, reason: str = "") -> None:
    """Write what was done with a case to the access log."""
    record(
        session,
        identity.actor,
        action,
        subject_person_id=complaint.person_id,
        object_ref=f"case:{complaint.case_no}",
        reason=reason,
    )


def tell_people(session: Session, complaint: Complaint, kind: str, **facts: str) -> int:
    """Tell the reporter, and the patient too when that is another who can log in; whoever reads for the patient when staff reported.

    Returns how many of them can read it now: a message waits for a patient who is too young, and is kept for one who has died.
    """
    reporter_id = session.scalars(
        select(FaultReport.reporter_person_id).where(FaultReport.complaint_id == complaint.id)
    ).one()
    receivers = set(inbox_readers(session, complaint.person)) if reporter_id is None else {reporter_id}
    patient = complaint.person
    own_rights = own_tasks(patient.birth_date, today(session), policy_of(patient.region).section(ActingPolicy))
    can_read = bool(own_rights) and patient.deceased_on is None
    if can_read:
        receivers.add(patient.id)
    article = complaint.article.display_name
    for receiver_id in sorted(receivers):
        post_message(session, receiver_id, patient.id, kind, case_no=complaint.case_no, article=article, **facts)
    return len(receivers if can_read else receivers - {patient.id})
