"""What a person would say of a lot."""

from __future__ import annotations

import math

from babel.numbers import format_decimal
from flask_babel import get_locale, gettext as _, ngettext

from delivery.complaints.signal_queries import FlaggedLot, LotStory, Week
from portal.charts import LineChart, line_chart


def expected(reports: float | None) -> str:
    """Write how many reports were expected: with one decimal as long as that says something."""
    if reports is None:
        return "–"
    if reports < 0.1:
        return _("less than %(number)s", number=_decimal(0.1, 1))
    return _decimal(reports, 1 if reports < 10 else 0)


def flagged_sentence(flagged: FlaggedLot) -> str:
    """Say what makes a flagged lot stand out."""
    signal = flagged.signal
    return _sentence(
        signal.lot.lot_no, signal.lot.article.display_name, signal.reports, signal.delivered, signal.expected
    )


def lot_sentence(story: LotStory) -> str:
    """Say how a lot has done; against what was expected when it stands out."""
    lot = story.lot
    if story.signal is not None:
        signal = story.signal
        return _sentence(lot.lot_no, lot.article.display_name, signal.reports, signal.delivered, signal.expected)
    return ngettext(
        "Lot %(lot)s of %(article)s: %(num)s report on %(delivered)s delivered.",
        "Lot %(lot)s of %(article)s: %(num)s reports on %(delivered)s delivered.",
        story.reports,
        lot=lot.lot_no,
        article=lot.article.display_name,
        delivered=_decimal(story.delivered, 0),
    )


def chance(p_value: float) -> str:
    """Say how unlikely so many reports are in an ordinary lot."""
    if p_value < 1e-9:
        return _("Less than one ordinary lot in a billion would get so many by chance.")
    lots = 1 / p_value
    digits = 10 ** max(0, math.floor(math.log10(lots)))
    return _(
        "About one ordinary lot in %(number)s would get so many by chance.",
        number=_decimal(round(lots / digits) * digits, 0),
    )


def picture(weeks: tuple[Week, ...]) -> LineChart | None:
    """Draw a lot's weeks; None for a lot of which nothing was sent."""
    if not weeks:
        return None
    so_far = [week.expected_so_far for week in weeks if week.expected_so_far is not None]
    return line_chart([week.reports_so_far for week in weeks], so_far if len(so_far) == len(weeks) else None)


def _sentence(lot_no: str, article: str, reports: int, delivered: int, expected_reports: float) -> str:
    return ngettext(
        "Lot %(lot)s of %(article)s: %(num)s report on %(delivered)s delivered. We would have expected %(expected)s.",
        "Lot %(lot)s of %(article)s: %(num)s reports on %(delivered)s delivered. We would have expected %(expected)s.",
        reports,
        lot=lot_no,
        article=article,
        delivered=_decimal(delivered, 0),
        expected=expected(expected_reports),
    )


def _decimal(value: float, decimals: int) -> str:
    return format_decimal(
        round(value, decimals), format="#,##0" + (".0" if decimals else ""), locale=get_locale() or "sv"
    )
