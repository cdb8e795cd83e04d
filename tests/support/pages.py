"""What every page must be: valid HTML with one heading, unique ids, a title, a language, and scripts that the policy lets run."""

from __future__ import annotations

import re
from typing import Any

import html5lib
from werkzeug.test import TestResponse

_XHTML = "{http://www.w3.org/1999/xhtml}"
# The specification has these elements and attributes; html5lib is older.
_TOLERATED = {"unexpected-null-character"}


def check_page(response: TestResponse) -> None:
    """Fail with what is wrong with a page."""
    html = response.get_data(as_text=True)
    parser = html5lib.HTMLParser(namespaceHTMLElements=True)
    tree: Any = parser.parse(html)
    problems = [(code, where) for where, code, _ in parser.errors if code not in _TOLERATED]
    assert not problems, f"invalid HTML: {problems[:3]}"
    elements = list(tree.iter())
    assert next(element for element in elements if element.tag == f"{_XHTML}html").get("lang") in {"sv", "en"}
    assert len([element for element in elements if element.tag == f"{_XHTML}h1"]) == 1, "not exactly one h1"
    titles = ["".join(element.itertext()).strip() for element in elements if element.tag == f"{_XHTML}title"]
    assert titles
    assert len(titles[0]) > len("– Hjälpmedelsportalen") - 1, "no title of its own"
    ids = [element.get("id") for element in elements if element.get("id")]
    repeated = {name for name in ids if ids.count(name) > 1}
    assert not repeated, f"ids twice: {repeated}"
    _check_references(elements, set(ids))
    _check_policy(response, elements)


def _check_references(elements: list[Any], ids: set[str]) -> None:
    for element in elements:
        for name in ("for", "aria-describedby", "aria-labelledby", "popovertarget"):
            for target in (element.get(name) or "").split():
                assert target in ids, f"{name} points to {target}, which is not on the page"


def _check_policy(response: TestResponse, elements: list[Any]) -> None:
    policy = response.headers["Content-Security-Policy"]
    nonce = re.search(r"'nonce-([^']+)'", policy)
    assert nonce
    assert "unsafe" not in policy
    for element in elements:
        assert element.get("style") is None, "inline style"
        assert not [name for name in element.attrib if str(name).startswith("on")], "inline handler"
        if element.tag == f"{_XHTML}script":
            assert element.get("nonce") == nonce[1], "a script that the policy stops"
            assert element.get("src", "").startswith("/assets/"), "inline script"
        assert element.tag != f"{_XHTML}style", "inline style sheet"
