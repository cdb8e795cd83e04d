"""One of the board's red flags as the serious incident that it was: reported, the manufacturer notified, its clock running."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import select
from sqlalchemy.orm import Session

from auth.identity import Identity
from core.clock import now
from delivery.complaints.incident_facts import AUTHORITY, DocumentTexts
from delivery.complaints.incident_models import DocumentKind
from delivery.complaints.incident_rules import Answer, Question
from delivery.complaints.incident_writing import WriteDocument, write_document
from delivery.complaints.incidents import AssessIncident, MarkSent, assess, mark_sent
from delivery.complaints.models import Complaint, FaultReport
from portal.incident_papers import CasePapers

_CHECKLIST = {
    Question.CAUSE: Answer.YES,
    Question.DEATH: Answer.NO,
    Question.DETERIORATION: Answer.YES,
    Question.CARE: Answer.YES,
    Question.UNANTICIPATED: Answer.UNKNOWN,
    Question.PUBLIC_HEALTH: Answer.NO,
}
_HAPPENED = (
    "Insulin rann ut under plåstret i stället för att komma in i kroppen. Larmet kom inte. Blodsockret var 24 mmol/l."
)
_HARM = "Ketoner. Patienten var inlagd på sjukhus ett dygn och mår bra nu."


def report_an_incident(session: Session, consultant: Identity, at: Callable[[int, int], None]) -> None:
    """Assess the red flag in which somebody had been harmed a week before the loading, as the consultant did then; `at` sets the clock."""
    at(7, 10)
    case_no = session.scalars(
        select(Complaint.case_no)
        .join(FaultReport, FaultReport.complaint_id == Complaint.id)
        .where(Complaint.region == consultant.region, Complaint.has_red_flag, FaultReport.was_harmed)
        .where(Complaint.received_at <= now(session))
        .order_by(Complaint.received_at.desc())
        .limit(1)
    ).one()
    assess(session, consultant, AssessIncident(case_no, _CHECKLIST, "demo-assess"))
    for hour, kind, receiver, sent_to in (
        (11, DocumentKind.AUTHORITY_REPORT, AUTHORITY, "Läkemedelsverkets e-tjänst"),
        (13, DocumentKind.MANUFACTURER_LETTER, "Pumpverkstan i Norr AB", "service@pumpverkstan.example"),
    ):
        at(7, hour)
        texts = DocumentTexts(
            receiver=receiver,
            what_happened=_HAPPENED,
            harm=_HARM,
            measures="Infusionssetet är ersatt från en annan batch. Vi har frågat fem andra med samma batch.",
            product_is="Hos oss, märkt med ärendenumret.",
            contact_name=consultant.label,
            contact_phone="010-000 00 10",
        )
        document = write_document(
            session, consultant, WriteDocument(case_no, kind, texts, f"demo-{kind.value}"), CasePapers()
        )
        reference = "DEMO-2026-0117" if kind is DocumentKind.AUTHORITY_REPORT else ""
        mark_sent(session, consultant, MarkSent(case_no, document.id, sent_to, f"demo-{kind.value}", None, reference))
