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
    return {
        LotStatus.ON_HOLD: _("On hold"),
        LotStatus.QUARANTINED: _("Quarantine"),
        LotStatus.RECALLED: _("Recalled"),
    }.get(status, "")


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
        case errors.TrackingNumberMissing():
            return Words(
                _("The parcel has no tracking number"),
                _("Open it, and scan or write the number on the carrier's label."),
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
    return _goods_refusal(problem) or Words(_("That did not work"), _("Look at the order again before you go on."))


def in_a_line(problem: DomainError) -> str:
    """Say why the depot refused, in one line."""
    refused = refusal(problem)
    return f"{refused.text}. {refused.detail}".strip()


def in_lines(problem: DomainError) -> str:
    """Say why the depot refused, as the hand-held shows it: first what, then what to do."""
    refused = refusal(problem)
    return f"{refused.text}\n{refused.detail}"


def _goods_refusal(problem: DomainError) -> Words | None:
    match problem:
        case errors.DayHasPassed():
            return Words(_("That day has passed"), _("Choose today or a later day."))
        case errors.SupplierOrderClosed(order_no=number):
            return Words(
                _("Everything in order %(number)s has come", number=number), _("Receive it without an order instead.")
            )
        case errors.ReceiptClosed(receipt_no=number):
            return Words(_("Delivery %(number)s is closed", number=number), _("Begin a new one for what is left."))
        case errors.LotMissing():
            return Words(_("Which lot?"), _("Write the lot as it stands on the package."))
        case errors.ExpiryMissing(lot_no=lot):
            return Words(_("When does it expire?"), _("Lot %(lot)s is new. Write its expiry date.", lot=lot))
        case errors.SerialsDiffer(packages=packages, serials=serials):
            return Words(
                _("%(packages)s packages, but %(serials)s serial numbers", packages=packages, serials=serials),
                _("Scan or write one serial number for each package."),
            )
        case errors.SerialKnown(serial_no=serial):
            return Words(
                _("Serial number %(serial)s has come before", serial=serial) if serial else _("Already received"),
                _("Look at the package again. Each one has a number of its own."),
            )
        case errors.NothingToReturn():
            return Words(_("Nothing was refused"), _("There is nothing to send back."))
        case errors.NothingOrdered():
            return Words(_("Nothing to order"), _("Write how many packages of at least one article."))
    return _stock_refusal(problem)


def _stock_refusal(problem: DomainError) -> Words | None:
    match problem:
        case errors.NoteMissing():
            return Words(_("Write why"), _("The next one who looks needs to understand."))
        case errors.NotThatMany(lot_no=lot, most=0):
            return Words(_("There are none left"), _("Nothing more of lot %(lot)s can be taken.", lot=lot))
        case errors.NotThatMany(lot_no=lot, most=most):
            return Words(
                _("There are not that many"),
                _("At most %(most)s of lot %(lot)s. The rest is promised to orders, or gone.", most=most, lot=lot),
            )
        case errors.LotIsRecalled(lot_no=lot):
            return Words(
                _("Lot %(lot)s is recalled", lot=lot), _("Only the one who decided on the recall can change that.")
            )
        case errors.CountAgainByAnother(lot_no=lot):
            return Words(
                _("Somebody else must count"), _("You have counted lot %(lot)s. Ask a colleague to count it.", lot=lot)
            )
        case errors.CountBelowReserved(reserved=reserved):
            return Words(
                _("More than that is promised to orders"),
                _("%(num)s packages are promised. Put orders back first, then count again.", num=reserved),
            )
        case errors.NotYetSent():
            return Words(_("It has not been sent yet"), _("Unpack the parcel instead."))
    return None


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
        case errors.SerialNotStated():
            return Words(
                _("Which serial number?"),
                _("Scan the code with the serial number, or write it. One package at a time."),
            )
        case errors.SerialRefused(serial_no=serial):
            return _serial_refusal(problem, serial)
    return Words(_("Wrong package"), _("Put it back and scan the right one."))


def _lot_refusal(problem: errors.LotRefused, lot: str) -> Words:
    match problem:
        case errors.LotExpired():
            return Words(_("Expired"), _("Lot %(lot)s is too old. Put it aside, never back on the shelf.", lot=lot))
        case errors.LotRecalled():
            return Words(_("Recalled"), _("Lot %(lot)s is recalled. Put it aside, never back on the shelf.", lot=lot))
        case errors.LotQuarantined():
            return Words(_("In quarantine"), _("Lot %(lot)s must not leave the depot. Take another lot.", lot=lot))
        case errors.LotOnHold():
            return Words(_("On hold"), _("Lot %(lot)s must not leave the depot. Take another lot.", lot=lot))
        case errors.SameLotAsFaulty():
            return Words(
                _("Same lot as the faulty one"), _("Do not send lot %(lot)s again. Take another lot.", lot=lot)
            )
        case errors.ReservedForOthers():
            return Words(_("Promised to others"), _("The rest of lot %(lot)s is for other orders.", lot=lot))
    return Words(_("Not in stock"), _("By the stock list there are too few left of lot %(lot)s.", lot=lot))


def _serial_refusal(problem: errors.SerialRefused, serial: str) -> Words:
    match problem:
        case errors.SerialSent():
            return Words(_("Already sent"), _("%(serial)s has been sent to somebody. Put it aside.", serial=serial))
        case errors.SerialInABox():
            return Words(
                _("In another box"), _("%(serial)s is already picked for an order. Take another.", serial=serial)
            )
        case errors.SerialScrapped():
            return Words(_("Scrapped"), _("%(serial)s must not be used again. Put it aside.", serial=serial))
        case errors.SerialRecalled():
            return Words(
                _("Recalled"), _("%(serial)s is recalled. Put it aside, never back on the shelf.", serial=serial)
            )
        case errors.SerialOfOtherLot(known_lot_no=lot):
            return Words(
                _("Wrong lot"), _("%(serial)s was received with lot %(lot)s. Put it aside.", serial=serial, lot=lot)
            )
    return Words(
        _("Unknown serial number"), _("%(serial)s has not been received here. Look at it again.", serial=serial)
    )
