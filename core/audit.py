"""The access log: who looked at or acted on whose data, when and why. Append-only, in the database too.

Handbook §11 (HSLF-FS 2016:40 ch. 4 § 9): action, unit, time, user and patient, for reads as well; kept at least five years.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Literal

from sqlalchemy import BigInteger, Index, String, Text
from sqlalchemy.orm import Mapped, Session, mapped_column

from core.clock import now
from core.db import Base, BigId, Region
from core.request_id import current_request_id


class ActorKind(StrEnum):
    """What sort of actor an entry is about."""

    PERSON = "PERSON"
    STAFF = "STAFF"
    SYSTEM = "SYSTEM"


@dataclass(frozen=True)
class Actor:
    """Who did it, as the log keeps it; `label` is the staff member's name, never a patient's, `reason` why they do all they do now."""

    kind: ActorKind
    id: int | None
    region: str
    unit_id: int | None = None
    label: str = ""
    reason: str = ""


class AccessLogEntry(Base):
    """One look at, or one act on, a person's data."""

    __tablename__ = "access_log"
    __table_args__ = (Index("ix_access_log_subject_at", "subject_person_id", "at"),)

    id: Mapped[BigId]
    at: Mapped[datetime] = mapped_column(index=True)
    region: Mapped[Region]
    actor_kind: Mapped[str] = mapped_column(String(10))
    actor_id: Mapped[int | None] = mapped_column(BigInteger)
    actor_label: Mapped[str] = mapped_column(String(200))
    unit_id: Mapped[int | None] = mapped_column(BigInteger)
    # No foreign keys: the log outlives what it tells of.
    subject_person_id: Mapped[int | None] = mapped_column(BigInteger)
    manner: Mapped[str] = mapped_column(String(4))
    action: Mapped[str] = mapped_column(String(60))
    object_ref: Mapped[str] = mapped_column(String(80), default="")
    reason: Mapped[str] = mapped_column(Text, default="")
    request_id: Mapped[str] = mapped_column(String(64), default="")


def record(
    session: Session,
    actor: Actor,
    action: str,
    *,
    subject_person_id: int | None,
    manner: Literal["LOOK", "ACT"] = "ACT",
    object_ref: str = "",
    reason: str = "",
) -> None:
    """Write one entry in the caller's transaction; `action` is a dotted word such as `order.placed`."""
    session.add(
        AccessLogEntry(
            at=now(session),
            region=actor.region,
            actor_kind=actor.kind.value,
            actor_id=actor.id,
            actor_label=actor.label,
            unit_id=actor.unit_id,
            subject_person_id=subject_person_id,
            manner=manner,
            action=action,
            object_ref=object_ref,
            reason=reason or actor.reason,
            request_id=current_request_id(),
        )
    )
