"""Reading what a supplier calls back: lots, serial numbers, ranges and scanned codes, pasted as they came. Pure. Handbook §7."""

from __future__ import annotations

import re
from dataclasses import dataclass

from delivery.goods_rules import read_range
from delivery.udi import NotACode, ScannedCode, read_code

# A notice of more pieces, or of more numbers in its ranges, is a file for the supplier to cut.
MOST_PIECES = 5_000
MOST_NUMBERS = 20_000
LONGEST_NUMBER = 20
_BETWEEN = re.compile(r"[ \t\r\n\f\v,;\N{NO-BREAK SPACE}\N{BYTE ORDER MARK}]+")
_JOINED = re.compile(r"[ \t]+-[ \t]+|[ \t]*(?:–|—|\.\.)[ \t]*")
_LONGEST_RANGE = 60
_BRACKETED = re.compile(r"\((\d{2,4})\)[ \t]*")


@dataclass(frozen=True)
class Notice:
    """What a notice names, each piece once and in the order of the text: bare numbers, ranges spelled out, and codes."""

    numbers: tuple[str, ...] = ()
    ranges: tuple[tuple[str, tuple[str, ...]], ...] = ()
    codes: tuple[tuple[str, ScannedCode], ...] = ()
    # What is neither: listed, never dropped.
    unreadable: tuple[str, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether nothing was written at all."""
        return not (self.numbers or self.ranges or self.codes or self.unreadable)


class NoticeTooLong(ValueError):
    """More than can be one notice; `piece` is where it became too much."""

    def __init__(self, piece: str) -> None:
        super().__init__("notice too long")
        self.piece = piece


def read_notice(text: str) -> Notice:
    """Read a notice: pieces between spaces, commas, semicolons or lines. Raises NoticeTooLong."""
    text = _BRACKETED.sub(r"(\1)", _JOINED.sub("–", text.replace("\x00", "")))
    pieces = list(dict.fromkeys(piece for piece in _BETWEEN.split(text) if piece))
    if len(pieces) > MOST_PIECES:
        raise NoticeTooLong(pieces[MOST_PIECES])
    numbers: list[str] = []
    ranges: list[tuple[str, tuple[str, ...]]] = []
    codes: list[tuple[str, ScannedCode]] = []
    unreadable: list[str] = []
    spelled = 0
    for piece in pieces:
        if code := _code(piece):
            codes.append((piece, code))
            continue
        try:
            range_ = read_range(piece, MOST_NUMBERS - spelled) if len(piece) <= _LONGEST_RANGE else None
        except ValueError:
            raise NoticeTooLong(piece) from None
        if range_ is not None:
            spelled += len(range_)
            ranges.append((piece, tuple(range_)))
        elif len(piece) <= LONGEST_NUMBER and piece.isprintable() and any(one.isalnum() for one in piece):
            numbers.append(piece)
        else:
            unreadable.append(piece)
    return Notice(tuple(numbers), tuple(ranges), tuple(codes), tuple(unreadable))


def _code(piece: str) -> ScannedCode | None:
    # A bare row of digits may be somebody's lot number: only what cannot be one is taken for a code.
    if len(piece) <= LONGEST_NUMBER and not piece.startswith(("(", "]")):
        return None
    try:
        code = read_code(piece)
    except NotACode:
        return None
    return code if code.lot_no or code.serial_no else None
