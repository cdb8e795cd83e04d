"""The contract's types as a table, in the contract's order: what messages are written by, and descriptions made from.

A part is (name, type, least, most); most None is any number. A type that starts with a capital letter is one of the table's own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from orders.contract.names import MOST_POINTS, Service, Version


@dataclass(frozen=True)
class Part:
    """One element of a type."""

    name: str
    type: str
    least: int = 1
    most: int | None = 1
    is_nillable: bool = False


@dataclass(frozen=True)
class Type:
    """One complex type; `is_open` lets elements of other namespaces follow."""

    parts: tuple[Part, ...]
    is_open: bool = False


_TEXT, _NUMBER, _DAY, _FLAG = "string", "int", "date", "boolean"


def _one(name: str, kind: str = _TEXT) -> Part:
    return Part(name, kind)


def _maybe(name: str, kind: str = _TEXT) -> Part:
    return Part(name, kind, 0)


def _many(name: str, kind: str, least: int = 0, most: int | None = None) -> Part:
    return Part(name, kind, least, most)


ENUMERATIONS: Mapping[str, tuple[str, ...]] = {
    "CountryCodeEnum": ("SE",),
    "DeliveryMethodEnum": ("UTLÄMNINGSSTÄLLE", "HEMLEVERANS"),
    "DeliveryNotificationMethodEnum": ("E-POST", "BREV", "TELEFON", "SMS"),
    "ResultCodeEnum": ("OK", "ERROR", "INFO"),
    "StatusEnum": ("AKTIV", "MAKULERAD", "LEVERERAD", "UTGÅTT"),
}
_ENUMERATIONS_OF_1: Mapping[str, tuple[str, ...]] = {
    "ProductAreaEnum": ("STOMI", "DIABETES", "INKONTINENS", "SÄRNÄR", "NUTRITION"),
    "ServicePointProviderEnum": ("INGEN", "DHL", "POSTNORD", "SCHENKER"),
}
_CODED = Type(
    tuple(
        _maybe(name)
        for name in ("code", "codeSystem", "codeSystemName", "codeSystemVersion", "displayName", "originalText")
    )
)


def enumerations(version: Version) -> Mapping[str, tuple[str, ...]]:
    """Return a version's lists of words."""
    return ENUMERATIONS if version.has_coded_values else {**ENUMERATIONS, **_ENUMERATIONS_OF_1}


def area_type(version: Version) -> str:
    """Return the type of a product area."""
    return "CVType" if version.has_coded_values else "ProductAreaEnum"


def provider_type(version: Version) -> str:
    """Return the type of a provider of service points."""
    return "CVType" if version.has_coded_values else "ServicePointProviderEnum"


def types(version: Version) -> Mapping[str, Type]:
    """Return the types that a version's services share."""
    shared = {
        "AddressType": Type(
            (
                _one("Receiver"),
                _maybe("CareOfAddress"),
                _one("Street"),
                _one("PostalCode"),
                _one("City"),
                _maybe("DoorCode"),
                _one("Phone"),
            ),
            is_open=True,
        ),
        "ArticleType": Type(
            (
                _one("ArticleNo"),
                _one("ArticleName"),
                _one("PackageSize", _NUMBER),
                _maybe("PackageSizeUnit"),
                _one("ProductArea", area_type(version)),
                _one("IsOrderable", _FLAG),
                _maybe("Variety"),
                _maybe("ArticleImage", "ImageType"),
                _maybe("GrossPrice"),
            ),
            is_open=True,
        ),
        "ImageType": Type((_one("Original", "HttpsURI"), _one("Thumbnail", "HttpsURI"))),
        "DeliveryAlternativeType": Type(
            (
                _one("DeliveryMethodId"),
                _one("DeliveryMethodName"),
                _one("DeliveryMethod", "DeliveryMethodEnum"),
                _one("ServicePointProvider", provider_type(version)),
                # Spelt so in the contract.
                _one("AllowChioceOfDeliveryPoints", _FLAG),
                _many("DeliveryNotificationMethod", "DeliveryNotificationMethodEnum"),
                _maybe("AllowDeliveryComment", _FLAG),
                _maybe("AllowContactPerson", _FLAG),
            )
        ),
        "DeliveryChoiceType": Type(
            (
                _one("DeliveryMethodId"),
                _one("DeliveryMethod", "DeliveryMethodEnum"),
                _maybe("HomeDeliveryAddress", "AddressType"),
                _maybe("DeliveryPoint", "DeliveryPointType"),
                Part("DeliveryNotificationMethod", "DeliveryNotificationMethodEnum", 0, is_nillable=True),
                _maybe("DeliveryNotificationReceiver"),
                _maybe("DeliveryComment"),
                _maybe("InvoiceAddress", "AddressType"),
                _maybe("ContactPerson"),
            )
        ),
        "DeliveryPointType": Type(
            (
                _one("DeliveryPointId"),
                _one("DeliveryPointName"),
                _one("DeliveryPointAddress"),
                _one("DeliveryPointPostalCode"),
                _one("DeliveryPointCity"),
                _one("CountryCode", "CountryCodeEnum"),
            ),
            is_open=True,
        ),
        "OrderItemType": Type(
            (
                _one("OrderItemId"),
                _one("PrescriptionItemId"),
                _one("DeliveryChoice", "DeliveryChoiceType"),
                _one("Article", "ArticleType"),
                _one("NoOfPcs", _NUMBER),
                _one("OrderDate", _DAY),
                Part("DeliveredDate", _DAY, 0, is_nillable=True),
            ),
            is_open=True,
        ),
        "OrderRowType": Type(
            (
                _one("PrescriptionId"),
                _one("PrescriptionItemId"),
                _one("DeliveryChoice", "DeliveryChoiceType"),
                _one("Article", "ArticleType"),
                _one("NoOfPackages", _NUMBER),
                _one("NoOfPcs", _NUMBER),
                _one("Source"),
            ),
            is_open=True,
        ),
        "OrderType": Type(
            (
                _one("SubjectOfCareId"),
                _one("Orderer"),
                _one("OrderByDelegate", _FLAG),
                _many("OrderRow", "OrderRowType", 1),
            ),
            is_open=True,
        ),
        "PrescriberType": Type(
            (_one("PrescriberId"), _one("PrescriberName"), _maybe("PrescriberTitle"), _maybe("PrescriberCode")),
            is_open=True,
        ),
        "PrescribingOrganizationType": Type(
            (_one("PrescribingOrganizationId"), _one("PrescribingOrganizationName")), is_open=True
        ),
        "PrescriptionItemType": Type(
            (
                _one("PrescriptionItemId"),
                _one("Article", "ArticleType"),
                _one("NoOfOrders", _NUMBER),
                _one("NoOfRemainingOrders", _NUMBER),
                _one("NoOfArticlesPerOrder", _NUMBER),
                _one("NoOfPackagesPerOrder", _NUMBER),
                _many("SubArticle", "ArticleType"),
                _many("DeliveryAlternative", "DeliveryAlternativeType", 1),
                _maybe("NextEarliestOrderDate", _DAY),
                _one("PrescriptionId"),
                _one("Source"),
                _one("Prescriber", "PrescriberType"),
                _one("PrescribingOrganization", "PrescribingOrganizationType"),
                _one("LastValidDate", _DAY),
                _one("Status", "StatusEnum"),
                _maybe("GrossPrice"),
                _maybe("AllowOtherInvoiceAddress", _FLAG),
            )
        ),
        "SubjectOfCareType": Type(
            (
                _one("SubjectOfCareId"),
                _many("PrescriptionItem", "PrescriptionItemType"),
                _many("OrderItem", "OrderItemType"),
            ),
            is_open=True,
        ),
    }
    return {**shared, "CVType": _CODED} if version.has_coded_values else shared


def request_type(service: Service, version: Version) -> Type:
    """Return what a service is asked with."""
    match service:
        case Service.PRESCRIPTIONS:
            return Type((_one("SubjectOfCareId"),), is_open=True)
        case Service.POINTS:
            return Type((_one("PostalCode"), _one("ServicePointProvider", provider_type(version))), is_open=True)
        case Service.ORDER:
            return Type((_one("Order", "OrderType"),), is_open=True)


def response_type(service: Service) -> Type:
    """Return what a service answers with."""
    result = (_one("ResultCode", "ResultCodeEnum"), _maybe("comment"))
    match service:
        case Service.PRESCRIPTIONS:
            return Type((_maybe("SubjectOfCareType", "SubjectOfCareType"), *result), is_open=True)
        case Service.POINTS:
            return Type((_many("DeliveryPoint", "DeliveryPointType", 0, MOST_POINTS), *result), is_open=True)
        case Service.ORDER:
            return Type((_many("Order", "OrderItemType"), *result), is_open=True)
