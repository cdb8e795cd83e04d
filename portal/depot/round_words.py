"""What the rounds' pages say: why a lot is not used, and how the day goes."""

from __future__ import annotations

from collections.abc import Sequence

from flask_babel import gettext as _, ngettext

from delivery.overview import Hour
from delivery.waves import WavePlan
from delivery.why_not import UnusedLot, WhyNot
from portal.formats import day_with_year


def why_not(lot: UnusedLot) -> str:
    """Say in a few words why the lot is not used."""
    match lot.why:
        case WhyNot.EXPIRED:
            return _("Expired")
        case WhyNot.EXPIRES_TOO_SOON:
            return _(
                "Expires before the patient has used it up: it must last until %(day)s",
                day=day_with_year(lot.use_until),
            )
        case WhyNot.RECALLED:
            return _("Recalled")
        case WhyNot.QUARANTINED:
            return _("In quarantine")
        case WhyNot.ON_HOLD:
            return _("On hold")
        case WhyNot.SAME_AS_FAULTY:
            return _("Same lot as the faulty one that is replaced")
        case WhyNot.NONE_LEFT:
            return _("None left")
        case WhyNot.PROMISED_TO_OTHERS:
            return _("Promised to other orders")
    return ngettext("%(num)s is free: scan it to take it", "%(num)s are free: scan them to take them", lot.free)


def wave_result(carrier: str, plan: WavePlan) -> str:
    """Say what became of the carrier's orders."""
    said = [
        ngettext(
            "%(carrier)s: %(num)s order is planned.",
            "%(carrier)s: %(num)s orders are planned.",
            plan.orders,
            carrier=carrier,
        )
    ]
    if plan.short_lines:
        said.append(
            ngettext(
                "%(num)s product comes with less than ordered, so that it lasts for everybody.",
                "%(num)s products come with less than ordered, so that they last for everybody.",
                plan.short_lines,
            )
        )
    if plan.waiting_orders:
        said.append(
            ngettext(
                "%(num)s order waits for goods, and the patient is told.",
                "%(num)s orders wait for goods, and the patients are told.",
                plan.waiting_orders,
            )
        )
    return " ".join(said)


def busiest(hours: Sequence[Hour]) -> str:
    """Say when most was picked."""
    best = max(hours, key=lambda one: one.packages)
    if not best.packages:
        return _("Nothing has been picked yet today.")
    return ngettext(
        "Most was picked between %(first)s and %(last)s: %(num)s package.",
        "Most was picked between %(first)s and %(last)s: %(num)s packages.",
        best.packages,
        first=best.hour,
        last=best.hour + 1,
    )
