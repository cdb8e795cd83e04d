"""Tables to download as Excel workbooks: what is text stays text, whatever it begins with, and numbers stay numbers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from io import BytesIO
from typing import Any

from flask import Response
from openpyxl import Workbook
from openpyxl.cell import Cell, WriteOnlyCell
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE
from openpyxl.styles import Font
from openpyxl.utils import get_column_letter

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
LONGEST_CELL = 32_767
_WIDEST = 60

Value = str | int | Decimal | datetime | None


def xlsx_bytes(rows: Iterable[Sequence[Value]], sheet: str = "Data") -> bytes:
    """Return the rows as a workbook of one sheet; the first one holds the columns' names."""
    book = Workbook(write_only=True)
    page: Any = book.create_sheet(_sheet_name(sheet))
    page.freeze_panes = "A2"
    listed = [list(row) for row in rows]
    for place, column in enumerate(zip(*listed, strict=False), start=1):
        longest = max(len(str(value)) if value is not None else 0 for value in column)
        page.column_dimensions[get_column_letter(place)].width = min(_WIDEST, longest + 2)
    for number, row in enumerate(listed):
        page.append([_cell(page, value, is_heading=number == 0) for value in row])
    written = BytesIO()
    book.save(written)
    return written.getvalue()


def xlsx_download(filename: str, rows: Iterable[Sequence[Value]], sheet: str = "Data") -> Response:
    """Answer with the rows as a workbook that is saved and never cached; the first row holds the columns' names."""
    response = Response(xlsx_bytes(rows, sheet), mimetype=XLSX)
    response.headers["Content-Disposition"] = f'attachment; filename="{filename}"'
    response.headers["Cache-Control"] = "no-store"
    return response


def _cell(page: Any, value: Value, *, is_heading: bool) -> Cell:
    cell: Any
    if isinstance(value, str):
        cell = WriteOnlyCell(page, ILLEGAL_CHARACTERS_RE.sub(" ", value)[:LONGEST_CELL])
        # Said to be a string and formatted as text: no program computes it, and a serial number keeps its zeros.
        cell.data_type, cell.number_format = "s", "@"
    else:
        cell = WriteOnlyCell(page, float(value) if isinstance(value, Decimal) else value)
    if is_heading:
        cell.font = Font(bold=True)
    found: Cell = cell
    return found


def _sheet_name(name: str) -> str:
    return "".join(" " if sign in "[]:*?/\\" else sign for sign in name)[:31].strip("' ") or "Data"
