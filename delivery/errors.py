"""What the depot refuses, with the facts that the portal says in words."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from core.errors import DomainError
from delivery.models import DepotOrderStatus


@dataclass(eq=False)
class WrongStep(DomainError):
    """The order is not where this act begins; `status` is where it is."""

    status: DepotOrderStatus


@dataclass(eq=False)
class PickedBySomebodyElse(DomainError):
    """Another picker has claimed the order."""

    picker_name: str


class RowCancelled(DomainError):
    """The row was cancelled while it was being picked."""


@dataclass(eq=False)
class LinesLeft(DomainError):
    """Lines that are neither picked nor short."""

    count: int


class ScanRefused(DomainError):
    """A package that must not go into this order."""


@dataclass(eq=False)
class UnreadableCode(ScanRefused):
    """The scan is no code that says which article it is."""

    raw: str


@dataclass(eq=False)
class NotOnOrder(ScanRefused):
    """The scanned article is not on this order; `article_name` is empty when the region has no such article."""

    article_name: str


@dataclass(eq=False)
class NothingLeftToPick(ScanRefused):
    """Every package of the article that was asked for is picked or short: one more is one too many."""

    article_name: str


class LotNotStated(ScanRefused):
    """The code names the article only, and more than one lot could be meant."""


@dataclass(eq=False)
class UnknownLot(ScanRefused):
    """This depot never received the lot."""

    lot_no: str


@dataclass(eq=False)
class ExpiryDiffers(ScanRefused):
    """The package states another expiry than the one the lot was received with."""

    lot_no: str
    scanned: date
    known: date


@dataclass(eq=False)
class LotRefused(ScanRefused):
    """A lot that must not leave the depot."""

    lot_no: str


class LotExpired(LotRefused):
    """The lot has expired."""


class LotQuarantined(LotRefused):
    """The lot is in quarantine."""


class LotOnHold(LotRefused):
    """Somebody has put the lot on hold."""


class LotRecalled(LotRefused):
    """The lot is recalled."""


class SameLotAsFaulty(LotRefused):
    """A replacement must not come from the lot that failed. Handbook §7."""


@dataclass(eq=False)
class ExpiresTooSoon(LotRefused):
    """The lot expires before the patient has used it up. Handbook §6."""

    expires_on: date
    use_until: date


class NotOnHand(LotRefused):
    """The ledger has too few packages of the lot."""


class ReservedForOthers(LotRefused):
    """What is on hand of the lot is promised to other orders."""


class PickNotFound(DomainError):
    """There is no such pick to undo."""


class AlreadyShipped(DomainError):
    """The parcel has already been handed over."""


@dataclass(eq=False)
class TrackingNumberTaken(DomainError):
    """Another parcel has this tracking number."""

    tracking_no: str


class TrackingNumberMissing(DomainError):
    """No carrier has given the parcel a number yet."""


class LabelOutdated(DomainError):
    """The receiver's identity became protected: the parcel goes to the unit, and its label must be printed anew. Handbook §4."""


class ReceiverDeceased(DomainError):
    """The patient has died: nothing more is shipped. Handbook §4."""


class NotShipped(DomainError):
    """A parcel that was not handed over cannot have been delivered."""


@dataclass(eq=False)
class SupplierOrderClosed(DomainError):
    """Everything of the supplier order has come."""

    order_no: str


class DayHasPassed(DomainError):
    """Nothing can be expected on a day that is over."""


@dataclass(eq=False)
class ReceiptClosed(DomainError):
    """The delivery is ended; what comes after it is another one."""

    receipt_no: str


class LotMissing(DomainError):
    """Neither the code nor anybody says which lot it is."""


@dataclass(eq=False)
class ExpiryMissing(DomainError):
    """Neither the code nor anybody says when a new lot expires."""

    lot_no: str


@dataclass(eq=False)
class SerialsDiffer(DomainError):
    """A serialised article comes with one serial number per package."""

    packages: int
    serials: int


@dataclass(eq=False)
class SerialKnown(DomainError):
    """A unit with this serial number has come before; empty where it cannot be said which of several."""

    serial_no: str


class NothingToReturn(DomainError):
    """Nothing of the delivery was refused."""


class NoteMissing(DomainError):
    """Stock is not changed by hand without saying why."""


@dataclass(eq=False)
class NotThatMany(DomainError):
    """There are fewer packages than that which may be taken."""

    lot_no: str
    most: int


@dataclass(eq=False)
class LotIsRecalled(DomainError):
    """A recalled lot is not let go by hand, nor recalled by hand."""

    lot_no: str


@dataclass(eq=False)
class CountAgainByAnother(DomainError):
    """The second count is made by somebody who has not made the first."""

    lot_no: str


@dataclass(eq=False)
class CountBelowReserved(DomainError):
    """Fewer were counted than are promised to orders; those are put back first."""

    lot_no: str
    reserved: int


@dataclass(eq=False)
class NotYetSent(DomainError):
    """Nothing comes back from a patient that has not left the depot."""

    lot_no: str


class SerialNotStated(ScanRefused):
    """The article has a serial number on each package, and none was scanned or typed."""


@dataclass(eq=False)
class SerialRefused(ScanRefused):
    """A unit that must not go into this order, or is not what is meant."""

    serial_no: str


class UnknownSerial(SerialRefused):
    """No unit of the article with this number has been received here."""


class SerialSent(SerialRefused):
    """The unit has been sent to somebody already."""


class SerialInABox(SerialRefused):
    """The unit lies in the box of an order."""


class SerialScrapped(SerialRefused):
    """The unit came back or was scrapped: it never leaves again."""


class SerialRecalled(SerialRefused):
    """The unit is called back by its number; the others of its lot are not."""


@dataclass(eq=False)
class SerialOfOtherLot(SerialRefused):
    """The unit was received with another lot than the one stated."""

    known_lot_no: str


class NothingOrdered(DomainError):
    """An order to a supplier of no package at all."""
