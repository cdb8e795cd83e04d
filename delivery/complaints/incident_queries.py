"""What consultants see of serious incidents: the clocks that run, what waits for an assessment, and one incident with its documents."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import ColumnElement, Select, and_, case, func, or_, select
from sqlalchemy.orm import Session, joinedload, selectinload

from auth.identity import Identity
from auth.models import StaffMember
from auth.permissions import Permission, require
from core.audit import record
from core.clock import now, swedish_date
from core.errors import NotFound
from delivery.complaints.incident_facts import TOLD, DocumentTexts, first_texts, texts_of
from delivery.complaints.incident_models import CaseDocument, DocumentKind, Incident, Severity
from delivery.complaints.incident_rules import IncidentClock, clocks
from delivery.complaints.incidents import newest_version, times_of
from delivery.complaints.models import Complaint, FaultReport
from delivery.complaints.rules import is_case_no
from orders.models import Article

PAGE_SIZE = 50
MOST_SHOWN = 200


@dataclass(frozen=True)
class ListedIncident:
    """An incident with its three clocks."""

    incident: Incident
    clocks: tuple[IncidentClock, ...]

    @property
    def running(self) -> tuple[IncidentClock, ...]:
        """The clocks that somebody still has to stop, the next due first."""
        running = [(clock.due_at, clock) for clock in self.clocks if clock.is_running and clock.due_at]
        return tuple(clock for _due_at, clock in sorted(running, key=lambda one: one[0]))


@dataclass(frozen=True)
class Overview:
    """Everything about the region's serious incidents that wants somebody, and a page of the rest; at most 200 rows of each pile."""

    running: tuple[ListedIncident, ...]
    waiting: tuple[Complaint, ...]
    waiting_count: int
    others: tuple[ListedIncident, ...]
    page: int
    pages: int
    instant: datetime
    year: int

    @property
    def late_count(self) -> int:
        """How many incidents have a clock that has run out."""
        return sum(any(clock.is_late(self.instant) for clock in listed.running) for listed in self.running)


def incidents_overview(session: Session, identity: Identity, *, page: int = 1) -> Overview:
    """Return the region's incidents, the next deadline first, then red flags that nobody has assessed; the look is logged.

    A fixed number of statements. The lists name nobody. Raises NotPermitted.
    """
    require(identity, Permission.ASSESS_INCIDENT)
    instant = now(session)
    running = session.scalars(
        _incidents(identity).where(is_running()).order_by(_next_due(), Incident.id).limit(MOST_SHOWN)
    ).all()
    awaits = waits_for_assessment(identity.region)
    waiting = session.execute(
        select(Complaint, func.count().over())
        .where(awaits)
        .options(joinedload(Complaint.article), joinedload(Complaint.lot), joinedload(Complaint.report))
        .order_by(Complaint.received_at, Complaint.id)
        .limit(MOST_SHOWN)
    ).all()
    rest = and_(Incident.region == identity.region, ~is_running())
    total = session.scalars(select(func.count()).select_from(Incident).where(rest)).one()
    pages = max(1, -(-total // PAGE_SIZE))
    page = min(max(1, page), pages)
    others = session.scalars(
        _incidents(identity)
        .where(~is_running())
        .order_by(Incident.assessed_at.desc(), Incident.id.desc())
        .limit(PAGE_SIZE)
        .offset((page - 1) * PAGE_SIZE)
    ).all()
    record(session, identity.actor, "incidents.listed", subject_person_id=None, manner="LOOK")
    return Overview(
        running=tuple(_listed(incident) for incident in running),
        waiting=tuple(row[0] for row in waiting),
        waiting_count=waiting[0][1] if waiting else 0,
        others=tuple(_listed(incident) for incident in others),
        page=page,
        pages=pages,
        instant=instant,
        year=swedish_date(instant).year,
    )


def is_running() -> ColumnElement[bool]:
    """Return the condition that an incident has a clock that somebody must stop."""
    return and_(
        Incident.severity != Severity.NOT_SERIOUS,
        or_(
            Incident.reported_at.is_(None),
            Incident.manufacturer_notified_at.is_(None),
            Incident.manufacturer_answered_at.is_(None),
        ),
    )


def waits_for_assessment(region: str) -> ColumnElement[bool]:
    """Return the condition that a case has a red flag, is nobody's duplicate, and nobody has assessed it."""
    return and_(
        Complaint.region == region,
        Complaint.has_red_flag,
        Complaint.duplicate_of_id.is_(None),
        ~select(Incident.id).where(Incident.complaint_id == Complaint.id).exists(),
    )


def _next_due() -> ColumnElement[datetime | None]:
    ours = or_(Incident.reported_at.is_(None), Incident.manufacturer_notified_at.is_(None))
    theirs = Incident.manufacturer_answered_at.is_(None)
    # LEAST passes over NULL: a clock that has stopped, or has not begun.
    return func.least(case((ours, Incident.report_due_at)), case((theirs, Incident.manufacturer_due_at)))


def _incidents(identity: Identity) -> Select[Incident]:
    return (
        select(Incident)
        .where(Incident.region == identity.region)
        .options(
            joinedload(Incident.complaint).options(
                joinedload(Complaint.article).joinedload(Article.supplier), joinedload(Complaint.lot)
            )
        )
    )


def _listed(incident: Incident) -> ListedIncident:
    return ListedIncident(incident, clocks(times_of(incident)))


@dataclass(frozen=True)
class OpenIncident:
    """One case as an incident: its assessment if there is one, the clocks, and the versions of each document, the newest first."""

    complaint: Complaint
    report: FaultReport
    incident: Incident | None
    clocks: tuple[IncidentClock, ...]
    documents: dict[DocumentKind, tuple[CaseDocument, ...]]
    names: dict[int, str]
    instant: datetime


def open_incident(session: Session, identity: Identity, case_no: str) -> OpenIncident:
    """Return a case of the identity's region as an incident, and log the look.

    A fixed number of statements. Raises NotPermitted, NotFound.
    """
    complaint = _case(session, identity, case_no)
    incident = session.scalar(select(Incident).where(Incident.complaint_id == complaint.id))
    found = session.scalars(
        select(CaseDocument).where(CaseDocument.complaint_id == complaint.id).order_by(CaseDocument.version.desc())
    ).all()
    staff_ids = {document.written_by_id for document in found} | {incident.assessed_by_id if incident else None}
    staff_ids |= {document.sent_by_id for document in found}
    staff = session.execute(select(StaffMember.id, StaffMember.name).where(StaffMember.id.in_(staff_ids - {None})))
    _look(session, identity, complaint, "incident.seen")
    return OpenIncident(
        complaint=complaint,
        report=complaint.report,
        incident=incident,
        clocks=clocks(times_of(incident)) if incident else (),
        documents={kind: tuple(one for one in found if one.kind is kind) for kind in DocumentKind},
        names=dict(staff.all()),
        instant=now(session),
    )


@dataclass(frozen=True)
class Draft:
    """What the next version of a document begins with: the newest version's words, else the other document's, else the case's."""

    complaint: Complaint
    incident: Incident
    texts: DocumentTexts
    version: int


def draft_document(session: Session, identity: Identity, case_no: str, kind: DocumentKind) -> Draft:
    """Return what the consultant goes on from; logs the look. Raises NotPermitted, NotFound, also when the case is not assessed."""
    complaint = _case(session, identity, case_no)
    incident = session.scalar(select(Incident).where(Incident.complaint_id == complaint.id))
    if incident is None:
        raise NotFound
    found = session.scalars(
        select(CaseDocument).where(CaseDocument.complaint_id == complaint.id).order_by(CaseDocument.version)
    ).all()
    newest = next((one for one in reversed(found) if one.kind is kind), None)
    texts = texts_of(newest.facts) if newest else first_texts(session, identity, complaint, kind)
    if newest is None and found:
        # What the other document tells needs not be written twice.
        told = texts_of(found[-1].facts)
        texts = replace(texts, **{name: getattr(told, name) for name in TOLD})
    _look(session, identity, complaint, "incident.seen")
    return Draft(complaint, incident, texts, newest.version + 1 if newest else 1)


@dataclass(frozen=True)
class OpenDocument:
    """One version of a case's document; `receiver` is whom it may be sent to, `is_newest` whether it is the one to send."""

    complaint: Complaint
    document: CaseDocument
    is_newest: bool
    receiver: str
    written_by: str
    instant: datetime


def open_document(session: Session, identity: Identity, case_no: str, document_id: int) -> OpenDocument:
    """Return a version of a document of a case and log the look; raise NotPermitted, NotFound."""
    complaint = _case(session, identity, case_no)
    document = _document(session, complaint, document_id)
    supplier = complaint.article.supplier
    to_manufacturer = document.kind is DocumentKind.MANUFACTURER_LETTER and supplier is not None
    _look(session, identity, complaint, "incident.seen")
    return OpenDocument(
        complaint=complaint,
        document=document,
        is_newest=document.version == newest_version(session, complaint, document.kind),
        receiver=supplier.complaints_email if to_manufacturer and supplier else "",
        written_by=session.get_one(StaffMember, document.written_by_id).name,
        instant=now(session),
    )


def _document(session: Session, complaint: Complaint, document_id: int) -> CaseDocument:
    document = session.scalar(
        select(CaseDocument).where(CaseDocument.id == document_id, CaseDocument.complaint_id == complaint.id)
    )
    if document is None:
        raise NotFound
    return document


def read_document(session: Session, identity: Identity, case_no: str, document_id: int) -> tuple[CaseDocument, bytes]:
    """Return a version with its pages, and log the download; raise NotPermitted, NotFound."""
    complaint = _case(session, identity, case_no)
    document = _document(session, complaint, document_id)
    _look(session, identity, complaint, "document.downloaded")
    return document, document.content


def _case(session: Session, identity: Identity, case_no: str) -> Complaint:
    require(identity, Permission.ASSESS_INCIDENT)
    if not is_case_no(case_no):
        raise NotFound
    complaint = session.scalar(
        select(Complaint)
        .where(Complaint.case_no == case_no, Complaint.region == identity.region)
        .options(
            joinedload(Complaint.article).joinedload(Article.supplier),
            joinedload(Complaint.lot),
            joinedload(Complaint.person),
            selectinload(Complaint.report),
        )
    )
    if complaint is None:
        raise NotFound
    return complaint


def _look(session: Session, identity: Identity, complaint: Complaint, action: str) -> None:
    record(
        session,
        identity.actor,
        action,
        subject_person_id=complaint.person_id,
        manner="LOOK",
        object_ref=f"case:{complaint.case_no}",
    )
