"""Claiming cases from suppliers: what goes into a pack, and out again while it is open. Lock → check → build → record; the caller commits.

Lock order: complaints by id, then the claim pack, then its lines. No person is locked: a claim changes nothing of theirs.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sqlalchemy import and_, func, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session, joinedload
from stdnum import luhn

from auth.identity import Identity
from auth.permissions import Permission, require
from core.clock import now
from core.errors import NotFound
from delivery.complaints import rules
from delivery.complaints.cases import change_state, record_case, tell_timeline
from delivery.complaints.claim_errors import ClaimRefused, PackNotThere
from delivery.complaints.claim_models import CLAIM_NO_SEQUENCE, ClaimLine, ClaimOutcome, ClaimPack, ClaimStatus
from delivery.complaints.claim_rules import (
    MOST_LINES,
    ClaimProblem,
    state_without_claim,
)
from delivery.complaints.claim_values import live_claims, problem_of, waiting_to_be_claimed, worths
from delivery.complaints.models import Complaint, ComplaintEventKind, ComplaintState
from orders.models import Article, Supplier


@dataclass(frozen=True)
class ClaimedAll:
    """What a claim of everything took, and what it left with the reason why."""

    claimed: int
    claim_nos: tuple[str, ...]
    left: tuple[ClaimRefused, ...]


def claim_case(session: Session, identity: Identity, case_no: str, *, even_if_thrown: bool = False) -> ClaimPack:
    """Put a case into the open pack of its supplier and agreement, which is opened when there is none; return the pack.

    Locks the complaint, then the pack. A case that is in an open pack stays there. Raises NotPermitted, NotFound, ClaimRefused.
    """
    require(identity, Permission.CLAIM)
    complaint = _lock_one(session, identity, case_no)
    earlier = live_claims(session, [complaint.id]).get(complaint.id)
    if earlier is not None and earlier.status is ClaimStatus.OPEN:
        return earlier
    taken, left = _claim(session, identity, [complaint], even_if_thrown=even_if_thrown)
    if left:
        raise left[0]
    return taken[0]


def claim_all(session: Session, identity: Identity, supplier_id: int) -> ClaimedAll:
    """Put every replaced case of a supplier that is not claimed yet into its pack; what cannot be is told of.

    Cases that are only triaged, were rejected or whose product is thrown away are left to somebody who looks at them. Locks the
    complaints by id, then each pack. Raises NotPermitted, NotFound.
    """
    require(identity, Permission.CLAIM)
    supplier = session.get(Supplier, supplier_id)
    if supplier is None or supplier.region != identity.region:
        raise NotFound
    wanted = waiting_to_be_claimed(identity.region).where(Article.supplier_id == supplier_id)
    ids = session.scalars(wanted.with_only_columns(Complaint.id).order_by(Complaint.id).limit(MOST_LINES)).all()
    taken, left = _claim(session, identity, lock_complaints(session, ids))
    return ClaimedAll(len(taken), tuple(dict.fromkeys(pack.claim_no for pack in taken)), tuple(left))


def take_out(session: Session, identity: Identity, claim_no: str, case_no: str) -> bool:
    """Take a case out of a pack that has not been sent; it goes back to where it came from. True when the pack is now gone.

    Locks the complaint, then the pack. Raises NotPermitted, NotFound, PackNotThere.
    """
    require(identity, Permission.CLAIM)
    complaint = _lock_one(session, identity, case_no)
    pack = lock_pack(session, identity, claim_no)
    lines = session.scalars(select(ClaimLine).where(ClaimLine.pack_id == pack.id).order_by(ClaimLine.id)).all()
    mine = next((line for line in lines if line.complaint_id == complaint.id), None)
    if mine is None:
        raise NotFound
    if pack.status is not ClaimStatus.OPEN:
        raise PackNotThere(pack.claim_no, pack.status)
    rejected = select(ClaimLine.id).where(
        ClaimLine.complaint_id == complaint.id, ClaimLine.outcome == ClaimOutcome.REJECTED
    )
    session.delete(mine)
    # Undone, not gone on from: the table of transitions leads forward only.
    complaint.state = state_without_claim(
        was_rejected=session.scalar(rejected.limit(1)) is not None,
        was_replaced=complaint.replacement_order_id is not None,
    )
    tell_timeline(session, identity, complaint, ComplaintEventKind.CLAIM_TAKEN_BACK, pack.claim_no)
    record_case(session, identity, complaint, "complaint.claim_taken_back")
    session.flush()
    if len(lines) == 1:
        session.delete(pack)
        session.flush()
        return True
    return False


def lock_pack(session: Session, identity: Identity, claim_no: str) -> ClaimPack:
    """Lock a pack of the identity's region and return it fresh; raise NotFound."""
    if not rules.is_case_no(claim_no):
        raise NotFound
    pack = session.scalar(
        select(ClaimPack)
        .where(ClaimPack.claim_no == claim_no, ClaimPack.region == identity.region)
        .options(joinedload(ClaimPack.supplier))
        .with_for_update(of=ClaimPack)
        .execution_options(populate_existing=True)
    )
    if pack is None:
        raise NotFound
    return pack


def lock_complaints(session: Session, ids: Collection[int]) -> Sequence[Complaint]:
    """Lock complaints by id and return them fresh, with article, supplier and report."""
    return session.scalars(
        select(Complaint)
        .where(Complaint.id.in_(ids))
        .options(joinedload(Complaint.article).joinedload(Article.supplier), joinedload(Complaint.report))
        .order_by(Complaint.id)
        .with_for_update(of=Complaint)
        .execution_options(populate_existing=True)
    ).all()


def _lock_one(session: Session, identity: Identity, case_no: str) -> Complaint:
    if not rules.is_case_no(case_no):
        raise NotFound
    complaint_id = session.scalar(
        select(Complaint.id).where(Complaint.case_no == case_no, Complaint.region == identity.region)
    )
    if complaint_id is None:
        raise NotFound
    return lock_complaints(session, [complaint_id])[0]


def _claim(
    session: Session, identity: Identity, complaints: Sequence[Complaint], *, even_if_thrown: bool = False
) -> tuple[list[ClaimPack], list[ClaimRefused]]:
    """Claim locked cases; return the pack of each that was taken, and why the others were not."""
    ids = [complaint.id for complaint in complaints]
    live, worth = live_claims(session, ids), worths(session, ids)
    packs: dict[tuple[int, str], ClaimPack] = {}
    room: dict[int, int] = {}
    taken: list[ClaimPack] = []
    left: list[ClaimRefused] = []
    # Packs are locked in the same order by everybody who claims several cases at once.
    for complaint in sorted(complaints, key=lambda one: (one.article.agreement_no, one.id)):
        known, earlier = worth[complaint.id], live.get(complaint.id)
        problem = problem_of(complaint, known, has_live_line=earlier is not None, even_if_thrown=even_if_thrown)
        if problem is not None:
            left.append(ClaimRefused(problem, complaint.case_no, earlier.claim_no if earlier else ""))
            continue
        assert complaint.article.supplier_id is not None
        assert known.value is not None
        key = (complaint.article.supplier_id, complaint.article.agreement_no)
        if key not in packs:
            packs[key] = pack = _open_pack(session, identity, *key)
            held = select(func.count()).select_from(ClaimLine).where(ClaimLine.pack_id == pack.id)
            room[pack.id] = MOST_LINES - session.scalars(held).one()
        pack = packs[key]
        if room[pack.id] < 1:
            left.append(ClaimRefused(ClaimProblem.PACK_FULL, complaint.case_no, pack.claim_no))
            continue
        room[pack.id] -= 1
        session.add(ClaimLine(pack_id=pack.id, complaint_id=complaint.id, packages=known.packages, value=known.value))
        change_state(session, identity, complaint, ComplaintState.CLAIMED)
        complaint.owner_id = complaint.owner_id or identity.staff_id
        tell_timeline(session, identity, complaint, ComplaintEventKind.CLAIMED, pack.claim_no)
        record_case(session, identity, complaint, "complaint.claimed")
        taken.append(pack)
    session.flush()
    return taken, left


def _open_pack(session: Session, identity: Identity, supplier_id: int, agreement_no: str) -> ClaimPack:
    """Lock the open pack of a supplier and agreement, made when there is none; two who make it at once share one."""
    wanted = and_(
        ClaimPack.region == identity.region,
        ClaimPack.supplier_id == supplier_id,
        ClaimPack.agreement_no == agreement_no,
        ClaimPack.status == ClaimStatus.OPEN,
    )
    # It may be sent by somebody between being looked for and being found: then the next one is opened.
    for _attempt in range(5):
        pack = session.scalar(
            select(ClaimPack).where(wanted).with_for_update().execution_options(populate_existing=True)
        )
        if pack is not None:
            return pack
        number = str(session.scalar(CLAIM_NO_SEQUENCE))
        session.execute(
            insert(ClaimPack)
            .values(
                region=identity.region,
                claim_no=number + luhn.calc_check_digit(number),
                supplier_id=supplier_id,
                agreement_no=agreement_no,
                opened_at=now(session),
            )
            .on_conflict_do_nothing(
                index_elements=["region", "supplier_id", "agreement_no"], index_where=text("status = 'OPEN'")
            )
        )
    raise RuntimeError("the open claim pack is never there when it is looked for")
