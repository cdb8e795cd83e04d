"""The names that the three Peppol BIS 3 messages are made of (handbook §13)."""

from __future__ import annotations

from enum import StrEnum

UBL = "urn:oasis:names:specification:ubl:schema:xsd"
CBC = f"{UBL}:CommonBasicComponents-2"
CAC = f"{UBL}:CommonAggregateComponents-2"
ORDERING = "urn:fdc:peppol.eu:poacc:bis:ordering:3"
# A package, in UN/ECE recommendation 20 with the packagings of recommendation 21.
PACKAGES = "XPK"
# One order's messages are a few kilobytes; what is larger is none of them.
MOST_BYTES = 200_000
MOST_LINES = 500


class Transaction(StrEnum):
    """What a message says that it is."""

    ORDER = "urn:fdc:peppol.eu:poacc:trns:order:3"
    ORDER_RESPONSE = "urn:fdc:peppol.eu:poacc:trns:order_response:3"
    DESPATCH_ADVICE = "urn:fdc:peppol.eu:poacc:trns:despatch_advice:3"


class Reason(StrEnum):
    """Why a message is refused."""

    TOO_LARGE = "TOO_LARGE"
    NOT_XML = "NOT_XML"
    NOT_OURS = "NOT_OURS"
    INVALID = "INVALID"
    OTHER_CONTENT = "OTHER_CONTENT"
    UNKNOWN_ORDER = "UNKNOWN_ORDER"
    ORDER_CLOSED = "ORDER_CLOSED"
    UNKNOWN_LINE = "UNKNOWN_LINE"
    OTHER_ARTICLE = "OTHER_ARTICLE"
    MORE_THAN_ORDERED = "MORE_THAN_ORDERED"
    BAD_LOT = "BAD_LOT"
    LOT_DIFFERS = "LOT_DIFFERS"
    BAD_SERIAL = "BAD_SERIAL"
    SERIAL_TAKEN = "SERIAL_TAKEN"
    BAD_PARCEL = "BAD_PARCEL"
    PARCEL_TAKEN = "PARCEL_TAKEN"


class MessageRefused(Exception):
    """The message changes nothing; `detail` says where it is wrong, for whoever made it, without personal data."""

    def __init__(self, reason: Reason, detail: str = "") -> None:
        super().__init__(f"{reason.value}: {detail}")
        self.reason = reason
        self.detail = detail
