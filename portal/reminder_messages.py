"""What reminders say: sentences for those who read them logged in."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from flask import url_for
from flask_babel import gettext as _

from portal.formats import day
from portal.message_text import Facts, MessageText


def can_order(facts: Facts) -> MessageText:
    """Say from when products can be ordered, and lead to ordering them."""
    return MessageText(
        _("You can order again"),
        _(
            "From %(day)s you can order %(articles)s.",
            day=day(date.fromisoformat(facts["day"])),
            articles=_list(facts["articles"]),
        ),
        url_for("patient.review", item=facts["items"]),
        _("Order"),
    )


def runs_out(facts: Facts) -> MessageText:
    """Say until when products should last."""
    return MessageText(
        _("Something is about to run out"),
        _(
            "%(articles)s should last until about %(day)s. See what you can order, or what to do.",
            day=day(date.fromisoformat(facts["day"])),
            articles=_list(facts["articles"]),
        ),
        url_for("patient.products"),
        _("Show my products"),
    )


def prescription_ends(facts: Facts) -> MessageText:
    """Say which day is the last."""
    return MessageText(
        _("A prescription is about to end"),
        _(
            "The last day to order %(articles)s is %(day)s. Ask your unit to renew it if you still need it.",
            day=day(date.fromisoformat(facts["day"])),
            articles=_list(facts["articles"]),
        ),
        url_for("patient.products"),
        _("Show my products"),
    )


def _list(names: Sequence[str]) -> str:
    names = list(dict.fromkeys(names))
    if len(names) < 2:
        return "".join(names)
    return _("%(some)s and %(last)s", some=", ".join(names[:-1]), last=names[-1])
