"""Tables to download, as spreadsheet programs in Sweden open them: UTF-8 with a byte order mark, semicolons, and no formulas."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Sequence
from io import StringIO

from flask import Response

# What makes a spreadsheet program compute a cell, in its full-width forms too, and what it skips to find that.
_BEGINS_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def safe_cell(text: str) -> str:
    """Return the text so that no spreadsheet program takes it for a formula."""
    return f"'{text}" if text.lstrip().startswith(_BEGINS_FORMULA) or text.startswith(_BEGINS_FORMULA) else text


def csv_bytes(rows: Iterable[Sequence[str]]) -> bytes:
    """Return the rows as a file; the first one holds the columns' names."""
    written = StringIO(newline="")
    writer = csv.writer(written, delimiter=";", lineterminator="\r\n")
    writer.writerows([safe_cell(cell) for cell in row] for row in rows)
    return written.getvalue().encode("utf-8-sig")


def csv_stream(filename: str, rows: Iterable[Sequence[str]]) -> Response:
    """Answer as `csv_download`, row by row: for tables that may be long. The rows must not need the database any more."""
    response = Response(_encoded(rows), mimetype="text/csv")
    response.headers["Content-Disposition"] = f'attachment; filename="{filename}"'
    response.headers["Cache-Control"] = "no-store"
    return response


def _encoded(rows: Iterable[Sequence[str]]) -> Iterator[bytes]:
    written = StringIO(newline="")
    writer = csv.writer(written, delimiter=";", lineterminator="\r\n")
    yield "\N{BYTE ORDER MARK}".encode()
    for row in rows:
        writer.writerow([safe_cell(cell) for cell in row])
        yield written.getvalue().encode()
        written.seek(0)
        written.truncate()


def csv_download(filename: str, rows: Iterable[Sequence[str]]) -> Response:
    """Answer with the rows as a file that is saved and never cached; the first row holds the columns' names."""
    response = Response(csv_bytes(rows), mimetype="text/csv")
    response.headers["Content-Disposition"] = f'attachment; filename="{filename}"'
    response.headers["Cache-Control"] = "no-store"
    return response
