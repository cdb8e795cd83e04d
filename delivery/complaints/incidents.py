"""The assessment of serious incidents, and the clocks it starts. Handbook §7. Lock → check → build → record; the caller commits.

Lock order: person, complaint, incident, case document.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from auth.identity import Identity
from auth.permissions import Permission
from core import idempotency
from core.clock import now
from core.errors import NotFound
from delivery.complaints import incident_rules as rules
from delivery.complaints.cases import lock_case, record_case, tell_timeline
from delivery.complaints.incident_errors import (
    AlreadySent,
    AnswersMissing,
    NewerVersion,
    NotNotified,
    NotSerious,
    TimeOutOfRange,
)
from delivery.complaints.incident_models import CaseDocument, DocumentKind, Incident
from delivery.complaints.models import Complaint, ComplaintEventKind


@dataclass(frozen=True)
class AssessIncident:
    """A checklist as the consultant has answered it."""

    case_no: str
    answers: Mapping[rules.Question, rules.Answer]
    idempotency_key: str


def assess(session: Session, identity: Identity, command: AssessIncident) -> Incident:
    """Judge a case by its checklist and start, change or stop the clocks; the same key, or the same answers, change nothing.

    A new assessment keeps the day on which it became our duty to report, and counts the manufacturer's days anew from the same
    notification. Locks person, complaint and incident. Raises NotPermitted, NotFound, AnswersMissing.
    """
    complaint = lock_case(session, identity, Permission.ASSESS_INCIDENT, command.case_no)
    owner = f"staff:{identity.staff_id}:{complaint.id}"
    spent = idempotency.spend(session, "incident.assess", owner, command.idempotency_key)
    incident = lock_incident(session, complaint)
    if incident is not None and not spent.is_first:
        return incident
    missing = rules.missing_answers(command.answers)
    if missing:
        raise AnswersMissing(missing)
    assert identity.staff_id is not None
    checklist = {question.value: command.answers[question].value for question in rules.asked(command.answers)}
    if incident is not None and incident.checklist == checklist:
        return incident

    instant = now(session)
    severity = rules.judge(command.answers).severity
    if incident is None:
        incident = Incident(region=complaint.region, complaint_id=complaint.id, complaint=complaint)
        session.add(incident)
    was_due_at = incident.report_due_at
    incident.severity, incident.checklist = severity, checklist
    incident.assessed_at, incident.assessed_by_id = instant, identity.staff_id
    incident.report_due_at = (
        (was_due_at or rules.report_due_at(instant, severity)) if rules.is_serious(severity) else None
    )
    _count_anew(incident)
    spent.settle(session, complaint.case_no)
    tell_timeline(session, identity, complaint, ComplaintEventKind.INCIDENT_ASSESSED, severity.value)
    record_case(session, identity, complaint, "incident.assessed")
    session.flush()
    return incident


def _count_anew(incident: Incident) -> None:
    """Count the manufacturer's days from the notification that was; what was alarmed may then have to be alarmed again."""
    if incident.manufacturer_notified_at is None or not rules.is_serious(incident.severity):
        return
    due_at = rules.manufacturer_due_at(incident.manufacturer_notified_at, incident.severity)
    if due_at != incident.manufacturer_due_at and incident.alarmed_at and due_at and due_at < incident.alarmed_at:
        incident.alarmed_at = None
    incident.manufacturer_due_at = due_at


@dataclass(frozen=True)
class MarkSent:
    """That a version was sent: to whom, when (now when None), and the reference that the receiver gave, if any."""

    case_no: str
    document_id: int
    sent_to: str
    idempotency_key: str
    sent_at: datetime | None = None
    reference: str = ""


def mark_sent(session: Session, identity: Identity, command: MarkSent) -> CaseDocument:
    """Note that the newest version of a document was sent; it is never changed again, and the same key changes nothing.

    The first report stops our clock, the first letter stops ours and starts the manufacturer's. Locks person, complaint, incident and
    document. Raises NotPermitted, NotFound, NotSerious, AlreadySent, NewerVersion, TimeOutOfRange.
    """
    complaint = lock_case(session, identity, Permission.ASSESS_INCIDENT, command.case_no)
    owner = f"staff:{identity.staff_id}:{complaint.id}"
    spent = idempotency.spend(session, "document.send", owner, command.idempotency_key)
    incident = lock_incident(session, complaint)
    document = session.scalar(
        select(CaseDocument)
        .where(CaseDocument.id == command.document_id, CaseDocument.complaint_id == complaint.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if incident is None or document is None:
        raise NotFound
    if not spent.is_first:
        return document
    if not rules.is_serious(incident.severity):
        raise NotSerious
    if document.sent_at is not None:
        raise AlreadySent(document.sent_at, document.sent_to)
    newest = newest_version(session, complaint, document.kind)
    if newest != document.version:
        raise NewerVersion(newest)
    sent_at = _happened_at(session, command.sent_at, document.written_at)

    document.sent_at, document.sent_to, document.sent_by_id = sent_at, command.sent_to.strip(), identity.staff_id
    if document.kind is DocumentKind.AUTHORITY_REPORT:
        incident.reported_at = incident.reported_at or sent_at
        incident.authority_ref = command.reference.strip() or incident.authority_ref
    elif incident.manufacturer_notified_at is None:
        incident.manufacturer_notified_at = sent_at
        incident.manufacturer_due_at = rules.manufacturer_due_at(sent_at, incident.severity)
    spent.settle(session, complaint.case_no)
    text = f"{document.kind.value}:{document.version}:{document.sent_to}"
    tell_timeline(session, identity, complaint, ComplaintEventKind.DOCUMENT_SENT, text)
    record_case(session, identity, complaint, "document.sent")
    return document


def note_reference(session: Session, identity: Identity, case_no: str, reference: str) -> Incident:
    """Keep the number under which Läkemedelsverket has the report; the same one changes nothing.

    Locks person, complaint and incident. Raises NotPermitted, NotFound, also when nothing has been reported.
    """
    complaint = lock_case(session, identity, Permission.ASSESS_INCIDENT, case_no)
    incident = lock_incident(session, complaint)
    if incident is None or incident.reported_at is None:
        raise NotFound
    reference = reference.strip()
    if reference and reference != incident.authority_ref:
        incident.authority_ref = reference
        tell_timeline(session, identity, complaint, ComplaintEventKind.AUTHORITY_REF, reference)
        record_case(session, identity, complaint, "incident.reference_noted")
    return incident


def note_manufacturers_answer(
    session: Session, identity: Identity, case_no: str, text: str, answered_at: datetime | None
) -> Incident:
    """Stop the manufacturer's clock: it has reported to the authority and told us; a second answer changes nothing.

    Locks person, complaint and incident. Raises NotPermitted, NotFound, NotNotified, TimeOutOfRange.
    """
    complaint = lock_case(session, identity, Permission.ASSESS_INCIDENT, case_no)
    incident = lock_incident(session, complaint)
    if incident is None:
        raise NotFound
    if incident.manufacturer_answered_at is not None:
        return incident
    if incident.manufacturer_notified_at is None:
        raise NotNotified
    incident.manufacturer_answered_at = _happened_at(session, answered_at, incident.manufacturer_notified_at)
    tell_timeline(session, identity, complaint, ComplaintEventKind.MANUFACTURER_ANSWERED, text.strip())
    record_case(session, identity, complaint, "incident.answered")
    return incident


def times_of(incident: Incident) -> rules.IncidentTimes:
    """Return what an incident's clocks are made of."""
    return rules.IncidentTimes(
        incident.severity,
        incident.report_due_at,
        incident.reported_at,
        incident.manufacturer_notified_at,
        incident.manufacturer_due_at,
        incident.manufacturer_answered_at,
    )


def lock_incident(session: Session, complaint: Complaint) -> Incident | None:
    """Lock the incident of a locked case and return it fresh; None when the case has not been assessed."""
    return session.scalar(
        select(Incident)
        .where(Incident.complaint_id == complaint.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )


def newest_version(session: Session, complaint: Complaint, kind: DocumentKind) -> int:
    """Return the number of the newest version of a document of a case; 0 when there is none."""
    newest = session.scalar(
        select(func.max(CaseDocument.version)).where(
            CaseDocument.complaint_id == complaint.id, CaseDocument.kind == kind
        )
    )
    return newest or 0


def _happened_at(session: Session, said: datetime | None, earliest: datetime) -> datetime:
    """Return when something happened, to the minute as people say it: not before what it followed, and not in the future."""
    instant = now(session)
    if said is None:
        return instant
    if said > instant or said < earliest.replace(second=0, microsecond=0):
        raise TimeOutOfRange(earliest)
    # Said to the minute, of something written a moment earlier within it.
    return max(said, earliest) if said - earliest < timedelta(minutes=1) else said
