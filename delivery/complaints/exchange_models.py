"""Tables of the suppliers' monthly files of what they exchanged directly. Handbook §7."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, LargeBinary, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from core.db import Base, BigId, Region
from delivery.goods_models import SerialisedUnit
from orders.catalogue import Supplier


class ExchangeUpload(Base):
    """A file that somebody is looking at before it is read; gone when it has been read, or after a day."""

    __tablename__ = "exchange_upload"

    id: Mapped[BigId]
    region: Mapped[Region]
    supplier_id: Mapped[int] = mapped_column(ForeignKey("supplier.id"))
    name: Mapped[str] = mapped_column(String(200))
    sha256: Mapped[str] = mapped_column(String(64))
    content: Mapped[bytes] = mapped_column(LargeBinary, deferred=True)
    uploaded_at: Mapped[datetime]
    uploaded_by_id: Mapped[int] = mapped_column(ForeignKey("staff_member.id"))
    supplier: Mapped[Supplier] = relationship()


class ExchangeFile(Base):
    """One file as it was read; the same bytes are read once."""

    __tablename__ = "exchange_file"
    __table_args__ = (UniqueConstraint("region", "supplier_id", "sha256"),)

    id: Mapped[BigId]
    region: Mapped[Region]
    supplier_id: Mapped[int] = mapped_column(ForeignKey("supplier.id"))
    name: Mapped[str] = mapped_column(String(200))
    sha256: Mapped[str] = mapped_column(String(64))
    read_at: Mapped[datetime]
    read_by_id: Mapped[int] = mapped_column(ForeignKey("staff_member.id"))
    supplier: Mapped[Supplier] = relationship()
    rows: Mapped[list[ExchangeRow]] = relationship(back_populates="file", order_by="ExchangeRow.line_no")


class ExchangeProblem(StrEnum):
    """Why a row goes back to the supplier."""

    NO_REASON = "NO_REASON"
    OLD_SERIAL_MISSING = "OLD_SERIAL_MISSING"
    NEW_SERIAL_MISSING = "NEW_SERIAL_MISSING"
    OLD_SERIAL_UNKNOWN = "OLD_SERIAL_UNKNOWN"
    OLD_SERIAL_AMBIGUOUS = "OLD_SERIAL_AMBIGUOUS"
    OLD_SERIAL_NOT_SENT = "OLD_SERIAL_NOT_SENT"
    OLD_SERIAL_EXCHANGED = "OLD_SERIAL_EXCHANGED"
    NEW_SERIAL_TAKEN = "NEW_SERIAL_TAKEN"
    NEW_SERIAL_UNREADABLE = "NEW_SERIAL_UNREADABLE"
    SERIAL_ROUNDED = "SERIAL_ROUNDED"
    SAME_SERIAL = "SAME_SERIAL"
    DATE_UNREADABLE = "DATE_UNREADABLE"
    DATE_IN_FUTURE = "DATE_IN_FUTURE"
    DATE_BEFORE_SENT = "DATE_BEFORE_SENT"
    TWICE_IN_FILE = "TWICE_IN_FILE"
    TOO_LONG = "TOO_LONG"


class ExchangeRow(Base):
    """One row as the supplier wrote it, and either the new unit or why it goes back."""

    __tablename__ = "exchange_row"
    __table_args__ = (
        UniqueConstraint("file_id", "line_no"),
        CheckConstraint("(problem IS NULL) = (new_unit_id IS NOT NULL)", name="matched_or_refused"),
    )

    id: Mapped[BigId]
    file_id: Mapped[int] = mapped_column(ForeignKey("exchange_file.id"), index=True)
    line_no: Mapped[int]
    old_serial: Mapped[str] = mapped_column(String(60))
    new_serial: Mapped[str] = mapped_column(String(60))
    exchanged_on: Mapped[date | None]
    stated_date: Mapped[str] = mapped_column(String(60), default="")
    reason: Mapped[str] = mapped_column(String(400))
    problem: Mapped[ExchangeProblem | None]
    old_unit_id: Mapped[int | None] = mapped_column(ForeignKey("serialised_unit.id"))
    new_unit_id: Mapped[int | None] = mapped_column(ForeignKey("serialised_unit.id"))
    complaint_id: Mapped[int | None] = mapped_column(ForeignKey("complaint.id"))
    returned_at: Mapped[datetime | None]
    file: Mapped[ExchangeFile] = relationship(back_populates="rows")
    old_unit: Mapped[SerialisedUnit | None] = relationship(foreign_keys=[old_unit_id])
    new_unit: Mapped[SerialisedUnit | None] = relationship(foreign_keys=[new_unit_id])
