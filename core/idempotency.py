"""One form, one effect: a key that is spent by the transaction that acts on it."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta

from sqlalchemy import String, UniqueConstraint, bindparam, delete, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, Session, mapped_column

from core.clock import now
from core.db import Base, BigId


class IdempotencyKey(Base):
    """A key that has been spent, and what it made."""

    __tablename__ = "idempotency_key"
    __table_args__ = (UniqueConstraint("scope", "owner", "key"),)

    id: Mapped[BigId]
    scope: Mapped[str] = mapped_column(String(40))
    owner: Mapped[str] = mapped_column(String(60))
    key: Mapped[str] = mapped_column(String(64))
    result_ref: Mapped[str | None] = mapped_column(String(60))
    created_at: Mapped[datetime]


KEEP = timedelta(days=30)

# Built once: every form that acts goes through here.
_INSERT = insert(IdempotencyKey).values(
    {name: bindparam(name) for name in ("scope", "owner", "key", "created_at", "result_ref")}
)
_SPEND = _INSERT.on_conflict_do_nothing().returning(IdempotencyKey.id)
_SPEND_ANEW = _INSERT.on_conflict_do_update(
    index_elements=[IdempotencyKey.scope, IdempotencyKey.owner, IdempotencyKey.key],
    set_={"created_at": _INSERT.excluded.created_at, "result_ref": _INSERT.excluded.result_ref},
    where=IdempotencyKey.created_at <= bindparam("spent_before"),
).returning(IdempotencyKey.id)


def new_key() -> str:
    """Return a fresh key for a form."""
    return secrets.token_urlsafe(24)


class Claim:
    """The outcome of spending a key: either the right to act, or the result of whoever acted first."""

    def __init__(self, row_id: int | None, earlier_result: str | None) -> None:
        self._row_id = row_id
        self.earlier_result = earlier_result

    @property
    def is_first(self) -> bool:
        """Whether this transaction is the one that acts."""
        return self._row_id is not None

    def settle(self, session: Session, result_ref: str) -> None:
        """Remember what the act made, for those who come with the same key later."""
        session.execute(update(IdempotencyKey).where(IdempotencyKey.id == self._row_id).values(result_ref=result_ref))


def spend(
    session: Session,
    scope: str,
    owner: str,
    key: str,
    *,
    result_ref: str | None = None,
    lasts: timedelta | None = None,
) -> Claim:
    """Spend `key` within scope and owner; waits for a concurrent spender to commit or roll back.

    `result_ref` settles the claim at once, when what the act makes has a name before it is made. A key that `lasts` can be spent anew
    when so long has passed since it was.
    """
    key, present = _kept(key), now(session)
    values = {"scope": scope, "owner": owner, "key": key, "created_at": present, "result_ref": result_ref}
    if lasts is None:
        row_id = session.connection().scalar(_SPEND, values)
    else:
        row_id = session.connection().scalar(_SPEND_ANEW, {**values, "spent_before": present - lasts})
    if row_id is not None:
        return Claim(row_id, None)
    return Claim(None, result_of(session, scope, owner, key))


def result_of(session: Session, scope: str, owner: str, key: str) -> str | None:
    """Return what a key made, None when it made nothing yet."""
    return session.scalar(
        select(IdempotencyKey.result_ref).where(
            IdempotencyKey.scope == scope, IdempotencyKey.owner == owner, IdempotencyKey.key == _kept(key)
        )
    )


def forget(session: Session, scope: str, result_ref: str) -> None:
    """Forget the keys that made something which is undone, so that the same form can be sent again."""
    session.execute(
        delete(IdempotencyKey).where(IdempotencyKey.scope == scope, IdempotencyKey.result_ref == result_ref)
    )


def _kept(key: str) -> str:
    # A key is whatever a form sent back: PostgreSQL keeps every character but this one.
    return key.replace("\x00", "")[:64]


def delete_old_keys(session: Session, instant: datetime) -> int:
    """Delete keys spent more than thirty days before `instant`; return how many. No form lives that long."""
    gone = session.execute(delete(IdempotencyKey).where(IdempotencyKey.created_at < instant - KEEP))
    return int(gone.rowcount)  # type: ignore[attr-defined]
