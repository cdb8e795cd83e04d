"""Descriptions of the contract's services, made from the table of its types, for clients that build themselves from one."""

from __future__ import annotations

from functools import cache

from lxml import etree

from orders.contract import schema
from orders.contract.names import REGISTRY, Service, Version

XS = "http://www.w3.org/2001/XMLSchema"
WSDL = "http://schemas.xmlsoap.org/wsdl/"
SOAP = "http://schemas.xmlsoap.org/wsdl/soap/"
HTTP = "http://schemas.xmlsoap.org/soap/http"


@cache
def description(service: Service, version: Version, address: str) -> bytes:
    """Return the service's WSDL with its schemas inside; `address` is where it answers."""
    responder, interaction = version.responder(service), version.interaction(service)
    root = etree.Element(
        f"{{{WSDL}}}definitions",
        nsmap={
            "wsdl": WSDL,
            "soap": SOAP,
            "xs": XS,
            "messages": responder,
            "core": version.core,
            "registry": REGISTRY,
            "tns": interaction,
        },
        name=f"{service}Interaction",
        targetNamespace=interaction,
    )
    types = _add(root, WSDL, "types")
    types.append(_registry_schema())
    types.append(_core_schema(version))
    types.append(_messages_schema(service, version))
    _add_messages(root, service)
    _add_port(root, service, version, address)
    return etree.tostring(root, xml_declaration=True, encoding="utf-8", pretty_print=True)


def _add(parent: etree._Element, namespace: str, tag: str, /, **attributes: str) -> etree._Element:
    return etree.SubElement(parent, f"{{{namespace}}}{tag}", attributes)


def _schema(namespace: str, prefix: str, **others: str) -> etree._Element:
    return etree.Element(
        f"{{{XS}}}schema",
        nsmap={"xs": XS, prefix: namespace, **others},
        targetNamespace=namespace,
        elementFormDefault="qualified",
        attributeFormDefault="unqualified",
    )


def _registry_schema() -> etree._Element:
    root = _schema(REGISTRY, "registry")
    _add(root, XS, "element", name="LogicalAddress", type="xs:string")
    return root


def _core_schema(version: Version) -> etree._Element:
    root = _schema(version.core, "core")
    for name, words in schema.enumerations(version).items():
        restriction = _restriction(root, name, "xs:string")
        for word in words:
            _add(restriction, XS, "enumeration", value=word)
    _add(_restriction(root, "HttpsURI", "xs:anyURI"), XS, "pattern", value="https://.+")
    for name, kind in schema.types(version).items():
        _add_type(_add(root, XS, "complexType", name=name), kind)
    return root


def _restriction(root: etree._Element, name: str, base: str) -> etree._Element:
    return _add(_add(root, XS, "simpleType", name=name), XS, "restriction", base=base)


def _messages_schema(service: Service, version: Version) -> etree._Element:
    root = _schema(version.responder(service), "messages", core=version.core)
    _add(root, XS, "import", namespace=version.core)
    for name, kind in (
        (str(service), schema.request_type(service, version)),
        (f"{service}Response", schema.response_type(service)),
    ):
        _add_type(_add(_add(root, XS, "element", name=name), XS, "complexType"), kind)
    return root


def _add_type(parent: etree._Element, kind: schema.Type) -> None:
    sequence = _add(parent, XS, "sequence")
    for part in kind.parts:
        own = f"core:{part.type}" if part.type[0].isupper() else f"xs:{part.type}"
        element = _add(
            sequence,
            XS,
            "element",
            name=part.name,
            type=own,
            minOccurs=str(part.least),
            maxOccurs="unbounded" if part.most is None else str(part.most),
        )
        if part.is_nillable:
            element.set("nillable", "true")
    if kind.is_open:
        _add(sequence, XS, "any", namespace="##other", processContents="lax", minOccurs="0", maxOccurs="unbounded")


def _add_messages(root: etree._Element, service: Service) -> None:
    asked = _add(root, WSDL, "message", name=f"{service}Request")
    _add(asked, WSDL, "part", name="LogicalAddress", element="registry:LogicalAddress")
    _add(asked, WSDL, "part", name="parameters", element=f"messages:{service}")
    answered = _add(root, WSDL, "message", name=f"{service}Response")
    _add(answered, WSDL, "part", name="parameters", element=f"messages:{service}Response")


def _add_port(root: etree._Element, service: Service, version: Version, address: str) -> None:
    port = _add(root, WSDL, "portType", name=f"{service}ResponderInterface")
    operation = _add(port, WSDL, "operation", name=str(service))
    _add(operation, WSDL, "input", message=f"tns:{service}Request")
    _add(operation, WSDL, "output", message=f"tns:{service}Response")

    binding = _add(root, WSDL, "binding", name=f"{service}ResponderBinding", type=f"tns:{service}ResponderInterface")
    _add(binding, SOAP, "binding", style="document", transport=HTTP)
    operation = _add(binding, WSDL, "operation", name=str(service))
    _add(operation, SOAP, "operation", soapAction=version.action(service), style="document")
    asked = _add(operation, WSDL, "input")
    _add(asked, SOAP, "header", use="literal", message=f"tns:{service}Request", part="LogicalAddress")
    _add(asked, SOAP, "body", use="literal", parts="parameters")
    _add(_add(operation, WSDL, "output"), SOAP, "body", use="literal")

    place = _add(root, WSDL, "service", name=f"{service}ResponderService")
    port = _add(place, WSDL, "port", name=f"{service}ResponderPort", binding=f"tns:{service}ResponderBinding")
    _add(port, SOAP, "address", location=address)
