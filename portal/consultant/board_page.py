"""The board's left and middle: what is chosen stands in the address, and the session remembers it until the next time."""

from __future__ import annotations

from dataclasses import replace
from enum import StrEnum
from typing import Any, TypeVar

from flask import request, session as browser, url_for
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from delivery.complaints.board import Board, Pile, Wanted, board
from delivery.complaints.models import LookFirst
from orders.kinds import ProductArea
from orders.models import ProductKind
from portal.complaint_words import AREAS, FAULTS, KINDS, LOOK_FIRST, RELATIONS, STATES
from portal.consultant.words import age_words, due_words
from portal.security import current_identity

REMEMBERED = "complaints_board"
LONGEST_WORDS = 40
_NAMES = ("show", "find", "area", "kind", "supplier", "look", "page")
# A database's largest number is not a supplier's.
_LARGEST_ID = 2**31

E = TypeVar("E", bound=StrEnum)


def wanted_cases() -> Wanted:
    """Return what the address asks for; without a word of it there, what was looked at last."""
    if not any(name in request.args for name in _NAMES):
        return _wanted(browser.get(REMEMBERED) or {})
    wanted = _wanted({name: request.args.get(name, "") for name in _NAMES})
    kept = in_address(replace(wanted, page=1))
    if kept != (browser.get(REMEMBERED) or {}):
        browser[REMEMBERED] = kept
    return wanted


def in_address(wanted: Wanted) -> dict[str, Any]:
    """Return the parts of an address that ask for the same again."""
    parts = {
        "show": wanted.pile.value if wanted.pile is not Pile.OPEN else "",
        "find": wanted.words,
        "area": wanted.area or "",
        "kind": wanted.kind or "",
        "supplier": str(wanted.supplier_id or ""),
        "look": wanted.look_first or "",
        "page": str(wanted.page) if wanted.page > 1 else "",
    }
    return {name: str(value) for name, value in parts.items() if value}


def board_context(session: Session) -> dict[str, object]:
    """Return what the templates of the board need: the piles, what narrows them, and the cases of this page."""
    wanted = wanted_cases()
    shown = board(session, current_identity(), wanted)
    keep = in_address(replace(wanted, page=shown.page))
    return {
        "board": shown,
        "piles": pile_words(),
        "narrowing": _narrowing(shown),
        "words": wanted.words,
        "keep": keep,
        "page_url": lambda number: url_for("consultant.board", **in_address(replace(wanted, page=number))),
        "pile_url": _pile_url,
        "faults": FAULTS,
        "states": STATES,
        "relations": RELATIONS,
        "looks": LOOK_FIRST,
        "due_words": due_words,
        "age_words": age_words,
    }


def pile_words() -> dict[Pile, str]:
    """Return what the piles are called, in their order."""
    return {
        Pile.OPEN: _("To decide"),
        Pile.RED_FLAG: _("Red flag"),
        Pile.OVERDUE: _("Overdue"),
        Pile.MINE: _("Mine"),
        Pile.ADDED_TO: _("Added to since"),
        Pile.WAITING: _("Waiting for an answer"),
        Pile.REPLACED: _("Replaced, to claim"),
        Pile.SUPPLIER: _("With the supplier"),
        Pile.DECLINED: _("Declined cases"),
        Pile.CLOSED: _("Closed cases"),
    }


def _pile_url(pile: Pile) -> str:
    # Said out loud also for the first pile: an address without a word leads back to where one was.
    return url_for("consultant.board", show=pile.value)


def _narrowing(shown: Board) -> list[dict[str, Any]]:
    """What can be chosen besides the pile: each a select with the number of cases that a choice leaves."""
    wanted, facets = shown.wanted, shown.facets
    groups: list[tuple[str, str, Any, dict[Any, tuple[Any, int]]]] = [
        ("area", _("Product area"), wanted.area, {key: (AREAS[key], count) for key, count in facets.areas.items()}),
        ("kind", _("Product"), wanted.kind, {key: (KINDS[key], count) for key, count in facets.kinds.items()}),
        ("supplier", _("Supplier"), wanted.supplier_id, dict(facets.suppliers)),
        ("look", _("Look first"), wanted.look_first, {key: (LOOK_FIRST[key], n) for key, n in facets.looks.items()}),
    ]
    return [
        {
            "name": name,
            "label": label,
            "chosen": str(chosen or ""),
            "options": [(str(key), f"{words} ({count})") for key, (words, count) in options.items()],
        }
        for name, label, chosen, options in groups
        if options
    ]


def _wanted(parts: dict[str, str]) -> Wanted:
    page, supplier = parts.get("page", ""), parts.get("supplier", "")
    return Wanted(
        pile=_one_of(Pile, parts.get("show", "")) or Pile.OPEN,
        words=parts.get("find", "")[:LONGEST_WORDS].replace("\x00", ""),
        area=_one_of(ProductArea, parts.get("area", "")),
        kind=_one_of(ProductKind, parts.get("kind", "")),
        supplier_id=min(int(supplier), _LARGEST_ID) if _is_number(supplier) else None,
        look_first=_one_of(LookFirst, parts.get("look", "")),
        page=min(int(page), 10_000) if _is_number(page) else 1,
    )


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 20


def _one_of(kind: type[E], text: str) -> E | None:
    try:
        return kind(text)
    except ValueError:
        return None
