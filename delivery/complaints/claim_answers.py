"""What the supplier says of a claim pack, case by case, and the end of it. Lock → check → build → record; the caller commits.

Lock order: complaints by id, then the pack, then its lines by id.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session, joinedload

from auth.identity import Identity
from auth.permissions import Permission, require
from core.audit import record
from core.clock import now
from core.errors import NotFound
from delivery.complaints import rules
from delivery.complaints.cases import change_state, record_case, tell_timeline
from delivery.complaints.claim_errors import (
    AnsweredAlready,
    AnswerReasonMissing,
    AnswerStays,
    ClaimReasonMissing,
    NothingAnswered,
    PackNotThere,
)
from delivery.complaints.claim_models import ClaimLine, ClaimOutcome, ClaimPack, ClaimStatus
from delivery.complaints.claims import lock_pack
from delivery.complaints.models import Complaint, ComplaintEventKind, ComplaintState

LONGEST_REASON = 400


@dataclass(frozen=True)
class Answer:
    """What the supplier says of one case; a rejection has their reason."""

    outcome: ClaimOutcome
    reason: str = ""


def answer_lines(
    session: Session,
    identity: Identity,
    claim_no: str,
    answers: Mapping[int, Answer],
    rest: Answer | None = None,
) -> ClaimPack:
    """Write down the supplier's answers by claim line; `rest` is for every other line that has none yet.

    An answer that stands already is left as it is. The pack is answered when every line is. Locks the complaints, the pack and its
    lines. Raises NotPermitted, NotFound, PackNotThere, NothingAnswered, AnswerReasonMissing naming the cases, AnsweredAlready.
    """
    require(identity, Permission.CLAIM)
    pack, lines = lock_pack_with_cases(session, identity, claim_no)
    if pack.status not in (ClaimStatus.SENT, ClaimStatus.ANSWERED):
        raise PackNotThere(pack.claim_no, pack.status, pack.sent_at)
    known = {line.id for line in lines}
    if not answers.keys() <= known:
        raise NotFound
    given = {line: answers.get(line.id) or (rest if line.outcome is None else None) for line in lines}
    wanted = {line: answer for line, answer in given.items() if answer is not None}
    if not wanted:
        raise NothingAnswered
    for line, answer in wanted.items():
        if line.outcome is not None and line.outcome is not answer.outcome:
            assert line.answered_at is not None
            raise AnsweredAlready(line.complaint.case_no, line.outcome, line.answered_at)
    without_reason = [
        line.complaint.case_no
        for line, answer in wanted.items()
        if answer.outcome is ClaimOutcome.REJECTED and line.outcome is None and not answer.reason.strip()
    ]
    if without_reason:
        raise AnswerReasonMissing(tuple(without_reason))
    for line, answer in wanted.items():
        if line.outcome is None:
            answer_line(session, identity, line, answer)
    settle_pack(pack, lines)
    return pack


def answer_line(session: Session, identity: Identity, line: ClaimLine, answer: Answer) -> None:
    """Write one answer on a locked line whose complaint is locked too."""
    is_accepted = answer.outcome is ClaimOutcome.ACCEPTED
    line.outcome, line.answered_at = answer.outcome, now(session)
    line.outcome_reason = "" if is_accepted else answer.reason.strip()[:LONGEST_REASON]
    state = ComplaintState.ACCEPTED if is_accepted else ComplaintState.REJECTED
    kind = ComplaintEventKind.ACCEPTED if is_accepted else ComplaintEventKind.REJECTED
    change_state(session, identity, line.complaint, state)
    tell_timeline(session, identity, line.complaint, kind, line.outcome_reason)
    record_case(
        session, identity, line.complaint, "complaint.claim_accepted" if is_accepted else "complaint.claim_rejected"
    )


def undo_answer(session: Session, identity: Identity, claim_no: str, case_no: str) -> ClaimPack:
    """Take back an answer that was noted by mistake: its case is claimed again, its pack with the supplier.

    The timeline keeps the answer and that it was undone. Locks the complaints, the pack and its lines. Raises NotPermitted, NotFound,
    PackNotThere for a pack that is closed, AnswerStays.
    """
    require(identity, Permission.CLAIM)
    pack, lines = lock_pack_with_cases(session, identity, claim_no)
    line = next((one for one in lines if one.complaint.case_no == case_no), None)
    if line is None:
        raise NotFound
    if pack.status not in (ClaimStatus.SENT, ClaimStatus.ANSWERED):
        raise PackNotThere(pack.claim_no, pack.status, pack.sent_at)
    if not can_be_undone(line):
        raise AnswerStays(case_no, has_answer=line.outcome is not None, is_credited=line.credited > 0)
    line.outcome, line.outcome_reason, line.answered_at = None, "", None
    pack.status = ClaimStatus.SENT
    change_state(session, identity, line.complaint, ComplaintState.CLAIMED)
    tell_timeline(session, identity, line.complaint, ComplaintEventKind.ANSWER_UNDONE)
    record_case(session, identity, line.complaint, "complaint.answer_undone")
    return pack


def can_be_undone(line: ClaimLine) -> bool:
    """Tell whether a line has an answer, no credit, and a case that is still where the answer left it."""
    left_at = {ClaimOutcome.ACCEPTED: ComplaintState.ACCEPTED, ClaimOutcome.REJECTED: ComplaintState.REJECTED}
    return line.outcome is not None and not line.credited and line.complaint.state is left_at[line.outcome]


def settle_pack(pack: ClaimPack, lines: Sequence[ClaimLine]) -> None:
    """Let a sent pack be answered once all its lines are."""
    if pack.status is ClaimStatus.SENT and all(line.outcome is not None for line in lines):
        pack.status = ClaimStatus.ANSWERED


@dataclass(frozen=True)
class ClosedPack:
    """What closing a pack left: SEK that will not come, and the cases that somebody still has to look at."""

    written_off: Decimal
    left_open: tuple[str, ...]


def close_pack(session: Session, identity: Identity, claim_no: str, reason: str = "") -> ClosedPack:
    """Close an answered pack, and its credited and accepted cases with it; what is still owed is written off with a reason.

    Rejected cases stay as they are: they can be claimed again or closed one by one. So does a red flag that nobody has looked at. Locks
    the complaints, the pack and its lines. Raises NotPermitted, NotFound, PackNotThere, ClaimReasonMissing.
    """
    require(identity, Permission.CLAIM)
    reason = reason.strip()[:LONGEST_REASON]
    pack, lines = lock_pack_with_cases(session, identity, claim_no)
    if pack.status is not ClaimStatus.ANSWERED:
        raise PackNotThere(pack.claim_no, pack.status, pack.sent_at)
    accepted = [line for line in lines if line.outcome is ClaimOutcome.ACCEPTED]
    owed = sum((line.value - line.credited for line in accepted), Decimal("0.00"))
    if owed and not reason:
        raise ClaimReasonMissing
    pack.status, pack.closed_at = ClaimStatus.CLOSED, now(session)
    left_open = []
    for line in accepted:
        case = line.complaint
        if not rules.may_become(case.state, ComplaintState.CLOSED):
            continue
        if case.has_red_flag and case.triaged_at is None:
            left_open.append(case.case_no)
            continue
        change_state(session, identity, case, ComplaintState.CLOSED)
        tell_timeline(
            session, identity, case, ComplaintEventKind.CLOSED, reason if line.credited < line.value else pack.claim_no
        )
        record_case(session, identity, case, "complaint.claim_closed")
    record(
        session,
        identity.actor,
        "claim.closed",
        subject_person_id=None,
        object_ref=f"claim:{pack.claim_no}",
        reason=reason,
    )
    return ClosedPack(owed, tuple(left_open))


def lock_pack_with_cases(session: Session, identity: Identity, claim_no: str) -> tuple[ClaimPack, Sequence[ClaimLine]]:
    """Lock a pack's complaints, itself and its lines in that order, and return the last two fresh; raise NotFound."""
    complaint_ids = session.scalars(
        select(ClaimLine.complaint_id)
        .join(ClaimPack, ClaimLine.pack_id == ClaimPack.id)
        .where(ClaimPack.claim_no == claim_no.replace("\x00", ""), ClaimPack.region == identity.region)
    ).all()
    session.scalars(
        select(Complaint).where(Complaint.id.in_(complaint_ids)).order_by(Complaint.id).with_for_update()
    ).all()
    pack = lock_pack(session, identity, claim_no)
    return pack, lock_lines(session, ClaimLine.pack_id == pack.id)


def lock_lines(session: Session, wanted: ColumnElement[bool]) -> Sequence[ClaimLine]:
    """Lock claim lines by id and return them fresh with their cases, which the caller has locked."""
    return session.scalars(
        select(ClaimLine)
        .where(wanted)
        .options(joinedload(ClaimLine.complaint).joinedload(Complaint.article), joinedload(ClaimLine.pack))
        .order_by(ClaimLine.id)
        .with_for_update(of=ClaimLine)
        .execution_options(populate_existing=True)
    ).all()
