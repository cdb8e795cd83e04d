"""What the contract's services answer, read from whatever a source sends: an answer of the service that was asked, or a fault.

Elements of other namespaces are extensions and are passed over; what is wrong is told without what the answer holds.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from lxml import etree

from core.errors import DomainError
from core.importing import RowRefused
from core.xml import HasDocumentType, NotWellFormed, parse_xml
from orders.contract.envelope import ENVELOPE
from orders.contract.names import MOST_POINTS, ResultCode, Service, Version
from orders.importing.contract_nodes import Node
from orders.nearest_points import FoundPoint
from orders.source.rules import StatedRow

LONGEST_COMMENT = 1000
# Of SOAP's own words, those with which a message is turned away before anything is done with it.
_TURNED_AWAY = frozenset({"Client", "MustUnderstand", "VersionMismatch"})
_LONGEST = 4000


class NotAnAnswer(DomainError):
    """What came is no answer of the service that was asked; the words name nobody."""


@dataclass(frozen=True)
class Fault:
    """A SOAP fault: by its code alone, for its text may hold anything."""

    code: str

    @property
    def is_turned_away(self) -> bool:
        """Whether nothing was done with the message; else whoever answers may not know what was done behind it."""
        return self.code in _TURNED_AWAY


@dataclass(frozen=True)
class OrderReply:
    """How an order went; `rows` are those that the source told of well enough."""

    code: ResultCode
    comment: str = field(repr=False)
    rows: tuple[StatedRow, ...]


def read_answer(raw: bytes, service: Service, version: Version) -> Node | Fault:
    """Return the response in an envelope's body, or the fault; raise NotAnAnswer for everything else."""
    try:
        root = parse_xml(raw, tidies_namespaces=True)
    except (NotWellFormed, HasDocumentType) as problem:
        raise NotAnAnswer(str(problem)) from None
    bodies = [child for child in root if child.tag == f"{{{ENVELOPE}}}Body"]
    if root.tag != f"{{{ENVELOPE}}}Envelope" or len(bodies) != 1 or not len(bodies[0]):
        raise NotAnAnswer("not a SOAP 1.1 envelope")
    content = bodies[0][0]
    if content.tag == f"{{{ENVELOPE}}}Fault":
        return Fault(_fault_code(content))
    responder = version.responder(service)
    if content.tag != f"{{{responder}}}{service}Response":
        raise NotAnAnswer("the answer of another service")
    return Node(content, frozenset({responder, version.core}))


def result_code(answer: Node) -> ResultCode:
    """Return how a call went; raise NotAnAnswer where the answer does not tell."""
    try:
        return ResultCode(answer.text("ResultCode", 20).upper())
    except (RowRefused, ValueError):
        raise NotAnAnswer("no ResultCode of the contract's") from None


def read_order_reply(answer: Node) -> OrderReply:
    """Return how an order went; raise NotAnAnswer where the answer does not tell."""
    code = result_code(answer)
    rows = tuple(row for row in map(_stated_row, answer.children("Order")) if row is not None)
    return OrderReply(code, _line(answer, "comment")[:LONGEST_COMMENT], rows)


def read_points_reply(answer: Node, provider: str, limit: int = MOST_POINTS) -> tuple[FoundPoint, ...]:
    """Return the service points of an answer in its order, without those that lack something we need; raise NotAnAnswer."""
    if result_code(answer) is ResultCode.ERROR:
        raise NotAnAnswer("an error instead of service points")
    listed = list(answer.children("DeliveryPoint"))
    points: dict[str, FoundPoint] = {}
    for point in (_point(one, provider) for one in listed):
        if point is not None:
            points.setdefault(point.point_id, point)
    if listed and not points:
        raise NotAnAnswer("no usable service point")
    return tuple(points.values())[:limit]


def _fault_code(fault: etree._Element) -> str:
    """Return the first part of the code ("Client" of "soap:Client.Authentication"), empty when there is none."""
    for child in fault:
        if etree.QName(child).localname == "faultcode":
            return (child.text or "").strip().rpartition(":")[2].partition(".")[0]
    return ""


def _stated_row(node: Node) -> StatedRow | None:
    # The order is registered, whatever can be made of its rows.
    try:
        pieces = node.whole("NoOfPcs", least=0) if node.text("NoOfPcs", 20, required=False) else 0
        return StatedRow(
            order_item_id=node.text("OrderItemId", 80),
            item_id=node.text("PrescriptionItemId", 80),
            article_no=node.required("Article").text("ArticleNo", 40),
            pieces=pieces,
        )
    except RowRefused:
        return None


def _point(node: Node, provider: str) -> FoundPoint | None:
    postal_code = _line(node, "DeliveryPointPostalCode").replace(" ", "")
    if not (len(postal_code) == 5 and postal_code.isascii() and postal_code.isdigit()):
        return None
    found = FoundPoint(
        provider=provider,
        point_id=_line(node, "DeliveryPointId"),
        name=_line(node, "DeliveryPointName"),
        street=_line(node, "DeliveryPointAddress"),
        postal_code=postal_code,
        city=_line(node, "DeliveryPointCity"),
    )
    lengths = ((found.point_id, 40), (found.name, 100), (found.street, 200), (found.city, 100))
    return found if all(0 < len(words) <= longest for words, longest in lengths) else None


def _line(node: Node, name: str) -> str:
    """Return a child's text on one line, as far as it can be printed; empty when it is missing."""
    child = node.child(name)
    value = child.own_text[:_LONGEST] if child is not None else ""
    return " ".join("".join(c if c.isprintable() else " " for c in value).split())
