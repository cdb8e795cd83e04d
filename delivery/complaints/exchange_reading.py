"""A supplier's file of what it exchanged, read as it was saved: CSV or XLSX, any common separator, Swedish or English headings. Pure.

Only the whole file is refused here; what is wrong with a row is for the matching to say, because the row goes back to the supplier.
"""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from itertools import product

from core.errors import DomainError
from delivery.complaints.exchange_days import read_day
from delivery.complaints.exchange_sheets import MOST_COLUMNS, SheetsBroken, SheetsTooLarge, sheets_of

MOST_BYTES = 3 * 1024 * 1024
MOST_ROWS = 5_000
_HEADING_WITHIN = 20
_LONGEST_CELL = 4_000
_SEPARATORS = (";", ",", "\t", "|")
_ROUNDED = re.compile(r"\d+([.,]\d+)?E\+\d+", re.IGNORECASE)


class FileProblem(StrEnum):
    """Why a file cannot be read at all."""

    EMPTY = "EMPTY"
    TOO_LARGE = "TOO_LARGE"
    TOO_MANY_ROWS = "TOO_MANY_ROWS"
    OLD_EXCEL = "OLD_EXCEL"
    NOT_A_TABLE = "NOT_A_TABLE"
    BROKEN = "BROKEN"
    NO_HEADING = "NO_HEADING"
    COLUMN_TWICE = "COLUMN_TWICE"
    SURPLUS_CELLS = "SURPLUS_CELLS"
    NO_ROWS = "NO_ROWS"


class Column(StrEnum):
    """What the file must have; `ARTICLE` may be there, and is asked only when several articles have the same serial number."""

    OLD_SERIAL = "OLD_SERIAL"
    NEW_SERIAL = "NEW_SERIAL"
    DATE = "DATE"
    REASON = "REASON"
    ARTICLE = "ARTICLE"


REQUIRED = (Column.OLD_SERIAL, Column.NEW_SERIAL, Column.DATE, Column.REASON)


class ExchangeFileRefused(DomainError):
    """The file cannot be read: which columns it lacks (or has twice), or the line where reading stopped."""

    def __init__(self, problem: FileProblem, columns: Sequence[Column] = (), line: int = 0) -> None:
        super().__init__(problem.value)
        self.problem, self.columns, self.line = problem, tuple(columns), line


@dataclass(frozen=True)
class StatedExchange:
    """One row as the supplier wrote it; `exchanged_on` is None when the date cannot be read without guessing."""

    line_no: int
    old_serial: str
    new_serial: str
    stated_date: str
    exchanged_on: date | None
    reason: str = field(repr=False)
    article: str = ""

    @property
    def is_rounded(self) -> bool:
        """Whether a spreadsheet has made a rounded number of a serial number."""
        return any(_ROUNDED.fullmatch(serial) for serial in (self.old_serial, self.new_serial))


def _words(*parts: str) -> set[str]:
    """Every order of every choice of words, written together: 'old new|serial sn' gives oldserial, serialold, …"""
    choices = [part.split() for part in parts]
    return {"".join(chosen) for chosen in product(*choices)} | {"".join(chosen) for chosen in product(*choices[::-1])}


_SERIAL = (
    "serial serialno serialnumber serialnr sn snr serienummer serienumret serienr individnummer pump unit device enhet"
)
_HEADINGS: Mapping[Column, frozenset[str]] = {
    Column.OLD_SERIAL: frozenset(
        _words(
            "old previous former original returned defective faulty replaced gammalt gammal gamla tidigare ursprungligt ursprunglig"
            " returnerat returnerad defekt trasigt trasig felaktigt felaktig utbytt inlämnat inlämnad",
            _SERIAL,
        )
    ),
    Column.NEW_SERIAL: frozenset(
        _words("new replacement replacing nytt ny nya ersättnings ersättande levererat levererad", _SERIAL)
    ),
    Column.DATE: frozenset(
        _words(
            "date datum exchangedate exchangedon exchanged dateofexchange dateexchanged replacementdate replacedon replaced"
            " dateofreplacement bytesdatum utbytesdatum bytt utbytt datumförbyte datumförutbyte bytesdag utbytesdag"
        )
    ),
    Column.REASON: frozenset(
        _words(
            "reason reasonforexchange reasonforreplacement exchangereason replacementreason cause fault faultreason orsak"
            " anledning bytesorsak utbytesorsak orsaktillbyte orsaktillutbyte anledningtillbyte felorsak fel felbeskrivning"
            " reklamationsorsak reasoncode orsakskod"
        )
    ),
    Column.ARTICLE: frozenset(
        _words("article articleno articlenumber artikel artikelnr artikelnummer artnr gtin item itemno itemnumber")
    ),
}


def read_exchange_file(raw: bytes) -> tuple[StatedExchange, ...]:
    """Return the rows of a file in their order; raise ExchangeFileRefused, and nothing else whatever the bytes are."""
    if not raw.strip():
        raise ExchangeFileRefused(FileProblem.EMPTY)
    if len(raw) > MOST_BYTES:
        raise ExchangeFileRefused(FileProblem.TOO_LARGE)
    if raw.startswith(b"\xd0\xcf\x11\xe0"):
        raise ExchangeFileRefused(FileProblem.OLD_EXCEL)
    tables = _sheets(raw) if raw.startswith(b"PK\x03\x04") else _separated(_decoded(raw))
    refused: list[ExchangeFileRefused] = []
    for table in tables:
        try:
            heading = _find_heading(table)
        except ExchangeFileRefused as problem:
            refused.append(problem)
            continue
        rows = tuple(_exchanges(table[heading.place + 1 :], heading))
        if not rows:
            raise ExchangeFileRefused(FileProblem.NO_ROWS)
        if len(rows) > MOST_ROWS:
            raise ExchangeFileRefused(FileProblem.TOO_MANY_ROWS)
        return rows
    # The table that came closest says what is missing.
    nothing = ExchangeFileRefused(FileProblem.NO_HEADING, REQUIRED)
    raise min(refused, key=lambda one: len(one.columns), default=nothing)


@dataclass(frozen=True)
class _Line:
    number: int
    cells: list[str]
    # A separator in a cell without quotation marks moves all that follows; a sheet's cells stay where they are.
    is_separated: bool


@dataclass(frozen=True)
class _Heading:
    columns: Mapping[Column, int]
    place: int
    width: int


def _sheets(raw: bytes) -> list[list[_Line]]:
    try:
        sheets = sheets_of(raw, MOST_ROWS + _HEADING_WITHIN)
    except SheetsTooLarge:
        raise ExchangeFileRefused(FileProblem.TOO_MANY_ROWS) from None
    except SheetsBroken:
        raise ExchangeFileRefused(FileProblem.BROKEN) from None
    return [[_Line(number, [_clean(cell) for cell in cells], False) for number, cells in sheet] for sheet in sheets]


def _decoded(raw: bytes) -> str:
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        try:
            return raw.decode("utf-16")
        except UnicodeDecodeError:
            raise ExchangeFileRefused(FileProblem.NOT_A_TABLE) from None
    if b"\x00" in raw or raw.startswith(b"%PDF"):
        raise ExchangeFileRefused(FileProblem.NOT_A_TABLE)
    for encoding in ("utf-8-sig", "cp1252"):
        try:
            return raw.decode(encoding)
        except UnicodeDecodeError:
            continue
    return raw.decode("latin-1")


def _separated(text: str) -> Iterator[list[_Line]]:
    for separator in _SEPARATORS:
        if separator in text:
            yield _lines(text, separator)


def _lines(text: str, separator: str) -> list[_Line]:
    found: list[_Line] = []
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    # A quoted cell may hold line breaks: a row's line is where it begins.
    line = 1
    try:
        for cells in reader:
            cleaned = [_clean(cell) for cell in cells]
            if any(cleaned):
                found.append(_Line(line, cleaned, True))
            line = reader.line_num + 1
            if len(found) > MOST_ROWS + _HEADING_WITHIN:
                raise ExchangeFileRefused(FileProblem.TOO_MANY_ROWS)
    except csv.Error:
        raise ExchangeFileRefused(FileProblem.BROKEN, line=line) from None
    return found


def _clean(cell: str) -> str:
    kept = "".join(
        " " if unicodedata.category(sign) in ("Cc", "Zs", "Zl", "Zp") else sign for sign in cell[:_LONGEST_CELL]
    )
    value = " ".join("".join(sign for sign in kept if unicodedata.category(sign) not in ("Cf", "Cs", "Co")).split())
    # ="01234" is how people stop Excel from dropping zeros.
    if value.startswith('="') and value.endswith('"') and len(value) > 2:
        value = value[2:-1].strip()
    return value


def _find_heading(table: Sequence[_Line]) -> _Heading:
    """Return where the columns are and which line of the table names them; titles and dates may stand above."""
    best: dict[Column, int] = {}
    for place, line in enumerate(table[:_HEADING_WITHIN]):
        columns: dict[Column, int] = {}
        twice: list[Column] = []
        for index, cell in enumerate(line.cells[:MOST_COLUMNS]):
            column = _column(cell)
            if column is not None and column in columns:
                twice.append(column)
            elif column is not None:
                columns[column] = index
        if all(column in columns for column in REQUIRED):
            if twice:
                raise ExchangeFileRefused(FileProblem.COLUMN_TWICE, twice, line.number)
            return _Heading(columns, place, 1 + max(index for index, cell in enumerate(line.cells) if cell))
        if len(columns) > len(best):
            best = columns
    raise ExchangeFileRefused(FileProblem.NO_HEADING, [column for column in REQUIRED if column not in best])


def _column(heading: str) -> Column | None:
    word = "".join(sign for sign in unicodedata.normalize("NFC", heading).lower() if sign.isalnum())
    return next((column for column, names in _HEADINGS.items() if word in names), None)


def _exchanges(table: Sequence[_Line], heading: _Heading) -> Iterator[StatedExchange]:
    for line in table:
        cells = line.cells + [""] * (heading.width - len(line.cells))
        of = {column: cells[index] for column, index in heading.columns.items()}
        if not any(of[column] for column in REQUIRED):
            continue
        if line.is_separated and any(cells[heading.width :]):
            raise ExchangeFileRefused(FileProblem.SURPLUS_CELLS, line=line.number)
        yield StatedExchange(
            line_no=line.number,
            old_serial=of[Column.OLD_SERIAL],
            new_serial=of[Column.NEW_SERIAL],
            stated_date=of[Column.DATE],
            exchanged_on=read_day(of[Column.DATE]),
            reason=of[Column.REASON],
            article=of.get(Column.ARTICLE, ""),
        )
