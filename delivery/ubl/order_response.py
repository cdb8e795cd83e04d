"""Reading the Peppol BIS 3 Order Response: what the warehouse says that it will do."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from core.importing import RowRefused
from delivery.ubl.names import MOST_LINES, MessageRefused, Reason
from delivery.ubl.reading import Document, article_identifiers, order_reference, packages_in, refusing
from orders.importing.contract_nodes import Node


class Answer(StrEnum):
    """The warehouse's answer to the whole order (UNCL 4343, Peppol's subset)."""

    ACKNOWLEDGED = "AB"
    ACCEPTED = "AP"
    CHANGED = "CA"
    REJECTED = "RE"


class LineAnswer(StrEnum):
    """The warehouse's answer to one line (UNCL 1229, Peppol's subset)."""

    CHANGED = "3"
    ACCEPTED = "5"
    REJECTED = "7"
    DELIVERED = "42"


@dataclass(frozen=True)
class ResponseLine:
    """The answer to one line, in packages: what comes now, and what later; None where nothing is said of it."""

    line_ref: str
    answer: LineAnswer
    article_no: str
    gtin: str
    packages: int | None
    later: int | None
    expected: date | None
    offers_substitute: bool


@dataclass(frozen=True)
class OrderResponse:
    """An answer to one order; `expected` is the last day promised for the whole of it."""

    order_ref: str
    answer: Answer
    expected: date | None
    lines: tuple[ResponseLine, ...]


def read_order_response(document: Document) -> OrderResponse:
    """Return the answer; raise MessageRefused for what is missing or malformed."""
    root = document.root
    with refusing(""):
        root.day("IssueDate")
        for required in ("SellerSupplierParty", "BuyerCustomerParty"):
            root.required(required)
        code = root.text("OrderResponseCode", 10)
        if code not in set(Answer):
            raise RowRefused("OrderResponseCode is not one of Peppol's")
        order_ref = order_reference(root)
        if not order_ref:
            raise RowRefused("OrderReference is missing")
        expected = _promised(root)
    nodes = list(root.children("OrderLine"))
    if len(nodes) > MOST_LINES:
        raise MessageRefused(Reason.INVALID, "too many lines")
    lines = tuple(_read_line(node, number) for number, node in enumerate(nodes, start=1))
    refs = [line.line_ref for line in lines]
    if len(set(refs)) != len(refs):
        raise MessageRefused(Reason.INVALID, "two lines answer the same order line")
    return OrderResponse(order_ref, Answer(code), expected, lines)


def _read_line(node: Node, number: int) -> ResponseLine:
    with refusing(f"OrderLine {number}: "):
        item = node.required("LineItem")
        code = item.text("LineStatusCode", 10)
        if code not in set(LineAnswer):
            raise RowRefused("LineStatusCode is not one of those for an order that was sent")
        reference = node.child("OrderLineReference")
        article_no, gtin = article_identifiers(item.required("Item"))
        return ResponseLine(
            line_ref=reference.text("LineID", 40) if reference else item.text("ID", 40),
            answer=LineAnswer(code),
            article_no=article_no,
            gtin=gtin,
            packages=packages_in(item, "Quantity"),
            # It has the unit of the quantity, and need not say so.
            later=packages_in(item, "MaximumBackorderQuantity", unit=False),
            expected=_promised(item),
            offers_substitute=node.child("SellerSubstitutedLineItem") is not None,
        )


def _promised(node: Node) -> date | None:
    delivery = node.child("Delivery")
    period = delivery.child("PromisedDeliveryPeriod") if delivery else None
    return (period.optional_day("EndDate") or period.optional_day("StartDate")) if period else None
