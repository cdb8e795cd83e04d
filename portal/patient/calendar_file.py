"""A day for the reader's own calendar, as iCalendar writes it (RFC 5545)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

# Octets of a line, its end not counted (RFC 5545 §3.1).
LINE_OCTETS = 75


@dataclass(frozen=True)
class AllDay:
    """Something that happens on a day; a calendar that is given the same `uid` again moves the day it has."""

    uid: str
    summary: str
    day: date
    url: str
    written_at: datetime


def calendar_file(event: AllDay) -> bytes:
    """Return the file: one day that leaves its owner free, marked private."""
    lines = (
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//Hjälpmedelsportalen//Portal//SV",
        "METHOD:PUBLISH",
        "BEGIN:VEVENT",
        f"UID:{escaped(event.uid)}",
        f"DTSTAMP:{event.written_at.astimezone(UTC):%Y%m%dT%H%M%SZ}",
        f"DTSTART;VALUE=DATE:{event.day:%Y%m%d}",
        f"DTEND;VALUE=DATE:{event.day + timedelta(days=1):%Y%m%d}",
        f"SUMMARY:{escaped(event.summary)}",
        f"URL:{event.url}",
        "CLASS:PRIVATE",
        "TRANSP:TRANSPARENT",
        "END:VEVENT",
        "END:VCALENDAR",
    )
    return b"".join(part + b"\r\n" for line in lines for part in folded(line))


def escaped(text: str) -> str:
    """Return text as the value of a property; no line end in it can begin a property of its own."""
    for plain, written in (("\\", "\\\\"), (";", "\\;"), (",", "\\,"), ("\r\n", "\\n"), ("\n", "\\n"), ("\r", "\\n")):
        text = text.replace(plain, written)
    return text


def folded(line: str) -> Iterator[bytes]:
    """Break a line into parts of at most 75 octets, every part but the first begun by a space, and no letter broken."""
    part = b""
    for letter in line:
        octets = letter.encode()
        if len(part) + len(octets) > LINE_OCTETS:
            yield part
            part = b" "
        part += octets
    yield part
