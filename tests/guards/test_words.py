"""Every word that somebody reads is found by whoever collects words for translation, whichever Python does it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("core", "auth", "orders", "delivery", "portal")
TRANSLATING = frozenset({"_", "_l", "gettext", "ngettext", "lazy_gettext", "lazy_ngettext", "pgettext"})


def _words_within_f_strings(tree: ast.AST) -> Iterator[ast.Call]:
    for text in ast.walk(tree):
        if isinstance(text, ast.JoinedStr):
            for call in ast.walk(text):
                if isinstance(call, ast.Call):
                    name = getattr(call.func, "id", None) or getattr(call.func, "attr", None)
                    if name in TRANSLATING:
                        yield call


def test_no_word_hides_in_an_f_string() -> None:
    """Before Python 3.12 an f-string is one token: a call within it is not collected, and its word stays English."""
    found = [
        f"{path.relative_to(ROOT)}:{call.lineno}"
        for package in PACKAGES
        for path in (ROOT / package).rglob("*.py")
        if "node_modules" not in path.parts
        for call in _words_within_f_strings(ast.parse(path.read_text(encoding="utf-8")))
    ]
    assert found == []


def test_the_guard_sees_what_it_is_for() -> None:
    hidden = ast.parse("""f"{name}, {_('lot')} {lot_no}" """)
    assert [call.lineno for call in _words_within_f_strings(hidden)] == [1]
