"""Time as the program sees it: aware UTC instants, Swedish calendar days, an injected clock."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Protocol
from zoneinfo import ZoneInfo

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

STOCKHOLM = ZoneInfo("Europe/Stockholm")


class Clock(Protocol):
    """Anything that can tell the present instant."""

    def now(self) -> datetime:
        """Return the present instant, aware and in UTC."""
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)


class ManualClock:
    """A clock that stands still until it is told to move: for tests and simulations."""

    def __init__(self, instant: datetime) -> None:
        self.set(instant)

    def now(self) -> datetime:
        return self._instant

    def set(self, instant: datetime) -> None:
        """Move to `instant`; raise ValueError for a naive one."""
        if instant.tzinfo is None:
            raise ValueError("a clock needs an aware instant")
        self._instant = instant.astimezone(UTC)

    def advance(self, by: timedelta) -> None:
        """Move forward by a duration."""
        self._instant += by


def swedish_date(instant: datetime) -> date:
    """Return the calendar day in Sweden at `instant`."""
    return instant.astimezone(STOCKHOLM).date()


def now(session: Session) -> datetime:
    """Return the instant of the clock that the unit of work was opened with."""
    clock: Clock = session.info["clock"]
    return clock.now()


def today(session: Session) -> date:
    """Return the Swedish calendar day of the unit of work's clock."""
    return swedish_date(now(session))
