"""Reading elements of the national contract: by name within its namespaces, refusing what is missing or malformed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from typing import Any

from lxml import etree

from core.importing import RowRefused
from core.tables import calendar_day, whole_number

_ZONE = re.compile(r"(Z|[+-]\d{2}:\d{2})$")
_NIL = "{http://www.w3.org/2001/XMLSchema-instance}nil"
_BOOLEANS = {"true": True, "1": True, "false": False, "0": False}


class Node:
    """An element of the contract, whose children are found by name within the contract's own namespaces."""

    def __init__(self, element: etree._Element, namespaces: frozenset[str]) -> None:
        self._element = element
        self._namespaces = namespaces

    @property
    def line(self) -> int:
        """The element's line in the file."""
        return line_of(self._element)

    @property
    def own_text(self) -> str:
        """The element's text without surrounding space."""
        return _text(self._element)

    def attribute(self, name: str) -> str:
        """Return an attribute of the element itself, empty when it has none of that name."""
        return (self._element.get(name) or "").strip()

    def children(self, name: str) -> Iterator[Node]:
        """Give the children of that name, extensions passed over."""
        for child in self._element:
            if isinstance(child.tag, str):
                found = etree.QName(child)
                if found.localname == name and found.namespace in self._namespaces:
                    yield Node(child, self._namespaces)

    def child(self, name: str) -> Node | None:
        """Return the first child of that name."""
        return next(self.children(name), None)

    def required(self, name: str) -> Node:
        """Return the first child of that name; raise RowRefused."""
        found = self.child(name)
        if found is None:
            raise RowRefused(f"{name} is missing")
        return found

    def text(self, name: str, longest: int, *, required: bool = True) -> str:
        """Return a child's text without surrounding space; raise RowRefused when it is missing or too long."""
        child = self.child(name)
        value = "" if child is None else _text(child._element)
        if required and not value:
            raise RowRefused(f"{name} is missing")
        if len(value) > longest:
            raise RowRefused(f"{name} is longer than {longest} characters")
        return value

    def whole(self, name: str, *, least: int) -> int:
        """Return a child's whole number; raise RowRefused."""
        return whole_number(self.text(name, 20), name, least=least)

    def day(self, name: str) -> date:
        """Return a child's date, a time zone passed over; raise RowRefused."""
        return calendar_day(_ZONE.sub("", self.text(name, 40)), name)

    def optional_day(self, name: str) -> date | None:
        """Return a child's date, or None when it is missing, empty or nil; raise RowRefused."""
        child = self.child(name)
        if child is None or child._element.get(_NIL) in ("true", "1") or not self.text(name, 40, required=False):
            return None
        return self.day(name)

    def flag(self, name: str) -> bool:
        """Return a child's boolean, False when it is missing; raise RowRefused."""
        value = self.text(name, 10, required=False) or "false"
        if value not in _BOOLEANS:
            raise RowRefused(f"{name} is neither true nor false")
        return _BOOLEANS[value]

    def coded(self, name: str) -> tuple[str, ...]:
        """Return what a value may be called: the word itself in version 1.0, code and display name in 2.0."""
        child = self.required(name)
        parts = [child.text(part, 200, required=False) for part in ("code", "displayName", "originalText")]
        own = (child._element.text or "").strip()
        return tuple(part.upper() for part in (own, *parts) if part)


def line_of(element: Any) -> int:
    """Return an element's line in the file."""
    return element.sourceline or 1


def _text(element: Any) -> str:
    return "".join(element.itertext()).strip()
