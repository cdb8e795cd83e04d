"""Tables of the carriers: what is booked, and what they called back with."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, LargeBinary, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from core.db import Base, BigId
from delivery.models import Parcel


class BookingStatus(StrEnum):
    """Where a booking is; a refused one is made anew by hand."""

    WANTED = "WANTED"
    BOOKED = "BOOKED"
    REFUSED = "REFUSED"
    CANCEL_WANTED = "CANCEL_WANTED"
    CANCELLED = "CANCELLED"


class CarrierBooking(Base):
    """One parcel's transport with one carrier; the outbox id that books it is the key against booking twice."""

    __tablename__ = "carrier_booking"

    id: Mapped[BigId]
    parcel_id: Mapped[int] = mapped_column(ForeignKey("parcel.id"), unique=True)
    carrier: Mapped[str] = mapped_column(String(40))
    status: Mapped[BookingStatus] = mapped_column(default=BookingStatus.WANTED)
    reference: Mapped[str] = mapped_column(String(80), default="")
    problem: Mapped[str] = mapped_column(String(200), default="")
    label: Mapped[bytes | None] = mapped_column(LargeBinary)
    changed_at: Mapped[datetime]
    parcel: Mapped[Parcel] = relationship()


class CarrierCallback(Base):
    """One signed call from a carrier, kept as it came; a repeat changes nothing."""

    __tablename__ = "carrier_callback"
    __table_args__ = (UniqueConstraint("carrier", "event_id"),)

    id: Mapped[BigId]
    carrier: Mapped[str] = mapped_column(String(40))
    event_id: Mapped[str] = mapped_column(String(80))
    body: Mapped[str] = mapped_column(Text)
    outcome: Mapped[str] = mapped_column(String(40))
    received_at: Mapped[datetime]
