"""Tables of supplier claims: packs of cases, what the supplier answers, and the money that comes back. SEK, to the öre."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, Index, Numeric, Sequence, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from core.db import Base, BigId, Region
from delivery.complaints.models import Complaint
from orders.catalogue import Supplier

CLAIM_NO_SEQUENCE = Sequence("claim_no_seq", start=2001, metadata=Base.metadata)


class ClaimStatus(StrEnum):
    """Where a claim pack is."""

    OPEN = "OPEN"
    SENT = "SENT"
    ANSWERED = "ANSWERED"
    CLOSED = "CLOSED"


class ClaimPack(Base):
    """Cases claimed together from one supplier under one agreement; nothing is added once it is sent."""

    __tablename__ = "claim_pack"
    __table_args__ = (
        CheckConstraint("(status = 'OPEN') = (sent_at IS NULL)", name="sent_when_not_open"),
        # One open pack per supplier and agreement: whatever is claimed next joins it.
        Index(
            "uq_claim_pack_open",
            "region",
            "supplier_id",
            "agreement_no",
            unique=True,
            postgresql_where=text("status = 'OPEN'"),
        ),
    )

    id: Mapped[BigId]
    region: Mapped[Region]
    claim_no: Mapped[str] = mapped_column(String(12), unique=True)
    supplier_id: Mapped[int] = mapped_column(ForeignKey("supplier.id"))
    agreement_no: Mapped[str] = mapped_column(String(40), default="")
    status: Mapped[ClaimStatus] = mapped_column(default=ClaimStatus.OPEN)
    opened_at: Mapped[datetime]
    sent_at: Mapped[datetime | None]
    sent_by_id: Mapped[int | None] = mapped_column(ForeignKey("staff_member.id"))
    # The e-mail address; empty when it was downloaded and sent some other way.
    sent_to: Mapped[str] = mapped_column(String(254), default="")
    # When the mail server took it, and when it said that there is no such address.
    emailed_at: Mapped[datetime | None]
    address_refused_at: Mapped[datetime | None]
    answer_due_on: Mapped[date | None]
    chased_at: Mapped[datetime | None]
    times_chased: Mapped[int] = mapped_column(default=0)
    closed_at: Mapped[datetime | None]
    supplier: Mapped[Supplier] = relationship()
    lines: Mapped[list[ClaimLine]] = relationship(back_populates="pack", order_by="ClaimLine.id")


class ClaimOutcome(StrEnum):
    """What the supplier says of one case."""

    ACCEPTED = "ACCEPTED"
    REJECTED = "REJECTED"


class ClaimLine(Base):
    """One case of a pack; `value` is what the packages cost, which the credit is to equal."""

    __tablename__ = "claim_line"
    __table_args__ = (
        UniqueConstraint("pack_id", "complaint_id"),
        CheckConstraint("packages > 0 AND value >= 0 AND credited >= 0 AND credited <= value", name="within_value"),
        CheckConstraint("outcome IS NULL OR answered_at IS NOT NULL", name="answered_when"),
        CheckConstraint(
            "outcome <> 'REJECTED' OR (outcome_reason <> '' AND credited = 0)", name="rejected_with_reason"
        ),
        # A case is claimed once at a time: again only after it was rejected.
        Index(
            "uq_claim_line_live",
            "complaint_id",
            unique=True,
            postgresql_where=text("outcome IS NULL OR outcome = 'ACCEPTED'"),
        ),
    )

    id: Mapped[BigId]
    pack_id: Mapped[int] = mapped_column(ForeignKey("claim_pack.id"), index=True)
    complaint_id: Mapped[int] = mapped_column(ForeignKey("complaint.id"))
    packages: Mapped[int]
    value: Mapped[Decimal] = mapped_column(Numeric(12, 2))
    outcome: Mapped[ClaimOutcome | None]
    outcome_reason: Mapped[str] = mapped_column(String(400), default="")
    answered_at: Mapped[datetime | None]
    # Sum of its credit lines.
    credited: Mapped[Decimal] = mapped_column(Numeric(12, 2), default=Decimal(0))
    pack: Mapped[ClaimPack] = relationship(back_populates="lines")
    complaint: Mapped[Complaint] = relationship()


class CreditNote(Base):
    """A supplier's credit note as it came; a wrong one is undone, never edited."""

    __tablename__ = "credit_note"
    __table_args__ = (
        CheckConstraint("amount > 0", name="amount_positive"),
        # The same note cannot come twice, unless the first was undone.
        Index(
            "uq_credit_note_live",
            "region",
            "supplier_id",
            "credit_no",
            unique=True,
            postgresql_where=text("undone_at IS NULL"),
        ),
    )

    id: Mapped[BigId]
    region: Mapped[Region]
    supplier_id: Mapped[int] = mapped_column(ForeignKey("supplier.id"))
    credit_no: Mapped[str] = mapped_column(String(40))
    amount: Mapped[Decimal] = mapped_column(Numeric(12, 2))
    dated_on: Mapped[date]
    booked_at: Mapped[datetime]
    booked_by_id: Mapped[int] = mapped_column(ForeignKey("staff_member.id"))
    undone_at: Mapped[datetime | None]
    undone_by_id: Mapped[int | None] = mapped_column(ForeignKey("staff_member.id"))
    undone_reason: Mapped[str] = mapped_column(String(400), default="")
    supplier: Mapped[Supplier] = relationship()
    lines: Mapped[list[CreditLine]] = relationship(back_populates="note", order_by="CreditLine.id")


class CreditLine(Base):
    """What of a credit note pays for one claimed case; the lines of a note add up to its amount."""

    __tablename__ = "credit_line"
    __table_args__ = (
        UniqueConstraint("credit_note_id", "claim_line_id"),
        CheckConstraint("amount > 0", name="amount_positive"),
    )

    id: Mapped[BigId]
    credit_note_id: Mapped[int] = mapped_column(ForeignKey("credit_note.id"), index=True)
    claim_line_id: Mapped[int] = mapped_column(ForeignKey("claim_line.id"), index=True)
    amount: Mapped[Decimal] = mapped_column(Numeric(12, 2))
    note: Mapped[CreditNote] = relationship(back_populates="lines")
    claim_line: Mapped[ClaimLine] = relationship()
