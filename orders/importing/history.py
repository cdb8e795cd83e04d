"""The source's history of one person beside our own: which lines are echoes of our orders, which are withdrawals elsewhere."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.clock import swedish_date
from orders.importing.limits import KnownUse
from orders.importing.parsed import ParsedSubject, PastWithdrawal
from orders.models import Article, ExternalWithdrawal, Order, OrderRow, PrescriptionItem, Registration, Withdrawal


def order_item_id(order_no: str, row_id: int) -> str:
    """Return what a row of ours is called in the contract: the id by which a source echoes it."""
    return f"{order_no}-{row_id}"


class History:
    """One person's past withdrawals, stated by a file and known to the database.

    The source that an order is registered at counts it, whether or not it lists it: `counted_until` is when it was asked.
    """

    def __init__(
        self,
        session: Session,
        person_id: int,
        item_ids: Sequence[int],
        subject: ParsedSubject,
        articles: Mapping[str, Article],
        counted_until: datetime | None = None,
    ) -> None:
        self._session = session
        self._person_id = person_id
        self._articles = articles
        self._listed_ids = frozenset(past.order_item_id for past in subject.history)
        self._counted_until = counted_until
        self.reload_own()
        self._known: dict[int, dict[str, ExternalWithdrawal]] = defaultdict(dict)
        for row in session.scalars(
            select(ExternalWithdrawal).where(ExternalWithdrawal.prescription_item_id.in_(item_ids))
        ):
            self._known[row.prescription_item_id][row.order_item_id] = row
        # A line names only its item: where two prescriptions share an item's name, nobody can say whose it is.
        named = Counter(item.key.item_id for item in subject.items)
        self._stated: dict[str, list[PastWithdrawal]] = defaultdict(list)
        for past in subject.history:
            if past.order_item_id not in self._own_ids and named[past.item_id] == 1:
                self._stated[past.item_id].append(past)

    @property
    def is_live(self) -> bool:
        """Whether the source was asked just now, so that no older answer can come after a newer one."""
        return self._counted_until is not None

    @property
    def stated_ids(self) -> frozenset[str]:
        """The order item ids that the source's numbers count."""
        return self._listed_ids | self._registered_ids

    def reload_own(self) -> None:
        """Read our own withdrawals anew."""
        self._registered_ids: frozenset[str] = frozenset()
        self._standing: dict[int, dict[str, int]] = defaultdict(dict)
        self._cancelled: dict[int, dict[str, int]] = defaultdict(dict)
        self._own_ids: set[str] = set()
        self._last: dict[int, date] = {}
        self._last_there: dict[int, date] = {}
        rows: Sequence[Any] = self._session.execute(
            select(
                Order.order_no,
                Order.registration,
                Order.placed_at,
                OrderRow.id,
                OrderRow.source_item_id,
                Withdrawal.id,
                Withdrawal.prescription_item_id,
                Withdrawal.cancelled_at,
                Withdrawal.withdrawn_on,
            )
            .join(OrderRow, OrderRow.order_id == Order.id)
            .outerjoin(Withdrawal, OrderRow.withdrawal_id == Withdrawal.id)
            .where(Order.person_id == self._person_id)
        ).all()
        registered = set()
        for (
            order_no,
            registration,
            placed_at,
            row_id,
            source_item_id,
            withdrawal_id,
            item_id,
            cancelled_at,
            withdrawn_on,
        ) in rows:
            name = source_item_id or order_item_id(order_no, row_id)
            self._own_ids.add(name)
            if (
                registration is Registration.AT_SOURCE
                and self._counted_until is not None
                and placed_at < self._counted_until
            ):
                registered.add(name)
            if item_id is not None:
                (self._standing if cancelled_at is None else self._cancelled)[item_id][name] = withdrawal_id
            if item_id is not None and cancelled_at is None:
                last = self._last_there if registration is Registration.AT_SOURCE else self._last
                last[item_id] = max(withdrawn_on, last.get(item_id, withdrawn_on))
        self._registered_ids = frozenset(registered)

    def known_use(self, item: PrescriptionItem | None) -> KnownUse:
        """Return what the database knows of an item's use; nothing for one that is not there yet."""
        if item is None:
            return KnownUse(0, {}, {}, {})
        return KnownUse(
            elsewhere=item.orders_used_elsewhere,
            listed_elsewhere={name: row.order_date for name, row in self._known[item.id].items()},
            standing_here=self._standing[item.id],
            cancelled_here=self._cancelled[item.id],
        )

    def last_withdrawn_on(self, item_id: int, next_at_source: date | None) -> date | None:
        """Return the day of the latest withdrawal made here that still stands, and that the source's own date does not reckon with.

        A source may count what it has taken by the next night's run only: a later date, or the day after next, shows that it does.
        """
        there, asked_at = self._last_there.get(item_id), self._counted_until
        is_reckoned = (
            there is not None
            and asked_at is not None
            and (
                (next_at_source is not None and next_at_source > there)
                or swedish_date(asked_at) > there + timedelta(days=1)
            )
        )
        days = (self._last.get(item_id), None if is_reckoned else there)
        return max((day for day in days if day is not None), default=None)

    def days_elsewhere(self, item_name: str) -> frozenset[date]:
        """Return the days on which the file says the item was withdrawn elsewhere."""
        return frozenset(past.order_date for past in self._stated[item_name])

    def differs(self, item_id: int, item_name: str) -> bool:
        """Tell whether the file says something of withdrawals elsewhere that the database lacks."""
        return any(
            self._values(past) != _values_of(self._known[item_id].get(past.order_item_id))
            for past in self._stated[item_name]
        )

    def write(self, item_id: int, item_name: str) -> None:
        """Add and change the item's withdrawals elsewhere; what a source no longer lists is kept."""
        for past in self._stated[item_name]:
            row = self._known[item_id].get(past.order_item_id)
            if row is None:
                row = ExternalWithdrawal(prescription_item_id=item_id, order_item_id=past.order_item_id)
                self._known[item_id][past.order_item_id] = row
            row.article_id, row.pieces, row.order_date, row.delivered_date = self._values(past)
            self._session.add(row)
        self._session.flush()

    def _values(self, past: PastWithdrawal) -> tuple[int | None, int, date, date | None]:
        article = self._articles.get(past.article_no)
        return article.id if article else None, past.pieces, past.order_date, past.delivered_date


def _values_of(row: ExternalWithdrawal | None) -> tuple[int | None, int, date, date | None] | None:
    return None if row is None else (row.article_id, row.pieces, row.order_date, row.delivered_date)
