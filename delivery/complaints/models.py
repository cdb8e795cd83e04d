"""Tables of fault reports and the cases that consultants work. Handbook §7."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, Sequence, String, Text, false, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column, relationship

from auth.identity import Relation
from auth.models import Person, StaffMember
from core.db import Base, BigId, Region
from delivery.complaints.policy import ComplaintRoute
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


class LookFirst(StrEnum):
    """Why a person looks before anything is replaced."""

    RED_FLAG = "RED_FLAG"
    MANY_REPLACEMENTS = "MANY_REPLACEMENTS"
    POSSIBLE_DUPLICATE = "POSSIBLE_DUPLICATE"
    LOT_UNKNOWN = "LOT_UNKNOWN"
    OTHERS_REPLACE = "OTHERS_REPLACE"
    SENT_FROM_ELSEWHERE = "SENT_FROM_ELSEWHERE"
    NO_REPLACEMENT_WANTED = "NO_REPLACEMENT_WANTED"
    PATIENT_HAS_DIED = "PATIENT_HAS_DIED"


class Complaint(Base):
    """The case that comes of a fault report, and where it is. The report's own facts never change.

    `due_at` is when the case is to be decided; while it waits for the reporter the clock stands still and `minutes_left` are the working
    minutes that were left when it stopped.
    """

    __tablename__ = "complaint"
    __table_args__ = (
        CheckConstraint("state <> 'DECLINED' OR decline_reason <> ''", name="declined_with_reason"),
        CheckConstraint("state <> 'REPLACEMENT_ORDERED' OR replacement_order_id IS NOT NULL", name="replaced_by_order"),
        CheckConstraint("(waiting_since IS NULL) = (minutes_left IS NULL)", name="paused_with_rest"),
        CheckConstraint("duplicate_of_id <> id", name="not_its_own_duplicate"),
        CheckConstraint("NOT has_red_flag OR state <> 'CLOSED' OR triaged_at IS NOT NULL", name="red_flag_is_triaged"),
        Index("ix_complaint_board", "region", "state", "has_red_flag", "due_at"),
        Index("ix_complaint_received", "region", "received_at"),
        Index("ix_complaint_added_to", "region", postgresql_where=text("added_to_since IS NOT NULL")),
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
    # Decided when the case was routed, and kept whatever the policy says later.
    route: Mapped[ComplaintRoute | None]
    look_first: Mapped[LookFirst | None]
    triaged_at: Mapped[datetime | None]
    waiting_since: Mapped[datetime | None]
    minutes_left: Mapped[int | None]
    duplicate_of_id: Mapped[int | None] = mapped_column(ForeignKey("complaint.id"), index=True)
    closed_at: Mapped[datetime | None]
    # The reporter has added to a decided case, and no consultant has seen to it.
    added_to_since: Mapped[datetime | None]
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
    # None for a product that was read or typed and that is not known to have been sent to the patient.
    picked_lot_id: Mapped[int | None] = mapped_column(ForeignKey("picked_lot.id"), index=True)
    stated_lot_no: Mapped[str] = mapped_column(String(20), default="", server_default="")
    stated_serial_no: Mapped[str] = mapped_column(String(20), default="", server_default="")
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
    # The answers to the questions that fit the product, by the question's code; `questions.py` has them.
    answers: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict, server_default=text("'{}'"))
    reported_at: Mapped[datetime]
    complaint: Mapped[Complaint] = relationship(back_populates="report")
    picked_lot: Mapped[PickedLot | None] = relationship()


class ComplaintEventKind(StrEnum):
    """What a line of a case's timeline tells."""

    REPORTED = "REPORTED"
    ROUTED = "ROUTED"
    OPENED = "OPENED"
    REPLACED = "REPLACED"
    DECLINED = "DECLINED"
    TRIAGED = "TRIAGED"
    ASSIGNED = "ASSIGNED"
    ALERTED = "ALERTED"
    ASKED = "ASKED"
    ANSWERED = "ANSWERED"
    ADDED = "ADDED"
    PHOTO_ADDED = "PHOTO_ADDED"
    NOTE = "NOTE"
    MADE_DUPLICATE = "MADE_DUPLICATE"
    NOT_DUPLICATE = "NOT_DUPLICATE"
    REOPENED = "REOPENED"
    CLAIMED = "CLAIMED"
    CLAIM_TAKEN_BACK = "CLAIM_TAKEN_BACK"
    CLAIM_SENT = "CLAIM_SENT"
    ACCEPTED = "ACCEPTED"
    REJECTED = "REJECTED"
    ANSWER_UNDONE = "ANSWER_UNDONE"
    CREDITED = "CREDITED"
    CREDIT_UNDONE = "CREDIT_UNDONE"
    CLOSED = "CLOSED"
    INCIDENT_ASSESSED = "INCIDENT_ASSESSED"
    DOCUMENT_WRITTEN = "DOCUMENT_WRITTEN"
    DOCUMENT_SENT = "DOCUMENT_SENT"
    AUTHORITY_REF = "AUTHORITY_REF"
    MANUFACTURER_ANSWERED = "MANUFACTURER_ANSWERED"
    EXCHANGED = "EXCHANGED"


class ComplaintEvent(Base):
    """One line of a case's timeline; `for_reporter` lines are read by whoever reported, the others only at work."""

    __tablename__ = "complaint_event"

    id: Mapped[BigId]
    complaint_id: Mapped[int] = mapped_column(ForeignKey("complaint.id"), index=True)
    at: Mapped[datetime]
    kind: Mapped[ComplaintEventKind]
    staff_id: Mapped[int | None] = mapped_column(ForeignKey("staff_member.id"))
    person_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    for_reporter: Mapped[bool] = mapped_column(default=False, server_default=false())
    text: Mapped[str] = mapped_column(Text, default="")
    staff_member: Mapped[StaffMember | None] = relationship()
