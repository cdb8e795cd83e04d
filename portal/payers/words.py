"""Payers, months and money in words, and the basis of invoices as rows of text."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from babel.dates import format_skeleton
from babel.numbers import format_currency
from flask_babel import get_locale, gettext as _, lazy_gettext as _l

from delivery.payer_basis import Basis, BasisLine
from orders.models import PayerKind

PAYERS: Mapping[PayerKind, Any] = {
    PayerKind.UNIT: _l("Prescribing unit"),
    PayerKind.ADULT_UNIT: _l("Adult unit"),
    PayerKind.MUNICIPALITY: _l("Municipality"),
    PayerKind.CENTRAL: _l("Central budget"),
    PayerKind.HOME_REGION: _l("Home region"),
    PayerKind.UNIT_STORE: _l("The unit's own store"),
}


def money(amount: Decimal | None) -> str:
    """Write SEK with öre as the reader's language does; nothing for a price that is not known."""
    return "" if amount is None else format_currency(amount, "SEK", locale=get_locale() or "sv")


def month_words(month: date) -> str:
    """Write "november 2026"."""
    return format_skeleton("yMMMM", month, locale=get_locale() or "sv")


def basis_table(basis: Basis) -> list[list[str]]:
    """Return the basis as rows of text, the columns' names first; amounts with decimal comma, as spreadsheets in Sweden read them."""
    heading = [
        *(_("Month"), _("Payer"), _("Code"), _("Article"), _("Name"), _("Kind")),
        *(_("Packages"), _("Price per package, SEK"), _("Amount, SEK")),
    ]
    return [heading, *(_row(basis.month, line) for line in basis.lines)]


def kind_words(line: BasisLine) -> str:
    """Say whether a line replaces something, is for the unit's own store, or was ordered by a prescription."""
    if line.is_for_store:
        return _("Store")
    return _("Replacement") if line.is_replacement else _("Order")


def _row(month: date, line: BasisLine) -> list[str]:
    return [
        f"{month:%Y-%m}",
        str(PAYERS[line.payer]),
        line.payer_ref,
        line.article_no,
        line.article,
        kind_words(line),
        str(line.packages),
        _plain(line.package_price),
        _plain(line.amount),
    ]


def _plain(amount: Decimal | None) -> str:
    return "" if amount is None else f"{amount:.2f}".replace(".", ",")
