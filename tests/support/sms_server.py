"""An SMS service over HTTP that takes what it is sent once per idempotency key, or misbehaves as it is told."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import Any


@dataclass
class SmsServer:
    """What it answers; `loses_answers` takes the message and then breaks the connection, `floods` answers for ever."""

    status: int = 202
    loses_answers: bool = False
    hangs: bool = False
    floods: bool = False
    url: str = ""
    calls: int = 0
    sent: dict[str, dict[str, Any]] = field(default_factory=dict)
    headers: list[dict[str, str]] = field(default_factory=list)
    over: Event = field(default_factory=Event)


@contextmanager
def sms_server(**behaviour: object) -> Iterator[SmsServer]:
    """Run the service on this machine."""
    server = SmsServer(**behaviour)  # type: ignore[arg-type]

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            server.calls += 1
            server.headers.append(dict(self.headers))
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            if server.hangs:
                server.over.wait(20)
                return
            if server.status < 300:
                server.sent.setdefault(self.headers["Idempotency-Key"], body)
            if server.loses_answers:
                self.connection.close()
                return
            self.send_response(server.status)
            if server.status in (301, 302, 307, 308):
                self.send_header("Location", server.url)
            self.end_headers()
            while server.floods and not server.over.is_set():
                try:
                    self.wfile.write(b"x" * 65536)
                except OSError:
                    return

        def log_message(self, *_rest: object) -> None:
            """Say nothing."""

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    http.daemon_threads = True
    server.url = f"http://127.0.0.1:{http.server_address[1]}/messages"
    thread = Thread(target=http.serve_forever, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.over.set()
        http.shutdown()
        http.server_close()
        thread.join(5)
