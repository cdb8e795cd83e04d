"""The first page of claims: sums per supplier and the packs pile by pile. It names no patient."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum

from sqlalchemy import ColumnElement, and_, func, select
from sqlalchemy.orm import Session, joinedload

from auth.identity import Identity
from auth.permissions import Permission, require
from core.audit import record
from core.clock import today
from delivery.complaints.claim_models import ClaimLine, ClaimOutcome, ClaimPack, ClaimStatus, CreditNote
from delivery.complaints.claim_values import waiting_to_be_claimed
from delivery.complaints.models import FaultReport
from delivery.models import PickedLot, PickLine
from orders.models import Article, OrderRow, Supplier

PAGE_SIZE = 50
MOST_NOTES = 20
NOTHING = Decimal("0.00")


class ClaimPile(StrEnum):
    """The piles of packs."""

    OPEN = "open"
    SENT = "sent"
    LATE = "late"
    ANSWERED = "answered"
    CLOSED = "closed"


@dataclass(frozen=True)
class SupplierSums:
    """One supplier's money in SEK: not yet sent, waiting for an answer, accepted but not credited; and the cases to claim."""

    supplier: Supplier
    unsent: Decimal = NOTHING
    waiting: Decimal = NOTHING
    accepted: Decimal = NOTHING
    to_claim: int = 0
    to_claim_value: Decimal = NOTHING

    @property
    def open_sum(self) -> Decimal:
        """What the supplier has been asked for and has neither rejected nor credited."""
        return self.waiting + self.accepted


@dataclass(frozen=True)
class PackRow:
    """A pack in the list: how many cases, what they are worth, what is answered and what has come back."""

    pack: ClaimPack
    cases: int
    answered: int
    value: Decimal
    owed: Decimal
    credited: Decimal
    is_late: bool


@dataclass(frozen=True)
class ClaimsPage:
    """Everything of the first page of claims."""

    suppliers: tuple[SupplierSums, ...]
    chosen: ClaimPile
    counts: Mapping[ClaimPile, int]
    packs: tuple[PackRow, ...]
    notes: tuple[CreditNote, ...]
    page: int
    pages: int


def claims_page(session: Session, identity: Identity, chosen: ClaimPile = ClaimPile.OPEN, page: int = 1) -> ClaimsPage:
    """Return the region's sums per supplier and a page of one pile of packs, in a fixed number of statements; raise NotPermitted."""
    require(identity, Permission.CLAIM)
    day = today(session)
    piles = _piles(day)
    mine = ClaimPack.region == identity.region
    counts = session.execute(
        select(*(func.count().filter(pile) for pile in piles.values())).select_from(ClaimPack).where(mine)
    ).one()
    count = dict(zip(piles, counts, strict=True))
    pages = max(1, -(-count[chosen] // PAGE_SIZE))
    page = min(max(1, page), pages)
    packs = session.scalars(
        select(ClaimPack)
        .where(mine, piles[chosen])
        .options(joinedload(ClaimPack.supplier))
        .order_by(*(ClaimPack.answer_due_on, ClaimPack.id) if chosen is ClaimPile.LATE else (ClaimPack.id.desc(),))
        .limit(PAGE_SIZE)
        .offset((page - 1) * PAGE_SIZE)
    ).all()
    notes = session.scalars(
        select(CreditNote)
        .where(CreditNote.region == identity.region)
        .options(joinedload(CreditNote.supplier))
        .order_by(CreditNote.id.desc())
        .limit(MOST_NOTES)
    ).all()
    record(session, identity.actor, "claims.listed", subject_person_id=None, manner="LOOK")
    return ClaimsPage(
        suppliers=_sums(session, identity.region),
        chosen=chosen,
        counts=count,
        packs=_rows(session, packs, day),
        notes=tuple(notes),
        page=page,
        pages=pages,
    )


def _piles(day: date) -> dict[ClaimPile, ColumnElement[bool]]:
    sent = ClaimPack.status == ClaimStatus.SENT
    return {
        ClaimPile.OPEN: ClaimPack.status == ClaimStatus.OPEN,
        ClaimPile.SENT: sent,
        ClaimPile.LATE: and_(sent, ClaimPack.answer_due_on < day),
        ClaimPile.ANSWERED: ClaimPack.status == ClaimStatus.ANSWERED,
        ClaimPile.CLOSED: ClaimPack.status == ClaimStatus.CLOSED,
    }


def is_late(pack: ClaimPack, day: date) -> bool:
    """Tell whether the supplier's answer should have come."""
    return pack.status is ClaimStatus.SENT and pack.answer_due_on is not None and pack.answer_due_on < day


def _rows(session: Session, packs: Sequence[ClaimPack], day: date) -> tuple[PackRow, ...]:
    accepted = ClaimLine.outcome == ClaimOutcome.ACCEPTED
    sums = {
        row[0]: row[1:]
        for row in session.execute(
            select(
                ClaimLine.pack_id,
                func.count(),
                func.count(ClaimLine.outcome),
                func.sum(ClaimLine.value),
                func.coalesce(func.sum(ClaimLine.value - ClaimLine.credited).filter(accepted), 0),
                func.sum(ClaimLine.credited),
            )
            .where(ClaimLine.pack_id.in_([pack.id for pack in packs]))
            .group_by(ClaimLine.pack_id)
        )
    }
    nothing = (0, 0, NOTHING, NOTHING, NOTHING)
    return tuple(PackRow(pack, *sums.get(pack.id, nothing), is_late=is_late(pack, day)) for pack in packs)


def _sums(session: Session, region: str) -> tuple[SupplierSums, ...]:
    """The suppliers that owe something or have cases to claim, in two statements and one for who they are."""
    rest = ClaimLine.value - ClaimLine.credited
    unanswered = ClaimLine.outcome.is_(None)
    money = session.execute(
        select(
            ClaimPack.supplier_id,
            func.sum(rest).filter(ClaimPack.status == ClaimStatus.OPEN),
            func.sum(rest).filter(ClaimPack.status == ClaimStatus.SENT, unanswered),
            func.sum(rest).filter(ClaimPack.status != ClaimStatus.CLOSED, ClaimLine.outcome == ClaimOutcome.ACCEPTED),
        )
        .join(ClaimLine, ClaimLine.pack_id == ClaimPack.id)
        .where(ClaimPack.region == region)
        .group_by(ClaimPack.supplier_id)
    )
    sums = {row[0]: tuple(amount or NOTHING for amount in row[1:]) for row in money}
    price = func.coalesce(OrderRow.package_price, Article.price)
    cases_to_claim = session.execute(
        waiting_to_be_claimed(region)
        .outerjoin(PickedLot, FaultReport.picked_lot_id == PickedLot.id)
        .outerjoin(PickLine, PickedLot.pick_line_id == PickLine.id)
        .outerjoin(OrderRow, PickLine.order_row_id == OrderRow.id)
        .where(price > 0)
        .with_only_columns(Article.supplier_id, func.count(), func.sum(price * FaultReport.packages))
        .group_by(Article.supplier_id)
    )
    to_claim = {row[0]: (row[1], row[2]) for row in cases_to_claim}
    suppliers = session.scalars(
        select(Supplier).where(Supplier.id.in_({*sums, *to_claim})).order_by(Supplier.name, Supplier.id)
    )
    found = []
    for one in suppliers:
        unsent, waiting, accepted = sums.get(one.id, (NOTHING, NOTHING, NOTHING))
        cases, worth = to_claim.get(one.id, (0, NOTHING))
        found.append(SupplierSums(one, unsent, waiting, accepted, cases, worth))
    return tuple(one for one in found if one.open_sum or one.unsent or one.to_claim)
