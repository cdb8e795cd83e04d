"""Tables of what a report has before and beside its text: the draft that survives a lost connection, and the photos."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, LargeBinary, String, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column, relationship

from core.db import Base, BigId


class FaultDraft(Base):
    """What somebody has typed of a report and not yet sent; `product_key` tells which product, `form` the fields as typed."""

    __tablename__ = "fault_draft"
    __table_args__ = (
        CheckConstraint("num_nonnulls(reporter_person_id, reporter_staff_id) = 1", name="one_reporter"),
        Index(
            "uq_fault_draft_reporter",
            "person_id",
            text("COALESCE(reporter_person_id, -reporter_staff_id)"),
            "product_key",
            unique=True,
        ),
    )

    id: Mapped[BigId]
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    reporter_person_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    reporter_staff_id: Mapped[int | None] = mapped_column(ForeignKey("staff_member.id"))
    product_key: Mapped[str] = mapped_column(String(60))
    form: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict)
    updated_at: Mapped[datetime] = mapped_column(index=True)
    photos: Mapped[list[Photo]] = relationship(order_by="Photo.id", cascade="all, delete-orphan")


class Photo(Base):
    """One photo, re-encoded: no metadata, no position, bounded in size. Of a draft first, of the case once it is reported."""

    __tablename__ = "complaint_photo"
    __table_args__ = (CheckConstraint("num_nonnulls(draft_id, complaint_id) = 1", name="draft_or_case"),)

    id: Mapped[BigId]
    draft_id: Mapped[int | None] = mapped_column(ForeignKey("fault_draft.id"), index=True)
    complaint_id: Mapped[int | None] = mapped_column(ForeignKey("complaint.id"), index=True)
    content: Mapped[bytes] = mapped_column(LargeBinary, deferred=True)
    sha256: Mapped[str] = mapped_column(String(64))
    width: Mapped[int]
    height: Mapped[int]
    added_at: Mapped[datetime]
    added_by_person_id: Mapped[int | None] = mapped_column(BigInteger)
    added_by_staff_id: Mapped[int | None] = mapped_column(BigInteger)
