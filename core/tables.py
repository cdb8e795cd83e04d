"""Reading tables as people save them: CSV from Excel in Swedish, UTF-8 or Windows-1252, comma or semicolon."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import Protocol, TypeVar

from core.importing import FileRefused, RowRefused

_DELIMITERS = (";", ",", "\t")
_LONGEST_CELL = 10_000
_WHOLE = re.compile(r"[+-]?\d{1,9}")
_DAY = re.compile(r"(\d{4})-?(\d{2})-?(\d{2})")
_SCIENTIFIC = re.compile(r"\d+([.,]\d+)?E\+?\d+", re.IGNORECASE)
_SEPARATORS = re.compile(r"[|\s]+")
_YES = frozenset({"1", "yes", "true", "ja", "sant"})
_NO = frozenset({"0", "no", "false", "nej", "falskt"})

E = TypeVar("E", bound=StrEnum)


@dataclass(frozen=True)
class Row:
    """One row: its first line in the file (from 1, the heading counted) and its cells by column name."""

    line: int
    cells: dict[str, str] = field(repr=False)

    def has(self, column: str) -> bool:
        """Whether the file has the column at all; what it does not have, an import leaves as it is."""
        return column in self.cells

    def text(self, column: str, longest: int, *, required: bool = False) -> str:
        """Return the cell, at most `longest` characters; raise RowRefused."""
        value = self.cells.get(column, "")
        if required and not value:
            raise RowRefused(f"{column} is missing")
        if len(value) > longest:
            raise RowRefused(f"{column} is longer than {longest} characters")
        return value

    def digits(self, column: str, *lengths: int, required: bool = False) -> str:
        """Return a cell of so many digits, or an empty one; raise RowRefused."""
        value = self.text(column, 40, required=required)
        if _SCIENTIFIC.fullmatch(value):
            raise RowRefused(f"{column} was turned into a rounded number by the spreadsheet; format the column as text")
        if value and not (value.isascii() and value.isdigit() and len(value) in lengths):
            raise RowRefused(f"{column} is not {' or '.join(str(length) for length in lengths)} digits")
        return value

    def whole(self, column: str, *, least: int, required: bool = True) -> int | None:
        """Return a whole number of at least `least`; raise RowRefused."""
        value = self.text(column, 40, required=required)
        return whole_number(value, column, least=least) if value else None

    def number(self, column: str, *, least: int) -> int:
        """Return a required whole number of at least `least`; raise RowRefused."""
        return whole_number(self.text(column, 40, required=True), column, least=least)

    def day(self, column: str) -> date | None:
        """Return a date written 2026-12-03 or 20261203; raise RowRefused."""
        value = self.text(column, 40)
        return calendar_day(value, column) if value else None

    def required_day(self, column: str) -> date:
        """Return a date that must be there; raise RowRefused."""
        return calendar_day(self.text(column, 40, required=True), column)

    def decimal(self, column: str) -> Decimal | None:
        """Return a number with decimal comma or point, not negative; raise RowRefused."""
        value = re.sub(r"\s", "", self.text(column, 40)).replace(",", ".")
        if not value:
            return None
        try:
            number = Decimal(value)
        except InvalidOperation:
            raise RowRefused(f"{column} is not a number") from None
        if not number.is_finite() or number < 0:
            raise RowRefused(f"{column} is not a number from zero up")
        return number

    def flag(self, column: str, default: bool) -> bool:
        """Return yes or no (also ja, nej, true, false, 1, 0); raise RowRefused."""
        value = self.text(column, 10).lower()
        if not value:
            return default
        if value not in _YES | _NO:
            raise RowRefused(f"{column} is neither yes nor no")
        return value in _YES

    def choice(self, column: str, kind: type[E], default: E | None = None) -> E:
        """Return one of the enumeration's values; raise RowRefused."""
        value = self.text(column, 40).upper()
        if not value and default is not None:
            return default
        for item in kind:
            if item.value.upper() == value:
                return item
        raise RowRefused(f"{column} is not one of {', '.join(item.value for item in kind)}")

    def several(self, column: str) -> tuple[str, ...]:
        """Return the words of a cell that are separated by spaces or |."""
        return tuple(word for word in _SEPARATORS.split(self.text(column, 1000)) if word)


def whole_number(value: str, what: str, *, least: int) -> int:
    """Read a whole number of at least `least`; raise RowRefused."""
    if not value.isascii() or not _WHOLE.fullmatch(value):
        raise RowRefused(f"{what} is not a whole number")
    if int(value) < least:
        raise RowRefused(f"{what} is less than {least}")
    return int(value)


def calendar_day(value: str, what: str) -> date:
    """Read a date between 1870 and 2199; raise RowRefused."""
    match = _DAY.fullmatch(value)
    try:
        day = date(int(match[1]), int(match[2]), int(match[3])) if match and value.isascii() else None
    except ValueError:
        day = None
    if day is None or not 1870 <= day.year < 2200:
        raise RowRefused(f"{what} is not a date written as 2026-12-03")
    return day


def read_table(raw: bytes, required: Collection[str], optional: Collection[str]) -> list[Row]:
    """Return the rows of a CSV file whose first line names its columns; raise FileRefused without echoing what it says."""
    lines = _decode(raw)
    first_line = 1
    heading, _, rest = lines.partition("\n")
    if re.fullmatch(r"sep=.\r?", heading, re.IGNORECASE):
        lines, first_line = rest, 2
    reader = csv.reader(io.StringIO(lines, newline=""), delimiter=_delimiter(lines), strict=True)
    records = _records(reader, first_line)
    columns = _columns(next(records, (first_line, []))[1], required, optional, first_line)
    rows = []
    for line, cells in records:
        if len(cells) > len(columns) and any(cells[len(columns) :]):
            raise FileRefused("more cells than the heading has columns; is a cell with the separator not quoted?", line)
        if any(cells):
            # Excel leaves empty cells out at the end of a row.
            padded = cells + [""] * (len(columns) - len(cells))
            rows.append(Row(line, {name: cell for name, cell in zip(columns, padded, strict=False) if name}))
    return rows


def _decode(raw: bytes) -> str:
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise FileRefused("saved as Unicode text (UTF-16); save it as CSV UTF-8")
    if b"\0" in raw[:1_000_000] or raw.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0")):
        raise FileRefused("not a text file; save the sheet as CSV")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        pass
    try:
        return raw.decode("cp1252")
    except UnicodeDecodeError as problem:
        raise FileRefused("neither UTF-8 nor Windows-1252", raw[: problem.start].count(b"\n") + 1) from None


def _delimiter(text: str) -> str:
    heading = re.sub(r'"[^"]*"', "", text.lstrip().partition("\n")[0])
    return max(_DELIMITERS, key=heading.count)


class _Reader(Protocol):
    line_num: int

    def __next__(self) -> list[str]: ...


def _records(reader: _Reader, first_line: int) -> Iterator[tuple[int, list[str]]]:
    # A quoted cell may hold line breaks: a row's line is where it begins.
    line = first_line
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error:
            raise FileRefused("quotation marks do not match, or a cell is far too long", line) from None
        yield line, [_clean(cell, line) for cell in cells]
        line = first_line + reader.line_num


def _clean(cell: str, line: int) -> str:
    if len(cell) > _LONGEST_CELL:
        raise FileRefused("a cell is far too long", line)
    value = cell.strip(" \t\r\n\u00a0")
    # ="01234" is how people stop Excel from dropping zeros.
    if value.startswith('="') and value.endswith('"') and len(value) > 2:
        value = value[2:-1].strip()
    if any(ord(character) < 32 and character not in "\t\r\n" for character in value):
        raise FileRefused("a cell holds control characters", line)
    return value


def _columns(names: list[str], required: Collection[str], optional: Collection[str], line: int) -> list[str]:
    columns = [name.lower() for name in names]
    while columns and not columns[-1]:
        columns.pop()
    # Names are never echoed: a file without a heading would have a person's row printed.
    for place, name in enumerate(columns, start=1):
        if name not in required and name not in optional:
            raise FileRefused(f"the heading of column {place} is not known; docs/import.md lists them", line)
        if name in columns[: place - 1]:
            raise FileRefused(f"the column {name} is there twice", line)
    missing = [name for name in required if name not in columns]
    if missing:
        raise FileRefused(f"the column {missing[0]} is missing", line)
    return columns
