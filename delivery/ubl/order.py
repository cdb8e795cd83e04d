"""Building the Peppol BIS 3 Order: what the warehouse is to send, and where. No personal number is ever in it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import date

from lxml import etree

from delivery.ubl.names import CAC, CBC, ORDERING, PACKAGES, UBL, Transaction

_NAMESPACE = f"{UBL}:Order-2"
# What XML 1.0 has no room for; line breaks become spaces.
_NOT_XML = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")


@dataclass(frozen=True)
class Party:
    """Somebody with an electronic address, written as scheme and value ("0088:7350000000006")."""

    endpoint: str
    identifier: str
    name: str


@dataclass(frozen=True)
class Place:
    """Where the parcel goes; `location_id` and `name` are a service point's."""

    street: str = field(repr=False)
    postal_code: str = field(repr=False)
    city: str = field(repr=False)
    care_of: str = field(default="", repr=False)
    instructions: str = field(default="", repr=False)
    location_id: str = ""
    name: str = ""


@dataclass(frozen=True)
class Line:
    """One article, in packages; the answers refer to `line_id`."""

    line_id: str
    packages: int
    article_no: str
    name: str
    gtin: str = ""


@dataclass(frozen=True)
class OrderDocument:
    """Everything that the warehouse is told; the receiver is a unit when the identity is protected (handbook §4)."""

    document_id: str
    issued_on: date
    wanted_by: date
    order_no: str
    buyer: Party
    seller: Party
    receiver: str = field(repr=False)
    phone: str = field(repr=False)
    place: Place
    way: str
    lines: tuple[Line, ...]


def build_order(order: OrderDocument) -> str:
    """Return the message as text to be sent as UTF-8; elements without a value are left out, as Peppol wants it."""
    root = etree.Element(f"{{{_NAMESPACE}}}Order", nsmap={"ubl": _NAMESPACE, "cac": CAC, "cbc": CBC})
    _value(root, "CustomizationID", Transaction.ORDER.value)
    _value(root, "ProfileID", ORDERING)
    _value(root, "ID", order.document_id)
    _value(root, "IssueDate", order.issued_on.isoformat())
    _value(root, "DocumentCurrencyCode", "SEK")
    _value(root, "CustomerReference", order.order_no)
    _value(_group(root, "ValidityPeriod"), "EndDate", order.wanted_by.isoformat())
    _party(_group(root, "BuyerCustomerParty"), order.buyer)
    _party(_group(root, "SellerSupplierParty"), order.seller)
    _delivery(_group(root, "Delivery"), order)
    _value(_group(root, "DeliveryTerms"), "SpecialTerms", order.way)
    for line in order.lines:
        _line(_group(_group(root, "OrderLine"), "LineItem"), line)
    return etree.tostring(root, encoding="unicode", pretty_print=True)


def clean(text: str) -> str:
    """Return text as it can stand in XML: without what XML has no room for, each run of space one space."""
    return " ".join(_NOT_XML.sub(" ", text).split())


def _group(parent: etree._Element, name: str) -> etree._Element:
    return etree.SubElement(parent, f"{{{CAC}}}{name}")


def _value(parent: etree._Element, name: str, text: str, **attributes: str) -> None:
    if cleaned := clean(text):
        etree.SubElement(parent, f"{{{CBC}}}{name}", attributes).text = cleaned


def _party(parent: etree._Element, party: Party) -> None:
    node = _group(parent, "Party")
    scheme, _separator, value = party.endpoint.partition(":")
    _value(node, "EndpointID", value, schemeID=scheme)
    _value(_group(node, "PartyIdentification"), "ID", party.identifier)
    _value(_group(node, "PartyName"), "Name", party.name)
    _value(_group(node, "PartyLegalEntity"), "RegistrationName", party.name)


def _delivery(node: etree._Element, order: OrderDocument) -> None:
    location = _group(node, "DeliveryLocation")
    _value(location, "ID", order.place.location_id)
    _value(location, "Name", order.place.name)
    address = _group(location, "Address")
    _value(address, "StreetName", order.place.street)
    _value(address, "AdditionalStreetName", order.place.care_of)
    _value(address, "CityName", order.place.city)
    _value(address, "PostalZone", order.place.postal_code)
    if clean(order.place.instructions):
        _value(_group(address, "AddressLine"), "Line", order.place.instructions)
    _value(_group(address, "Country"), "IdentificationCode", "SE")
    _value(_group(node, "RequestedDeliveryPeriod"), "EndDate", order.wanted_by.isoformat())
    party = _group(node, "DeliveryParty")
    _value(_group(party, "PartyName"), "Name", order.receiver)
    if clean(order.phone):
        _value(_group(party, "Contact"), "Telephone", order.phone)


def _line(node: etree._Element, line: Line) -> None:
    _value(node, "ID", line.line_id)
    _value(node, "Quantity", str(line.packages), unitCode=PACKAGES)
    _value(node, "PartialDeliveryIndicator", "true")
    item = _group(node, "Item")
    _value(item, "Name", line.name)
    _value(_group(item, "BuyersItemIdentification"), "ID", line.article_no)
    if line.gtin:
        _value(_group(item, "StandardItemIdentification"), "ID", line.gtin.rjust(14, "0"), schemeID="0160")
