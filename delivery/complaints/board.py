"""The board of cases: the piles, what narrows them, and one page of a pile. Handbook §7; it names nobody."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.orm import Session, contains_eager, joinedload

from auth.identity import Identity
from auth.permissions import Permission, require
from core.audit import record
from core.clock import now
from delivery.complaints.models import Complaint, ComplaintState, FaultReport, LookFirst
from delivery.complaints.rules import SETTLED, UNDECIDED
from delivery.goods_models import SerialisedUnit
from delivery.models import Lot
from orders.catalogue import Supplier
from orders.kinds import ProductArea
from orders.models import Article, ProductKind

PAGE_SIZE = 50


class Pile(StrEnum):
    """The piles of the board."""

    OPEN = "open"
    RED_FLAG = "red-flag"
    OVERDUE = "overdue"
    MINE = "mine"
    ADDED_TO = "added-to"
    WAITING = "waiting"
    REPLACED = "replaced"
    SUPPLIER = "supplier"
    DECLINED = "declined"
    CLOSED = "closed"


@dataclass(frozen=True)
class Wanted:
    """Which cases to show; `words` (a case number, lot, serial number or article) look in every pile."""

    pile: Pile = Pile.OPEN
    words: str = ""
    area: ProductArea | None = None
    kind: ProductKind | None = None
    supplier_id: int | None = None
    look_first: LookFirst | None = None
    page: int = 1


@dataclass(frozen=True)
class Facets:
    """How many cases of the pile each choice would leave, with the other choices as they are."""

    areas: dict[ProductArea, int]
    kinds: dict[ProductKind, int]
    suppliers: dict[int, tuple[str, int]]
    looks: dict[LookFirst, int]


@dataclass(frozen=True)
class Board:
    """One page of one pile, and how many cases lie in each."""

    wanted: Wanted
    cases: tuple[Complaint, ...]
    counts: dict[Pile, int]
    facets: Facets
    total: int
    page: int
    pages: int
    instant: datetime


def board(session: Session, identity: Identity, wanted: Wanted | None = None) -> Board:
    """Return a page of the region's cases, red flags first, then by due time.

    Three statements whatever the number of cases. The list names nobody; the look is logged. Raises NotPermitted.
    """
    require(identity, Permission.SEE_COMPLAINTS)
    wanted = wanted or Wanted()
    instant = now(session)
    piles = _piles(identity, instant)
    counts = session.execute(
        select(*(func.count().filter(pile) for pile in piles.values()))
        .select_from(Complaint)
        .where(Complaint.region == identity.region)
    ).one()
    found = and_(
        Complaint.region == identity.region,
        _matching(identity.region, wanted.words) if wanted.words.strip() else piles[wanted.pile],
    )
    rows = session.execute(
        select(
            Article.product_area,
            Article.kind,
            Article.supplier_id,
            func.coalesce(func.min(Supplier.name), ""),
            Complaint.look_first,
            func.count(),
        )
        .select_from(Complaint)
        .join(Article, Complaint.article_id == Article.id)
        .outerjoin(Supplier, Article.supplier_id == Supplier.id)
        .where(found)
        .group_by(Article.product_area, Article.kind, Article.supplier_id, Complaint.look_first)
    ).all()
    groups = [_Group(*row) for row in rows]
    total = sum(group.cases for group in groups if group.is_wanted(wanted))
    pages = max(1, -(-total // PAGE_SIZE))
    page = min(max(1, wanted.page), pages)
    record(session, identity.actor, "complaints.listed", subject_person_id=None, manner="LOOK")
    return Board(
        wanted=wanted,
        cases=tuple(_cases(session, wanted, found, page)) if total else (),
        counts=dict(zip(piles, counts, strict=True)),
        facets=_facets(groups, wanted),
        total=total,
        page=page,
        pages=pages,
        instant=instant,
    )


def untriaged_red_flags(session: Session, identity: Identity) -> int:
    """Return how many red flags of the region nobody has looked at yet; raise NotPermitted."""
    require(identity, Permission.SEE_COMPLAINTS)
    return session.scalars(
        select(func.count())
        .select_from(Complaint)
        .where(
            Complaint.region == identity.region,
            Complaint.state.in_(set(ComplaintState) - SETTLED),
            Complaint.has_red_flag,
            Complaint.triaged_at.is_(None),
        )
    ).one()


def _cases(session: Session, wanted: Wanted, found: ColumnElement[bool], page: int) -> Sequence[Complaint]:
    is_work = not wanted.words.strip() and wanted.pile in _WORK
    order = (
        (Complaint.has_red_flag.desc(), Complaint.due_at.asc().nulls_first(), Complaint.id)
        if is_work
        else (Complaint.id.desc(),)
    )
    narrowed = {
        Article.product_area: wanted.area,
        Article.kind: wanted.kind,
        Article.supplier_id: wanted.supplier_id,
        Complaint.look_first: wanted.look_first,
    }
    return session.scalars(
        select(Complaint)
        .join(FaultReport, FaultReport.complaint_id == Complaint.id)
        .join(Article, Complaint.article_id == Article.id)
        .where(found, *(column == value for column, value in narrowed.items() if value is not None))
        .options(
            contains_eager(Complaint.report),
            contains_eager(Complaint.article),
            joinedload(Complaint.lot),
            joinedload(Complaint.owner),
        )
        .order_by(*order)
        .limit(PAGE_SIZE)
        .offset((page - 1) * PAGE_SIZE)
    ).all()


# The piles in which the most urgent comes first; in the others it is the latest.
_WORK = frozenset({Pile.OPEN, Pile.RED_FLAG, Pile.OVERDUE, Pile.MINE, Pile.ADDED_TO, Pile.WAITING})


def _piles(identity: Identity, instant: datetime) -> dict[Pile, ColumnElement[bool]]:
    undecided = Complaint.state.in_(UNDECIDED)
    running = and_(undecided, Complaint.waiting_since.is_(None))
    unseen = and_(Complaint.state.not_in(SETTLED), Complaint.triaged_at.is_(None))
    at_supplier = (
        ComplaintState.CLAIMED,
        ComplaintState.ACCEPTED,
        ComplaintState.REJECTED,
        ComplaintState.CREDITED,
    )
    return {
        Pile.OPEN: running,
        Pile.RED_FLAG: and_(Complaint.has_red_flag, or_(undecided, unseen)),
        Pile.OVERDUE: and_(running, Complaint.due_at < instant),
        Pile.MINE: and_(undecided, Complaint.owner_id == identity.staff_id),
        Pile.ADDED_TO: Complaint.added_to_since.is_not(None),
        Pile.WAITING: and_(undecided, Complaint.waiting_since.is_not(None)),
        Pile.REPLACED: Complaint.state == ComplaintState.REPLACEMENT_ORDERED,
        Pile.SUPPLIER: Complaint.state.in_(at_supplier),
        Pile.DECLINED: Complaint.state == ComplaintState.DECLINED,
        Pile.CLOSED: Complaint.state == ComplaintState.CLOSED,
    }


def _matching(region: str, words: str) -> ColumnElement[bool]:
    number = "".join(words.split()).upper()
    reports = select(FaultReport.complaint_id).where(
        or_(
            func.upper(FaultReport.stated_serial_no).startswith(number, autoescape=True),
            func.upper(FaultReport.stated_lot_no).startswith(number, autoescape=True),
            FaultReport.picked_lot_id.in_(
                select(SerialisedUnit.picked_lot_id).where(func.upper(SerialisedUnit.serial_no) == number)
            ),
        )
    )
    articles = select(Article.id).where(
        Article.region == region,
        or_(Article.article_no == number, Article.name.icontains(" ".join(words.split()), autoescape=True)),
    )
    return or_(
        Complaint.case_no == number,
        Complaint.lot_id.in_(select(Lot.id).where(func.upper(Lot.lot_no).startswith(number, autoescape=True))),
        Complaint.id.in_(reports),
        Complaint.article_id.in_(articles),
    )


_CHOICES = ("area", "kind", "supplier_id", "look_first")


@dataclass(frozen=True)
class _Group:
    """Cases that no choice tells apart."""

    area: ProductArea
    kind: ProductKind
    supplier_id: int | None
    supplier_name: str
    look_first: LookFirst | None
    cases: int

    def is_wanted(self, wanted: Wanted, but: str = "") -> bool:
        """Tell whether they are among what is chosen, whatever is chosen of `but`."""
        chosen = {name: getattr(wanted, name) for name in _CHOICES if name != but}
        return all(value is None or getattr(self, name) == value for name, value in chosen.items())


def _facets(groups: Sequence[_Group], wanted: Wanted) -> Facets:
    areas, kinds, suppliers, looks = (_counted(groups, wanted, name) for name in _CHOICES)
    names = {group.supplier_id: group.supplier_name for group in groups}
    return Facets(
        areas={area: areas[area] for area in ProductArea if areas[area]},
        kinds={kind: kinds[kind] for kind in ProductKind if kinds[kind]},
        suppliers={
            number: (names[number], suppliers[number])
            for number in sorted(suppliers, key=lambda one: (names[one], one))
        },
        looks={look: looks[look] for look in LookFirst if looks[look]},
    )


def _counted(groups: Sequence[_Group], wanted: Wanted, name: str) -> Counter[Any]:
    counts: Counter[Any] = Counter()
    for group in groups:
        value = getattr(group, name)
        if value is not None and group.is_wanted(wanted, name):
            counts[value] += group.cases
    return counts
