"""SOAP 1.1 envelopes of the national contract: reading what any client sends, and writing faults."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from lxml import etree

from core.xml import HasDocumentType, NotWellFormed, parse_xml
from orders.contract.envelope import ENVELOPE, in_envelope
from orders.contract.names import REGISTRY

# An order of two hundred rows is some two hundred kilobytes.
MOST_BYTES = 1024 * 1024
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
    try:
        # Some clients leave white space within the quotation marks of a namespace.
        return parse_xml(raw, tidies_namespaces=True)
    except NotWellFormed as problem:
        raise SoapFault(FaultCode.CLIENT, f"the message is not well-formed XML, line {problem.line}") from None
    except HasDocumentType as problem:
        raise SoapFault(FaultCode.CLIENT, str(problem)) from None


def _logical_address(root: etree._Element) -> str:
    for header in root:
        if header.tag == f"{{{ENVELOPE}}}Header":
            for child in header:
                if child.tag == f"{{{REGISTRY}}}LogicalAddress":
                    return (child.text or "").strip()[:_LONGEST_ADDRESS]
    return ""


def write_fault(fault: SoapFault, request_id: str) -> bytes:
    """Return an envelope with a fault; the request's id lets the log be asked for the rest."""
    content = etree.Element(f"{{{ENVELOPE}}}Fault", nsmap={"soap": ENVELOPE})
    etree.SubElement(content, "faultcode").text = f"soap:{fault.code}"
    etree.SubElement(content, "faultstring").text = f"{fault.text} [{request_id}]" if request_id else fault.text
    return in_envelope(content)
