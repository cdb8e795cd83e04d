"""What the contract's services are asked: values, read from a request that may come from any client. Handbook §13.

Elements of other namespaces are extensions and are passed over; what is missing or malformed is named, without its value.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from core.importing import RowRefused
from orders.contract.names import Service, Version
from orders.importing.contract_nodes import Node
from orders.importing.parsed import METHODS, NO_PROVIDER, NOTIFICATIONS
from orders.kinds import DeliveryMethod, Notification
from orders.wishes import HomeAddress, InvoiceAddress

MOST_ROWS = 200
_LONGEST_NUMBER = 40
_LONGEST_PLACE = 400

V = TypeVar("V")


class Malformed(RowRefused):
    """The request is not one of the contract's; `reason` names the element that is wrong and never what it holds."""


@dataclass(frozen=True)
class AskedPoints:
    """Which service points are asked for."""

    postal_code: str
    provider: str


@dataclass(frozen=True)
class AskedDelivery:
    """How rows are to be delivered, as far as the contract can say; `method_id` is the source's name of the alternative."""

    method_id: str
    method: DeliveryMethod
    address: HomeAddress | None = field(default=None, repr=False)
    point_id: str = ""
    notification: Notification | None = None
    notify_to: str = field(default="", repr=False)
    comment: str = field(default="", repr=False)
    contact_person: str = field(default="", repr=False)
    invoice: InvoiceAddress | None = field(default=None, repr=False)


@dataclass(frozen=True)
class AskedRow:
    """One row: packages, or pieces where a client says 0 packages."""

    source: str
    prescription_id: str
    item_id: str
    article_no: str
    packages: int
    pieces: int
    delivery: AskedDelivery


@dataclass(frozen=True)
class AskedOrder:
    """One order for one person, all or nothing."""

    subject: str = field(repr=False)
    orderer: str = field(repr=False)
    by_delegate: bool
    rows: tuple[AskedRow, ...]


def request_node(element: object, service: Service, version: Version) -> Node:
    """Return a request's element, its children to be found in the service's and in the contract's shared namespace."""
    return Node(element, frozenset({version.responder(service), version.core}))  # type: ignore[arg-type]


def read_subject(request: Node) -> str:
    """Return whose prescriptions are asked for, as written; raise Malformed."""
    return _read(lambda: request.text("SubjectOfCareId", _LONGEST_NUMBER))


def read_points(request: Node) -> AskedPoints:
    """Return which service points are asked for; raise Malformed."""

    def read() -> AskedPoints:
        postal_code = "".join(request.text("PostalCode", 20).split())
        words = request.coded("ServicePointProvider")
        return AskedPoints(postal_code, words[0][:20] if words else NO_PROVIDER)

    return _read(read)


def read_order(request: Node) -> AskedOrder:
    """Return the order that is asked for; raise Malformed."""

    def read() -> AskedOrder:
        order = request.required("Order")
        rows = list(order.children("OrderRow"))
        if not rows:
            raise RowRefused("OrderRow is missing")
        if len(rows) > MOST_ROWS:
            raise RowRefused(f"more than {MOST_ROWS} OrderRow")
        return AskedOrder(
            subject=order.text("SubjectOfCareId", _LONGEST_NUMBER),
            orderer=order.text("Orderer", 400, required=False),
            by_delegate=order.flag("OrderByDelegate"),
            rows=tuple(_read_row(row) for row in rows),
        )

    return _read(read)


def _read(read: Callable[[], V]) -> V:
    try:
        return read()
    except RowRefused as refusal:
        raise Malformed(refusal.reason) from None


def _read_row(node: Node) -> AskedRow:
    return AskedRow(
        source=node.text("Source", 60),
        prescription_id=node.text("PrescriptionId", 80),
        item_id=node.text("PrescriptionItemId", 80),
        article_no=node.required("Article").text("ArticleNo", 40),
        packages=node.whole("NoOfPackages", least=0) if node.text("NoOfPackages", 20, required=False) else 0,
        pieces=node.whole("NoOfPcs", least=0) if node.text("NoOfPcs", 20, required=False) else 0,
        delivery=_read_delivery(node.required("DeliveryChoice")),
    )


def _read_delivery(node: Node) -> AskedDelivery:
    word = node.text("DeliveryMethod", 20)
    if word not in METHODS:
        raise RowRefused("DeliveryMethod is not one of the contract's")
    notification = node.text("DeliveryNotificationMethod", 20, required=False)
    if notification and notification not in NOTIFICATIONS:
        raise RowRefused("DeliveryNotificationMethod is not one of the contract's")
    point, address, invoice = (node.child(name) for name in ("DeliveryPoint", "HomeDeliveryAddress", "InvoiceAddress"))
    return AskedDelivery(
        method_id=node.text("DeliveryMethodId", 40),
        method=METHODS[word],
        address=_read_address(address)
        if address is not None and METHODS[word] is DeliveryMethod.HOME_DELIVERY
        else None,
        point_id=point.text("DeliveryPointId", 40, required=False) if point is not None else "",
        notification=NOTIFICATIONS[notification] if notification else None,
        notify_to=node.text("DeliveryNotificationReceiver", 254, required=False),
        comment=node.text("DeliveryComment", _LONGEST_PLACE, required=False),
        contact_person=node.text("ContactPerson", _LONGEST_PLACE, required=False),
        invoice=_read_invoice(invoice) if invoice is not None else None,
    )


def _read_address(node: Node) -> HomeAddress | None:
    values = {
        "receiver": node.text("Receiver", _LONGEST_PLACE, required=False),
        "care_of": node.text("CareOfAddress", _LONGEST_PLACE, required=False),
        "street": node.text("Street", _LONGEST_PLACE, required=False),
        "postal_code": "".join(node.text("PostalCode", 20, required=False).split()),
        "city": node.text("City", _LONGEST_PLACE, required=False),
    }
    # Some clients send the element empty when the registered address is meant.
    if not any(values.values()):
        return None
    return HomeAddress(
        **values,
        door_code=node.text("DoorCode", _LONGEST_PLACE, required=False),
        phone=node.text("Phone", 40, required=False),
    )


def _read_invoice(node: Node) -> InvoiceAddress | None:
    values = {
        "receiver": node.text("Receiver", _LONGEST_PLACE, required=False),
        "street": node.text("Street", _LONGEST_PLACE, required=False),
        "postal_code": "".join(node.text("PostalCode", 20, required=False).split()),
        "city": node.text("City", _LONGEST_PLACE, required=False),
    }
    return InvoiceAddress(**values) if any(values.values()) else None
