"""Tables of the work plan: waves of orders planned together, and rounds of orders picked together."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base, BigId


class Wave(Base):
    """Orders that leave with one carrier before one cut-off, their lots reserved in one plan."""

    __tablename__ = "wave"

    id: Mapped[BigId]
    depot_id: Mapped[int] = mapped_column(ForeignKey("depot.id"), index=True)
    carrier: Mapped[str] = mapped_column(String(40))
    cut_off: Mapped[datetime]
    planned_at: Mapped[datetime]
    planned_by_id: Mapped[int | None] = mapped_column(ForeignKey("staff_member.id"))
    closed_at: Mapped[datetime | None]


class PickRound(Base):
    """One walk of one picker along the shelves, with a box for each order; left alone too long, others may take it over."""

    __tablename__ = "pick_round"

    id: Mapped[BigId]
    depot_id: Mapped[int] = mapped_column(ForeignKey("depot.id"), index=True)
    picker_id: Mapped[int] = mapped_column(ForeignKey("staff_member.id"), index=True)
    started_at: Mapped[datetime]
    last_act_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
