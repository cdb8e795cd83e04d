"""Carriers as they might be: one that is told what to do, and one behind HTTP that books each key once."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from flask import Flask
from sqlalchemy import select
from werkzeug.test import TestResponse

from core.clock import ManualClock
from core.db import Database
from core.outbox import OutboxMessage
from delivery.bookings import booking_of
from delivery.carrier_models import CarrierBooking
from delivery.carriers import Booked, CarrierEvent, CarrierPort, ParcelFacts
from delivery.models import Parcel
from portal.carriers import use_carriers
from portal.jobs import run_message
from portal.signatures import signature_headers

KINDS = ("parcel.packed", "parcel.shipped", "carrier.book", "carrier.cancel", "carrier.track", "person.protected")


@dataclass
class Office:
    """A port that keeps what it is asked, does something in the middle of it when told to, and can be told to fail."""

    booked: dict[str, ParcelFacts] = field(default_factory=dict)
    cancelled: list[tuple[str, str, str]] = field(default_factory=list)
    events: list[CarrierEvent] = field(default_factory=list)
    problem: Exception | None = None
    meanwhile: Any = None
    tracking_no: str = ""

    def book(self, parcel: ParcelFacts, key: str) -> Booked:
        """Book once per key."""
        if self.meanwhile is not None:
            meanwhile, self.meanwhile = self.meanwhile, None
            meanwhile()
        if self.problem is not None:
            raise self.problem
        self.booked[key] = parcel
        return Booked(f"REF-{key}", self.tracking_no or f"TRACK{key.upper()}", b"%PDF-label")

    def cancel(self, carrier: str, reference: str, key: str) -> None:
        """Cancel what the key booked."""
        if self.problem is not None:
            raise self.problem
        self.cancelled.append((carrier, reference, key))

    def track(self, carrier: str, reference: str) -> list[CarrierEvent]:
        """Say what it was told to."""
        return self.events


def work_carriers(database: Database, port: CarrierPort | None) -> int:
    """Let a worker do what waits, and what that makes, once each; return how many messages failed."""
    use_carriers(port)
    failed, seen = 0, set[int]()
    while True:
        with database.session() as session:
            waiting = select(OutboxMessage.id).where(OutboxMessage.kind.in_(KINDS), OutboxMessage.done_at.is_(None))
            ids = [one for one in session.scalars(waiting.order_by(OutboxMessage.id)) if one not in seen]
        if not ids:
            return failed
        for message_id in ids:
            seen.add(message_id)
            failed += not run_message(database, message_id)


def booking_now(database: Database, parcel_id: int) -> CarrierBooking:
    """The parcel's transport."""
    with database.session() as session:
        found = booking_of(session, parcel_id)
        assert found is not None
        return found


def bookings_now(database: Database) -> list[CarrierBooking]:
    """Every transport there has been, in order."""
    with database.session() as session:
        return list(session.scalars(select(CarrierBooking).order_by(CarrierBooking.id)))


def parcel_now(database: Database, parcel_id: int) -> Parcel:
    """The parcel with its events."""
    with database.session() as session:
        parcel = session.get_one(Parcel, parcel_id)
        _ = parcel.events
        return parcel


KEY = bytes(range(40, 80))


class Carrier:
    """PostNord, as it calls us."""

    def __init__(self, app: Flask, clock: ManualClock) -> None:
        self._app, self._clock = app, clock

    def tell(
        self, event: str, event_id: str, *, key: bytes = KEY, carrier: str = "postnord", **facts: Any
    ) -> TestResponse:
        """Call about something that happens now."""
        body = {"event_id": event_id, "event": event, "at": self._clock.now().isoformat(), **facts}
        return self.send(json.dumps(body).encode(), key=key, carrier=carrier)

    def send(
        self, body: bytes, *, key: bytes = KEY, carrier: str = "postnord", headers: dict[str, str] | None = None
    ) -> TestResponse:
        """Send a body, signed now, with some headers changed."""
        signed = {**signature_headers(key, body, self._clock.now()), **(headers or {})}
        return self._app.test_client().post(f"/api/tracking/{carrier}", data=body, headers=signed)


@dataclass
class HttpOffice:
    """A carrier's own server: answers with the statuses it was told to first, even though it has booked."""

    url: str = ""
    statuses: list[int] = field(default_factory=list)
    requests: list[tuple[str, str, dict[str, str], bytes]] = field(default_factory=list)
    booked: dict[str, dict[str, Any]] = field(default_factory=dict)
    cancelled: list[str] = field(default_factory=list)
    answer: dict[str, Any] = field(default_factory=dict)


@contextmanager
def http_office() -> Iterator[HttpOffice]:
    """Run the carrier's server on this machine."""
    office = HttpOffice()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            office.requests.append((self.command, self.path, {k.lower(): v for k, v in self.headers.items()}, body))
            key = self.headers.get("Idempotency-Key", "")
            said: dict[str, Any] = {"problem": "Postnumret finns inte"}
            if self.path.endswith("/bookings"):
                office.booked.setdefault(key, json.loads(body))
                said |= {"reference": f"R/{key}", "tracking_no": f"se {len(office.booked)} 1", "label": "JVBERi0xLjQ="}
            elif self.path.endswith("/cancellations"):
                office.cancelled.append(json.loads(body)["booking"])
            raw = json.dumps(said | office.answer).encode()
            self.send_response(office.statuses.pop(0) if office.statuses else 200)
            self.send_header("Content-Length", str(len(raw)))
            self.end_headers()
            self.wfile.write(raw)

        do_GET = do_POST  # noqa: N815

        def log_message(self, format: str, *_arguments: object) -> None:  # noqa: A002
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    office.url = f"http://127.0.0.1:{server.server_address[1]}/{{carrier}}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield office
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
