"""How days, instants and numbers read in the reader's language: Jinja filters over Babel."""

from __future__ import annotations

from datetime import date, datetime

from babel.dates import format_date, format_datetime
from babel.numbers import format_decimal
from flask import Flask
from flask_babel import get_locale, gettext as _

from core.clock import STOCKHOLM
from core.phones import swedish_mobile

# "torsdag 3 december", "3 dec", "3 december 14.05": skeletons that Babel's own formats lack. The longer Swedish words
# meet the end of the line oftener: there the number stays with its month.
_DAY = {"sv": "EEEE d\N{NO-BREAK SPACE}MMMM", "en": "EEEE d MMMM"}
_DAY_WITH_YEAR = {"sv": "d\N{NO-BREAK SPACE}MMMM y", "en": "d MMMM y"}
_DAY_WITHOUT_WEEKDAY = {"sv": "d\N{NO-BREAK SPACE}MMMM", "en": "d MMMM"}
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


def day_without_year(value: date, language: str | None = None) -> str:
    """Write a day with neither weekday nor year: "3 december"."""
    language = language or _language()
    return format_date(value, _DAY_WITHOUT_WEEKDAY[language], locale=_babel_locale(language))


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


def phone_number(number: str) -> str:
    """Write a Swedish mobile number as people do, "070-123 45 67"; anything else as it is."""
    digits = swedish_mobile(number)
    if digits is None:
        return number
    local = f"0{digits.removeprefix('+46')}"
    return f"{local[:3]}-{local[3:6]} {local[6:8]} {local[8:]}"


def number(value: int) -> str:
    """Write a whole number as the reader's language does."""
    return format_decimal(value, locale=_babel_locale(_language()))


def number_word(value: int) -> str:
    """Write a small number in letters, as running text does; a greater one in digits."""
    words = [_("two"), _("three"), _("four"), _("five"), _("six"), _("seven"), _("eight")]
    words += [_("nine"), _("ten"), _("eleven"), _("twelve")]
    return words[value - 2] if 2 <= value <= 12 else number(value)


def ordinal(value: int) -> str:
    """Write a number in an order: "84th", "84:e"."""
    last, last_two = value % 10, value % 100
    is_teen = 11 <= last_two <= 13
    if _language() == "sv":
        return f"{value}:{'a' if last in (1, 2) and not is_teen else 'e'}"
    ending = "th" if is_teen else {1: "st", 2: "nd", 3: "rd"}.get(last, "th")
    return f"{value}{ending}"


def init_formats(app: Flask) -> None:
    """Register the filters."""
    days = (day, day_with_year, day_without_year, short_day, instant, time_of_day)
    for function in (*days, grouped, postal_code, number):
        app.jinja_env.filters[function.__name__] = function
