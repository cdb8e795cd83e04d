"""What consultants see of claims: a pack, where a case stands, what can be credited, a credit note. None names a patient."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from sqlalchemy import and_, or_, select
from sqlalchemy.orm import Session, contains_eager, joinedload

from auth.identity import Identity
from auth.models import StaffMember
from auth.permissions import Permission, require
from core.audit import record
from core.clock import today
from core.errors import NotFound
from delivery.complaints import rules
from delivery.complaints.claim_models import ClaimLine, ClaimOutcome, ClaimPack, ClaimStatus, CreditLine, CreditNote
from delivery.complaints.claim_overview import NOTHING, is_late
from delivery.complaints.claim_rules import ClaimProblem
from delivery.complaints.claim_sending import sender_name
from delivery.complaints.claim_values import IS_LIVE, Worth, live_claims, problem_of, worths
from delivery.complaints.models import Complaint
from orders.models import Article, Supplier

# What one credit note's form can show.
MOST_CREDITABLE = 300


@dataclass(frozen=True)
class OpenedPack:
    """One pack with its lines, the notes that credited them, and who sent it."""

    pack: ClaimPack
    lines: Sequence[ClaimLine]
    notes: Mapping[int, tuple[CreditNote, ...]]
    sent_by: str
    is_late: bool

    @property
    def value(self) -> Decimal:
        """SEK of all the lines."""
        return sum((line.value for line in self.lines), NOTHING)

    @property
    def credited(self) -> Decimal:
        """SEK that have come back."""
        return sum((line.credited for line in self.lines), NOTHING)

    @property
    def owed(self) -> Decimal:
        """SEK that are accepted and have not come."""
        accepted = (line for line in self.lines if line.outcome is ClaimOutcome.ACCEPTED)
        return sum((line.value - line.credited for line in accepted), NOTHING)

    @property
    def unanswered(self) -> int:
        """Lines without an answer."""
        return sum(line.outcome is None for line in self.lines)


@dataclass(frozen=True)
class CaseClaim:
    """Whether a case can be claimed, for how much, and what became of it when it was; the latest claim first."""

    complaint: Complaint
    worth: Worth
    problem: ClaimProblem | None
    history: tuple[ClaimLine, ...]
    open_pack_no: str


def open_pack(session: Session, identity: Identity, claim_no: str) -> OpenedPack:
    """Return a pack of the region with its lines, in a fixed number of statements; raise NotPermitted, NotFound."""
    require(identity, Permission.CLAIM)
    pack = find_pack(session, identity.region, claim_no)
    lines = session.scalars(
        select(ClaimLine)
        .where(ClaimLine.pack_id == pack.id)
        .options(
            joinedload(ClaimLine.complaint).options(
                joinedload(Complaint.article), joinedload(Complaint.lot), joinedload(Complaint.report)
            )
        )
        .order_by(ClaimLine.id)
    ).all()
    credit_lines = session.scalars(
        select(CreditLine)
        .join(CreditNote, CreditLine.credit_note_id == CreditNote.id)
        .where(CreditLine.claim_line_id.in_([line.id for line in lines]), CreditNote.undone_at.is_(None))
        .options(joinedload(CreditLine.note))
        .order_by(CreditLine.id)
    )
    notes: dict[int, tuple[CreditNote, ...]] = {}
    for credit in credit_lines:
        notes[credit.claim_line_id] = (*notes.get(credit.claim_line_id, ()), credit.note)
    record(
        session,
        identity.actor,
        "claim.seen",
        subject_person_id=None,
        manner="LOOK",
        object_ref=f"claim:{pack.claim_no}",
    )
    return OpenedPack(pack, lines, notes, sender_name(session, pack), is_late(pack, today(session)))


def find_pack(session: Session, region: str, claim_no: str) -> ClaimPack:
    """Return a pack of the region with its supplier; raise NotFound."""
    if not rules.is_case_no(claim_no):
        raise NotFound
    pack = session.scalar(
        select(ClaimPack)
        .where(ClaimPack.claim_no == claim_no, ClaimPack.region == region)
        .options(joinedload(ClaimPack.supplier))
    )
    if pack is None:
        raise NotFound
    return pack


def case_claim(session: Session, identity: Identity, case_no: str) -> CaseClaim:
    """Return where a case of the region stands with its supplier and log the look; raise NotPermitted, NotFound."""
    require(identity, Permission.CLAIM)
    if not rules.is_case_no(case_no):
        raise NotFound
    complaint = session.scalar(
        select(Complaint)
        .where(Complaint.case_no == case_no, Complaint.region == identity.region)
        .options(joinedload(Complaint.article).joinedload(Article.supplier), joinedload(Complaint.report))
    )
    if complaint is None:
        raise NotFound
    worth = worths(session, [complaint.id])[complaint.id]
    live = live_claims(session, [complaint.id])
    history = session.scalars(
        select(ClaimLine)
        .where(ClaimLine.complaint_id == complaint.id)
        .options(joinedload(ClaimLine.pack))
        .order_by(ClaimLine.id.desc())
    ).all()
    pack_no = session.scalar(
        select(ClaimPack.claim_no).where(
            ClaimPack.region == identity.region,
            ClaimPack.supplier_id == complaint.article.supplier_id,
            ClaimPack.agreement_no == complaint.article.agreement_no,
            ClaimPack.status == ClaimStatus.OPEN,
        )
    )
    record(
        session,
        identity.actor,
        "complaint.claim_seen",
        subject_person_id=complaint.person_id,
        manner="LOOK",
        object_ref=f"case:{complaint.case_no}",
    )
    problem = problem_of(complaint, worth, has_live_line=bool(live))
    return CaseClaim(complaint, worth, problem, tuple(history), pack_no or "")


def note_page(session: Session, identity: Identity, note_id: int) -> tuple[CreditNote, str, str]:
    """Return a credit note of the region with its lines, who booked it and who undid it; raise NotPermitted, NotFound."""
    require(identity, Permission.CLAIM)
    note = session.scalar(
        select(CreditNote)
        .where(CreditNote.id == note_id, CreditNote.region == identity.region)
        .options(joinedload(CreditNote.supplier))
    )
    if note is None:
        raise NotFound
    session.scalars(
        select(CreditLine)
        .where(CreditLine.credit_note_id == note.id)
        .options(
            joinedload(CreditLine.claim_line).options(
                joinedload(ClaimLine.pack), joinedload(ClaimLine.complaint).joinedload(Complaint.article)
            )
        )
    ).all()
    booked_by = session.get_one(StaffMember, note.booked_by_id).name
    undone_by = session.get_one(StaffMember, note.undone_by_id).name if note.undone_by_id is not None else ""
    record(
        session,
        identity.actor,
        "credit.seen",
        subject_person_id=None,
        manner="LOOK",
        object_ref=f"credit:{note.id}",
    )
    return note, booked_by, undone_by


def creditable_lines(
    session: Session, identity: Identity, supplier_id: int, claim_no: str = ""
) -> tuple[Supplier, Sequence[ClaimLine]]:
    """Return the supplier and those of its claim lines that a credit note can be for, the named pack's first; raise NotPermitted, NotFound.

    Of a closed pack they are shown only when it is the named one: what was written off may come all the same. At most `MOST_CREDITABLE`.
    """
    require(identity, Permission.CLAIM)
    supplier = session.get(Supplier, supplier_id)
    if supplier is None or supplier.region != identity.region:
        raise NotFound
    record(session, identity.actor, "claims.listed", subject_person_id=None, manner="LOOK")
    is_named = ClaimPack.claim_no == claim_no.replace("\x00", "")
    is_waiting = ClaimPack.status.in_((ClaimStatus.SENT, ClaimStatus.ANSWERED))
    lines = session.scalars(
        select(ClaimLine)
        .join(ClaimPack, ClaimLine.pack_id == ClaimPack.id)
        .where(
            ClaimPack.supplier_id == supplier_id,
            or_(is_waiting, and_(is_named, ClaimPack.status == ClaimStatus.CLOSED)),
            IS_LIVE,
            ClaimLine.credited < ClaimLine.value,
        )
        .options(
            contains_eager(ClaimLine.pack),
            joinedload(ClaimLine.complaint).options(joinedload(Complaint.article), joinedload(Complaint.lot)),
        )
        .order_by(is_named.desc(), ClaimPack.id, ClaimLine.id)
        .limit(MOST_CREDITABLE)
    ).all()
    return supplier, lines
