"""Reading XML that comes from outside: nothing is fetched or expanded on its behalf, and what is wrong is told without quoting it."""

from __future__ import annotations

import re
from typing import Any

from lxml import etree

from core.errors import DomainError

_SPACED_NAMESPACE = re.compile(rb"""(\sxmlns(?::[\w.-]+)?\s*=\s*)(["'])(\s*)([^"'\s]+)(\s*)\2""")


class NotWellFormed(DomainError):
    """What came is no well-formed XML; `line` is where reading stopped. The parser's own words may quote the message, and are not kept."""

    def __init__(self, line: int) -> None:
        super().__init__(f"not well-formed XML, line {line}")
        self.line = line


class HasDocumentType(DomainError):
    """A document type is declared, by which a message could have entities made or files fetched."""

    def __init__(self) -> None:
        super().__init__("a document type declaration is not allowed")


def parse_xml(raw: bytes, *, encoding: str | None = None, tidies_namespaces: bool = False) -> etree._Element:
    """Return the root, without comments and processing instructions; raise NotWellFormed or HasDocumentType.

    `encoding` goes before what the message says of itself. `tidies_namespaces` reads namespaces with white space within their quotation
    marks, as some clients write them. The caller bounds the size.
    """
    try:
        try:
            root = etree.fromstring(raw, _parser(encoding))
        except etree.XMLSyntaxError:
            # The white space is moved out of the quotation marks, so that lines stay.
            tidied = _SPACED_NAMESPACE.sub(rb"\1\2\4\2\3\5", raw) if tidies_namespaces else raw
            if tidied == raw:
                raise
            root = etree.fromstring(tidied, _parser(encoding))
    except (etree.XMLSyntaxError, ValueError) as problem:
        raise NotWellFormed(getattr(problem, "lineno", None) or 1) from None
    document: Any = root.getroottree().docinfo
    if document.doctype:
        raise HasDocumentType
    return root


def _parser(encoding: str | None) -> etree.XMLParser:
    return etree.XMLParser(
        encoding=encoding,
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        dtd_validation=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
