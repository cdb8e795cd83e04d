"""The cells of an XLSX file as text: bounded in size, rows and cells before anything is unpacked, and never computed."""

from __future__ import annotations

import re
import warnings
import zipfile
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from io import BytesIO
from typing import Any

from openpyxl import load_workbook

MOST_UNPACKED = 24 * 1024 * 1024
MOST_PARTS = 300
MOST_SHEETS = 20
MOST_COLUMNS = 60
_LAST_WHOLE = 10**15
_ROW = re.compile(rb"<(?:\w+:)?row\b([^>]*)>")
_ROW_NO = re.compile(rb"\br\s*=\s*[\"']([^\"']*)[\"']")
_ENCODING = re.compile(rb"^\s*<\?xml[^>]*?encoding\s*=\s*[\"']([^\"']*)[\"']", re.IGNORECASE)
_READABLE = {b"utf-8", b"us-ascii", b"ascii", b"iso-8859-1"}
_ALL_ZEROS = re.compile(r"0{2,30}")

Sheet = list[tuple[int, list[str]]]


class SheetsBroken(ValueError):
    """No workbook, or one that says one thing and holds another."""


class SheetsTooLarge(ValueError):
    """More than a supplier's month can be."""


def sheets_of(raw: bytes, most_rows: int) -> list[Sheet]:
    """Return each sheet's rows that hold something, with their numbers; raise SheetsBroken, SheetsTooLarge, and nothing else.

    A formula is read as its text. A whole number is read as its digits, with the zeros in front that its format shows, a date as
    year-month-day; a number that is too long for a spreadsheet, which has rounded it, as 1,5E+15.
    """
    try:
        _look_before_unpacking(raw, most_rows)
        # Its complaints are about colours and validation lists.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            book = load_workbook(BytesIO(raw), read_only=True, keep_links=False)
            try:
                return [list(_rows(page, most_rows)) for page in book.worksheets[:MOST_SHEETS]]
            finally:
                book.close()
    except SheetsTooLarge:
        raise
    except Exception as problem:
        # What a broken workbook makes the library raise is of every kind there is.
        raise SheetsBroken from problem


def _look_before_unpacking(raw: bytes, most_rows: int) -> None:
    with zipfile.ZipFile(BytesIO(raw)) as archive:
        parts = archive.infolist()
        # What a part says of its size is as much as is unpacked of it.
        if len(parts) > MOST_PARTS or sum(part.file_size for part in parts) > MOST_UNPACKED:
            raise SheetsTooLarge
        for part in parts:
            if part.filename.lower().endswith((".xml", ".rels")):
                _look_at_part(archive.read(part), most_rows)


def _look_at_part(text: bytes, most_rows: int) -> None:
    declared = _ENCODING.search(text[:400].removeprefix(b"\xef\xbb\xbf"))
    if (declared and declared[1].lower() not in _READABLE) or b"\x00" in text[:400]:
        raise SheetsBroken
    # No spreadsheet program writes them; what does makes a kilobyte into a gigabyte.
    if b"<!DOCTYPE" in text or b"<!ENTITY" in text:
        raise SheetsBroken
    for count, row in enumerate(_ROW.finditer(text), start=1):
        number = _ROW_NO.search(row[1])
        if count > most_rows or (number and (not number[1].isdigit() or int(number[1][:12]) > most_rows)):
            raise SheetsTooLarge


def _rows(page: Any, most_rows: int) -> Iterator[tuple[int, list[str]]]:
    page.reset_dimensions()
    for number, row in enumerate(page.iter_rows(max_row=most_rows, max_col=MOST_COLUMNS), start=1):
        cells = [_text(cell.value, getattr(cell, "number_format", "")) for cell in row]
        if any(cells):
            yield number, cells


def _text(value: object, number_format: str | None) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value)
    if isinstance(value, int):
        return _padded(str(value), number_format)
    if isinstance(value, float):
        if not value.is_integer():
            return repr(value)
        return _padded(str(int(value)), number_format) if abs(value) < _LAST_WHOLE else f"{value:.14E}"
    if isinstance(value, datetime):
        return value.date().isoformat() if value.time() == time() else value.isoformat(" ", "minutes")
    if isinstance(value, date | time | timedelta):
        return str(value)
    return value if isinstance(value, str) else str(getattr(value, "text", ""))


def _padded(digits: str, number_format: str | None) -> str:
    zeros = number_format or ""
    return digits.zfill(len(zeros)) if _ALL_ZEROS.fullmatch(zeros) else digits
