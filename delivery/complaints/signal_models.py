"""Table of lots whose rate of fault reports stands out."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, Float, ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from core.db import Base, BigId, Region
from delivery.models import Lot


class SignalStatus(StrEnum):
    """What has been decided about a flagged lot."""

    OPEN = "OPEN"
    DISMISSED = "DISMISSED"
    RECALLED = "RECALLED"


class LotSignal(Base):
    """A flagged lot with the evidence of the day it was last looked at; counts are packages delivered and reports."""

    __tablename__ = "lot_signal"
    __table_args__ = (
        CheckConstraint("(status = 'OPEN') = (decided_at IS NULL)", name="decided_when"),
        Index("uq_lot_signal_open", "region", "lot_id", unique=True, postgresql_where=text("status = 'OPEN'")),
    )

    id: Mapped[BigId]
    region: Mapped[Region]
    lot_id: Mapped[int] = mapped_column(ForeignKey("lot.id"), index=True)
    found_on: Mapped[date]
    looked_on: Mapped[date]
    reports: Mapped[int]
    delivered: Mapped[int]
    expected: Mapped[float] = mapped_column(Float)
    p_value: Mapped[float] = mapped_column(Float)
    status: Mapped[SignalStatus] = mapped_column(default=SignalStatus.OPEN)
    decided_at: Mapped[datetime | None]
    decided_by_id: Mapped[int | None] = mapped_column(ForeignKey("staff_member.id"))
    note: Mapped[str] = mapped_column(String(400), default="")
    lot: Mapped[Lot] = relationship()
