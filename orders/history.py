"""Everything that has been ordered for a person, here and elsewhere, newest first, and when each product was last."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import Date, cast, func, literal, select, tuple_, union_all
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.orm import Session, joinedload, selectinload

from auth.identity import Identity
from auth.permissions import Permission, require
from core.audit import record
from core.clock import STOCKHOLM, swedish_date
from orders.models import (
    Article,
    ExternalWithdrawal,
    Order,
    OrderRow,
    Prescription,
    PrescriptionItem,
    RowKind,
    RowStatus,
)

PAGE = 25
_ELSEWHERE, _HERE = 0, 1
_CURSOR = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})\.([01])\.([0-9]{1,18})", re.ASCII)


@dataclass(frozen=True)
class Entry:
    """What was ordered at one time: an order made here, or the day's withdrawals made elsewhere."""

    day: date
    order: Order | None = None
    elsewhere: tuple[ExternalWithdrawal, ...] = ()


@dataclass(frozen=True)
class HistoryPage:
    """One page of the history; `older_than` begins the next one, None after the last."""

    entries: tuple[Entry, ...]
    older_than: str | None

    @property
    def orders(self) -> list[Order]:
        """The orders made here."""
        return [entry.order for entry in self.entries if entry.order is not None]


@dataclass(frozen=True)
class LastTime:
    """When an article was last ordered, and how much: packages, or pieces when it was elsewhere."""

    article: Article
    day: date
    packages: int = 0
    pieces: int = 0
    order_no: str = ""


def history_of(session: Session, identity: Identity, older_than: str | None = None, limit: int = PAGE) -> HistoryPage:
    """Return a page of the subject's history with rows and articles, in a fixed number of statements; writes the look.

    A mark that is none begins from the newest. Raises NotPermitted.
    """
    require(identity, Permission.SEE_ORDERS)
    placed_on = cast(func.timezone(STOCKHOLM.key, Order.placed_at), Date)
    moments = union_all(
        select(placed_on.label("day"), literal(_HERE).label("where"), Order.id.label("id")).where(
            Order.person_id == identity.subject_person_id
        ),
        select(ExternalWithdrawal.order_date, literal(_ELSEWHERE), ExternalWithdrawal.id)
        .join(PrescriptionItem, ExternalWithdrawal.prescription_item_id == PrescriptionItem.id)
        .join(Prescription)
        .where(Prescription.person_id == identity.subject_person_id),
    ).subquery()
    key = tuple_(moments.c.day, moments.c.where, moments.c.id)
    query = select(moments.c.day, moments.c.where, moments.c.id)
    mark = _read_mark(older_than)
    if mark is not None:
        query = query.where(key < tuple_(*(literal(part) for part in mark)))
    found = session.execute(
        query.order_by(moments.c.day.desc(), moments.c.where.desc(), moments.c.id.desc()).limit(limit + 1)
    ).all()
    record(session, identity.actor, "orders.seen", subject_person_id=identity.subject_person_id, manner="LOOK")
    page = [(day, where, one_id) for day, where, one_id in found[:limit]]
    last = page[-1] if len(found) > limit else None
    return HistoryPage(
        tuple(_entries(session, page)), f"{last[0].isoformat()}.{last[1]}.{last[2]}" if last is not None else None
    )


def _read_mark(text: str | None) -> tuple[date, int, int] | None:
    read = _CURSOR.fullmatch(text or "")
    if read is None:
        return None
    try:
        return date.fromisoformat(read[1]), int(read[2]), int(read[3])
    except ValueError:
        return None


def _entries(session: Session, page: Sequence[tuple[date, int, int]]) -> list[Entry]:
    orders = session.scalars(
        select(Order)
        .where(Order.id.in_([one_id for _day, where, one_id in page if where == _HERE]))
        .options(
            selectinload(Order.rows).joinedload(OrderRow.article),
            selectinload(Order.rows).joinedload(OrderRow.withdrawal),
            selectinload(Order.delivery_choices),
        )
    )
    by_id = {order.id: order for order in orders}
    external = session.scalars(
        select(ExternalWithdrawal)
        .where(ExternalWithdrawal.id.in_([one_id for _day, where, one_id in page if where == _ELSEWHERE]))
        .options(
            joinedload(ExternalWithdrawal.article),
            joinedload(ExternalWithdrawal.prescription_item).joinedload(PrescriptionItem.article),
        )
    )
    elsewhere = {one.id: one for one in external}
    entries: list[Entry] = []
    for day, where, one_id in page:
        if where == _HERE:
            entries.append(Entry(day, by_id[one_id]))
        elif entries and entries[-1].day == day and entries[-1].elsewhere:
            entries[-1] = Entry(day, elsewhere=(*entries[-1].elsewhere, elsewhere[one_id]))
        else:
            entries.append(Entry(day, elsewhere=(elsewhere[one_id],)))
    return entries


def last_times(session: Session, identity: Identity) -> list[LastTime]:
    """Return when each article was last ordered by a withdrawal, newest first; two statements. The caller has logged the look.

    Raises NotPermitted.
    """
    require(identity, Permission.SEE_ORDERS)
    here = session.execute(
        select(OrderRow, Order.placed_at, Order.order_no)
        .join(Order, OrderRow.order_id == Order.id)
        .where(
            Order.person_id == identity.subject_person_id,
            OrderRow.kind == RowKind.WITHDRAWAL,
            OrderRow.status != RowStatus.CANCELLED,
        )
        .options(joinedload(OrderRow.article))
        .ext(distinct_on(OrderRow.article_id))
        .order_by(OrderRow.article_id, Order.id.desc())
    )
    elsewhere = session.scalars(
        select(ExternalWithdrawal)
        .join(ExternalWithdrawal.prescription_item)
        .join(Prescription)
        .where(Prescription.person_id == identity.subject_person_id)
        .options(
            joinedload(ExternalWithdrawal.article),
            joinedload(ExternalWithdrawal.prescription_item).joinedload(PrescriptionItem.article),
        )
        .order_by(ExternalWithdrawal.order_date, ExternalWithdrawal.id)
    )
    found: dict[int, LastTime] = {}
    for past in elsewhere:
        article = past.article or past.prescription_item.article
        found[article.id] = LastTime(article, past.order_date, pieces=past.pieces)
    for row, placed_at, order_no in here:
        day = swedish_date(placed_at)
        if row.article_id not in found or found[row.article_id].day <= day:
            found[row.article_id] = LastTime(row.article, day, packages=row.packages, order_no=order_no)
    return sorted(found.values(), key=lambda one: (one.day, one.article.id), reverse=True)
