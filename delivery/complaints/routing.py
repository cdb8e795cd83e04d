"""From a fault report to the consultants' queue: what the worker does with `fault.reported`."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from auth.identity import system_identity
from auth.permissions import Permission, require
from core.audit import record
from core.clock import now, swedish_date
from core.errors import NotFound
from core.outbox import Message
from core.policy import policy_of
from delivery.complaints.models import Complaint, ComplaintEvent, ComplaintEventKind
from delivery.complaints.rules import due_at
from delivery.policy import DeliveryPolicy


def route_fault_report(session: Session, message: Message) -> None:
    """Put the reported case into its region's queue with a due time (working days from the report, by policy).

    Locks the complaint; a case already routed is left as it is. Raises NotFound.
    """
    complaint = session.scalar(
        select(Complaint)
        .where(Complaint.id == message.payload["complaint_id"])
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if complaint is None:
        raise NotFound
    if complaint.routed_at is not None:
        return
    identity = system_identity(complaint.region, "fault routing")
    require(identity, Permission.ROUTE_MESSAGES, region=complaint.region)
    policy = policy_of(complaint.region).section(DeliveryPolicy)
    complaint.routed_at = now(session)
    complaint.due_at = due_at(
        swedish_date(complaint.received_at),
        is_red=complaint.has_red_flag,
        working_days=policy.complaint_due_working_days,
        red_flag_working_days=policy.red_flag_due_working_days,
    )
    session.add(ComplaintEvent(complaint_id=complaint.id, at=complaint.routed_at, kind=ComplaintEventKind.ROUTED))
    record(
        session,
        identity.actor,
        "fault.routed",
        subject_person_id=complaint.person_id,
        object_ref=f"case:{complaint.case_no}",
    )
