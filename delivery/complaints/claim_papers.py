"""What the papers of a claim pack say: the cases with what a supplier needs to judge them. Handbook §7.

The lot and the reporter's name and phone number follow the claim. The patient is named nowhere, nor in the reporter's own words; with
protected identity nobody is named, and the words stay here.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal

from sqlalchemy import func, select
from sqlalchemy.orm import Session, joinedload

from auth.identity import Identity
from auth.models import Person, StaffMember, Unit
from auth.permissions import Permission, require
from core.audit import record
from core.clock import now, swedish_date
from core.policy import policy_of
from delivery.complaints.claim_models import ClaimLine, ClaimPack
from delivery.complaints.claim_queries import find_pack
from delivery.complaints.draft_models import Photo
from delivery.complaints.incident_facts import known_people
from delivery.complaints.models import Complaint, FaultKind, FaultReport
from delivery.complaints.nameless import without
from delivery.goods_models import SerialisedUnit
from delivery.models import Depot, Parcel, PickedLot, PickLine
from orders.models import Article
from orders.policy import CustomerServicePolicy

Answers = Callable[[FaultReport], list[tuple[str, str]]]


@dataclass(frozen=True)
class PaperLine:
    """One case as the supplier reads it; `photos` are ids, in the order in which they are numbered. Never shown in a representation."""

    case_no: str
    article: str
    article_no: str
    gtin: str
    lot_no: str
    expires_on: date | None
    serials: tuple[str, ...]
    packages: int
    value: Decimal
    kind: FaultKind
    error_code: str = field(repr=False)
    description: str = field(repr=False)
    answers: tuple[tuple[str, str], ...] = field(repr=False)
    delivered_on: date | None
    applied_on: date | None
    failed_on: date | None
    reported_on: date
    is_kept: bool
    reporter: str = field(repr=False)
    phone: str = field(repr=False)
    photos: tuple[int, ...]


@dataclass(frozen=True)
class ClaimPapers:
    """Everything that the documents of a pack say. `sender` is who writes, in lines."""

    claim_no: str
    supplier: str
    agreement_no: str
    sender: tuple[str, ...]
    contact: str
    sent_on: date | None
    answer_due_on: date | None
    written_at: datetime
    lines: tuple[PaperLine, ...]

    @property
    def value(self) -> Decimal:
        """SEK of all the cases."""
        return sum((line.value for line in self.lines), Decimal("0.00"))


def papers_to_print(session: Session, identity: Identity, claim_no: str, answers: Answers) -> ClaimPapers:
    """Return what the papers say and write into the access log of each patient that they were printed; raise NotPermitted, NotFound."""
    require(identity, Permission.CLAIM)
    pack = find_pack(session, identity.region, claim_no)
    lines = _lines(session, pack)
    for line in lines:
        record(
            session,
            identity.actor,
            "complaint.claim_printed",
            subject_person_id=line.complaint.person_id,
            manner="LOOK",
            object_ref=f"case:{line.complaint.case_no}",
        )
    return _papers(session, pack, lines, answers)


def papers_to_send(session: Session, pack: ClaimPack, answers: Answers) -> ClaimPapers:
    """Return what the papers of a pack on its way say; that it leaves was written into the access log when it was sent."""
    return _papers(session, pack, _lines(session, pack), answers)


def photo_content(session: Session, photo_id: int) -> bytes:
    """Read one photo; the caller has found it in the papers."""
    return session.scalars(select(Photo.content).where(Photo.id == photo_id)).one()


def _lines(session: Session, pack: ClaimPack) -> Sequence[ClaimLine]:
    return session.scalars(
        select(ClaimLine)
        .where(ClaimLine.pack_id == pack.id)
        .options(
            joinedload(ClaimLine.complaint).options(
                joinedload(Complaint.article),
                joinedload(Complaint.lot),
                joinedload(Complaint.person),
                joinedload(Complaint.report),
            )
        )
        .order_by(ClaimLine.id)
    ).all()


def _papers(session: Session, pack: ClaimPack, lines: Sequence[ClaimLine], answers: Answers) -> ClaimPapers:
    reports = [line.complaint.report for line in lines]
    picked = {report.picked_lot_id for report in reports if report.picked_lot_id is not None}
    delivered, serials = _delivered(session, picked), _serials(session, picked)
    photos = _photos(session, pack, [line.complaint_id for line in lines])
    reporter_ids = {report.reporter_person_id for report in reports if report.reporter_person_id is not None}
    # Kept alive, so that whoever reported is read once and not case by case.
    reporters = {one.id: one for one in session.scalars(select(Person).where(Person.id.in_(reporter_ids)))}
    member = session.get(StaffMember, pack.sent_by_id) if pack.sent_by_id is not None else None
    region = policy_of(pack.region).section(CustomerServicePolicy)
    return ClaimPapers(
        claim_no=pack.claim_no,
        supplier=pack.supplier.name,
        agreement_no=pack.agreement_no,
        sender=tuple(filter(None, (region.region_name, _unit_of(session, pack), region.phone))),
        contact=member.name if member else "",
        sent_on=swedish_date(pack.sent_at) if pack.sent_at else None,
        answer_due_on=pack.answer_due_on,
        written_at=pack.sent_at or now(session),
        lines=tuple(
            _line(
                session,
                line,
                answers,
                reporters,
                delivered.get(line.complaint.report.picked_lot_id or 0),
                serials.get(line.complaint.report.picked_lot_id or 0, ()),
                photos.get(line.complaint_id, ()),
            )
            for line in lines
        ),
    )


def _line(
    session: Session,
    line: ClaimLine,
    answers: Answers,
    reporters: dict[int, Person],
    delivered_on: date | None,
    serials: tuple[str, ...],
    photos: tuple[int, ...],
) -> PaperLine:
    case, report, article = line.complaint, line.complaint.report, line.complaint.article
    reporter = reporters.get(report.reporter_person_id or 0)
    is_protected = case.person.is_protected or (reporter is not None and reporter.is_protected)
    known = known_people(session, case)
    return PaperLine(
        case_no=case.case_no,
        article=article.name,
        article_no=article.article_no,
        gtin=article.gtin or "",
        lot_no=case.lot.lot_no if case.lot else without(report.stated_lot_no, known),
        expires_on=case.lot.expires_on if case.lot else None,
        serials=(without(report.stated_serial_no, known),) if report.stated_serial_no else serials,
        packages=line.packages,
        value=line.value,
        kind=report.kind,
        error_code=without(report.error_code, known),
        description="" if is_protected else without(report.description, known),
        answers=tuple((question, without(answer, known)) for question, answer in answers(report)),
        delivered_on=delivered_on,
        applied_on=report.applied_on,
        failed_on=report.failed_on,
        reported_on=swedish_date(report.reported_at),
        is_kept=report.is_kept,
        reporter="" if is_protected else report.reporter_name,
        phone="" if is_protected else report.call_on,
        photos=() if is_protected else photos,
    )


def _delivered(session: Session, picked_lot_ids: Collection[int]) -> dict[int, date]:
    rows = session.execute(
        select(PickedLot.id, func.max(func.coalesce(Parcel.delivered_at, Parcel.shipped_at)))
        .join(PickLine, PickedLot.pick_line_id == PickLine.id)
        .join(Parcel, Parcel.depot_order_id == PickLine.depot_order_id)
        .where(PickedLot.id.in_(picked_lot_ids))
        .group_by(PickedLot.id)
    )
    return {picked_lot_id: swedish_date(instant) for picked_lot_id, instant in rows}


def _serials(session: Session, picked_lot_ids: Collection[int]) -> dict[int, tuple[str, ...]]:
    rows = session.execute(
        select(SerialisedUnit.picked_lot_id, SerialisedUnit.serial_no)
        .join(Article, SerialisedUnit.article_id == Article.id)
        .where(
            SerialisedUnit.picked_lot_id.in_(picked_lot_ids),
            SerialisedUnit.shipped_on.is_not(None),
            Article.is_serialised,
        )
        .order_by(SerialisedUnit.serial_no)
    )
    found: dict[int, tuple[str, ...]] = {}
    for picked_lot_id, serial_no in rows:
        if picked_lot_id is not None:
            found[picked_lot_id] = (*found.get(picked_lot_id, ()), serial_no)
    return found


def _photos(session: Session, pack: ClaimPack, complaint_ids: Collection[int]) -> dict[int, tuple[int, ...]]:
    """Those that were there when the pack left: a sent pack's papers are the same whenever they are printed."""
    rows = select(Photo.complaint_id, Photo.id).where(Photo.complaint_id.in_(complaint_ids)).order_by(Photo.id)
    if pack.sent_at is not None:
        rows = rows.where(Photo.added_at <= pack.sent_at)
    found: dict[int, tuple[int, ...]] = {}
    for complaint_id, photo_id in session.execute(rows):
        if complaint_id is not None:
            found[complaint_id] = (*found.get(complaint_id, ()), photo_id)
    return found


def _unit_of(session: Session, pack: ClaimPack) -> str:
    """The depot: that is where a returned product goes."""
    unit = session.scalar(
        select(Unit)
        .join(Depot, Depot.unit_id == Unit.id)
        .where(Depot.region == pack.region)
        .order_by(Depot.id)
        .limit(1)
    )
    return unit.name if unit else ""
