"""The data files' blanks: days and children's numbers that depend on the day on which the region was loaded."""

from __future__ import annotations

import re
from datetime import date, timedelta
from pathlib import Path

from stdnum import luhn

DATA = Path(__file__).parent / "data"
_BLANK = re.compile(r"\{\{(day|number):([^}]*)\}\}")


def filled(name: str, loaded_on: date) -> bytes:
    """Return a data file with its blanks filled in; the encoding stays what it is."""
    # Latin-1 gives every byte back as it was, whatever the file's own encoding.
    text = (DATA / name).read_bytes().decode("latin-1")
    return _BLANK.sub(lambda blank: _fill(blank[1], blank[2], loaded_on), text).encode("latin-1")


def _fill(kind: str, detail: str, loaded_on: date) -> str:
    if kind == "day":
        return (loaded_on + timedelta(days=int(detail))).isoformat()
    age, days_since_birthday, serial = (int(part) for part in detail.split(":"))
    return number_of(loaded_on, age, days_since_birthday, serial)


def number_of(day: date, age: int, days_since_birthday: int, serial: int) -> str:
    """Return the number of somebody who is `age` on `day`; serials 980 to 999 are nobody's."""
    birthday = day - timedelta(days=days_since_birthday)
    if (birthday.month, birthday.day) == (2, 29):
        birthday -= timedelta(days=1)
    born = birthday.replace(year=birthday.year - age)
    digits = f"{born:%y%m%d}{serial:03d}"
    return f"{born.year // 100}{digits}{luhn.calc_check_digit(digits)}"
