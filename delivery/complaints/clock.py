"""The working-time clock of cases: it runs on Swedish working days, between the hours of the policy, in Swedish time. Pure. Handbook §7.

Minutes are counted on the world's clock, so that a day on which Sweden changes its clocks is as long as it is.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from core.clock import STOCKHOLM
from core.workdays import is_working_day

MINUTE = timedelta(minutes=1)
ONE_DAY = timedelta(days=1)


@dataclass(frozen=True)
class WorkingHours:
    """When the clock runs on a working day; ValueError unless it ends after it begins."""

    begins: time = time(8)
    ends: time = time(16, 30)

    def __post_init__(self) -> None:
        if self.begins >= self.ends:
            raise ValueError("the working day ends before it begins")

    def on(self, day: date) -> tuple[datetime, datetime]:
        """Return the first and the last instant of a working day, in UTC."""
        begins, ends = (datetime.combine(day, at, STOCKHOLM).astimezone(UTC) for at in (self.begins, self.ends))
        return begins, ends


def add_working_minutes(instant: datetime, minutes: int, hours: WorkingHours) -> datetime:
    """Return when `minutes` of working time have passed since `instant`; nothing added is `instant` itself.

    What ends exactly with a working day is due then, not when the next one begins. Raises ValueError below zero.
    """
    if minutes < 0:
        raise ValueError("minutes are not negative")
    left = minutes * MINUTE
    if not left:
        return instant
    day = instant.astimezone(STOCKHOLM).date()
    while True:
        if is_working_day(day):
            begins, ends = hours.on(day)
            begins = max(begins, instant)
            if ends - begins >= left:
                return begins + left
            left -= max(ends - begins, timedelta(0))
        day += ONE_DAY


def working_minutes_between(earlier: datetime, later: datetime, hours: WorkingHours) -> int:
    """Return the whole minutes of working time from `earlier` to `later`; 0 when that is not later."""
    total = timedelta(0)
    day, last = earlier.astimezone(STOCKHOLM).date(), later.astimezone(STOCKHOLM).date()
    while day <= last:
        if is_working_day(day):
            begins, ends = hours.on(day)
            total += max(min(ends, later) - max(begins, earlier), timedelta(0))
        day += ONE_DAY
    return total // MINUTE
