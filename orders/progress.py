"""How far an order's rows have come: told by delivery, shown to the patient."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.clock import now
from orders.models import OrderRow, RowStatus


def advance_rows(session: Session, row_ids: Collection[int], status: RowStatus) -> list[OrderRow]:
    """Move the rows that are not cancelled to `status`; locks them in id order and returns those that now have it."""
    rows = session.scalars(
        select(OrderRow)
        .where(OrderRow.id.in_(row_ids))
        .order_by(OrderRow.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).all()
    moved = [row for row in rows if row.status is not RowStatus.CANCELLED]
    for row in moved:
        if row.status is not status:
            row.status, row.status_at = status, now(session)
    return moved
