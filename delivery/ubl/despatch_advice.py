"""Reading the Peppol BIS 3 Despatch Advice: what has left the warehouse, of which lots, in which parcels."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date

from stdnum import ean

from core.importing import RowRefused
from delivery.ubl.names import MOST_LINES, MessageRefused, Reason
from delivery.ubl.reading import Document, article_identifiers, order_reference, packages_in, refusing
from orders.importing.contract_nodes import Node

# Lot and serial numbers are at most twenty characters of GS1's set (general specifications, AI 10 and 21).
_GS1_TEXT = re.compile(r"""[!"%&'()*+,\-./0-9:;<=>?A-Z_a-z]{1,20}""", re.ASCII)
_MOST_SERIALS = 200
_MOST_PARCELS = 20


@dataclass(frozen=True)
class DespatchLine:
    """What went of one order line, in packages, all of one lot; `outstanding` follows later, None when nothing is said of it."""

    line_ref: str
    article_no: str
    gtin: str
    packages: int
    outstanding: int | None
    lot_no: str
    expires_on: date | None
    serials: tuple[str, ...]


@dataclass(frozen=True)
class DespatchAdvice:
    """Parcels of one order that have left the warehouse."""

    order_ref: str
    despatched_on: date | None
    carrier: str
    tracking_no: str
    ssccs: tuple[str, ...]
    lines: tuple[DespatchLine, ...]


def read_despatch_advice(document: Document) -> DespatchAdvice:
    """Return what was sent; raise MessageRefused for what is missing or malformed."""
    root = document.root
    with refusing(""):
        root.day("IssueDate")
        for required in ("DespatchSupplierParty", "DeliveryCustomerParty"):
            root.required(required)
        nodes = list(root.children("DespatchLine"))
        if not 1 <= len(nodes) <= MOST_LINES:
            raise RowRefused("there is no DespatchLine, or there are too many")
        order_ref = _only_order(root, nodes)
        shipment = root.child("Shipment")
        ssccs = _parcels([*([shipment] if shipment else []), *nodes])
        lines = tuple(_read_line(node, number) for number, node in enumerate(nodes, start=1))
        if not any(line.packages for line in lines):
            raise RowRefused("nothing is delivered")
        return DespatchAdvice(
            order_ref=order_ref,
            despatched_on=_despatched_on(shipment),
            carrier=_carrier(shipment),
            tracking_no=_tracking_no(shipment),
            ssccs=ssccs,
            lines=lines,
        )


def _only_order(root: Node, nodes: list[Node]) -> str:
    references = {one.text("ID", 80) for one in root.children("OrderReference")}
    for node in nodes:
        reference = node.required("OrderLineReference")
        if own := order_reference(reference):
            references.add(own)
    if len(references) != 1:
        raise RowRefused("the advice must be about exactly one order")
    return references.pop()


def _read_line(node: Node, number: int) -> DespatchLine:
    with refusing(f"DespatchLine {number}: "):
        node.text("ID", 40)
        packages = packages_in(node, "DeliveredQuantity")
        if packages is None:
            raise RowRefused("DeliveredQuantity is missing")
        item = node.required("Item")
        item.text("Name", 1000)
        instances = list(item.children("ItemInstance"))
        lots = {_lot(instance) for instance in instances} - {("", None)}
        if packages and len(lots) != 1:
            raise MessageRefused(
                Reason.BAD_LOT, f"DespatchLine {number}: exactly one lot with its expiry must be stated"
            )
        lot_no, expires_on = next(iter(lots), ("", None))
        if packages and (not _GS1_TEXT.fullmatch(lot_no) or expires_on is None):
            raise MessageRefused(Reason.BAD_LOT, f"DespatchLine {number}: LotNumberID or ExpiryDate is not usable")
        article_no, gtin = article_identifiers(item)
        if not article_no and not gtin:
            raise RowRefused("neither the buyer's article number nor a GTIN is stated")
        return DespatchLine(
            line_ref=node.required("OrderLineReference").text("LineID", 40),
            article_no=article_no,
            gtin=gtin,
            packages=packages,
            outstanding=packages_in(node, "OutstandingQuantity"),
            lot_no=lot_no,
            expires_on=expires_on,
            serials=_serials(instances, number),
        )


def _lot(instance: Node) -> tuple[str, date | None]:
    lot = instance.child("LotIdentification")
    return (lot.text("LotNumberID", 200, required=False), lot.optional_day("ExpiryDate")) if lot else ("", None)


def _serials(instances: Iterable[Node], number: int) -> tuple[str, ...]:
    found = tuple(text for instance in instances if (text := instance.text("SerialID", 200, required=False)))
    usable = all(_GS1_TEXT.fullmatch(serial) for serial in found)
    if not usable or len(set(found)) != len(found) or len(found) > _MOST_SERIALS:
        raise MessageRefused(Reason.BAD_SERIAL, f"DespatchLine {number}: SerialID is not usable or is there twice")
    return found


def _parcels(holders: Iterable[Node]) -> tuple[str, ...]:
    numbers = list(dict.fromkeys(number for holder in holders for number in _handling_units(holder)))
    if len(numbers) > _MOST_PARCELS:
        raise MessageRefused(Reason.BAD_PARCEL, "too many parcels")
    for number in numbers:
        if not re.fullmatch(r"\d{18}", number, re.ASCII) or ean.calc_check_digit(number[:-1]) != number[-1]:
            raise MessageRefused(Reason.BAD_PARCEL, "the ID of a TransportHandlingUnit is not an SSCC")
    return tuple(numbers)


def _handling_units(holder: Node) -> Iterator[str]:
    for shipment in (holder, *holder.children("Shipment")):
        for unit in shipment.children("TransportHandlingUnit"):
            if number := "".join(unit.text("ID", 60, required=False).split()):
                yield number.removeprefix("00") if len(number) == 20 else number


def _tracking_no(shipment: Node | None) -> str:
    delivery = shipment.child("Delivery") if shipment else None
    number = "".join(delivery.text("TrackingID", 60, required=False).split()).upper() if delivery else ""
    if len(number) > 40:
        raise MessageRefused(Reason.BAD_PARCEL, "TrackingID is longer than 40 characters")
    return number


def _carrier(shipment: Node | None) -> str:
    consignment = shipment.child("Consignment") if shipment else None
    party = consignment.child("CarrierParty") if consignment else None
    name = party.child("PartyName") if party else None
    return name.text("Name", 40) if name else ""


def _despatched_on(shipment: Node | None) -> date | None:
    delivery = shipment.child("Delivery") if shipment else None
    despatch = delivery.child("Despatch") if delivery else None
    return despatch.optional_day("ActualDespatchDate") if despatch else None
