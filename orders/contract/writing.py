"""Writes the contract's messages: nested values become elements, in the contract's order and in its namespaces."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

from lxml import etree

from orders.contract import schema
from orders.contract.names import Service, Version
from orders.importing.parsed import NO_PROVIDER

Values = Mapping[str, object]
# What XML 1.0 cannot hold; text from elsewhere may have it all the same.
_UNWRITABLE = dict.fromkeys([*range(9), 11, 12, *range(14, 32), 0xFFFE, 0xFFFF, *range(0xD800, 0xE000)])


def write_request(service: Service, version: Version, values: Values) -> etree._Element:
    """Return a request's element, to be put into an envelope."""
    return _write_message(str(service), schema.request_type(service, version), service, version, values)


def write_response(service: Service, version: Version, values: Values) -> etree._Element:
    """Return a response's element, to be put into an envelope."""
    return _write_message(f"{service}Response", schema.response_type(service), service, version, values)


def coded(version: Version, word: str) -> object:
    """Return a product area or a provider as the version has it: the word, or a coded value with the word as its code."""
    return {"code": word, "displayName": word} if version.has_coded_values else word


def provider(version: Version, word: str) -> object:
    """Return a provider of service points as the version has it; version 1.0 knows four."""
    known = word in dict(schema.enumerations(version)).get("ServicePointProviderEnum", (word,))
    return coded(version, word if known else NO_PROVIDER)


def _write_message(name: str, kind: schema.Type, service: Service, version: Version, values: Values) -> etree._Element:
    responder = version.responder(service)
    root = etree.Element(f"{{{responder}}}{name}", nsmap={"messages": responder, "core": version.core})
    _write_parts(root, kind, responder, values, schema.types(version), version.core)
    return root


def _write_parts(
    parent: etree._Element,
    kind: schema.Type,
    namespace: str,
    values: Values,
    types: Mapping[str, schema.Type],
    core: str,
) -> None:
    for part in kind.parts:
        value = values.get(part.name)
        if value is None:
            continue
        for one in value if isinstance(value, (list, tuple)) else (value,):
            child = etree.SubElement(parent, f"{{{namespace}}}{part.name}")
            if part.type in types:
                assert isinstance(one, Mapping)
                _write_parts(child, types[part.type], core, one, types, core)
            else:
                child.text = _text(one)


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, date):
        return value.isoformat()
    return str(value).translate(_UNWRITABLE)


def rows(values: Sequence[Values]) -> list[Values] | None:
    """Return values of a part that may be there any number of times; None when there are none."""
    return list(values) or None
