"""Credit notes: what comes back for claimed cases, reconciled to the öre. Lock → check → build → record; the caller commits.

Lock order: complaints by id, claim packs by id, claim lines by id, then the credit note. Money is SEK.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from sqlalchemy import select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from auth.identity import Identity
from auth.models import StaffMember
from auth.permissions import Permission, require
from core import idempotency
from core.audit import record
from core.clock import now, swedish_date, today
from core.errors import NotFound
from delivery.complaints import rules
from delivery.complaints.cases import change_state, record_case, tell_timeline
from delivery.complaints.claim_answers import Answer, answer_line, lock_lines, settle_pack
from delivery.complaints.claim_errors import (
    CaseNotCreditable,
    ClaimReasonMissing,
    CreditDateWrong,
    CreditedAlready,
    CreditNoteCame,
    CreditNumberMissing,
    CreditRefused,
    CreditUndone,
    EarlierNote,
)
from delivery.complaints.claim_models import ClaimLine, ClaimOutcome, ClaimPack, ClaimStatus, CreditLine, CreditNote
from delivery.complaints.claim_rules import CreditProblem, credit_problems
from delivery.complaints.models import Complaint, ComplaintEventKind, ComplaintState
from orders.models import Supplier

LONGEST_CREDIT_NO = 40
LONGEST_REASON = 400


@dataclass(frozen=True)
class BookCredit:
    """A supplier's credit note, and what of it pays for which claim line."""

    supplier_id: int
    credit_no: str
    amount: Decimal
    dated_on: date
    shares: Mapping[int, Decimal]
    idempotency_key: str


def book_credit(session: Session, identity: Identity, command: BookCredit) -> CreditNote:
    """Book a note and credit its lines; a case is credited when its whole value has come. The same key gives the same note.

    A credit for a line that the supplier has not answered is their yes. Locks the complaints, packs and lines; of two who credit the same
    line at once the later one is refused. Raises NotPermitted, NotFound, CreditNumberMissing, CreditDateWrong, CreditNoteCame,
    CaseNotCreditable, CreditedAlready, CreditRefused.
    """
    require(identity, Permission.CLAIM)
    supplier = session.get(Supplier, command.supplier_id)
    if supplier is None or supplier.region != identity.region:
        raise NotFound
    spent = idempotency.spend(session, "claim.credit", f"staff:{identity.staff_id}", command.idempotency_key)
    if not spent.is_first:
        return session.get_one(CreditNote, int(spent.earlier_result or 0))
    credit_no = credit_number(command.credit_no)
    lines = _lock(session, identity, command.supplier_id, command.shares.keys())
    _check(session, command, credit_no, lines)

    note = _insert_note(session, identity, command, credit_no)
    for line in lines:
        share = command.shares[line.id]
        if line.outcome is None:
            answer_line(session, identity, line, Answer(ClaimOutcome.ACCEPTED))
        line.credited += share
        session.add(CreditLine(credit_note_id=note.id, claim_line_id=line.id, amount=share))
        case = line.complaint
        if line.credited == line.value and rules.may_become(case.state, ComplaintState.CREDITED):
            change_state(session, identity, case, ComplaintState.CREDITED)
        tell_timeline(session, identity, case, ComplaintEventKind.CREDITED, credit_no)
        record_case(session, identity, case, "complaint.credited")
    session.flush()
    for pack in {line.pack_id: line.pack for line in lines}.values():
        settle_pack(pack, session.scalars(select(ClaimLine).where(ClaimLine.pack_id == pack.id)).all())
    spent.settle(session, str(note.id))
    _record_note(session, identity, note, "credit.booked")
    return note


def undo_credit(session: Session, identity: Identity, note_id: int, reason: str) -> CreditNote:
    """Undo a note that was booked wrongly: its lines are owed again and its credited cases accepted; a closed pack opens again as answered.

    The note stays, struck out. Locks the complaints, packs, lines and the note. Raises NotPermitted, NotFound, ClaimReasonMissing,
    CreditUndone.
    """
    require(identity, Permission.CLAIM)
    reason = reason.strip()[:LONGEST_REASON]
    found = session.get(CreditNote, note_id)
    if found is None or found.region != identity.region:
        raise NotFound
    amounts = {line.claim_line_id: line.amount for line in found.lines}
    lines = _lock(session, identity, found.supplier_id, amounts.keys())
    note = session.scalars(
        select(CreditNote).where(CreditNote.id == note_id).with_for_update().execution_options(populate_existing=True)
    ).one()
    if note.undone_at is not None:
        raise CreditUndone(note.credit_no, note.undone_at)
    if not reason:
        raise ClaimReasonMissing
    note.undone_at, note.undone_by_id, note.undone_reason = now(session), identity.staff_id, reason
    for line in lines:
        line.credited -= amounts[line.id]
        case = line.complaint
        if case.state is ComplaintState.CREDITED:
            change_state(session, identity, case, ComplaintState.ACCEPTED)
        if line.pack.status is ClaimStatus.CLOSED:
            line.pack.status, line.pack.closed_at = ClaimStatus.ANSWERED, None
        tell_timeline(session, identity, case, ComplaintEventKind.CREDIT_UNDONE, f"{note.credit_no}: {reason}")
        record_case(session, identity, case, "complaint.credit_undone")
    _record_note(session, identity, note, "credit.undone", reason)
    return note


def credit_number(text_: str) -> str:
    """Return a note's number as it is kept: one space between words, in capitals, so that it is known again; raise CreditNumberMissing."""
    number = " ".join(text_.replace("\x00", " ").split()).upper()[:LONGEST_CREDIT_NO]
    if not number:
        raise CreditNumberMissing
    return number


def _lock(session: Session, identity: Identity, supplier_id: int, line_ids: Collection[int]) -> Sequence[ClaimLine]:
    """Lock the lines of the supplier with their complaints and packs; NotFound when one is not theirs."""
    theirs = (
        ClaimLine.id.in_(line_ids),
        ClaimPack.supplier_id == supplier_id,
        ClaimPack.region == identity.region,
    )
    rows = session.execute(
        select(ClaimLine.complaint_id, ClaimLine.pack_id)
        .join(ClaimPack, ClaimLine.pack_id == ClaimPack.id)
        .where(*theirs)
    ).all()
    if len(rows) != len(set(line_ids)):
        raise NotFound
    for table, ids in ((Complaint, {row.complaint_id for row in rows}), (ClaimPack, {row.pack_id for row in rows})):
        session.scalars(select(table).where(table.id.in_(ids)).order_by(table.id).with_for_update()).all()
    lines = lock_lines(session, ClaimLine.id.in_(line_ids))
    if len(lines) != len(rows):
        raise NotFound
    return lines


def _check(session: Session, command: BookCredit, credit_no: str, lines: Sequence[ClaimLine]) -> None:
    _check_number(session, command.supplier_id, credit_no)
    for line in lines:
        if line.pack.status is ClaimStatus.OPEN or line.outcome is ClaimOutcome.REJECTED:
            raise CaseNotCreditable(line.complaint.case_no, line.pack.claim_no, line.pack.status)
        if line.credited == line.value:
            raise CreditedAlready(line.complaint.case_no, _latest_note(session, line))
    latest = today(session)
    earliest = max((swedish_date(line.pack.opened_at) for line in lines), default=date.min)
    if not earliest <= command.dated_on <= latest:
        raise CreditDateWrong(earliest, latest)
    left = {line.id: line.value - line.credited for line in lines}
    problems = credit_problems(command.amount, command.shares, left)
    if problems:
        is_countable = CreditProblem.NO_AMOUNT not in problems
        shared = sum(command.shares.values(), Decimal(0)) if is_countable else Decimal(0)
        raise CreditRefused(problems, command.amount, shared, left)


def _check_number(session: Session, supplier_id: int, credit_no: str) -> None:
    earlier = session.scalar(
        select(CreditNote).where(
            CreditNote.supplier_id == supplier_id, CreditNote.credit_no == credit_no, CreditNote.undone_at.is_(None)
        )
    )
    if earlier is not None:
        raise CreditNoteCame(_earlier(session, earlier))


def _insert_note(session: Session, identity: Identity, command: BookCredit, credit_no: str) -> CreditNote:
    note_id = session.scalar(
        insert(CreditNote)
        .values(
            region=identity.region,
            supplier_id=command.supplier_id,
            credit_no=credit_no,
            amount=command.amount,
            dated_on=command.dated_on,
            booked_at=now(session),
            booked_by_id=identity.staff_id,
        )
        .on_conflict_do_nothing(
            index_elements=["region", "supplier_id", "credit_no"], index_where=text("undone_at IS NULL")
        )
        .returning(CreditNote.id)
    )
    if note_id is None:
        # The same note, for other lines, was being booked at this very moment.
        _check_number(session, command.supplier_id, credit_no)
    return session.get_one(CreditNote, note_id)


def _latest_note(session: Session, line: ClaimLine) -> EarlierNote:
    note = session.scalars(
        select(CreditNote)
        .join(CreditLine, CreditLine.credit_note_id == CreditNote.id)
        .where(CreditLine.claim_line_id == line.id, CreditNote.undone_at.is_(None))
        .order_by(CreditNote.id.desc())
        .limit(1)
    ).one()
    return _earlier(session, note)


def _earlier(session: Session, note: CreditNote) -> EarlierNote:
    booked_by = session.get_one(StaffMember, note.booked_by_id).name
    return EarlierNote(note.id, note.credit_no, note.amount, note.dated_on, note.booked_at, booked_by)


def _record_note(session: Session, identity: Identity, note: CreditNote, action: str, reason: str = "") -> None:
    record(
        session,
        identity.actor,
        action,
        subject_person_id=None,
        object_ref=f"credit:{note.id}",
        reason=reason,
    )
