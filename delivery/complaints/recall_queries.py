"""Read models of recalls for those who run them: the list, and the page with the numbers that move."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, Date, case, cast, func, or_, select
from sqlalchemy.orm import Session, joinedload, selectinload

from auth.identity import Identity
from auth.models import Person
from auth.permissions import Permission, require
from core.errors import NotFound
from delivery.complaints.recall_models import (
    Recall,
    RecallItem,
    RecallLot,
    RecallRecipient,
    RecallStatus,
    RecallUnit,
    ToldBy,
)
from delivery.complaints.recall_stops import named_by
from delivery.complaints.recall_trace import IN_PROGRESS, in_progress
from delivery.goods_models import SerialisedUnit, UnitStatus
from delivery.models import DepotOrder, Lot, StockBalance
from orders.models import Article, OrderRow, RowStatus, Supplier

SHOWN_UNITS = 50


@dataclass(frozen=True)
class Numbers:
    """How far a recall has come, in receivers and packages; the deceased are among the affected and are not told."""

    affected: int
    persons: int
    units: int
    deceased: int
    reached: int
    answered: int
    letters: int
    to_phone: int
    packages: int
    returned: int
    replaced: int
    replaced_sent: int

    @property
    def alive(self) -> int:
        """How many there are to reach."""
        return self.affected - self.deceased

    @property
    def unreached(self) -> int:
        """How many nobody has told yet."""
        return self.alive - self.reached

    @property
    def unanswered(self) -> int:
        """How many we do not know to know."""
        return self.alive - self.answered


@dataclass(frozen=True)
class ListedRecall:
    """One recall of the list."""

    recall: Recall
    numbers: Numbers


@dataclass(frozen=True)
class RecalledLot:
    """A lot that is called back: packages on hand, all of it kept from leaving."""

    lot: Lot
    on_hand: int


@dataclass(frozen=True)
class DayCount:
    """How many were reached and how many answered on one Swedish day."""

    day: date
    reached: int
    answered: int


@dataclass(frozen=True)
class RecallPage:
    """Everything that the consultant follows a recall by; no names."""

    recall: Recall
    numbers: Numbers
    lots: tuple[RecalledLot, ...]
    units: tuple[SerialisedUnit, ...]
    units_all: int
    units_in_stock: int
    stopped: int
    days: tuple[DayCount, ...]


def recalls_of_region(session: Session, identity: Identity, *, only_told: bool = False) -> list[ListedRecall]:
    """Return the region's recalls, the newest first, in three statements. Raises NotPermitted."""
    require(identity, Permission.PHONE_ABOUT_RECALL if only_told else Permission.RECALL)
    which = [Recall.region == identity.region, *([Recall.status == RecallStatus.TOLD] if only_told else [])]
    recalls = session.scalars(
        select(Recall).where(*which).options(joinedload(Recall.supplier)).order_by(Recall.id.desc()).limit(200)
    ).all()
    numbers = numbers_of(session, [recall.id for recall in recalls])
    return [ListedRecall(recall, numbers[recall.id]) for recall in recalls]


def numbers_of(session: Session, recall_ids: Sequence[int]) -> dict[int, Numbers]:
    """Return the numbers of recalls, in two statements."""
    alive = or_(RecallRecipient.unit_id.is_not(None), Person.deceased_on.is_(None))
    is_known = RecallRecipient.told_at.is_not(None) | RecallRecipient.acknowledged_at.is_not(None)
    waits = RecallRecipient.told_at.is_(None) & RecallRecipient.acknowledged_at.is_(None)
    has_left = (
        select(OrderRow.id)
        .where(
            OrderRow.order_id == RecallRecipient.replacement_order_id,
            OrderRow.status.in_((RowStatus.SENT, RowStatus.DELIVERED)),
        )
        .exists()
    )

    def count(*conditions: ColumnElement[bool]) -> ColumnElement[int]:
        return func.count().filter(*conditions)

    people = session.execute(
        select(
            RecallRecipient.recall_id,
            func.count(),
            count(RecallRecipient.person_id.is_not(None)),
            count(Person.deceased_on.is_not(None)),
            count(alive, is_known),
            count(alive, RecallRecipient.acknowledged_at.is_not(None)),
            count(alive, RecallRecipient.told_by == ToldBy.LETTER, waits),
            count(alive, RecallRecipient.told_by == ToldBy.PHONE, waits),
            func.coalesce(func.sum(RecallRecipient.packages), 0),
            count(RecallRecipient.replacement_order_id.is_not(None)),
            count(has_left),
        )
        .outerjoin(Person, RecallRecipient.person_id == Person.id)
        .where(RecallRecipient.recall_id.in_(recall_ids))
        .group_by(RecallRecipient.recall_id)
    )
    returned = dict(
        session.execute(
            select(RecallRecipient.recall_id, func.sum(RecallItem.returned))
            .join(RecallItem, RecallItem.recipient_id == RecallRecipient.id)
            .where(RecallRecipient.recall_id.in_(recall_ids))
            .group_by(RecallRecipient.recall_id)
        ).all()
    )
    nobody = Numbers(*[0] * 12)
    found = dict.fromkeys(recall_ids, nobody)
    for (
        recall_id,
        affected,
        persons,
        deceased,
        reached,
        answered,
        letters,
        to_phone,
        packages,
        replaced,
        sent,
    ) in people:
        found[recall_id] = Numbers(
            affected=affected,
            persons=persons,
            units=affected - persons,
            deceased=deceased,
            reached=reached,
            answered=answered,
            letters=letters,
            to_phone=to_phone,
            packages=int(packages),
            returned=int(returned.get(recall_id, 0)),
            replaced=replaced,
            replaced_sent=sent,
        )
    return found


def recall_page(session: Session, identity: Identity, recall_no: str) -> RecallPage:
    """Return one recall with its numbers, in a fixed number of statements. Raises NotPermitted, NotFound."""
    recall = recall_of(session, identity, recall_no)
    rows = session.execute(
        select(Lot, func.coalesce(func.sum(StockBalance.on_hand), 0))
        .join(RecallLot, RecallLot.lot_id == Lot.id)
        .join(Lot.article)
        .outerjoin(StockBalance, StockBalance.lot_id == Lot.id)
        .where(RecallLot.recall_id == recall.id)
        .options(selectinload(Lot.article))
        .group_by(Lot.id, Article.article_no)
        .order_by(Article.article_no, Lot.lot_no)
    ).all()
    of_recall = SerialisedUnit.id.in_(select(RecallUnit.unit_id).where(RecallUnit.recall_id == recall.id))
    units_all, units_in_stock = session.execute(
        select(func.count(), func.count().filter(SerialisedUnit.status == UnitStatus.IN_STOCK)).where(of_recall)
    ).one()
    units = session.scalars(
        select(SerialisedUnit)
        .where(of_recall)
        .options(joinedload(SerialisedUnit.article), joinedload(SerialisedUnit.lot))
        .order_by(SerialisedUnit.serial_no)
        .limit(SHOWN_UNITS)
    ).all()
    lot_ids, unit_ids = named_by(session, recall.id)
    stopped = session.scalars(
        select(func.count()).where(
            DepotOrder.id.in_(in_progress(lot_ids, unit_ids)), DepotOrder.status.in_(IN_PROGRESS[1:])
        )
    ).one()
    return RecallPage(
        recall=recall,
        numbers=numbers_of(session, [recall.id])[recall.id],
        lots=tuple(RecalledLot(lot, int(on_hand)) for lot, on_hand in rows),
        units=tuple(units),
        units_all=units_all,
        units_in_stock=units_in_stock,
        stopped=stopped if recall.status is not RecallStatus.UNDONE else 0,
        days=tuple(_days(session, recall)),
    )


def recall_of(session: Session, identity: Identity, recall_no: str) -> Recall:
    """Return a recall of the region. Raises NotPermitted, NotFound."""
    require(identity, Permission.RECALL)
    recall = session.scalar(
        select(Recall)
        .where(Recall.recall_no == recall_no[:12], Recall.region == identity.region)
        .options(joinedload(Recall.supplier))
    )
    if recall is None:
        raise NotFound
    return recall


def _days(session: Session, recall: Recall) -> list[DayCount]:
    def by_day(column: Any) -> dict[date, int]:
        local = cast(func.timezone("Europe/Stockholm", column), Date)
        rows = session.execute(
            select(local, func.count())
            .where(RecallRecipient.recall_id == recall.id, column.is_not(None))
            .group_by(local)
        )
        return dict(rows.all())

    known = case((RecallRecipient.told_at.is_not(None), RecallRecipient.told_at), else_=RecallRecipient.acknowledged_at)
    reached, answered = by_day(known), by_day(RecallRecipient.acknowledged_at)
    days = sorted({*reached, *answered})
    return [DayCount(day, reached.get(day, 0), answered.get(day, 0)) for day in days]


def suppliers_of(session: Session, identity: Identity) -> list[Supplier]:
    """Return the region's suppliers by name. Raises NotPermitted."""
    require(identity, Permission.RECALL)
    return list(session.scalars(select(Supplier).where(Supplier.region == identity.region).order_by(Supplier.name)))
