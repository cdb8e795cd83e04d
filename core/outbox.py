"""The outbox: messages written in the business transaction, handled exactly once in effect.

PostgreSQL holds the truth; the queue only rings a bell. A message that is claimed and not done when its lease ends is rung again.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Index, String, Text, func, insert, select, text, update
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, Session, mapped_column

from core.clock import now
from core.db import Base, BigId
from core.request_id import current_request_id, set_request_id

CHANNEL = "outbox"
LEASE = timedelta(seconds=15)
MAX_ATTEMPTS = 8


class OutboxMessage(Base):
    """One thing that has happened and that somebody else must act on."""

    __tablename__ = "outbox_message"
    __table_args__ = (
        Index(
            "ix_outbox_message_waiting",
            "available_at",
            postgresql_where=text("done_at IS NULL AND dead_at IS NULL"),
        ),
    )

    id: Mapped[BigId]
    kind: Mapped[str] = mapped_column(String(60))
    payload: Mapped[dict[str, Any]] = mapped_column(JSONB)
    request_id: Mapped[str] = mapped_column(String(64), default="")
    created_at: Mapped[datetime]
    available_at: Mapped[datetime]
    attempts: Mapped[int] = mapped_column(default=0)
    done_at: Mapped[datetime | None]
    dead_at: Mapped[datetime | None]
    last_error: Mapped[str | None] = mapped_column(Text)


_PUBLISH = insert(OutboxMessage).returning(func.pg_notify(CHANNEL, ""))


@dataclass(frozen=True)
class Message:
    """What a handler sees of an outbox row; `id` is the idempotency key towards other systems."""

    id: int
    kind: str
    payload: Mapping[str, Any]


Handler = Callable[[Session, Message], None]


def publish(session: Session, kind: str, **payload: int | str) -> None:
    """Write a message that becomes visible, and rings the relay, when the transaction commits."""
    instant = now(session)
    # One statement; of several bells in one transaction PostgreSQL rings one.
    session.connection().execute(
        _PUBLISH,
        {
            "kind": kind,
            "payload": payload,
            "request_id": current_request_id(),
            "created_at": instant,
            "available_at": instant,
        },
    )


def claim(session: Session, limit: int = 100) -> list[int]:
    """Lease up to `limit` waiting messages to this relay and return their ids, oldest first.

    Locks the rows it takes and skips those that another relay holds. The lease only delays the next ring: it is not a right to handle.
    """
    instant = now(session)
    rows = session.scalars(
        select(OutboxMessage)
        .where(OutboxMessage.done_at.is_(None), OutboxMessage.dead_at.is_(None), OutboxMessage.available_at <= instant)
        .order_by(OutboxMessage.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    ).all()
    for row in rows:
        row.available_at = instant + LEASE
    return [row.id for row in rows]


def put_back(session: Session, message_ids: Collection[int], delay: timedelta) -> None:
    """Give up the lease on messages that could not be rung for, and try again after `delay`."""
    session.execute(
        update(OutboxMessage)
        .where(OutboxMessage.id.in_(message_ids), OutboxMessage.done_at.is_(None))
        .values(available_at=now(session) + delay)
    )


def handle(session: Session, message_id: int, handlers: Mapping[str, Handler]) -> bool:
    """Run the handler and mark the message done, in the caller's transaction; False when there was nothing to do.

    Locks the message: a second worker with the same id waits, then finds it done. Raises whatever the handler raises.
    """
    row = session.scalar(
        select(OutboxMessage)
        .where(OutboxMessage.id == message_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if row is None or row.done_at is not None or row.dead_at is not None:
        return False
    set_request_id(row.request_id)
    handlers[row.kind](session, Message(row.id, row.kind, row.payload))
    row.attempts += 1
    row.done_at = now(session)
    row.last_error = None
    return True


def record_failure(session: Session, message_id: int, error: str) -> bool:
    """Count a failed attempt, put the next one off (2, 4, 8 … seconds); True when the message is now dead."""
    row = session.scalar(select(OutboxMessage).where(OutboxMessage.id == message_id).with_for_update())
    if row is None or row.done_at is not None:
        return False
    row.attempts += 1
    row.last_error = error[:500]
    if row.attempts >= MAX_ATTEMPTS:
        row.dead_at = now(session)
        return True
    row.available_at = now(session) + timedelta(seconds=2**row.attempts)
    return False


def revive(session: Session, message_id: int) -> bool:
    """Give a dead message a fresh set of attempts; False when it is not dead."""
    row = session.scalar(select(OutboxMessage).where(OutboxMessage.id == message_id).with_for_update())
    if row is None or row.dead_at is None:
        return False
    row.dead_at, row.attempts, row.available_at = None, 0, now(session)
    session.execute(text("SELECT pg_notify(:channel, '')"), {"channel": CHANNEL})
    return True
