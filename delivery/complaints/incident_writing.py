"""The versions of what is written about a serious incident. Handbook §7. A version is never changed; the next has a higher number.

Lock order: person, complaint, incident.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from datetime import datetime
from typing import Any, Protocol

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from auth.identity import Identity
from auth.permissions import Permission
from core import idempotency
from core.clock import now
from delivery.complaints.cases import lock_case, record_case, tell_timeline
from delivery.complaints.incident_errors import NamesSomebody, NotSerious
from delivery.complaints.incident_facts import LANGUAGES, DocumentTexts, facts_of_case, known_people, names_in
from delivery.complaints.incident_models import CaseDocument, DocumentKind
from delivery.complaints.incident_rules import is_serious
from delivery.complaints.incidents import lock_incident, newest_version
from delivery.complaints.models import Complaint, ComplaintEventKind, FaultReport


class Papers(Protocol):
    """What turns facts into words and pages; the portal has the typefaces and the translations."""

    def answers(self, report: FaultReport) -> list[tuple[str, str]]:
        """Return the answers to the questions that fit the product, in words."""
        ...

    def pdf(self, facts: dict[str, Any], version: int, written_at: datetime) -> bytes:
        """Return the document."""
        ...


@dataclass(frozen=True)
class WriteDocument:
    """A version as the consultant wants it."""

    case_no: str
    kind: DocumentKind
    texts: DocumentTexts
    idempotency_key: str


def write_document(session: Session, identity: Identity, command: WriteDocument, papers: Papers) -> CaseDocument:
    """Write the next version, filled in from the case as it is now; what would say the same as the newest one is that one.

    The same key gives the same version. Locks person, complaint and incident: of two who write at once, one gets the higher number.
    Raises NotPermitted, NotFound, NotSerious, NamesSomebody.
    """
    complaint = lock_case(session, identity, Permission.ASSESS_INCIDENT, command.case_no)
    owner = f"staff:{identity.staff_id}:{complaint.id}"
    spent = idempotency.spend(session, "document.write", owner, command.idempotency_key)
    incident = lock_incident(session, complaint)
    if not spent.is_first:
        return session.get_one(CaseDocument, int(spent.earlier_result or 0))
    if incident is None or not is_serious(incident.severity):
        raise NotSerious
    texts = _tidied(command.texts)
    found = names_in(texts, known_people(session, complaint))
    if found:
        raise NamesSomebody(found)
    assert identity.staff_id is not None

    facts = facts_of_case(session, identity, incident, command.kind, texts, papers.answers(complaint.report))
    version = newest_version(session, complaint, command.kind)
    newest = session.scalar(_versions(complaint, command.kind).where(CaseDocument.version == version))
    if newest is not None and newest.facts == facts:
        spent.settle(session, str(newest.id))
        return newest
    instant = now(session)
    document = CaseDocument(
        complaint_id=complaint.id,
        kind=command.kind,
        version=version + 1,
        facts=facts,
        content=papers.pdf(facts, version + 1, instant),
        written_at=instant,
        written_by_id=identity.staff_id,
    )
    session.add(document)
    session.flush()
    spent.settle(session, str(document.id))
    tell_timeline(
        session,
        identity,
        complaint,
        ComplaintEventKind.DOCUMENT_WRITTEN,
        f"{document.kind.value}:{document.version}",
    )
    record_case(session, identity, complaint, "document.written")
    return document


def _versions(complaint: Complaint, kind: DocumentKind) -> Select[CaseDocument]:
    return select(CaseDocument).where(CaseDocument.complaint_id == complaint.id, CaseDocument.kind == kind)


def _tidied(texts: DocumentTexts) -> DocumentTexts:
    """Without what no text of a document holds, nor PostgreSQL."""
    tidy = {
        field.name: getattr(texts, field.name).replace("\r\n", "\n").replace("\x00", "").strip()
        for field in fields(texts)
    }
    return replace(texts, **{**tidy, "language": texts.language if texts.language in LANGUAGES else "sv"})
