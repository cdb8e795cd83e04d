"""The table of stock counts."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from core.db import Base, BigId
from delivery.models import Lot


class CountStatus(StrEnum):
    """Where a count is: a first count that differs waits for a second, blind one by somebody else."""

    RECOUNT = "RECOUNT"
    SETTLED = "SETTLED"


class StockCount(Base):
    """One lot counted; `expected` is what the ledger said when the first count was written, in packages."""

    __tablename__ = "stock_count"
    __table_args__ = (
        CheckConstraint("counted >= 0 AND (recounted IS NULL OR recounted >= 0)", name="counts_not_negative"),
        CheckConstraint("(recounted IS NULL) = (recounted_by_id IS NULL)", name="recount_has_counter"),
        # Two counts at once: the second is told about the first.
        Index("uq_stock_count_open", "depot_id", "lot_id", unique=True, postgresql_where=text("status = 'RECOUNT'")),
    )

    id: Mapped[BigId]
    depot_id: Mapped[int] = mapped_column(ForeignKey("depot.id"))
    lot_id: Mapped[int] = mapped_column(ForeignKey("lot.id"), index=True)
    expected: Mapped[int]
    counted: Mapped[int]
    counted_by_id: Mapped[int] = mapped_column(ForeignKey("staff_member.id"))
    counted_at: Mapped[datetime]
    recounted: Mapped[int | None]
    recounted_by_id: Mapped[int | None] = mapped_column(ForeignKey("staff_member.id"))
    settled_at: Mapped[datetime | None]
    status: Mapped[CountStatus]
    lot: Mapped[Lot] = relationship()
