"""The table of messages with a depot that has a warehouse system of its own."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base, BigId, Region


class Direction(StrEnum):
    """Which way a message went."""

    OUT = "OUT"
    IN = "IN"


class MessageKind(StrEnum):
    """The three Peppol BIS 3 messages of an order's way."""

    ORDER = "ORDER"
    ORDER_RESPONSE = "ORDER_RESPONSE"
    DESPATCH_ADVICE = "DESPATCH_ADVICE"


class Outcome(StrEnum):
    """What became of a message.

    Ours wait to be sent, are sent, were not taken, or are not sent after all; one that was sent and is no longer wanted is stopped by
    phone. The warehouse rejects an order by its answer. What comes is taken, taken with something that somebody must look at, or refused.
    """

    WAITING = "WAITING"
    SENT = "SENT"
    NOT_TAKEN = "NOT_TAKEN"
    NOT_SENT = "NOT_SENT"
    CALL_TO_STOP = "CALL_TO_STOP"
    STOPPED = "STOPPED"
    REJECTED = "REJECTED"
    TAKEN = "TAKEN"
    EXCEPTION = "EXCEPTION"
    SEEN = "SEEN"
    REFUSED = "REFUSED"


class WarehouseMessage(Base):
    """One message as it was sent or came, and what became of it; the same document twice changes nothing.

    `detail` holds codes, each with what it is about ("LOT_RECALLED:L24A88; …"), never anything of a patient's. The body is forgotten
    when the patient's identity becomes protected. Of an order that is sent, `depot_order_id` is the part that is still to come.
    """

    __tablename__ = "warehouse_message"
    __table_args__ = (UniqueConstraint("region", "direction", "kind", "document_id"),)

    id: Mapped[BigId]
    region: Mapped[Region]
    direction: Mapped[Direction]
    kind: Mapped[MessageKind]
    document_id: Mapped[str] = mapped_column(String(80))
    depot_order_id: Mapped[int | None] = mapped_column(ForeignKey("depot_order.id"), index=True)
    body: Mapped[str] = mapped_column(Text)
    outcome: Mapped[Outcome]
    detail: Mapped[str] = mapped_column(String(300), default="")
    at: Mapped[datetime]
    sent_at: Mapped[datetime | None]
