"""Reading what a warehouse sends: well-formed, in its namespaces, bounded, and nothing fetched or expanded on its behalf."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from lxml import etree

from core.importing import RowRefused
from core.xml import HasDocumentType, NotWellFormed, parse_xml
from delivery.ubl.names import CAC, CBC, MOST_BYTES, PACKAGES, UBL, MessageRefused, Reason, Transaction
from orders.importing.contract_nodes import Node

LONGEST_DOCUMENT_ID = 60
_ROOTS = {"OrderResponse": Transaction.ORDER_RESPONSE, "DespatchAdvice": Transaction.DESPATCH_ADVICE}
_QUANTITY = re.compile(r"(\d{1,6})(?:\.0{1,6})?", re.ASCII)


@dataclass(frozen=True)
class Document:
    """A message of which kind and number are known; `text` is it as it came."""

    transaction: Transaction
    document_id: str
    text: str
    root: Node


def read_document(raw: bytes) -> Document:
    """Return which message this is; raise MessageRefused for what is none of ours, or too broken to have a number."""
    root, text = _parse(raw)
    name = etree.QName(root)
    transaction = _ROOTS.get(name.localname)
    if transaction is None or name.namespace != f"{UBL}:{name.localname}-2":
        raise MessageRefused(Reason.NOT_OURS, "neither an OrderResponse-2 nor a DespatchAdvice-2 of UBL")
    node = Node(root, frozenset({CAC, CBC}))
    with refusing(""):
        customization = node.text("CustomizationID", 200)
        # A region's or country's addition to the specification begins with the specification's own name.
        if customization != transaction.value and not customization.startswith(f"{transaction.value}:"):
            raise MessageRefused(Reason.NOT_OURS, f"CustomizationID is not {transaction.value}")
        return Document(transaction, node.text("ID", LONGEST_DOCUMENT_ID), text, node)


def _parse(raw: bytes) -> tuple[etree._Element, str]:
    if len(raw) > MOST_BYTES:
        raise MessageRefused(Reason.TOO_LARGE, f"more than {MOST_BYTES} bytes")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise MessageRefused(Reason.NOT_XML, "not UTF-8") from None
    if "<!DOCTYPE" in text.upper():
        raise MessageRefused(Reason.NOT_XML, "a document type declaration is not allowed")
    try:
        return parse_xml(text.encode(), encoding="utf-8"), text
    except NotWellFormed as problem:
        raise MessageRefused(Reason.NOT_XML, f"not well-formed, line {problem.line}") from None
    except HasDocumentType as problem:
        raise MessageRefused(Reason.NOT_XML, str(problem)) from None


@contextmanager
def refusing(where: str) -> Iterator[None]:
    """Turn what is missing or malformed in the block into a refusal that says where."""
    try:
        yield
    except RowRefused as refusal:
        raise MessageRefused(Reason.INVALID, f"{where}{refusal.reason}") from None


def order_reference(node: Node) -> str:
    """Return the number of the order that a node refers to, empty when to none."""
    found = node.child("OrderReference")
    return found.text("ID", 80) if found else ""


def packages_in(node: Node, name: str, *, unit: bool = True) -> int | None:
    """Return a quantity in whole packages, None when it is not stated; `unit` tells whether it has to say that it counts packages."""
    found = node.child(name)
    if found is None:
        return None
    match = _QUANTITY.fullmatch(found.own_text)
    if match is None:
        raise RowRefused(f"{name} is not a whole number of packages")
    if unit and found.attribute("unitCode") != PACKAGES:
        raise RowRefused(f"the unitCode of {name} is not {PACKAGES}")
    return int(match[1])


def article_identifiers(item: Node) -> tuple[str, str]:
    """Return the buyer's article number and the GTIN that an item states, each empty when it states none."""
    buyers, standard = item.child("BuyersItemIdentification"), item.child("StandardItemIdentification")
    gtin = standard.text("ID", 40) if standard else ""
    return buyers.text("ID", 40) if buyers else "", gtin
