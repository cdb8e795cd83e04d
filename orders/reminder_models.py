"""The table of reminders that have been sent."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base, BigId
from orders.kinds import ReminderKind


class Reminder(Base):
    """One thing that a patient was reminded of, once for each day that it is about."""

    __tablename__ = "reminder"
    __table_args__ = (UniqueConstraint("prescription_item_id", "kind", "about"),)

    id: Mapped[BigId]
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), index=True)
    prescription_item_id: Mapped[int] = mapped_column(ForeignKey("prescription_item.id"))
    kind: Mapped[ReminderKind]
    about: Mapped[date]
    sent_at: Mapped[datetime]
