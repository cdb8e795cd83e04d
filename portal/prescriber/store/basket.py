"""What has been chosen so far, as it stands in the page's address: no data of anybody's, so it may."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from werkzeug.datastructures import MultiDict

from orders.store_rules import MOST_LINES

_FIELD = re.compile(r"amount-([0-9]{1,18})", re.ASCII)
_AMOUNT = re.compile(r"[0-9]{1,4}", re.ASCII)
NOT_A_NUMBER = -1


def field_of(article_id: int) -> str:
    """Return the name of an article's field."""
    return f"amount-{article_id}"


@dataclass(frozen=True)
class Basket:
    """Packages by article id, in the order in which they were chosen; `typed` is what stood in the fields."""

    packages: Mapping[int, int] = field(default_factory=dict)
    typed: Mapping[int, str] = field(default_factory=dict)

    @property
    def arguments(self) -> dict[str, str]:
        """The basket as an address's arguments."""
        return {field_of(article_id): text for article_id, text in self.typed.items()}


def read_basket(given: MultiDict[str, str]) -> Basket:
    """Read a basket from an address or a form; an amount that is empty or nought is taken out, what `add` names is put in.

    What is no number is kept as typed, to be refused in words; so is one line more than an order may have.
    """
    typed: dict[int, str] = {}
    for name, text in given.items():
        found = _FIELD.fullmatch(name)
        if found is not None and len(typed) <= MOST_LINES:
            typed[int(found[1])] = text.strip()[:10]
    added = given.get("add", "")
    if re.fullmatch(r"[0-9]{1,18}", added, re.ASCII):
        typed[int(added)] = typed.get(int(added), "") or "1"
    typed = {article_id: text for article_id, text in typed.items() if text.strip("0")}
    packages = {
        article_id: int(text) if _AMOUNT.fullmatch(text) else NOT_A_NUMBER for article_id, text in typed.items()
    }
    return Basket(packages, typed)
