"""Tables of the carriers: what is booked, and what they called back with."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, LargeBinary, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from core.db import Base, BigId, Region
from delivery.models import Parcel


class BookingStatus(StrEnum):
    """Where a booking is; a refused one is made anew by hand."""

    WANTED = "WANTED"
    BOOKED = "BOOKED"
    REFUSED = "REFUSED"
    CANCEL_WANTED = "CANCEL_WANTED"
    CANCELLED = "CANCELLED"


class CarrierBooking(Base):
    """One parcel's transport with one carrier; its own number is the key against booking, and cancelling, twice.

    One that is taken back belongs to no parcel any more: a parcel that is booked anew has a new booking.
    """

    __tablename__ = "carrier_booking"

    id: Mapped[BigId]
    region: Mapped[Region]
    parcel_id: Mapped[int | None] = mapped_column(ForeignKey("parcel.id"), unique=True)
    sscc: Mapped[str] = mapped_column(String(18))
    carrier: Mapped[str] = mapped_column(String(40))
    status: Mapped[BookingStatus] = mapped_column(default=BookingStatus.WANTED)
    reference: Mapped[str] = mapped_column(String(80), default="", index=True)
    problem: Mapped[str] = mapped_column(String(200), default="")
    label: Mapped[bytes | None] = mapped_column(LargeBinary)
    changed_at: Mapped[datetime]
    parcel: Mapped[Parcel | None] = relationship()

    @property
    def key(self) -> str:
        """What the carrier knows a repeat by."""
        return f"booking-{self.id}"


class CallbackOutcome(StrEnum):
    """What a call from a carrier changed; one that came too early counts when the parcel has been handed over."""

    TAKEN = "TAKEN"
    TOO_EARLY = "TOO_EARLY"
    KNOWN_ALREADY = "KNOWN_ALREADY"
    BACKWARDS = "BACKWARDS"


class CarrierCallback(Base):
    """One signed call from a carrier, kept as it came; a repeat changes nothing."""

    __tablename__ = "carrier_callback"
    __table_args__ = (UniqueConstraint("carrier", "event_id"),)

    id: Mapped[BigId]
    carrier: Mapped[str] = mapped_column(String(40))
    event_id: Mapped[str] = mapped_column(String(80))
    # The parcel that it is about; a parcel may be unpacked, so this is its number only.
    sscc: Mapped[str] = mapped_column(String(18), index=True)
    body: Mapped[str] = mapped_column(Text)
    outcome: Mapped[CallbackOutcome]
    received_at: Mapped[datetime]
