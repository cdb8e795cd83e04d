"""A warehouse system as it might be: it reads our orders with a parser of its own, and answers late, partly and twice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import count
from pathlib import Path
from xml.etree import ElementTree
from xml.sax.saxutils import escape, quoteattr

from sqlalchemy import select
from stdnum import ean

from core.db import Database
from core.outbox import Message, OutboxMessage
from core.policy import Policies, use_policies
from delivery.warehouse_models import Direction, WarehouseMessage
from delivery.warehouse_orders import prepare_order
from portal.config import PACKAGED_POLICIES
from portal.warehouse import WarehousePort, send_order, use_warehouse

LATE = date(2028, 12, 31)
_UBL = "urn:oasis:names:specification:ubl:schema:xsd"
_NAMES = {"cac": f"{_UBL}:CommonAggregateComponents-2", "cbc": f"{_UBL}:CommonBasicComponents-2"}
_numbers = count(1)


@dataclass(frozen=True)
class OrderedLine:
    """What the warehouse reads of one line."""

    line_id: str
    packages: int
    article_no: str
    gtin: str


@dataclass(frozen=True)
class ReadOrder:
    """What the warehouse reads of an order."""

    document_id: str
    receiver: str
    street: str
    way: str
    lines: tuple[OrderedLine, ...]

    @property
    def line(self) -> OrderedLine:
        """The only line."""
        (only,) = self.lines
        return only


@dataclass(frozen=True)
class Sent:
    """Packages of one lot of one line; what is outstanding is stated only where it is not None."""

    line: OrderedLine
    packages: int
    lot_no: str = "L26A01"
    expires: str = LATE.isoformat()
    outstanding: int | None = None
    serials: Sequence[str] = ()
    article_no: str | None = None
    line_ref: str | None = None


def parsed(raw: bytes | str) -> ElementTree.Element:
    """Parse a message of our own with another parser than ours."""
    return ElementTree.fromstring(raw)  # noqa: S314


def read_order(raw: bytes) -> ReadOrder:
    """Read an order as the other side does."""
    root = parsed(raw)
    assert root.tag == f"{{{_UBL}:Order-2}}Order"

    def text(node: ElementTree.Element, path: str) -> str:
        return node.findtext(path, "", _NAMES)

    lines = tuple(
        OrderedLine(
            text(item, "cbc:ID"),
            int(text(item, "cbc:Quantity")),
            text(item, "cac:Item/cac:BuyersItemIdentification/cbc:ID"),
            text(item, "cac:Item/cac:StandardItemIdentification/cbc:ID"),
        )
        for item in root.findall("cac:OrderLine/cac:LineItem", _NAMES)
    )
    return ReadOrder(
        text(root, "cbc:ID"),
        text(root, "cac:Delivery/cac:DeliveryParty/cac:PartyName/cbc:Name"),
        text(root, "cac:Delivery/cac:DeliveryLocation/cac:Address/cbc:StreetName"),
        text(root, "cac:DeliveryTerms/cbc:SpecialTerms"),
        lines,
    )


def new_number(kind: str) -> str:
    """Return a document number that nobody has used."""
    return f"{kind}-{next(_numbers)}"


def new_sscc() -> str:
    """Return an SSCC of the warehouse's own."""
    digits = f"3735111{next(_numbers):010d}"
    return digits + ean.calc_check_digit(digits)


def answer(
    order: ReadOrder,
    code: str = "AP",
    lines: Mapping[OrderedLine, Mapping[str, str | int]] | None = None,
    *,
    number: str = "",
    expected: str = "",
) -> bytes:
    """Build an Order Response; a line's facts are `status`, and perhaps `packages`, `later`, `expected`, `substitute`."""
    parts = [
        f"<cbc:OrderResponseCode>{code}</cbc:OrderResponseCode><cbc:DocumentCurrencyCode>SEK</cbc:DocumentCurrencyCode>",
        f"<cac:OrderReference><cbc:ID>{order.document_id}</cbc:ID></cac:OrderReference>",
        _party("SellerSupplierParty", "Lagret & Co"),
        _party("BuyerCustomerParty", "Regionen"),
        _period(expected),
    ]
    for place, (line, facts) in enumerate((lines or {}).items(), start=1):
        item = [f"<cbc:ID>{place}</cbc:ID><cbc:LineStatusCode>{facts['status']}</cbc:LineStatusCode>"]
        if "packages" in facts:
            item.append(f'<cbc:Quantity unitCode="XPK">{facts["packages"]}</cbc:Quantity>')
        if "later" in facts:
            item.append(f"<cbc:MaximumBackorderQuantity>{facts['later']}</cbc:MaximumBackorderQuantity>")
        item.append(_period(str(facts.get("expected", ""))) + _item(line.article_no, line.gtin))
        substitute = (
            "<cac:SellerSubstitutedLineItem><cbc:ID>1</cbc:ID></cac:SellerSubstitutedLineItem>"
            if facts.get("substitute")
            else ""
        )
        reference = f"<cac:OrderLineReference><cbc:LineID>{line.line_id}</cbc:LineID></cac:OrderLineReference>"
        parts.append(
            f"<cac:OrderLine><cac:LineItem>{''.join(item)}</cac:LineItem>{substitute}{reference}</cac:OrderLine>"
        )
    return _document("OrderResponse", "order_response", "ordering", number or new_number("OR"), "".join(parts))


def despatch(
    order: ReadOrder,
    sent: Sequence[Sent],
    *,
    number: str = "",
    sscc: str | None = None,
    tracking_no: str | None = None,
    carrier: str = "PostNord",
    despatched: str = "",
) -> bytes:
    """Build a Despatch Advice; a number that is None is made up, an empty one left out."""
    sscc = new_sscc() if sscc is None else sscc
    tracking_no = new_number("TRACK") if tracking_no is None else tracking_no
    day = (
        f"<cac:Despatch><cbc:ActualDespatchDate>{despatched}</cbc:ActualDespatchDate></cac:Despatch>"
        if despatched
        else ""
    )
    tracking = f"<cbc:TrackingID>{tracking_no}</cbc:TrackingID>" if tracking_no else ""
    parts = [
        f"<cac:OrderReference><cbc:ID>{order.document_id}</cbc:ID></cac:OrderReference>",
        _party("DespatchSupplierParty", "Lagret & Co"),
        _party("DeliveryCustomerParty", order.receiver),
        (
            "<cac:Shipment><cbc:ID>NA</cbc:ID>"
            f"<cac:Consignment><cbc:ID>NA</cbc:ID><cac:CarrierParty><cac:PartyName><cbc:Name>{carrier}</cbc:Name></cac:PartyName>"
            f"</cac:CarrierParty></cac:Consignment><cac:Delivery>{tracking}{day}</cac:Delivery></cac:Shipment>"
        ),
    ]
    for place, one in enumerate(sent, start=1):
        outstanding = (
            f'<cbc:OutstandingQuantity unitCode="XPK">{one.outstanding}</cbc:OutstandingQuantity>'
            "<cbc:OutstandingReason>Slut</cbc:OutstandingReason>"
            if one.outstanding is not None
            else ""
        )
        lot = (
            f"<cac:LotIdentification><cbc:LotNumberID>{escape(one.lot_no)}</cbc:LotNumberID>"
            f"<cbc:ExpiryDate>{one.expires}</cbc:ExpiryDate></cac:LotIdentification>"
            if one.lot_no
            else ""
        )
        serials = [f"<cbc:SerialID>{escape(serial)}</cbc:SerialID>" for serial in one.serials] or [""]
        instances = "".join(f"<cac:ItemInstance>{serial}{lot}</cac:ItemInstance>" for serial in serials)
        parcel = (
            "<cac:Shipment><cbc:ID>NA</cbc:ID><cac:TransportHandlingUnit>"
            f'<cbc:ID schemeID="SSCC">{sscc}</cbc:ID></cac:TransportHandlingUnit></cac:Shipment>'
            if sscc
            else ""
        )
        parts.append(
            f'<cac:DespatchLine><cbc:ID>{place}</cbc:ID><cbc:DeliveredQuantity unitCode="XPK">{one.packages}'
            f"</cbc:DeliveredQuantity>{outstanding}<cac:OrderLineReference><cbc:LineID>{one.line_ref or one.line.line_id}"
            f"</cbc:LineID></cac:OrderLineReference>"
            f"{_item(one.article_no or one.line.article_no, one.line.gtin, instances)}{parcel}</cac:DespatchLine>"
        )
    return _document("DespatchAdvice", "despatch_advice", "despatch_advice", number or new_number("DA"), "".join(parts))


def _document(name: str, transaction: str, profile: str, number: str, content: str) -> bytes:
    spaces = " ".join(f"xmlns:{prefix}={quoteattr(uri)}" for prefix, uri in _NAMES.items())
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<{name} xmlns="{_UBL}:{name}-2" {spaces}>'
        f"<cbc:CustomizationID>urn:fdc:peppol.eu:poacc:trns:{transaction}:3</cbc:CustomizationID>"
        f"<cbc:ProfileID>urn:fdc:peppol.eu:poacc:bis:{profile}:3</cbc:ProfileID>"
        f"<cbc:ID>{escape(number)}</cbc:ID><cbc:IssueDate>2026-12-01</cbc:IssueDate>{content}</{name}>"
    ).encode()


def _party(role: str, name: str) -> str:
    return (
        f'<cac:{role}><cac:Party><cbc:EndpointID schemeID="0088">7300010000001</cbc:EndpointID><cac:PartyLegalEntity>'
        f"<cbc:RegistrationName>{escape(name)}</cbc:RegistrationName></cac:PartyLegalEntity></cac:Party></cac:{role}>"
    )


def _period(last: str) -> str:
    if not last:
        return ""
    period = f"<cac:PromisedDeliveryPeriod><cbc:EndDate>{last}</cbc:EndDate></cac:PromisedDeliveryPeriod>"
    return f"<cac:Delivery>{period}</cac:Delivery>"


def _item(article_no: str, gtin: str, instances: str = "") -> str:
    return (
        f"<cac:Item><cbc:Name>Vara</cbc:Name><cac:BuyersItemIdentification><cbc:ID>{article_no}</cbc:ID>"
        f'</cac:BuyersItemIdentification><cac:StandardItemIdentification><cbc:ID schemeID="0160">{gtin}</cbc:ID>'
        f"</cac:StandardItemIdentification>{instances}</cac:Item>"
    )


def elsewhere_policies(folder: Path) -> Path:
    """Write the region's policy with a depot elsewhere, and one more region, `other`, with another; use them; return their folder."""
    text = (PACKAGED_POLICIES / "vgr.toml").read_text(encoding="utf-8")
    for region, hsa_id in (("vgr", ""), ("other", "SE2321000016-E000000000901")):
        changed = text.replace("[delivery]", '[delivery]\nwarehouse = "PEPPOL"')
        (folder / f"{region}.toml").write_text(
            changed.replace("SE2321000131-E000000000101", hsa_id or "SE2321000131-E000000000101"), encoding="utf-8"
        )
    use_policies(Policies.load(folder))
    return folder


def work_outbox(database: Database, port: WarehousePort) -> None:
    """Prepare and send every order that waits, as the worker does; what was done before is tried once more."""
    use_warehouse(port)
    for kind, handler in (("warehouse.order", prepare_order), ("warehouse.send", send_order)):
        with database.session() as session:
            waiting = session.scalars(
                select(OutboxMessage).where(OutboxMessage.kind == kind).order_by(OutboxMessage.id)
            )
            messages = [Message(row.id, row.kind, row.payload) for row in waiting]
        for message in messages:
            with database.unit_of_work() as session:
                handler(session, message)


def orders_out(database: Database) -> list[WarehouseMessage]:
    """The orders that we have built, in order."""
    with database.session() as session:
        statement = select(WarehouseMessage).where(WarehouseMessage.direction == Direction.OUT)
        return list(session.scalars(statement.order_by(WarehouseMessage.id)))


@dataclass
class Desk:
    """A port that keeps what it is given, and can be told to fail."""

    received: dict[str, bytes] = field(default_factory=dict)
    sent: int = 0
    problem: Exception | None = None

    def send(self, region: str, document_id: str, body: bytes) -> None:
        """Keep a message, or raise what it was told to."""
        if self.problem is not None:
            raise self.problem
        self.sent += 1
        self.received[document_id] = body

    @property
    def last(self) -> ReadOrder:
        """The latest order, read."""
        return read_order(list(self.received.values())[-1])
