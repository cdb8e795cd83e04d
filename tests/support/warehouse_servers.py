"""Both ends of the wire on this machine: the warehouse's own server, and the portal as one."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from flask import Flask
from werkzeug.serving import make_server

from core.clock import Clock
from portal.signatures import signature_headers

KEY = bytes(range(40, 80))


@dataclass
class HttpDesk:
    """The warehouse's own server: keeps each document once by its key, and answers with the statuses it was told to, then 200."""

    url: str
    received: dict[str, bytes] = field(default_factory=dict)
    headers: list[dict[str, str]] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)
    seconds: float = 0


@contextmanager
def http_desk() -> Iterator[HttpDesk]:
    """Run the warehouse's server on this machine."""
    desk = HttpDesk("")
    hold = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            desk.headers.append(dict(self.headers.items()))
            if desk.seconds:
                hold.wait(desk.seconds)
            status = desk.statuses.pop(0) if desk.statuses else 200
            if status == 200:
                desk.received.setdefault(self.headers["Idempotency-Key"], body)
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *_arguments: object) -> None:  # noqa: A002
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    desk.url = f"http://127.0.0.1:{server.server_address[1]}/orders/{{region}}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield desk
    finally:
        hold.set()
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def our_server(app: Flask) -> Iterator[str]:
    """Run the portal on this machine; gives its address."""
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def signed(body: bytes, clock: Clock, key: bytes = KEY) -> dict[str, str]:
    """The headers that the warehouse signs a message with."""
    return {"Content-Type": "application/xml", **signature_headers(key, body, clock.now())}
