"""How days, instants and numbers read in the reader's language: Jinja filters over Babel."""

from __future__ import annotations

from datetime import date, datetime

from babel.dates import format_date, format_datetime
from flask import Flask
from flask_babel import get_locale

from core.clock import STOCKHOLM

# "torsdag 3 december", "3 dec", "3 december 14.05": skeletons that Babel's own formats lack. The longer Swedish words
# meet the end of the line oftener: there the number stays with its month.
_DAY = {"sv": "EEEE d\N{NO-BREAK SPACE}MMMM", "en": "EEEE d MMMM"}
_DAY_WITH_YEAR = {"sv": "d\N{NO-BREAK SPACE}MMMM y", "en": "d MMMM y"}
_SHORT_DAY = {"sv": "d\N{NO-BREAK SPACE}MMM", "en": "d MMM"}
_TIME = {"sv": "HH.mm", "en": "HH:mm"}
_INSTANT = {"sv": "d\N{NO-BREAK SPACE}MMMM HH.mm", "en": "d MMMM HH:mm"}


def _language() -> str:
    locale = get_locale()
    return locale.language if locale is not None and locale.language in _DAY else "sv"


def _babel_locale(language: str) -> str:
    return {"en": "en_GB"}.get(language, language)


def day(value: date, language: str | None = None) -> str:
    """Write a day with its weekday and no year."""
    language = language or _language()
    return format_date(value, _DAY[language], locale=_babel_locale(language))


def day_with_year(value: date, language: str | None = None) -> str:
    """Write a day with its year and no weekday."""
    language = language or _language()
    return format_date(value, _DAY_WITH_YEAR[language], locale=_babel_locale(language))


def short_day(value: date, language: str | None = None) -> str:
    """Write a day as briefly as it can be read; without a full stop after the month."""
    language = language or _language()
    return format_date(value, _SHORT_DAY[language], locale=_babel_locale(language)).rstrip(".")


def instant(value: datetime, language: str | None = None) -> str:
    """Write an instant in Swedish time."""
    language = language or _language()
    return format_datetime(value, _INSTANT[language], tzinfo=STOCKHOLM, locale=_babel_locale(language))


def time_of_day(value: datetime, language: str | None = None) -> str:
    """Write an instant's hour and minute in Swedish time."""
    language = language or _language()
    return format_datetime(value, _TIME[language], tzinfo=STOCKHOLM, locale=_babel_locale(language))


def grouped(number: str) -> str:
    """Write an order or case number in groups that can be read aloud: "1000 017"."""
    head, tail = number[:-3], number[-3:]
    return f"{head}\N{NO-BREAK SPACE}{tail}" if head else tail


def postal_code(code: str) -> str:
    """Write a postal code as it stands on a letter, never broken over two lines: "541 30"."""
    return f"{code[:3]}\N{NO-BREAK SPACE}{code[3:]}" if len(code) == 5 else code


def init_formats(app: Flask) -> None:
    """Register the filters."""
    for function in (day, day_with_year, short_day, instant, time_of_day, grouped, postal_code):
        app.jinja_env.filters[function.__name__] = function
