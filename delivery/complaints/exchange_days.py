"""Days as suppliers write them: read when there is one reading only. Pure."""

from __future__ import annotations

import re
from datetime import date

_TIME = r"(?:[t ]\d{1,2}[:.]\d{2}(?:[:.]\d{2})?(?:[.,]\d+)?(?:z|[+-]\d{2}:?\d{2})?)?"
_YEAR_FIRST = re.compile(rf"(\d{{4}})([-/. ]?)(\d{{1,2}})\2(\d{{1,2}}){_TIME}")
_YEAR_LAST = re.compile(rf"(\d{{1,2}})([-/. ])(\d{{1,2}})\2(\d{{4}}){_TIME}")
# As Swedes write: the day, a slash, the month, room, the year.
_SWEDISH = re.compile(r"(\d{1,2})/(\d{1,2})[ -](\d{4})")
_IN_WORDS = re.compile(rf"(\d{{1,2}})(?:st|nd|rd|th|:e|\.)? ?([a-zå]{{3,9}})\.?,? ?(\d{{4}}){_TIME}")
_SHORT = ("jan", "feb", "mar", "apr", "maj", "jun", "jul", "aug", "sep", "okt", "nov", "dec")
_MONTHS = {**{name: number for number, name in enumerate(_SHORT, start=1)}, "may": 5, "oct": 10}
_NAMES = re.compile(
    r"jan(uari|uary)?|feb(ruari|ruary)?|mar(s|ch)?|apr(il)?|maj|may|june?|juni|july?|juli|aug(usti|ust)?|sept?(ember)?"
    r"|o[kc]t(ober)?|nov(ember)?|dec(ember)?"
)


def read_day(text: str) -> date | None:
    """Return the day between 2000 and 2199 that is written, or None when nothing is or when it can be read in two ways."""
    written = text.strip().lower()
    if not written.isascii() and "å" not in written:
        return None
    if match := _YEAR_FIRST.fullmatch(written):
        # Without signs between there are eight digits, or it is no date.
        if match[2] or len(match[3]) == len(match[4]) == 2:
            return _day(match[1], match[3], match[4])
        return None
    if match := _SWEDISH.fullmatch(written):
        return _day(match[3], match[2], match[1])
    if match := _YEAR_LAST.fullmatch(written):
        return _year_last(match)
    if (match := _IN_WORDS.fullmatch(written)) and _NAMES.fullmatch(match[2]):
        return _day(match[3], str(_MONTHS[match[2][:3]]), match[1])
    return None


def _year_last(match: re.Match[str]) -> date | None:
    first, second, year = match[1], match[3], match[4]
    day_first = _day(year, second, first)
    if match[2] == ".":
        # With points the day comes first wherever it is written so.
        return day_first
    month_first = _day(year, first, second)
    if day_first and month_first and day_first != month_first:
        return None
    return day_first or month_first


def _day(year: str, month: str, day: str) -> date | None:
    try:
        found = date(int(year), int(month), int(day))
    except ValueError:
        return None
    return found if 2000 <= found.year < 2200 else None
