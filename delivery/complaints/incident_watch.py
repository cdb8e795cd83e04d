"""Watching the clocks of serious incidents: whoever misses one is alarmed, once. Handbook §7. What the worker does with `incidents.watch`.

Lock order: complaint, incident.
"""

from __future__ import annotations

from sqlalchemy import and_, or_, select
from sqlalchemy.orm import Session

from auth.identity import system_identity
from auth.permissions import Permission, require
from core.clock import now
from core.outbox import Message, publish
from delivery.complaints.cases import record_case, tell_timeline
from delivery.complaints.incident_models import Incident, Severity
from delivery.complaints.incident_rules import must_alarm
from delivery.complaints.incidents import times_of
from delivery.complaints.models import Complaint, ComplaintEventKind


def watch_incidents(session: Session, message: Message) -> None:
    """Alarm for every clock of the region that has run out since the last look: a line in the timeline, and `complaint.alert`.

    Each clock is alarmed once, however often and by however many workers this is done. Locks the cases and their incidents in id order.
    """
    region = str(message.payload["region"])
    identity = system_identity(region, "incident clocks")
    require(identity, Permission.ROUTE_MESSAGES, region=region)
    instant = now(session)
    late = or_(
        and_(
            Incident.report_due_at < instant,
            or_(Incident.reported_at.is_(None), Incident.manufacturer_notified_at.is_(None)),
        ),
        and_(Incident.manufacturer_due_at < instant, Incident.manufacturer_answered_at.is_(None)),
    )
    complaint_ids = session.scalars(
        select(Incident.complaint_id).where(
            Incident.region == region,
            Incident.severity != Severity.NOT_SERIOUS,
            late,
            or_(
                Incident.alarmed_at.is_(None),
                Incident.alarmed_at <= Incident.report_due_at,
                Incident.alarmed_at <= Incident.manufacturer_due_at,
            ),
        )
    ).all()
    if not complaint_ids:
        return
    complaints = session.scalars(
        select(Complaint)
        .where(Complaint.id.in_(complaint_ids))
        .order_by(Complaint.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).all()
    incidents = session.scalars(
        select(Incident)
        .where(Incident.complaint_id.in_(complaint_ids))
        .order_by(Incident.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).all()
    by_id = {complaint.id: complaint for complaint in complaints}
    for incident in incidents:
        # Somebody may have sent it, or alarmed, while this waited for the lock.
        if not must_alarm(times_of(incident), incident.alarmed_at, instant):
            continue
        complaint = by_id[incident.complaint_id]
        incident.alarmed_at = instant
        tell_timeline(session, identity, complaint, ComplaintEventKind.ALERTED)
        record_case(session, identity, complaint, "incident.alarmed")
        publish(session, "complaint.alert", complaint_id=complaint.id, about="deadline")
