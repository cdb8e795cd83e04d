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


class LabelOutdated(DomainError):
    """The receiver's identity became protected: the parcel goes to the unit, and its label must be printed anew. Handbook §4."""


class ReceiverDeceased(DomainError):
    """The patient has died: nothing more is shipped. Handbook §4."""


class NotShipped(DomainError):
    """A parcel that was not handed over cannot have been delivered."""
