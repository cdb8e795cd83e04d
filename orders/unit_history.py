"""What was withdrawn of prescription items, here and elsewhere: sums for a whole unit, and each withdrawal of a few."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from datetime import date

from sqlalchemy import ColumnElement, func, literal, select, union_all
from sqlalchemy.orm import Session

from orders.models import (
    Article,
    ExternalWithdrawal,
    Order,
    OrderRow,
    Prescription,
    PrescriptionItem,
    RowStatus,
    Withdrawal,
)
from orders.prescription_rules import use_share
from orders.unit_views import Drawn, Use

NOT_USED = Use(0, 0, None, None, None)

_HERE = (
    select(
        Withdrawal.prescription_item_id.label("item_id"),
        func.sum(OrderRow.packages * Article.package_size).label("pieces"),
        Withdrawal.withdrawn_on.label("day"),
    )
    .join(OrderRow, OrderRow.withdrawal_id == Withdrawal.id)
    .join(Article, OrderRow.article_id == Article.id)
    .where(Withdrawal.cancelled_at.is_(None), OrderRow.status != RowStatus.CANCELLED)
    .group_by(Withdrawal.id)
)
_ELSEWHERE = select(
    ExternalWithdrawal.prescription_item_id.label("item_id"),
    ExternalWithdrawal.pieces.label("pieces"),
    ExternalWithdrawal.order_date.label("day"),
)


def uses_of(session: Session, chosen: ColumnElement[bool], today: date) -> dict[int, Use]:
    """Return what was withdrawn of each chosen item of which something was; one statement. `chosen` may ask of the prescription too."""
    items = select(PrescriptionItem.id).join(Prescription).where(chosen)
    draws = union_all(
        _HERE.where(Withdrawal.prescription_item_id.in_(items)),
        _ELSEWHERE.where(ExternalWithdrawal.prescription_item_id.in_(items)),
    ).subquery()
    rows = session.execute(
        select(
            PrescriptionItem.id,
            PrescriptionItem.pieces_per_order,
            PrescriptionItem.days_per_order,
            PrescriptionItem.last_valid_date,
            func.sum(draws.c.pieces),
            func.count(),
            func.min(draws.c.day),
            func.max(draws.c.day),
        )
        .join(draws, draws.c.item_id == PrescriptionItem.id)
        .group_by(PrescriptionItem.id)
    )
    return {
        item_id: Use(
            pieces=int(pieces),
            withdrawals=withdrawals,
            first_on=first,
            last_on=last,
            percent=use_share(int(pieces), first, per_order, days, min(today, last_valid)),
        )
        for item_id, per_order, days, last_valid, pieces, withdrawals, first, last in rows
    }


def withdrawals_of(session: Session, item_ids: Collection[int]) -> dict[int, tuple[Drawn, ...]]:
    """Return every withdrawal of the items, newest first, those given back too; one statement."""
    here = (
        select(
            Withdrawal.prescription_item_id.label("item_id"),
            Withdrawal.withdrawn_on.label("day"),
            # What was stopped on its way does not count; of what was given back the page still says how much it was.
            func.coalesce(
                func.sum(OrderRow.packages * Article.package_size).filter(OrderRow.status != RowStatus.CANCELLED),
                func.sum(OrderRow.packages * Article.package_size),
            ).label("pieces"),
            Order.order_no.label("order_no"),
            Withdrawal.cancelled_at.is_not(None).label("is_cancelled"),
        )
        .join(OrderRow, OrderRow.withdrawal_id == Withdrawal.id)
        .join(Article, OrderRow.article_id == Article.id)
        .join(Order, Withdrawal.order_id == Order.id)
        .where(Withdrawal.prescription_item_id.in_(item_ids))
        .group_by(Withdrawal.id, Order.order_no)
    )
    elsewhere = select(
        ExternalWithdrawal.prescription_item_id,
        ExternalWithdrawal.order_date,
        ExternalWithdrawal.pieces,
        literal(""),
        literal(False),
    ).where(ExternalWithdrawal.prescription_item_id.in_(item_ids))
    drawn: dict[int, list[Drawn]] = defaultdict(list)
    for item_id, day, pieces, order_no, is_cancelled in session.execute(union_all(here, elsewhere)):
        drawn[item_id].append(Drawn(day, int(pieces), order_no, is_cancelled))
    return {
        item_id: tuple(sorted(found, key=lambda one: (one.day, one.order_no), reverse=True))
        for item_id, found in drawn.items()
    }
