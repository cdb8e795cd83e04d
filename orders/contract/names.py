"""The names and words of the national contract. Facts of the contract; handbook §13 has its traps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from orders.importing.parsed import NO_PROVIDER
from orders.kinds import DeliveryMethod, Notification, PrescriptionStatus, ProductArea, ServicePointProvider

CONTRACT = "urn:riv:crm:selfservice:medicalsupply"
REGISTRY = "urn:riv:itintegration:registry:1"
MOST_POINTS = 10


class Service(StrEnum):
    """The three services of the contract."""

    PRESCRIPTIONS = "GetMedicalSupplyPrescriptions"
    POINTS = "GetMedicalSupplyDeliveryPoints"
    ORDER = "RegisterMedicalSupplyOrder"


class ResultCode(StrEnum):
    """How a call went, in the contract's words."""

    OK = "OK"
    ERROR = "ERROR"
    INFO = "INFO"


@dataclass(frozen=True)
class Version:
    """One of the contract's versions; they differ in whether product areas and providers are words or coded values."""

    major: int

    @property
    def core(self) -> str:
        """The namespace of what the services share."""
        return f"{CONTRACT}:{self.major}"

    @property
    def has_coded_values(self) -> bool:
        """Whether product areas and providers are coded values."""
        return self.major >= 2

    def responder(self, service: Service) -> str:
        """The namespace of a service's request and response."""
        return f"{CONTRACT}:{service}Responder:{self.major}"

    def interaction(self, service: Service) -> str:
        """The namespace of a service's description."""
        return f"{CONTRACT}:{service}:{self.major}:rivtabp21"

    def action(self, service: Service) -> str:
        """The SOAPAction of a service's one operation."""
        return f"{self.responder(service)}:{service}"


V1, V2 = Version(1), Version(2)

AREA_WORDS: Mapping[ProductArea, str] = {
    ProductArea.DIABETES: "DIABETES",
    ProductArea.STOMA: "STOMI",
    ProductArea.INCONTINENCE: "INKONTINENS",
    ProductArea.SPECIAL_NUTRITION: "SÄRNÄR",
    ProductArea.NUTRITION: "NUTRITION",
}
# Everything that is collected is a point of delivery to the contract.
METHOD_WORDS: Mapping[DeliveryMethod, str] = {
    DeliveryMethod.HOME_DELIVERY: "HEMLEVERANS",
    DeliveryMethod.SERVICE_POINT: "UTLÄMNINGSSTÄLLE",
    DeliveryMethod.HEALTH_CENTRE: "UTLÄMNINGSSTÄLLE",
    DeliveryMethod.UNIT: "UTLÄMNINGSSTÄLLE",
}
NOTIFICATION_WORDS: Mapping[Notification, str] = {
    Notification.EMAIL: "E-POST",
    Notification.LETTER: "BREV",
    Notification.PHONE: "TELEFON",
    Notification.SMS: "SMS",
}
STATUS_WORDS: Mapping[PrescriptionStatus, str] = {
    PrescriptionStatus.ACTIVE: "AKTIV",
    PrescriptionStatus.CANCELLED: "MAKULERAD",
    PrescriptionStatus.DELIVERED: "LEVERERAD",
    PrescriptionStatus.EXPIRED: "UTGÅTT",
}


def provider_word(provider: str) -> str:
    """Return the contract's word for a provider of service points; one that it does not know is none to it."""
    return provider if provider in set(ServicePointProvider) else NO_PROVIDER
