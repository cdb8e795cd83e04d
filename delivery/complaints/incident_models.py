"""Tables of serious incidents: the assessment, the clocks and the documents. Handbook §7."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, LargeBinary, String, UniqueConstraint
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column, relationship

from core.db import Base, BigId, Region
from delivery.complaints.models import Complaint


class Severity(StrEnum):
    """What an incident led to or could have led to; decides the manufacturer's days: 2, 10, 15, and none."""

    PUBLIC_HEALTH_THREAT = "PUBLIC_HEALTH_THREAT"
    DEATH_OR_UNANTICIPATED = "DEATH_OR_UNANTICIPATED"
    OTHER_SERIOUS = "OTHER_SERIOUS"
    NOT_SERIOUS = "NOT_SERIOUS"


class Incident(Base):
    """The consultant's latest assessment of one case; earlier ones stay in the case's timeline."""

    __tablename__ = "incident"
    __table_args__ = (
        CheckConstraint("(manufacturer_notified_at IS NULL) = (manufacturer_due_at IS NULL)", name="clock_from_notice"),
    )

    id: Mapped[BigId]
    region: Mapped[Region]
    complaint_id: Mapped[int] = mapped_column(ForeignKey("complaint.id"), unique=True)
    severity: Mapped[Severity]
    # The checklist's answers by the question's code.
    checklist: Mapped[dict[str, Any]] = mapped_column(JSONB)
    assessed_at: Mapped[datetime]
    assessed_by_id: Mapped[int] = mapped_column(ForeignKey("staff_member.id"))
    report_due_at: Mapped[datetime | None]
    reported_at: Mapped[datetime | None]
    authority_ref: Mapped[str] = mapped_column(String(60), default="")
    manufacturer_notified_at: Mapped[datetime | None]
    manufacturer_due_at: Mapped[datetime | None]
    manufacturer_answered_at: Mapped[datetime | None]
    alarmed_at: Mapped[datetime | None]
    complaint: Mapped[Complaint] = relationship()


class DocumentKind(StrEnum):
    """What is written from a case."""

    AUTHORITY_REPORT = "AUTHORITY_REPORT"
    MANUFACTURER_LETTER = "MANUFACTURER_LETTER"


class CaseDocument(Base):
    """One version of a document, as it was; a sent version is never changed, the next one has a higher number."""

    __tablename__ = "case_document"
    __table_args__ = (UniqueConstraint("complaint_id", "kind", "version"),)

    id: Mapped[BigId]
    complaint_id: Mapped[int] = mapped_column(ForeignKey("complaint.id"), index=True)
    kind: Mapped[DocumentKind]
    version: Mapped[int]
    facts: Mapped[dict[str, Any]] = mapped_column(JSONB)
    content: Mapped[bytes] = mapped_column(LargeBinary, deferred=True)
    written_at: Mapped[datetime]
    written_by_id: Mapped[int] = mapped_column(ForeignKey("staff_member.id"))
    sent_at: Mapped[datetime | None]
    sent_to: Mapped[str] = mapped_column(String(254), default="")
    sent_by_id: Mapped[int | None] = mapped_column(ForeignKey("staff_member.id"))
