"""The calendar file against RFC 5545: line ends, folding, escaping, and a day that a calendar can move."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta, timezone

import pytest

from portal.patient.calendar_file import AllDay, calendar_file, escaped, folded

EVENT = AllDay(
    uid="order-1000033@portal.example",
    summary="Paket från Hjälpmedelsportalen",
    day=date(2026, 12, 31),
    url="https://portal.example/orders/1000033",
    written_at=datetime(2026, 12, 22, 11, 5, 9, tzinfo=timezone(timedelta(hours=1))),
)


def _lines(event: AllDay) -> list[str]:
    return calendar_file(event).decode().replace("\r\n ", "").removesuffix("\r\n").split("\r\n")


def test_it_is_one_day_that_leaves_its_owner_free() -> None:
    lines = _lines(EVENT)
    assert (lines[0], lines[1], lines[-1]) == ("BEGIN:VCALENDAR", "VERSION:2.0", "END:VCALENDAR")
    assert "UID:order-1000033@portal.example" in lines
    assert "DTSTAMP:20261222T100509Z" in lines
    assert "DTSTART;VALUE=DATE:20261231" in lines
    # The end is the day after, also over the turn of the year.
    assert "DTEND;VALUE=DATE:20270101" in lines
    assert "SUMMARY:Paket från Hjälpmedelsportalen" in lines
    assert "TRANSP:TRANSPARENT" in lines


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("a, b; c", "a\\, b\\; c"),
        ("C:\\temp", "C:\\\\temp"),
        ("one\ntwo\r\nthree\rfour", "one\\ntwo\\nthree\\nfour"),
        ("\\n", "\\\\n"),
        ("plain: text", "plain: text"),
    ],
)
def test_text_is_escaped(text: str, written: str) -> None:
    assert escaped(text) == written


def test_no_text_begins_a_property_of_its_own() -> None:
    lines = _lines(replace(EVENT, summary="Paket\r\nATTACH:https://evil.example"))
    assert not [line for line in lines if line.startswith("ATTACH")]


@pytest.mark.parametrize("text", ["x" * 75, "x" * 76, "ö" * 200, "x" + "👩‍👧" * 60, "王" * 100, ""])
def test_no_line_is_over_75_octets_and_no_letter_is_broken(text: str) -> None:
    parts = list(folded(text))
    assert all(len(part) <= 75 for part in parts)
    assert all(part.startswith(b" ") for part in parts[1:])
    assert "".join([parts[0].decode(), *(part.decode()[1:] for part in parts[1:])]) == text
    # As few parts as there can be: a letter has at most four octets.
    assert all(len(part) > 71 for part in parts[:-1])


def test_every_line_of_a_file_ends_as_the_format_wants() -> None:
    written = calendar_file(replace(EVENT, summary="Påse, " * 40))
    assert written.endswith(b"\r\n")
    assert written.count(b"\n") == written.count(b"\r\n") == written.count(b"\r")
    assert all(len(line) <= 75 for line in written.split(b"\r\n"))
