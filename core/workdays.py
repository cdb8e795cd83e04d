"""Swedish working days: weekends, public holidays and the eves on which Sweden does not work count out."""

from __future__ import annotations

from datetime import date, timedelta
from functools import lru_cache

import holidays
from holidays.constants import DE_FACTO, PUBLIC


@lru_cache(maxsize=64)
def _days_off(year: int) -> frozenset[date]:
    return frozenset(holidays.country_holidays("SE", years=year, categories=(PUBLIC, DE_FACTO)))


def is_working_day(day: date) -> bool:
    """Tell whether depots and carriers work on `day` (handbook §5)."""
    return day.weekday() < 5 and day not in _days_off(day.year)


def add_working_days(day: date, count: int) -> date:
    """Return the `count`-th working day after `day`; `day` itself never counts."""
    if count < 0:
        raise ValueError("count is not negative")
    while count:
        day += timedelta(days=1)
        if is_working_day(day):
            count -= 1
    return day
