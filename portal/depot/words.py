"""The depot's states and refusals in words: what is wrong, and what to do."""

from __future__ import annotations

from dataclasses import dataclass

from flask_babel import gettext as _

from core.errors import DomainError
from delivery import errors
from delivery.models import DepotOrderStatus, LotStatus, ShortReason
from portal.formats import day_with_year


@dataclass(frozen=True)
class Words:
    """What to say first, large, and what to do about it."""

    text: str
    detail: str = ""


def status_words(status: DepotOrderStatus) -> str:
    """Say where a depot order is."""
    return {
        DepotOrderStatus.WAITING: _("Waiting"),
        DepotOrderStatus.PICKING: _("Being picked"),
        DepotOrderStatus.PICKED: _("To pack"),
        DepotOrderStatus.AT_WAREHOUSE: _("At the warehouse"),
        DepotOrderStatus.PACKED: _("To hand over"),
        DepotOrderStatus.SHIPPED: _("Sent"),
        DepotOrderStatus.DELIVERED: _("Delivered"),
        DepotOrderStatus.BACK_ORDERED: _("Back-ordered"),
        DepotOrderStatus.CANCELLED: _("Cancelled"),
    }[status]


def status_tone(status: DepotOrderStatus) -> str:
    """The tone of a status's badge."""
    return {
        DepotOrderStatus.PICKING: "accent",
        DepotOrderStatus.PICKED: "info",
        DepotOrderStatus.AT_WAREHOUSE: "accent",
        DepotOrderStatus.PACKED: "info",
        DepotOrderStatus.SHIPPED: "success",
        DepotOrderStatus.DELIVERED: "success",
        DepotOrderStatus.BACK_ORDERED: "attention",
    }.get(status, "neutral")


def lot_status_words(status: LotStatus) -> str:
    """Say what is the matter with a lot; nothing when it may leave the depot."""
    return {LotStatus.QUARANTINED: _("Quarantine"), LotStatus.RECALLED: _("Recalled")}.get(status, "")


def short_reasons() -> list[tuple[str, str]]:
    """The reasons that the hand-held offers."""
    return [
        (ShortReason.NOT_FOUND.value, _("Not on the shelf")),
        (ShortReason.NOT_IN_STOCK.value, _("Too few left")),
        (ShortReason.DAMAGED.value, _("Damaged")),
    ]


def refusal(problem: DomainError) -> Words:
    """Say why the depot refused."""
    match problem:
        case errors.ScanRefused():
            return _scan_refusal(problem)
        case errors.PickedBySomebodyElse(picker_name=name):
            return Words(_("%(name)s is picking this order", name=name), _("Take another one from the list."))
        case errors.RowCancelled():
            return Words(
                _("The order has been changed"),
                _("Something in it was cancelled. Put it back on the shelf, and pick the rest again."),
            )
        case errors.WrongStep(status=status):
            return Words(
                _("The order has moved on"),
                _("It is now: %(status)s. Look at it again before you go on.", status=status_words(status).lower()),
            )
        case errors.LinesLeft():
            return Words(_("There is more to pick"), _("Pick what is left, or say that it is missing."))
        case errors.PickNotFound():
            return Words(_("That package has already gone back"), _("Look at what is in the box."))
        case errors.AlreadyShipped():
            return Words(_("The parcel has already been handed over"), "")
        case errors.TrackingNumberTaken(tracking_no=number):
            return Words(
                _("Another parcel has the tracking number %(number)s", number=number),
                _("Look at the carrier's label again, and scan the number on this parcel."),
            )
        case errors.LabelOutdated():
            return Words(
                _("The label is no longer right"),
                _("The parcel now goes to the clinic. Print the label again and put it over the old one."),
            )
        case errors.ReceiverDeceased():
            return Words(_("This order must not be sent"), _("Put everything back on the shelf."))
        case errors.NotShipped():
            return Words(_("The parcel has not been handed over yet"), "")
    return Words(_("That did not work"), _("Look at the order again before you go on."))


def _scan_refusal(problem: errors.ScanRefused) -> Words:
    match problem:
        case errors.UnreadableCode():
            return Words(
                _("The code could not be read"),
                _("Scan the square code on the package, or write the article number and the lot."),
            )
        case errors.NotOnOrder(article_name=name):
            if not name:
                return Words(_("Wrong article"), _("That article is not ours. It is not in this order."))
            return Words(_("Wrong article"), _("You scanned %(article)s. It is not in this order.", article=name))
        case errors.NothingLeftToPick(article_name=name):
            return Words(_("One too many"), _("%(article)s is already complete. Put this one back.", article=name))
        case errors.LotNotStated():
            return Words(_("Which lot?"), _("That code does not say the lot. Scan the square code, or write the lot."))
        case errors.UnknownLot(lot_no=lot):
            return Words(_("Unknown lot"), _("Lot %(lot)s has not been received here. Put it aside.", lot=lot))
        case errors.ExpiryDiffers(lot_no=lot, scanned=scanned, known=known):
            return Words(
                _("Wrong expiry date"),
                _(
                    "The package says %(scanned)s, but lot %(lot)s expires %(known)s. Put it aside.",
                    scanned=day_with_year(scanned),
                    lot=lot,
                    known=day_with_year(known),
                ),
            )
        case errors.ExpiresTooSoon(lot_no=lot, expires_on=expires, use_until=until):
            return Words(
                _("Expires too soon"),
                _(
                    "Lot %(lot)s expires %(expires)s. It must last until %(until)s.",
                    lot=lot,
                    expires=day_with_year(expires),
                    until=day_with_year(until),
                ),
            )
        case errors.LotRefused(lot_no=lot):
            return _lot_refusal(problem, lot)
    return Words(_("Wrong package"), _("Put it back and scan the right one."))


def _lot_refusal(problem: errors.LotRefused, lot: str) -> Words:
    match problem:
        case errors.LotExpired():
            return Words(_("Expired"), _("Lot %(lot)s is too old. Put it aside, never back on the shelf.", lot=lot))
        case errors.LotRecalled():
            return Words(_("Recalled"), _("Lot %(lot)s is recalled. Put it aside, never back on the shelf.", lot=lot))
        case errors.LotQuarantined():
            return Words(_("In quarantine"), _("Lot %(lot)s must not leave the depot. Take another lot.", lot=lot))
        case errors.SameLotAsFaulty():
            return Words(
                _("Same lot as the faulty one"), _("Do not send lot %(lot)s again. Take another lot.", lot=lot)
            )
        case errors.ReservedForOthers():
            return Words(_("Promised to others"), _("The rest of lot %(lot)s is for other orders.", lot=lot))
    return Words(_("Not in stock"), _("By the stock list there are too few left of lot %(lot)s.", lot=lot))
