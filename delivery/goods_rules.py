"""The rules of goods in: what is refused at the gate, and how serial numbers are written. Pure. Handbook §6."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from delivery.udi import NotACode, read_code
from orders.kinds import ProductKind

MOST_SERIALS = 500
LONGEST_SERIAL = 20
# What a GS1 serial number may be made of (character set 82).
_SERIAL = re.compile(r"[!\"%&'()*+,\-./0-9:;<=>?A-Z_a-z]{1,20}")
_RANGE = re.compile(r"(?P<head>\S*?)(?P<first>\d{1,15})\s*(?:–|\.\.|-)\s*(?P<again>\S*?)(?P<last>\d{1,15})")


class Refusal(StrEnum):
    """Why goods go back to the supplier."""

    UNKNOWN_ARTICLE = "UNKNOWN_ARTICLE"
    NOT_ORDERED = "NOT_ORDERED"
    RECALLED = "RECALLED"
    DAMAGED = "DAMAGED"
    EXPIRED = "EXPIRED"
    SHELF_LIFE = "SHELF_LIFE"


@dataclass(frozen=True)
class GoodsFacts:
    """What decides about goods of one lot; days are calendar days, `least_days_left` the article's own rule where it has one."""

    kind: ProductKind
    shelf_life_days: int | None
    least_days_left: int | None
    expires_on: date
    lot_may_not_leave: bool
    is_damaged: bool
    is_ordered: bool


def required_days_left(kind: ProductKind, shelf_life_days: int | None, least_days_left: int | None) -> int:
    """Return how many days goods must have left: the article's own rule, for sensors two thirds of their shelf life, else one day."""
    if least_days_left is not None:
        return least_days_left
    if kind is ProductKind.SENSOR and shelf_life_days is not None:
        # Rounded up: less than two thirds is too little.
        return -(-shelf_life_days * 2 // 3)
    return 1


def judge_goods(goods: GoodsFacts, today: date) -> Refusal | None:
    """Return why goods are refused, or None."""
    if not goods.is_ordered:
        return Refusal.NOT_ORDERED
    if goods.lot_may_not_leave:
        return Refusal.RECALLED
    if goods.is_damaged:
        return Refusal.DAMAGED
    left = (goods.expires_on - today).days
    if left < 0:
        return Refusal.EXPIRED
    if left < required_days_left(goods.kind, goods.shelf_life_days, goods.least_days_left):
        return Refusal.SHELF_LIFE
    return None


class SerialProblem(StrEnum):
    """What is wrong with typed serial numbers."""

    UNREADABLE = "UNREADABLE"
    TWICE = "TWICE"
    TOO_MANY = "TOO_MANY"


class SerialsRefused(ValueError):
    """The serial numbers cannot be used; `text` is the piece that is meant."""

    def __init__(self, problem: SerialProblem, text: str) -> None:
        super().__init__(problem)
        self.problem, self.text = problem, text


def read_serials(text: str) -> list[str]:
    """Return serial numbers typed or scanned one by one (spaces, commas or lines between), or as ranges like P100–P119.

    Raises SerialsRefused.
    """
    found: list[str] = []
    # Not \s: to Python that is FNC1 too, which lies within a scanned code.
    for piece in re.split(r"[ \t\r\n,;]+", re.sub(r"\s*(–|\.\.)\s*", r"\1", text.strip())):
        if piece:
            found += read_range(piece) or [_bare(piece)]
        if len(found) > MOST_SERIALS:
            raise SerialsRefused(SerialProblem.TOO_MANY, piece)
    for serial in found:
        if not _SERIAL.fullmatch(serial):
            raise SerialsRefused(SerialProblem.UNREADABLE, serial[:LONGEST_SERIAL])
        if found.count(serial) > 1:
            raise SerialsRefused(SerialProblem.TWICE, serial)
    return found


def is_serial(text: str) -> bool:
    """Tell whether the text could be a serial number as GS1 writes them."""
    return _SERIAL.fullmatch(text) is not None


def _bare(piece: str) -> str:
    """A scanner types the package's whole code: then the number in it is what is meant."""
    if len(piece) <= LONGEST_SERIAL:
        return piece
    try:
        return read_code(piece).serial_no or piece
    except NotACode:
        return piece


def read_range(piece: str, most: int = MOST_SERIALS) -> list[str] | None:
    """Return the numbers of a range like P100–P119; None for what is no range. Raises SerialsRefused for one of more than `most`."""
    written = _RANGE.fullmatch(piece)
    if written is None or written["again"] not in ("", written["head"]):
        return None
    # A dash may be a part of the number; only one that joins two numbers of the same length is a range.
    first, last = written["first"], written["last"]
    if len(first) != len(last) or int(last) <= int(first):
        return None
    if int(last) - int(first) >= most:
        raise SerialsRefused(SerialProblem.TOO_MANY, piece)
    return [f"{written['head']}{number:0{len(first)}d}" for number in range(int(first), int(last) + 1)]
