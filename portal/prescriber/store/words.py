"""Store orders in words."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from babel.numbers import format_currency
from flask_babel import get_locale, gettext as _, lazy_gettext as _l, ngettext

from delivery.store_history import StoreOrder, StoreRow
from orders.models import Article, RowStatus
from orders.store_rules import MOST_LINES, MOST_PACKAGES, StoreProblem
from portal.formats import day_without_year

_STATES: Mapping[RowStatus, tuple[Any, str]] = {
    RowStatus.BACK_ORDERED: (_l("Waits for goods"), "attention"),
    RowStatus.RECEIVED: (_l("Ordered"), "neutral"),
    RowStatus.PICKING: (_l("Is being picked"), "info"),
    RowStatus.SENT: (_l("On its way"), "info"),
    RowStatus.DELIVERED: (_l("Has arrived"), "success"),
    RowStatus.CANCELLED: (_l("Cancelled"), "neutral"),
}


def order_state(order: StoreOrder) -> tuple[str, str]:
    """Say where an order is by the row that has come the shortest way, and the tone; what waits for goods is said first."""
    statuses = {one.row.status for one in order.rows}
    found = next(status for status in _STATES if status in statuses or status is RowStatus.CANCELLED)
    return str(_STATES[found][0]), _STATES[found][1]


def row_state(row: StoreRow) -> tuple[str, str]:
    """Say where one article of an order is, and the tone."""
    words, tone = _STATES[row.row.status]
    return str(words), tone


def row_when(row: StoreRow) -> str:
    """Say how many packages are still to come and when; empty when none are."""
    if not row.to_come or row.expected_on is None:
        return ""
    return ngettext(
        "%(num)s package comes around %(day)s.",
        "%(num)s packages come around %(day)s.",
        row.to_come,
        day=day_without_year(row.expected_on),
    )


def next_day(order: StoreOrder) -> date | None:
    """Return when the first of what is still to come is expected."""
    return min((row.expected_on for row in order.rows if row.to_come and row.expected_on), default=None)


def articles_text(order: StoreOrder) -> str:
    """Name what was ordered: "4 Sensors, 2 Lancets and 3 more"."""
    named = [f"{one.row.packages} {one.row.article.display_name}" for one in order.rows]
    if len(named) <= 3:
        return ", ".join(named)
    return _("%(some)s and %(count)s more", some=", ".join(named[:2]), count=len(named) - 2)


def packages_text(packages: int) -> str:
    """Write a number of packages."""
    return ngettext("%(num)s package", "%(num)s packages", packages)


def money(amount: Decimal | None) -> str:
    """Write SEK with öre; a dash for a price that is not known."""
    return "–" if amount is None else format_currency(amount, "SEK", locale=get_locale() or "sv")


def total(articles: Mapping[int, Article], packages: Mapping[int, int]) -> Decimal:
    """Add up what is known of the prices, in SEK."""
    return sum(
        (price * count for one, count in packages.items() if (price := articles[one].price) is not None), Decimal(0)
    )


def problem_words(problem: StoreProblem) -> str:
    """Say what is wrong with a line, and what to do."""
    match problem:
        case StoreProblem.NOT_ORDERABLE:
            return _("This can no longer be ordered. Take it out and choose another product.")
        case StoreProblem.FOR_ONE_PATIENT:
            return _("This is for one patient: prescribe it instead.")
        case StoreProblem.NOT_AN_AMOUNT:
            return _("Write how many packages, in digits.")
        case StoreProblem.TOO_MANY:
            return _(
                "At most %(number)s packages of one product. Call the depot if you need more.", number=MOST_PACKAGES
            )


def too_many_lines() -> str:
    """Say that an order has become too long."""
    return _("At most %(number)s products in one order. Send these in two orders.", number=MOST_LINES)
