"""A supplier's file of exchanges is read however it was saved; garbage is refused in words, and nothing else happens."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Sequence
from contextlib import suppress
from datetime import date, datetime

import pytest
from hypothesis import given, settings, strategies as st
from openpyxl import Workbook

from delivery.complaints.exchange_days import read_day
from delivery.complaints.exchange_reading import (
    MOST_BYTES,
    MOST_ROWS,
    Column,
    ExchangeFileRefused,
    FileProblem,
    StatedExchange,
    read_exchange_file,
)

SWEDISH = ("Gammalt serienr", "Nytt serienr", "Datum", "Orsak")
ENGLISH = ("Old Serial No.", "New serial number", "Exchange date", "Reason")
HEADINGS = (
    SWEDISH,
    ENGLISH,
    ("Serienummer (gammalt)", "Serienummer (nytt)", "Bytesdatum", "Anledning till byte"),
    ("OLD S/N", "NEW S/N", "DATE", "FAULT"),
    ("Returned device", "Replacement device", "Exchanged on", "Cause"),
)
SERIAL = st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-", min_size=1, max_size=20).filter(lambda text: text.strip("-"))
REASON = st.text(
    st.characters(codec="cp1252", exclude_categories=("Cc", "Cf", "Zs", "Zl", "Zp")), min_size=1, max_size=60
).filter(lambda text: not text.startswith('="'))
DAY = st.dates(date(2000, 1, 1), date(2199, 12, 31))
ROWS = st.lists(st.tuples(SERIAL, SERIAL, DAY, REASON), min_size=1, max_size=20)


def as_csv(
    heading: Sequence[str], rows: Sequence[Sequence[object]], separator: str = ";", encoding: str = "utf-8"
) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=separator).writerows([heading, *rows])
    return text.getvalue().encode(encoding)


def as_xlsx(heading: Sequence[str], rows: Sequence[Sequence[object]], *above: Sequence[object]) -> bytes:
    book = Workbook()
    page = book.active
    assert page is not None
    for row in (*above, heading, *rows):
        page.append(list(row))
        for cell in page[page.max_row]:
            if isinstance(cell.value, str):
                cell.data_type = "s"
    written = io.BytesIO()
    book.save(written)
    return written.getvalue()


SOUND = as_xlsx(SWEDISH, [("A1", "A2", date(2026, 11, 3), "Trasig"), (1234, 5678, "2026-11-04", "=1+1")])


def said(rows: Sequence[StatedExchange]) -> list[tuple[str, str, date | None, str]]:
    return [(row.old_serial, row.new_serial, row.exchanged_on, row.reason) for row in rows]


@settings(max_examples=60)
@given(
    rows=ROWS,
    heading=st.sampled_from(HEADINGS),
    separator=st.sampled_from(";,\t|"),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "cp1252", "utf-16"]),
)
def test_what_is_saved_as_csv_is_read_back(
    rows: list[tuple[str, str, date, str]], heading: Sequence[str], separator: str, encoding: str
) -> None:
    raw = as_csv(heading, [(old, new, day.isoformat(), why) for old, new, day, why in rows], separator, encoding)
    assert said(read_exchange_file(raw)) == rows


@settings(max_examples=25, deadline=None)
@given(rows=ROWS, heading=st.sampled_from(HEADINGS), as_dates=st.booleans())
def test_what_is_saved_as_a_workbook_is_read_back(
    rows: list[tuple[str, str, date, str]], heading: Sequence[str], as_dates: bool
) -> None:
    written = [(old, new, day if as_dates else day.isoformat(), why) for old, new, day, why in rows]
    assert said(read_exchange_file(as_xlsx(heading, written))) == rows


@settings(max_examples=300, deadline=None)
@given(raw=st.one_of(st.binary(max_size=400), st.text(max_size=300).map(lambda text: text.encode("utf-8", "replace"))))
def test_garbage_is_refused_and_nothing_else(raw: bytes) -> None:
    begun = as_csv(SWEDISH, []) + raw
    for garbage in (raw, b"PK\x03\x04" + raw, begun):
        with suppress(ExchangeFileRefused):
            assert all(isinstance(row, StatedExchange) for row in read_exchange_file(garbage))


@settings(max_examples=120, deadline=None)
@given(data=st.data())
def test_a_damaged_workbook_is_refused_and_nothing_else(data: st.DataObject) -> None:
    damaged = bytearray(SOUND)
    for _ in range(data.draw(st.integers(1, 8))):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(damaged)))
    for raw in (bytes(damaged), bytes(damaged[:cut])):
        with suppress(ExchangeFileRefused):
            assert read_exchange_file(raw)


def test_numbers_are_read_as_digits_and_never_as_floats() -> None:
    book = Workbook()
    page = book.active
    assert page is not None
    page.append(list(SWEDISH))
    page.append([123456789012345, 12345.0, datetime(2026, 11, 3), "Trasig"])
    page.append([42, 1234567890.0, 20261103, "Trasig"])
    page["A3"].number_format = "000000"
    written = io.BytesIO()
    book.save(written)
    # As Excel saves what has more than fifteen digits.
    rounded_off = read_sheet(written.getvalue()).replace(b"<v>1234567890</v>", b"<v>1.23456789012346E+15</v>")
    first, second = read_exchange_file(_repacked(written.getvalue(), sheet1=rounded_off))
    assert (first.old_serial, first.new_serial, first.exchanged_on) == ("123456789012345", "12345", date(2026, 11, 3))
    assert (second.old_serial, second.exchanged_on) == ("000042", date(2026, 11, 3))
    assert (first.is_rounded, second.is_rounded) == (False, True)
    (rounded,) = read_exchange_file(as_csv(SWEDISH, [("1,23457E+15", "A2", "2026-11-03", "Trasig")]))
    assert rounded.is_rounded


def test_a_formula_is_read_as_its_text() -> None:
    book = Workbook()
    page = book.active
    assert page is not None
    page.append(list(ENGLISH))
    page.append(["=A1&B1", '="0042"', "2026-11-03", '=HYPERLINK("http://example.com","click")'])
    written = io.BytesIO()
    book.save(written)
    (row,) = read_exchange_file(written.getvalue())
    assert (row.old_serial, row.new_serial) == ("=A1&B1", "0042")
    assert row.reason.startswith("=HYPERLINK")


def test_titles_above_empty_rows_other_columns_and_line_breaks_are_passed_over() -> None:
    raw = (
        b"Utbytta pumpar;;;;;\r\nNovember 2026;;;;;\r\n;;;;;\r\n"
        b"Kund;Nytt serienr;Gammalt serienr;Orsak;Datum;Artikelnr\r\n"
        b'Region;N1; O1 ;"Sprucken\r\nlucka";3/11 2026;21001\r\n;;;;;\r\n'
        b"Region;N2;O2;Batterilucka;2026-11-04;\r\nSumma;;;;;\r\n"
    )
    first, second = read_exchange_file(raw)
    assert (first.line_no, first.old_serial, first.new_serial, first.reason) == (5, "O1", "N1", "Sprucken lucka")
    assert (first.article, first.stated_date) == ("21001", "3/11 2026")
    assert (second.line_no, second.exchanged_on) == (8, date(2026, 11, 4))
    book = as_xlsx(SWEDISH, [("O1", "N1", date(2026, 11, 3), "Trasig")], ("Utbytta pumpar",), ())
    assert [row.line_no for row in read_exchange_file(book)] == [4]


@pytest.mark.parametrize(
    ("raw", "problem", "columns"),
    [
        (b"", FileProblem.EMPTY, ()),
        (b" \r\n ", FileProblem.EMPTY, ()),
        (b"x" * (MOST_BYTES + 1), FileProblem.TOO_LARGE, ()),
        (b"\xd0\xcf\x11\xe0\xa1\xb1", FileProblem.OLD_EXCEL, ()),
        (b"%PDF-1.7\n1;2;3", FileProblem.NOT_A_TABLE, ()),
        (b"\x89PNG\r\n\x1a\n\x00\x00", FileProblem.NOT_A_TABLE, ()),
        (b"PK\x03\x04 not a workbook", FileProblem.BROKEN, ()),
        (b"hello", FileProblem.NO_HEADING, (Column.OLD_SERIAL, Column.NEW_SERIAL, Column.DATE, Column.REASON)),
        (b"Old serial;New serial;Date;Comment\nA;B;2026-11-03;x", FileProblem.NO_HEADING, (Column.REASON,)),
        (b"Old serial;New serial;Date;Datum;Reason\nA;B;2026-11-03;;x", FileProblem.COLUMN_TWICE, (Column.DATE,)),
        (b"Old serial;New serial;Date;Reason\n;;;", FileProblem.NO_ROWS, ()),
        (b"Old serial,New serial,Date,Reason\nA,B,2026-11-03,Cracked, dropped", FileProblem.SURPLUS_CELLS, ()),
        (b'Old serial;New serial;Date;Reason\nA;"' + b"x" * 140_000, FileProblem.BROKEN, ()),
        (b"Old serial;New serial;Date;Reason" + b"\nA;B;C;D" * (MOST_ROWS + 1), FileProblem.TOO_MANY_ROWS, ()),
    ],
)
def test_a_file_that_cannot_be_read_says_why(raw: bytes, problem: FileProblem, columns: tuple[Column, ...]) -> None:
    with pytest.raises(ExchangeFileRefused) as refused:
        read_exchange_file(raw)
    assert (refused.value.problem, refused.value.columns) == (problem, columns)


def read_sheet(raw: bytes) -> bytes:
    with zipfile.ZipFile(io.BytesIO(raw)) as archive:
        return archive.read("xl/worksheets/sheet1.xml")


def _repacked(raw: bytes, **changed: bytes) -> bytes:
    written = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(raw)) as old, zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as new:
        for part in old.infolist():
            name = part.filename.rsplit("/", 1)[-1].split(".")[0]
            new.writestr(part.filename, changed.get(name, old.read(part)))
    return written.getvalue()


def _sheet(rows: bytes, before: bytes = b"") -> bytes:
    return (
        b'<?xml version="1.0" encoding="UTF-8"?>'
        + before
        + b'<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>'
        + rows
        + b"</sheetData></worksheet>"
    )


LAUGHS = b'<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;">]>'


@pytest.mark.parametrize(
    ("changed", "problem"),
    [
        ({"sheet1": _sheet(b"<row/>" * 3, LAUGHS)}, FileProblem.BROKEN),
        ({"sheet1": _sheet(b"<row/>" * (MOST_ROWS + 100))}, FileProblem.TOO_MANY_ROWS),
        ({"sheet1": _sheet(b'<row r="999999999"><c><v>1</v></c></row>')}, FileProblem.TOO_MANY_ROWS),
        ({"sheet1": _sheet(b"").replace(b"UTF-8", b"UTF-7")}, FileProblem.BROKEN),
        ({"sheet1": _sheet(b"").decode().encode("utf-16")}, FileProblem.BROKEN),
        ({"sheet1": _sheet(b" " * 25 * 1024 * 1024)}, FileProblem.TOO_MANY_ROWS),
        ({"theme1": b" " * 30 * 1024 * 1024}, FileProblem.TOO_MANY_ROWS),
        ({"styles": b"<nothing"}, FileProblem.BROKEN),
    ],
)
def test_a_workbook_made_to_harm_is_refused_before_it_is_unpacked(
    changed: dict[str, bytes], problem: FileProblem
) -> None:
    assert len(read_exchange_file(_repacked(SOUND))) == 2
    with pytest.raises(ExchangeFileRefused) as refused:
        read_exchange_file(_repacked(SOUND, **changed))
    assert refused.value.problem is problem


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("2026-11-03", date(2026, 11, 3)),
        ("20261103", date(2026, 11, 3)),
        ("2026/11/3", date(2026, 11, 3)),
        ("2026-11-03 14:05", date(2026, 11, 3)),
        ("2026-11-03T14:05:00Z", date(2026, 11, 3)),
        ("03.11.2026", date(2026, 11, 3)),
        ("3/11/2026", None),
        ("3/11 2026", date(2026, 11, 3)),
        ("23/11/2026", date(2026, 11, 23)),
        ("11/23/2026", date(2026, 11, 23)),
        ("11/11/2026", date(2026, 11, 11)),
        ("3 november 2026", date(2026, 11, 3)),
        ("3 okt. 2026", date(2026, 10, 3)),
        ("3rd May 2026", date(2026, 5, 3)),
        ("2026-02-30", None),
        ("3 nonsense 2026", None),
        ("46329", None),
        ("1999-12-31", None),
        ("2026113", None),
        ("", None),
        ("٢٠٢٦-11-03", None),
    ],
)
def test_a_day_is_read_when_it_can_be_read_in_one_way_only(text: str, day: date | None) -> None:
    assert read_day(text) == day
