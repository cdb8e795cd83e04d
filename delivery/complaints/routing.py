"""From a fault report to the consultants' queue, and to a replacement at once where the policy has it so. Handbook §7.

What the worker does with `fault.reported`.
"""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from auth.identity import system_identity
from auth.permissions import Permission, require
from core.clock import now
from core.errors import NotFound
from core.outbox import Message, publish
from core.policy import policy_of
from delivery.complaints.cases import record_case, tell_timeline
from delivery.complaints.clock import add_working_minutes
from delivery.complaints.duplicates import possible_duplicates
from delivery.complaints.errors import NothingPrescribed
from delivery.complaints.models import Complaint, ComplaintEventKind, LookFirst
from delivery.complaints.policy import ComplaintRoute, ComplaintsPolicy
from delivery.complaints.replacing import (
    delivered_packages,
    is_sent_from_elsewhere,
    replaced_packages,
    replacements_of_a_year,
    route_of,
    send_replacement,
)
from delivery.complaints.rules import RoutingFacts, look_first
from orders.services import lock_person


def route_fault_report(session: Session, message: Message) -> None:
    """Put the reported case into its region's queue: whose turn it is, when it is due, what a person looks at before it is replaced.

    Where nobody needs to look, the replacement is ordered here. A red flag alerts the consultants at once. Locks the person and the
    complaint; a case already routed is left as it is. Raises NotFound.
    """
    person_id = session.scalar(select(Complaint.person_id).where(Complaint.id == message.payload["complaint_id"]))
    if person_id is None:
        raise NotFound
    lock_person(session, person_id)
    complaint = session.scalars(
        select(Complaint)
        .where(Complaint.id == message.payload["complaint_id"])
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one()
    if complaint.routed_at is not None:
        return
    identity = system_identity(complaint.region, "fault routing")
    require(identity, Permission.ROUTE_MESSAGES, region=complaint.region)
    policy = policy_of(complaint.region).section(ComplaintsPolicy)
    complaint.routed_at = now(session)
    complaint.route = route_of(session, complaint.region, complaint.article.kind)
    complaint.due_at = add_working_minutes(
        complaint.received_at, policy.due_minutes(is_red=complaint.has_red_flag), policy.working_hours
    )
    complaint.look_first = _look_first(session, complaint, complaint.route, policy)
    tell_timeline(session, identity, complaint, ComplaintEventKind.ROUTED)
    record_case(session, identity, complaint, "fault.routed")
    if complaint.look_first is LookFirst.RED_FLAG:
        tell_timeline(session, identity, complaint, ComplaintEventKind.ALERTED)
        if policy.alert_email:
            publish(session, "complaint.alert", complaint_id=complaint.id)
    elif complaint.look_first is None and policy.replaces_at_once:
        try:
            send_replacement(session, identity, complaint, complaint.report.packages)
        except NothingPrescribed:
            complaint.look_first = LookFirst.LOT_UNKNOWN


def _look_first(
    session: Session, complaint: Complaint, route: ComplaintRoute, policy: ComplaintsPolicy
) -> LookFirst | None:
    return look_first(
        RoutingFacts(
            is_red=complaint.has_red_flag,
            patient_has_died=complaint.person.deceased_on is not None,
            may_be_duplicate=bool(possible_duplicates(session, complaint)),
            route=route,
            wants_replacement=complaint.report.wants_replacement,
            lot_is_known=complaint.report.picked_lot_id is not None,
            replacements=replacements_of_a_year(session, complaint),
            replacements_before_a_look=policy.replacements_a_year_before_a_look,
            sent_from_elsewhere=is_sent_from_elsewhere(session, complaint.region),
            packages_replaced=replaced_packages(session, complaint) + complaint.report.packages,
            packages_delivered=delivered_packages(session, complaint),
        )
    )
