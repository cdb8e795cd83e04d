"""SOAP 1.1 envelopes as the contract's messages travel in, whichever side writes them."""

from __future__ import annotations

from lxml import etree

from orders.contract.names import REGISTRY

ENVELOPE = "http://schemas.xmlsoap.org/soap/envelope/"
CONTENT_TYPE = "text/xml; charset=utf-8"


def in_envelope(content: etree._Element, logical_address: str = "") -> bytes:
    """Return an envelope with the element as its body, addressed when it is a call."""
    envelope = etree.Element(f"{{{ENVELOPE}}}Envelope", nsmap={"soap": ENVELOPE})
    if logical_address:
        header = etree.SubElement(envelope, f"{{{ENVELOPE}}}Header")
        address = etree.SubElement(header, f"{{{REGISTRY}}}LogicalAddress", nsmap={"registry": REGISTRY})
        address.text = logical_address
    etree.SubElement(envelope, f"{{{ENVELOPE}}}Body").append(content)
    return etree.tostring(envelope, xml_declaration=True, encoding="utf-8")
