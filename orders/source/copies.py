"""Our copies of orders that the source sends: what it calls their rows, when they came, and what was cancelled there.

The caller holds the person's lock; prescription items are locked before rows.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, time, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from auth.identity import Identity
from auth.models import Person
from core.clock import STOCKHOLM, now, swedish_date, today
from orders.cancelling import give_back, lock_rows
from orders.importing.items import key_of, lock_item
from orders.importing.parsed import ItemKey, ParsedSubject
from orders.models import (
    ExternalWithdrawal,
    Order,
    OrderRow,
    Prescription,
    PrescriptionItem,
    Registration,
    RowStatus,
    Withdrawal,
)
from orders.progress import advance_rows
from orders.source.requests import sent_rows
from orders.source.rules import Copy, StatedRow, cancelled_there, match_rows
from orders.stopping import record_stopped, tell_stopped


def stated_rows(subject: ParsedSubject) -> list[StatedRow]:
    """Return what an answer says was withdrawn."""
    return [StatedRow(past.order_item_id, past.item_id, past.article_no, past.pieces) for past in subject.history]


def name_rows(session: Session, person: Person, subject: ParsedSubject) -> None:
    """Learn what the source calls rows that it took without naming them: the contract does not demand that its answer does."""
    unnamed: dict[int, set[int]] = defaultdict(set)
    for row in _copies(session, person):
        if row.source_item_id is None:
            unnamed[row.order_id].add(row.id)
    for order_id in sorted(unnamed):
        order = session.get_one(Order, order_id)
        # A source may date by another clock than ours.
        since = swedish_date(order.placed_at) - timedelta(days=1)
        older = {past.order_item_id for past in subject.history if past.order_date < since}
        sent = [row for row in sent_rows(session, order) if row.row_id in unnamed[order_id]]
        names = match_rows(sent, stated_rows(subject), older | _known_ids(session, person))
        for row in lock_rows(session, order_id):
            row.source_item_id = names.get(row.id, row.source_item_id)
        session.flush()


def note_cancelled(
    session: Session, identity: Identity, person: Person, subject: ParsedSubject, asked_at: datetime
) -> None:
    """Cancel our copies of what was cancelled at the source, give their withdrawals back, and tell patient and orderer."""
    if not subject.is_history_readable:
        return
    copies: dict[ItemKey, dict[int, list[OrderRow]]] = defaultdict(lambda: defaultdict(list))
    for row in _copies(session, person):
        if row.withdrawal is not None:
            copies[key_of(row.withdrawal.prescription_item)][row.withdrawal.id].append(row)
    listed = {past.order_item_id for past in subject.history}
    for parsed in sorted(subject.items, key=lambda item: item.key.item_id):
        rows_of = copies.get(parsed.key, {})
        gone = cancelled_there(
            [_copy_of(rows) for rows in rows_of.values()],
            used=parsed.orders_allowed - parsed.orders_remaining,
            listed=listed,
            asked_at=asked_at,
        )
        for withdrawal_id in gone:
            _cancel(session, identity, rows_of[withdrawal_id])


def note_deliveries(session: Session, person: Person, subject: ParsedSubject) -> None:
    """Let our copies be delivered on the day that the source says; a day to come is a promise at most."""
    delivered = {
        past.order_item_id: past.delivered_date
        for past in subject.history
        if past.delivered_date is not None and past.delivered_date <= today(session)
    }
    names = {
        row.id: row.source_item_id
        for row in _copies(session, person)
        if row.source_item_id in delivered and row.status is not RowStatus.DELIVERED
    }
    for row in advance_rows(session, names, RowStatus.DELIVERED):
        day = delivered[names[row.id] or ""]
        row.status_at = datetime.combine(day, time(12), STOCKHOLM)


def _copies(session: Session, person: Person) -> Sequence[OrderRow]:
    """Return the standing rows that the source has registered, in id order."""
    return session.scalars(
        select(OrderRow)
        .join(Order)
        .where(
            Order.person_id == person.id,
            Order.registration == Registration.AT_SOURCE,
            OrderRow.status != RowStatus.CANCELLED,
        )
        .options(
            joinedload(OrderRow.order),
            joinedload(OrderRow.withdrawal)
            .joinedload(Withdrawal.prescription_item)
            .joinedload(PrescriptionItem.prescription),
        )
        .order_by(OrderRow.id)
        .execution_options(populate_existing=True)
    ).all()


def _copy_of(rows: Sequence[OrderRow]) -> Copy:
    assert rows[0].withdrawal_id is not None
    return Copy(
        rows[0].withdrawal_id,
        rows[0].order.placed_at,
        frozenset(row.source_item_id for row in rows if row.source_item_id is not None),
        any(row.status is RowStatus.DELIVERED for row in rows),
    )


def _known_ids(session: Session, person: Person) -> set[str]:
    """Return the source's order items that are somebody's already: rows of ours, and what was withdrawn elsewhere."""
    own = select(OrderRow.source_item_id).join(Order).where(Order.person_id == person.id)
    elsewhere = (
        select(ExternalWithdrawal.order_item_id)
        .join(PrescriptionItem)
        .join(Prescription)
        .where(Prescription.person_id == person.id)
    )
    return {name for name in session.scalars(own.union_all(elsewhere)) if name is not None}


def _cancel(session: Session, identity: Identity, rows: Sequence[OrderRow]) -> None:
    order = rows[0].order
    assert rows[0].withdrawal is not None
    item = lock_item(session, order.patient_id, rows[0].withdrawal.prescription_item_id)
    ids = {row.id for row in rows}
    for row in lock_rows(session, order.id):
        if row.id in ids:
            row.status, row.status_at = RowStatus.CANCELLED, now(session)
    give_back(session, order, item)
    record_stopped(session, identity, order)
    tell_stopped(session, order, item.article)
