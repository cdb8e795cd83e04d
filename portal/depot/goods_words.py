"""Goods in and stock in words: why goods were refused, why stock moved, where a unit is."""

from __future__ import annotations

from flask_babel import gettext as _, ngettext

from delivery.goods_models import UnitStatus
from delivery.goods_rules import Refusal
from delivery.lot_queries import LotPage
from delivery.models import LotStatus, MovementReason
from delivery.shelves import ShelfFilter


def refusal_words(refusal: Refusal, days_left: int | None = None, days_required: int | None = None) -> str:
    """Say why goods are refused, with the days that decided."""
    match refusal:
        case Refusal.UNKNOWN_ARTICLE:
            return _("The article is not ours")
        case Refusal.NOT_ORDERED:
            return _("The article is not in this order")
        case Refusal.RECALLED:
            return _("The lot is recalled or in quarantine")
        case Refusal.DAMAGED:
            return _("The goods are damaged")
        case Refusal.EXPIRED:
            return _("The goods have expired")
        case Refusal.SHELF_LIFE:
            pass
    if days_left is None or days_required is None:
        return _("The shelf life is too short")
    return ngettext(
        "The shelf life is too short: %(num)s day left, %(required)s required",
        "The shelf life is too short: %(num)s days left, %(required)s required",
        days_left,
        required=days_required,
    )


def movement_words(reason: MovementReason) -> str:
    """Say why stock moved."""
    return {
        MovementReason.RECEIVED: _("Received"),
        MovementReason.PICKED: _("Picked for an order"),
        MovementReason.PICK_UNDONE: _("Put back on the shelf"),
        MovementReason.COUNTED: _("Corrected by a count"),
        MovementReason.SCRAPPED: _("Scrapped"),
        MovementReason.RETURNED: _("Came back from a patient"),
    }[reason]


def unit_words(status: UnitStatus) -> str:
    """Say where a serialised unit is."""
    return {
        UnitStatus.IN_STOCK: _("On the shelf"),
        UnitStatus.PICKED: _("In an order's box"),
        UnitStatus.SHIPPED: _("Sent to a patient"),
        UnitStatus.RETURNED: _("Came back"),
        UnitStatus.SCRAPPED: _("Scrapped"),
    }[status]


def shelf_filters() -> list[tuple[str, str]]:
    """The ways to look at the shelves."""
    return [
        (ShelfFilter.ALL.value, _("Everything")),
        (ShelfFilter.EXPIRING.value, _("Expires soon")),
        (ShelfFilter.ON_HOLD.value, _("On hold")),
        (ShelfFilter.QUARANTINED.value, _("Quarantine and recalled")),
    ]


def why_not(page: LotPage) -> str:
    """Say why a lot may not be sent to a patient; nothing when it may."""
    match page.lot.status:
        case LotStatus.RECALLED:
            return _("The lot is recalled. Nothing of it leaves the depot.")
        case LotStatus.QUARANTINED:
            return _("The lot is in quarantine. Nothing of it leaves the depot.")
        case LotStatus.ON_HOLD:
            return _("The lot is on hold. Nothing of it leaves the depot until somebody lets it go.")
        case LotStatus.AVAILABLE:
            pass
    if page.is_expired:
        return _("The lot has expired. Scrap what is left.")
    if page.expires_soon:
        return _("The lot expires soon: it only goes to patients who use it up in time.")
    return ""
