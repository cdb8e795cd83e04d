"""The fixed vocabularies of ordering, in the words of the national contract. Handbook §2."""

from __future__ import annotations

from enum import StrEnum

# The source of what is prescribed here; no file may use it.
OWN_SOURCE = "PORTAL"


class ProductArea(StrEnum):
    """The five product areas of the national contract."""

    DIABETES = "DIABETES"
    STOMA = "STOMA"
    INCONTINENCE = "INCONTINENCE"
    SPECIAL_NUTRITION = "SPECIAL_NUTRITION"
    NUTRITION = "NUTRITION"


class ProductKind(StrEnum):
    """What an article is, in the words that decide its picture and the questions of a fault report."""

    SENSOR = "SENSOR"
    PUMP = "PUMP"
    INFUSION_SET = "INFUSION_SET"
    TEST_STRIP = "TEST_STRIP"
    METER = "METER"
    PEN_NEEDLE = "PEN_NEEDLE"
    LANCET = "LANCET"
    STOMA = "STOMA"
    INCONTINENCE = "INCONTINENCE"
    NUTRITION = "NUTRITION"
    OTHER = "OTHER"


class PrescriptionStatus(StrEnum):
    """Status of a prescription item, as the national contract has it."""

    ACTIVE = "ACTIVE"
    CANCELLED = "CANCELLED"
    DELIVERED = "DELIVERED"
    EXPIRED = "EXPIRED"


class DeliveryMethod(StrEnum):
    """How a parcel reaches the patient.

    HEALTH_CENTRE is collected at the patient's own health centre, under the patient's name; UNIT is the prescribing unit under its own
    name, for protected identities, and is never chosen.
    """

    HOME_DELIVERY = "HOME_DELIVERY"
    SERVICE_POINT = "SERVICE_POINT"
    HEALTH_CENTRE = "HEALTH_CENTRE"
    UNIT = "UNIT"


class ServicePointProvider(StrEnum):
    """Who runs the service points, in the national contract's words."""

    NONE = "INGEN"
    DHL = "DHL"
    POSTNORD = "POSTNORD"
    SCHENKER = "SCHENKER"


class Notification(StrEnum):
    """How the carrier tells the receiver."""

    EMAIL = "EMAIL"
    LETTER = "LETTER"
    PHONE = "PHONE"
    SMS = "SMS"


class Registration(StrEnum):
    """Where an order is registered: here, or at the source that has the region's prescriptions, whose answer may be awaited."""

    HERE = "HERE"
    AWAITED = "AWAITED"
    AT_SOURCE = "AT_SOURCE"


class Channel(StrEnum):
    """Where an order came in."""

    WEB = "WEB"
    PHONE = "PHONE"
    CONTRACT_1177 = "CONTRACT_1177"
    COMPLAINT = "COMPLAINT"
    RECALL = "RECALL"
    UNIT = "UNIT"


class RowKind(StrEnum):
    """Whether a row uses a withdrawal, replaces a faulty product (handbook §3.8) or is for a unit's own store (§6)."""

    WITHDRAWAL = "WITHDRAWAL"
    REPLACEMENT = "REPLACEMENT"
    STORE = "STORE"


class RowStatus(StrEnum):
    """Where a row is on its way; BACK_ORDERED waits for stock and goes on by itself."""

    RECEIVED = "RECEIVED"
    PICKING = "PICKING"
    BACK_ORDERED = "BACK_ORDERED"
    SENT = "SENT"
    DELIVERED = "DELIVERED"
    CANCELLED = "CANCELLED"


class PayerKind(StrEnum):
    """Who pays for a row (handbook §8); decided when it is ordered and kept on it."""

    UNIT = "UNIT"
    ADULT_UNIT = "ADULT_UNIT"
    MUNICIPALITY = "MUNICIPALITY"
    CENTRAL = "CENTRAL"
    HOME_REGION = "HOME_REGION"
    UNIT_STORE = "UNIT_STORE"


class RenewalStatus(StrEnum):
    """Where a request to renew a prescription item is."""

    OPEN = "OPEN"
    RENEWED = "RENEWED"
    DECLINED = "DECLINED"


class ReminderKind(StrEnum):
    """What a patient can be reminded of."""

    CAN_ORDER = "CAN_ORDER"
    RUNS_OUT = "RUNS_OUT"
    PRESCRIPTION_ENDS = "PRESCRIPTION_ENDS"
