"""The table of requests to renew a prescription item."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from auth.models import Person, Unit
from core.db import Base, BigId, Region
from orders.kinds import RenewalStatus
from orders.models import PrescriptionItem


class RenewalRequest(Base):
    """A patient's question to the prescribing unit; at most one open per item."""

    __tablename__ = "renewal_request"
    __table_args__ = (
        Index(
            "uq_renewal_request_open",
            "prescription_item_id",
            unique=True,
            postgresql_where=text("status = 'OPEN'"),
        ),
    )

    id: Mapped[BigId]
    region: Mapped[Region]
    prescription_item_id: Mapped[int] = mapped_column(ForeignKey("prescription_item.id"), index=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), index=True)
    unit_id: Mapped[int] = mapped_column(ForeignKey("unit.id"), index=True)
    status: Mapped[RenewalStatus] = mapped_column(default=RenewalStatus.OPEN)
    note: Mapped[str] = mapped_column(String(500), default="")
    asked_at: Mapped[datetime]
    asked_by_person_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    asked_by_staff_id: Mapped[int | None] = mapped_column(ForeignKey("staff_member.id"))
    answer: Mapped[str] = mapped_column(String(500), default="")
    answered_at: Mapped[datetime | None]
    answered_by_staff_id: Mapped[int | None] = mapped_column(ForeignKey("staff_member.id"))
    item: Mapped[PrescriptionItem] = relationship()
    person: Mapped[Person] = relationship(foreign_keys=[person_id])
    unit: Mapped[Unit] = relationship()
