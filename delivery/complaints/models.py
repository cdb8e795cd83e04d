"""Tables of fault reports and the cases that consultants work. Handbook §7."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, Index, Sequence, String, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from auth.identity import Relation
from auth.models import Person, StaffMember
from core.db import Base, BigId, Region
from delivery.models import Lot, PickedLot
from orders.models import Article, Order

CASE_NO_SEQUENCE = Sequence("case_no_seq", start=10001, metadata=Base.metadata)


class FaultKind(StrEnum):
    """What happened, in the big choices of the form; which are offered depends on the product."""

    STOPPED_WORKING = "STOPPED_WORKING"
    WRONG_READING = "WRONG_READING"
    ERROR_CODE = "ERROR_CODE"
    CAME_LOOSE = "CAME_LOOSE"
    LEAKS = "LEAKS"
    BLOCKED = "BLOCKED"
    BROKEN_PACKAGE = "BROKEN_PACKAGE"
    SKIN_REACTION = "SKIN_REACTION"
    TASTE_OR_SPOILED = "TASTE_OR_SPOILED"
    OTHER = "OTHER"


class ComplaintState(StrEnum):
    """States of a complaint; handbook §7."""

    RECEIVED = "RECEIVED"
    TRIAGED = "TRIAGED"
    REPLACEMENT_ORDERED = "REPLACEMENT_ORDERED"
    DECLINED = "DECLINED"
    CLAIMED = "CLAIMED"
    ACCEPTED = "ACCEPTED"
    REJECTED = "REJECTED"
    CREDITED = "CREDITED"
    CLOSED = "CLOSED"


class Complaint(Base):
    """The case that comes of a fault report, and where it is. The report's own facts never change."""

    __tablename__ = "complaint"
    __table_args__ = (
        CheckConstraint("state <> 'DECLINED' OR decline_reason <> ''", name="declined_with_reason"),
        CheckConstraint("state <> 'REPLACEMENT_ORDERED' OR replacement_order_id IS NOT NULL", name="replaced_by_order"),
        Index("ix_complaint_board", "region", "state", "has_red_flag", "due_at"),
    )

    id: Mapped[BigId]
    case_no: Mapped[str] = mapped_column(String(12), unique=True)
    region: Mapped[Region]
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), index=True)
    article_id: Mapped[int] = mapped_column(ForeignKey("article.id"))
    lot_id: Mapped[int | None] = mapped_column(ForeignKey("lot.id"), index=True)
    state: Mapped[ComplaintState] = mapped_column(default=ComplaintState.RECEIVED)
    has_red_flag: Mapped[bool] = mapped_column(default=False)
    received_at: Mapped[datetime]
    # Set by the worker that puts the case into the consultants' queue.
    routed_at: Mapped[datetime | None]
    due_at: Mapped[datetime | None]
    owner_id: Mapped[int | None] = mapped_column(ForeignKey("staff_member.id"))
    decline_reason: Mapped[str] = mapped_column(Text, default="")
    replacement_order_id: Mapped[int | None] = mapped_column(ForeignKey("order.id"))
    person: Mapped[Person] = relationship()
    article: Mapped[Article] = relationship()
    lot: Mapped[Lot | None] = relationship()
    owner: Mapped[StaffMember | None] = relationship()
    replacement_order: Mapped[Order | None] = relationship()
    report: Mapped[FaultReport] = relationship(back_populates="complaint")
    events: Mapped[list[ComplaintEvent]] = relationship(order_by="ComplaintEvent.id")


class FaultReport(Base):
    """What the reporter filed, as they filed it."""

    __tablename__ = "fault_report"
    __table_args__ = (CheckConstraint("packages > 0", name="packages_positive"),)

    id: Mapped[BigId]
    complaint_id: Mapped[int] = mapped_column(ForeignKey("complaint.id"), unique=True)
    picked_lot_id: Mapped[int] = mapped_column(ForeignKey("picked_lot.id"), index=True)
    reporter_person_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"), index=True)
    reporter_staff_id: Mapped[int | None] = mapped_column(ForeignKey("staff_member.id"))
    reporter_name: Mapped[str] = mapped_column(String(400))
    relation: Mapped[Relation | None]
    call_on: Mapped[str] = mapped_column(String(40), default="")
    packages: Mapped[int] = mapped_column(default=1)
    kind: Mapped[FaultKind]
    description: Mapped[str] = mapped_column(Text, default="")
    error_code: Mapped[str] = mapped_column(String(40), default="")
    applied_on: Mapped[date | None]
    failed_on: Mapped[date | None]
    was_harmed: Mapped[bool]
    has_danger_sign: Mapped[bool]
    is_kept: Mapped[bool]
    wants_replacement: Mapped[bool]
    reported_at: Mapped[datetime]
    complaint: Mapped[Complaint] = relationship(back_populates="report")
    picked_lot: Mapped[PickedLot] = relationship()


class ComplaintEventKind(StrEnum):
    """What a line of a case's timeline tells."""

    REPORTED = "REPORTED"
    ROUTED = "ROUTED"
    OPENED = "OPENED"
    REPLACED = "REPLACED"
    DECLINED = "DECLINED"


class ComplaintEvent(Base):
    """One line of a case's timeline."""

    __tablename__ = "complaint_event"

    id: Mapped[BigId]
    complaint_id: Mapped[int] = mapped_column(ForeignKey("complaint.id"), index=True)
    at: Mapped[datetime]
    kind: Mapped[ComplaintEventKind]
    staff_id: Mapped[int | None] = mapped_column(ForeignKey("staff_member.id"))
    text: Mapped[str] = mapped_column(Text, default="")
    staff_member: Mapped[StaffMember | None] = relationship()
