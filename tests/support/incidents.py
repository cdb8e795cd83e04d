"""A desk with a case that is assessed as a serious incident, written about, sent and watched."""

from __future__ import annotations

import io
from datetime import datetime

from pypdf import PdfReader
from sqlalchemy import select

from auth.identity import Identity
from core.db import Database
from core.outbox import Message, OutboxMessage
from delivery.complaints.incident_facts import DocumentTexts
from delivery.complaints.incident_models import CaseDocument, DocumentKind, Incident
from delivery.complaints.incident_queries import read_document
from delivery.complaints.incident_rules import Answer, Question
from delivery.complaints.incident_watch import watch_incidents
from delivery.complaints.incident_writing import WriteDocument, write_document
from delivery.complaints.incidents import (
    AssessIncident,
    MarkSent,
    assess,
    mark_sent,
)
from delivery.complaints.models import ComplaintEvent, ComplaintEventKind
from portal.incident_papers import CasePapers
from tests.support.complaints import Office

YES, NO, UNKNOWN = Answer.YES, Answer.NO, Answer.UNKNOWN
NEAR_MISS = {
    Question.CAUSE: UNKNOWN,
    Question.DEATH: NO,
    Question.DETERIORATION: NO,
    Question.CARE: NO,
    Question.COULD_HAVE_LED: YES,
    Question.PUBLIC_HEALTH: NO,
}
UNEXPECTED = NEAR_MISS | {Question.CARE: YES, Question.UNANTICIPATED: YES}
NOTHING = NEAR_MISS | {Question.COULD_HAVE_LED: NO}
TEXTS = DocumentTexts(
    receiver="Läkemedelsverket",
    what_happened="Sensorn visade 8,1 medan fingerstick visade 2,3.",
    harm="Patienten fick vård på sjukhus i två dygn.",
    measures="Batchen är spärrad.",
    product_is="Hos oss, i plastpåse.",
    contact_name="Eva Konsulent",
    contact_phone="0500-00 00 99",
    contact_email="eva@example.se",
)
REPORT, LETTER = DocumentKind.AUTHORITY_REPORT, DocumentKind.MANUFACTURER_LETTER


class Desk(Office):
    """Consultants with one case that has a red flag."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self.case_no = self.report(is_red=True)
        self.keys = 0

    def key(self) -> str:
        """Return a key that no form has had."""
        self.keys += 1
        return f"key-{self.keys}"

    def assess(
        self, answers: dict[Question, Answer] | None = None, key: str = "", by: Identity | None = None
    ) -> Incident:
        """Assess in a transaction of its own."""
        command = AssessIncident(self.case_no, answers if answers is not None else UNEXPECTED, key or self.key())
        with self.database.unit_of_work() as session:
            return assess(session, by or self.eva, command)

    def write(
        self, kind: DocumentKind = REPORT, texts: DocumentTexts = TEXTS, key: str = "", by: Identity | None = None
    ) -> CaseDocument:
        """Write a version in a transaction of its own."""
        with self.database.unit_of_work() as session:
            command = WriteDocument(self.case_no, kind, texts, key or self.key())
            return write_document(session, by or self.eva, command, CasePapers())

    def send(
        self, document: CaseDocument, sent_at: datetime | None = None, key: str = "", reference: str = ""
    ) -> CaseDocument:
        """Note that a version was sent."""
        with self.database.unit_of_work() as session:
            command = MarkSent(self.case_no, document.id, "till@example.se", key or self.key(), sent_at, reference)
            return mark_sent(session, self.eva, command)

    def watch(self) -> None:
        """Do what the clock does every ten minutes."""
        with self.database.unit_of_work() as session:
            watch_incidents(session, Message(1, "incidents.watch", {"region": "vgr", "day": "2026-12-01"}))

    def incident(self) -> Incident:
        """Return the incident as it is now."""
        with self.database.session() as session:
            return session.scalars(select(Incident)).one()

    def events(self, kind: ComplaintEventKind) -> list[str]:
        """Return the texts of the timeline's lines of a kind."""
        with self.database.session() as session:
            found = select(ComplaintEvent.text).where(ComplaintEvent.kind == kind).order_by(ComplaintEvent.id)
            return list(session.scalars(found))

    def pages(self, document: CaseDocument) -> str:
        """Read a version back as text."""
        with self.database.unit_of_work() as session:
            _, content = read_document(session, self.eva, self.case_no, document.id)
        return words(content)

    def alerts(self) -> int:
        """Return how often somebody was to be alerted since the case was put in the queue."""
        with self.database.session() as session:
            found = session.scalars(select(OutboxMessage).where(OutboxMessage.kind == "complaint.alert")).all()
            return len(found)


def words(pdf: bytes) -> str:
    """Return what a PDF says, its lines joined."""
    return " ".join("\n".join(page.extract_text() for page in PdfReader(io.BytesIO(pdf)).pages).split())


def add_incident(database: Database, consultant: Identity, case_no: str) -> int:
    """Assess a case and write the report; returns the document's id."""
    answers = dict.fromkeys(Question, Answer.YES)
    texts = DocumentTexts(receiver="Läkemedelsverket", what_happened="Den slutade.", harm="Vård.", contact_name="Eva")
    with database.unit_of_work() as session:
        assess(session, consultant, AssessIncident(case_no, answers, "assessed"))
        command = WriteDocument(case_no, DocumentKind.AUTHORITY_REPORT, texts, "written")
        return write_document(session, consultant, command, CasePapers()).id
