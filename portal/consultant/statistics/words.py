"""Statistics of complaints in words, and as rows of a table to download."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from babel.dates import format_skeleton
from babel.numbers import format_currency, format_decimal
from flask_babel import get_locale, gettext as _, lazy_gettext as _l, ngettext

from delivery.complaints.models import FaultKind
from delivery.complaints.statistics import By, Counted, Statistics
from orders.models import ProductArea
from portal.complaint_words import FAULTS

Value = str | int | Decimal | None

BY: Mapping[By, Any] = {
    By.SUPPLIER: _l("Supplier"),
    By.ARTICLE: _l("Article"),
    By.LOT: _l("Lot"),
    By.FAULT: _l("What happened"),
    By.UNIT: _l("Prescribing unit"),
    By.MONTH: _l("Month"),
}
AREAS: Mapping[ProductArea, Any] = {
    ProductArea.DIABETES: _l("Diabetes"),
    ProductArea.STOMA: _l("Stoma"),
    ProductArea.INCONTINENCE: _l("Incontinence"),
    ProductArea.SPECIAL_NUTRITION: _l("Special nutrition"),
    ProductArea.NUTRITION: _l("Nutrition"),
}
_UNKNOWN: Mapping[By, Any] = {
    By.SUPPLIER: _l("No supplier known"),
    By.ARTICLE: _l("No article known"),
    By.LOT: _l("No lot known"),
    By.UNIT: _l("No prescribing unit"),
}


def name(by: By, line: Counted) -> str:
    """Write what a line is about."""
    if by is By.FAULT:
        return str(FAULTS[FaultKind(str(line.key))])
    if by is By.MONTH:
        return format_skeleton("yMMMM", date.fromisoformat(f"{line.key}-01"), locale=_locale())
    if line.key is None:
        return str(_UNKNOWN[by])
    return f"{line.code} · {line.name}" if by in (By.ARTICLE, By.LOT) else line.name


def rate(line: Counted) -> str:
    """Write cases per 1,000 packages delivered."""
    per_thousand = line.per_thousand
    return "–" if per_thousand is None else format_decimal(per_thousand, format="#,##0.0", locale=_locale())


def whole_money(amount: Decimal) -> str:
    """Write SEK without öre."""
    return format_currency(amount, "SEK", format="#,##0 ¤", currency_digits=False, locale=_locale())


def conclusion(found: Statistics) -> str:
    """Say in a sentence what the statistics come to."""
    total = found.total.cases
    if not total:
        return _("No complaint was reported in this time.")
    most = max(found.lines, key=lambda line: line.cases)
    facts: dict[str, Any] = {"name": name(found.asked.by, most), "cases": most.cases}
    if found.asked.by is By.MONTH:
        return ngettext(
            "Most in %(name)s: %(cases)s of %(num)s case.",
            "Most in %(name)s: %(cases)s of %(num)s cases.",
            total,
            **facts,
        )
    if found.asked.by is By.FAULT:
        return ngettext(
            "Most often: %(name)s, %(cases)s of %(num)s case.",
            "Most often: %(name)s, %(cases)s of %(num)s cases.",
            total,
            **facts,
        )
    return ngettext(
        "%(name)s has most: %(cases)s of %(num)s case.",
        "%(name)s has most: %(cases)s of %(num)s cases.",
        total,
        **facts,
    )


def bar_words(by: By, line: Counted) -> str:
    """Write what stands beside a bar."""
    cases = ngettext("%(num)s case", "%(num)s cases", line.cases)
    if by is By.FAULT or line.per_thousand is None:
        return cases
    return _("%(cases)s, %(rate)s per 1,000", cases=cases, rate=rate(line))


def table(found: Statistics) -> Iterator[list[Value]]:
    """Return the statistics as rows, the columns' names first; all of them, however many the page shows."""
    by = found.asked.by
    yield [
        *(_("Code"), str(BY[by]), _("Cases"), _("Red flags"), _("Delivered packages"), _("Cases per 1,000 delivered")),
        *(_("Replacements, SEK"), _("Claimed, SEK"), _("Credited, SEK")),
    ]
    for line in found.lines:
        yield _row(_code(by, line), line.name if by in (By.ARTICLE, By.LOT) and line.name else name(by, line), line)
    yield _row("", _("Together"), found.total)


def text_table(found: Statistics) -> Iterator[list[str]]:
    """Return the same as text, with decimal commas as spreadsheet programs in Sweden read them."""
    for row in table(found):
        yield [_text(value) for value in row]


def _code(by: By, line: Counted) -> str:
    return str(line.key or "") if by in (By.FAULT, By.MONTH) else line.code


def _row(code: str, words: str, line: Counted) -> list[Value]:
    per_thousand = line.per_thousand
    return [
        *(code, words, line.cases, line.red_flags, line.delivered),
        None if per_thousand is None else round(per_thousand, 2),
        *(round(line.replaced, 2), round(line.claimed, 2), round(line.credited, 2)),
    ]


def _text(value: Value) -> str:
    if isinstance(value, Decimal):
        return f"{value:.2f}".replace(".", ",")
    return "" if value is None else str(value)


def _locale() -> Any:
    return get_locale() or "sv"
