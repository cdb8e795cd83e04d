"""When what is short can be expected: pure rules. Handbook §§5 and 6."""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TypeVar

from core.workdays import add_working_days

_Key = TypeVar("_Key", bound=Hashable)
# "Around Tuesday" holds for Thursday too: smaller changes are nothing to write home about.
DAYS_WORTH_TELLING = 2


@dataclass(frozen=True)
class Promises:
    """A region's terms, in working days: from goods to the patient's door, and when nobody knows of goods."""

    from_goods: int
    without_goods: int


def share_goods(
    claims: Iterable[tuple[_Key, int]], coming: Sequence[tuple[date, int]], today: date
) -> dict[_Key, date | None]:
    """Give what is coming of one article to whoever waits, in the claims' order; return when the last of each claim's goods comes.

    None where not all of it is ordered. What should have come before today is no longer counted on.
    """
    left = deque(sorted((day, packages) for day, packages in coming if day >= today and packages > 0))
    found: dict[_Key, date | None] = {}
    for key, wanted in claims:
        found[key], missing = None, wanted
        while missing > 0 and left:
            day, packages = left.popleft()
            if packages > missing:
                left.appendleft((day, packages - missing))
            missing -= packages
            if missing <= 0:
                found[key] = day
    return found


def promise(goods_on: date | None, promised: date | None, today: date, terms: Promises) -> date:
    """Return the day to promise; `promised` is what was said before, None when nothing was.

    Without goods to wait for, what was said stays as long as it could still be kept if they came today.
    """
    if goods_on is not None:
        return add_working_days(goods_on, terms.from_goods)
    if promised is not None and promised >= add_working_days(today, terms.from_goods):
        return promised
    return add_working_days(today, terms.without_goods)


def is_worth_telling(before: date, after: date) -> bool:
    """Tell whether a promise has moved so far that the patient should know."""
    return abs((after - before).days) > DAYS_WORTH_TELLING
