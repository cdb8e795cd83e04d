"""What every import shares: refused rows, the summary, and that a bad file changes nothing unless asked to skip what is bad."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from core.errors import DomainError

Progress = Callable[[int, int], None]
# One kind for every import that locks persons: two that lock many of them in different order would wait for each other.
PEOPLE = "people"


@dataclass(frozen=True)
class Refusal:
    """A row that was not taken; `reason` never holds personal data, because it is printed and logged."""

    line: int
    reason: str


class RowRefused(DomainError):
    """One row cannot be taken; says why without personal data."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class FileRefused(DomainError):
    """The whole file cannot be read; `line` is where reading stopped."""

    def __init__(self, reason: str, line: int = 1) -> None:
        super().__init__(reason)
        self.reason = reason
        self.line = line


@dataclass
class Outcome:
    """What an import did, in rows."""

    added: int = 0
    changed: int = 0
    unchanged: int = 0
    cancelled: int = 0
    refused: list[Refusal] = field(default_factory=list)

    @property
    def wrote_something(self) -> bool:
        """Whether anything in the database is different now."""
        return bool(self.added or self.changed or self.cancelled)

    def refuse(self, line: int, reason: str) -> None:
        """Note a row that was not taken."""
        self.refused.append(Refusal(line, reason))

    def count(self, is_new: bool, is_changed: bool) -> None:
        """Count one row that was taken."""
        if is_new:
            self.added += 1
        elif is_changed:
            self.changed += 1
        else:
            self.unchanged += 1


class ImportRefused(DomainError):
    """Some rows are bad and nobody said to skip them: raised so that the unit of work rolls back."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(f"{len(outcome.refused)} rows refused")
        self.outcome = outcome


def finish(outcome: Outcome, *, skip_bad: bool) -> Outcome:
    """Return the outcome with its refusals in line order; raise ImportRefused when there are any that may not be skipped."""
    outcome.refused.sort(key=lambda refusal: refusal.line)
    if outcome.refused and not skip_bad:
        raise ImportRefused(outcome)
    return outcome


def one_at_a_time(session: Session, kind: str) -> None:
    """Make imports of one kind wait for each other until commit: only they lock rows of several persons, all under PEOPLE."""
    session.execute(select(func.pg_advisory_xact_lock(_lock_no(kind))))


def wait_for_imports(session: Session, kind: str) -> None:
    """Wait until no import of the kind runs, and let none begin until commit; those who wait so do not wait for each other."""
    session.execute(select(func.pg_advisory_xact_lock_shared(_lock_no(kind))))


def _lock_no(kind: str) -> int:
    return int.from_bytes(hashlib.sha256(f"import:{kind}".encode()).digest()[:8], signed=True)


def file_ref(raw: bytes) -> str:
    """Return what names a file in the access log: the beginning of its SHA-256."""
    return f"file:{hashlib.sha256(raw).hexdigest()[:16]}"


def no_progress(done: int, total: int) -> None:
    """Tell nobody."""
