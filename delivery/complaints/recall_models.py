"""Tables of recalls and safety notices: what is called back, who has it, and what they answered. Handbook §7."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, Index, Sequence, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from auth.models import Person, Unit
from core.db import Base, BigId, Region
from delivery.goods_models import SerialisedUnit
from delivery.models import Lot, LotStatus, PickedLot
from orders.catalogue import Supplier
from orders.models import Order

RECALL_NO_SEQUENCE = Sequence("recall_no_seq", start=301, metadata=Base.metadata)


class RecallStatus(StrEnum):
    """OPEN has stopped everything and told nobody yet; TOLD can no longer be undone."""

    OPEN = "OPEN"
    TOLD = "TOLD"
    CLOSED = "CLOSED"
    UNDONE = "UNDONE"


class WhatToDo(StrEnum):
    """What those who have the product are asked to do."""

    STOP_AND_RETURN = "STOP_AND_RETURN"
    STOP_AND_DISCARD = "STOP_AND_DISCARD"
    CHECK_AND_GO_ON = "CHECK_AND_GO_ON"


class Recall(Base):
    """One supplier notice: lots or units with numbers that must not be used as they are."""

    __tablename__ = "recall"
    __table_args__ = (
        CheckConstraint("(status IN ('TOLD', 'CLOSED')) <= (told_at IS NOT NULL)", name="told_when"),
        CheckConstraint("status <> 'UNDONE' OR (undone_at IS NOT NULL AND told_at IS NULL)", name="undone_before_told"),
    )

    id: Mapped[BigId]
    region: Mapped[Region]
    recall_no: Mapped[str] = mapped_column(String(12), unique=True)
    supplier_id: Mapped[int | None] = mapped_column(ForeignKey("supplier.id"))
    notice_ref: Mapped[str] = mapped_column(String(80), default="")
    title: Mapped[str] = mapped_column(String(200))
    what_to_do: Mapped[WhatToDo]
    # In the reader's language; English falls back on Swedish when empty.
    text_sv: Mapped[str] = mapped_column(Text)
    text_en: Mapped[str] = mapped_column(Text, default="")
    replaces: Mapped[bool]
    status: Mapped[RecallStatus] = mapped_column(default=RecallStatus.OPEN)
    opened_at: Mapped[datetime]
    opened_by_id: Mapped[int] = mapped_column(ForeignKey("staff_member.id"))
    told_at: Mapped[datetime | None]
    told_by_id: Mapped[int | None] = mapped_column(ForeignKey("staff_member.id"))
    undone_at: Mapped[datetime | None]
    closed_at: Mapped[datetime | None]
    supplier: Mapped[Supplier | None] = relationship()
    lots: Mapped[list[RecallLot]] = relationship(order_by="RecallLot.id")
    units: Mapped[list[RecallUnit]] = relationship(order_by="RecallUnit.id")
    recipients: Mapped[list[RecallRecipient]] = relationship(back_populates="recall", order_by="RecallRecipient.id")


class RecallLot(Base):
    """A whole lot that is called back, and what it was before: undoing gives that back."""

    __tablename__ = "recall_lot"
    __table_args__ = (UniqueConstraint("recall_id", "lot_id"),)

    id: Mapped[BigId]
    recall_id: Mapped[int] = mapped_column(ForeignKey("recall.id"), index=True)
    lot_id: Mapped[int] = mapped_column(ForeignKey("lot.id"), index=True)
    earlier_status: Mapped[LotStatus]
    lot: Mapped[Lot] = relationship()


class RecallUnit(Base):
    """One unit with a number that is called back; the others of its lot are not."""

    __tablename__ = "recall_unit"
    __table_args__ = (UniqueConstraint("recall_id", "unit_id"),)

    id: Mapped[BigId]
    recall_id: Mapped[int] = mapped_column(ForeignKey("recall.id"), index=True)
    unit_id: Mapped[int] = mapped_column(ForeignKey("serialised_unit.id"), index=True)
    unit: Mapped[SerialisedUnit] = relationship()


class ToldBy(StrEnum):
    """How somebody was reached; INBOX is told of by e-mail or SMS where they chose so."""

    INBOX = "INBOX"
    LETTER = "LETTER"
    PHONE = "PHONE"


class RecallAnswer(StrEnum):
    """How we know that they know."""

    CLICK = "CLICK"
    PHONE = "PHONE"
    RETURN = "RETURN"


class RecallRecipient(Base):
    """A patient, or a unit for its own store, that was sent something of it; packages."""

    __tablename__ = "recall_recipient"
    __table_args__ = (
        CheckConstraint("num_nonnulls(person_id, unit_id) = 1", name="person_or_unit"),
        CheckConstraint("(acknowledged_at IS NULL) = (answer IS NULL)", name="answered_how"),
        UniqueConstraint("recall_id", "person_id"),
        UniqueConstraint("recall_id", "unit_id"),
    )

    id: Mapped[BigId]
    recall_id: Mapped[int] = mapped_column(ForeignKey("recall.id"), index=True)
    person_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"), index=True)
    unit_id: Mapped[int | None] = mapped_column(ForeignKey("unit.id"))
    packages: Mapped[int]
    told_at: Mapped[datetime | None]
    told_by: Mapped[ToldBy | None]
    acknowledged_at: Mapped[datetime | None]
    answer: Mapped[RecallAnswer | None]
    acknowledged_by_person_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    acknowledged_by_staff_id: Mapped[int | None] = mapped_column(ForeignKey("staff_member.id"))
    # Each try to phone: "nobody answered" is worth knowing too.
    phoned_at: Mapped[datetime | None]
    phone_note: Mapped[str] = mapped_column(String(400), default="")
    replacement_order_id: Mapped[int | None] = mapped_column(ForeignKey("order.id"))
    recall: Mapped[Recall] = relationship(back_populates="recipients")
    person: Mapped[Person | None] = relationship(foreign_keys=[person_id])
    unit: Mapped[Unit | None] = relationship()
    replacement_order: Mapped[Order | None] = relationship()
    items: Mapped[list[RecallItem]] = relationship(order_by="RecallItem.id")


class RecallItem(Base):
    """What of it one recipient was sent in one delivery, and how much has come back; packages."""

    __tablename__ = "recall_item"
    __table_args__ = (
        UniqueConstraint("recipient_id", "picked_lot_id"),
        CheckConstraint("packages > 0 AND returned >= 0 AND returned <= packages", name="returned_within_sent"),
        Index("ix_recall_item_out", "picked_lot_id", postgresql_where=text("returned < packages")),
    )

    id: Mapped[BigId]
    recipient_id: Mapped[int] = mapped_column(ForeignKey("recall_recipient.id"), index=True)
    picked_lot_id: Mapped[int] = mapped_column(ForeignKey("picked_lot.id"))
    packages: Mapped[int]
    returned: Mapped[int] = mapped_column(default=0)
    picked_lot: Mapped[PickedLot] = relationship()
