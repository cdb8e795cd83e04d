"""SOAP 1.1 envelopes of the national contract: reading what any client sends, writing answers and faults."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from lxml import etree

from orders.contract.names import REGISTRY

ENVELOPE = "http://schemas.xmlsoap.org/soap/envelope/"
CONTENT_TYPE = "text/xml; charset=utf-8"
# An order of two hundred rows is some two hundred kilobytes.
MOST_BYTES = 1024 * 1024
_SPACED_NAMESPACE = re.compile(rb"""(\sxmlns(?::[\w.-]+)?\s*=\s*)(["'])\s*([^"'\s]+)\s*\2""")
_LONGEST_ADDRESS = 100


class FaultCode(StrEnum):
    """Whose fault it is, in SOAP's words."""

    CLIENT = "Client"
    SERVER = "Server"


class SoapFault(Exception):
    """The call is answered with a fault; `text` says what is wrong with the message, without anything that it held."""

    def __init__(self, code: FaultCode, text: str, status: int = 500) -> None:
        super().__init__(text)
        self.code = code
        self.text = text
        self.status = status


@dataclass(frozen=True)
class Call:
    """The one element of a call's body, and to whom it is addressed."""

    logical_address: str
    body: etree._Element


def read_call(raw: bytes) -> Call:
    """Read an envelope; raise SoapFault for whatever is none."""
    root = _parse(raw)
    if root.tag != f"{{{ENVELOPE}}}Envelope":
        raise SoapFault(FaultCode.CLIENT, "the message is not a SOAP 1.1 envelope")
    bodies = [child for child in root if child.tag == f"{{{ENVELOPE}}}Body"]
    if len(bodies) != 1:
        raise SoapFault(FaultCode.CLIENT, "the envelope has not exactly one Body")
    content = list(bodies[0])
    if len(content) != 1:
        raise SoapFault(FaultCode.CLIENT, "the Body holds not exactly one element")
    return Call(_logical_address(root), content[0])


def _parse(raw: bytes) -> etree._Element:
    if len(raw) > MOST_BYTES:
        raise SoapFault(FaultCode.CLIENT, f"the message is larger than {MOST_BYTES} bytes", 413)
    # No entities, no document type, no network, no huge trees: the message comes from outside.
    parser = etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        dtd_validation=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        # Some clients leave white space within the quotation marks of a namespace.
        root = etree.fromstring(_SPACED_NAMESPACE.sub(rb"\1\2\3\2", raw), parser)
    except (etree.XMLSyntaxError, ValueError) as problem:
        # The parser's own words may quote the message.
        line = getattr(problem, "lineno", None) or 1
        raise SoapFault(FaultCode.CLIENT, f"the message is not well-formed XML, line {line}") from None
    document: Any = root.getroottree().docinfo
    if document.doctype:
        raise SoapFault(FaultCode.CLIENT, "a document type declaration is not allowed")
    return root


def _logical_address(root: etree._Element) -> str:
    for header in root:
        if header.tag == f"{{{ENVELOPE}}}Header":
            for child in header:
                if child.tag == f"{{{REGISTRY}}}LogicalAddress":
                    return (child.text or "").strip()[:_LONGEST_ADDRESS]
    return ""


def write_answer(content: etree._Element) -> bytes:
    """Return an envelope with the element as its body."""
    envelope = etree.Element(f"{{{ENVELOPE}}}Envelope", nsmap={"soap": ENVELOPE})
    etree.SubElement(envelope, f"{{{ENVELOPE}}}Body").append(content)
    return etree.tostring(envelope, xml_declaration=True, encoding="utf-8")


def write_fault(fault: SoapFault, request_id: str) -> bytes:
    """Return an envelope with a fault; the request's id lets the log be asked for the rest."""
    content = etree.Element(f"{{{ENVELOPE}}}Fault", nsmap={"soap": ENVELOPE})
    etree.SubElement(content, "faultcode").text = f"soap:{fault.code}"
    etree.SubElement(content, "faultstring").text = f"{fault.text} [{request_id}]" if request_id else fault.text
    return write_answer(content)
