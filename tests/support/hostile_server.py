"""A web server on the loopback that behaves as badly as it is told to."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event, Thread
from time import monotonic, sleep
from typing import Any


class HostileServer:
    """Answers every connection with `behave`, which is given the socket; keeps the request lines."""

    def __init__(self, host: str = "127.0.0.1") -> None:
        self.requests: list[str] = []
        self.behave: Callable[[socket.socket], None] = answering(b"{}")
        self._stopped = Event()
        self._listener = socket.create_server((host, 0))
        self._listener.settimeout(0.05)
        self._thread = Thread(target=self._serve, daemon=True)
        self._thread.start()
        self._handlers: list[Thread] = []

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def _serve(self) -> None:
        while not self._stopped.is_set():
            try:
                connection, _ = self._listener.accept()
            except TimeoutError:
                continue
            except OSError:
                return
            handler = Thread(target=self._handle, args=(connection,), daemon=True)
            self._handlers.append(handler)
            handler.start()

    def _handle(self, connection: socket.socket) -> None:
        with connection:
            connection.settimeout(5)
            try:
                request = b""
                while b"\r\n\r\n" not in request:
                    part = connection.recv(4096)
                    if not part:
                        return
                    request += part
                self.requests.append(request.decode("latin-1").splitlines()[0])
                self.behave(connection)
            except OSError:
                # The other side has had enough.
                return

    def stop(self) -> None:
        """Close the door, and wait for those inside."""
        self._stopped.set()
        self._thread.join()
        self._listener.close()
        for handler in self._handlers:
            handler.join(6)


@contextmanager
def hostile_server() -> Iterator[HostileServer]:
    """Run a server for the block."""
    server = HostileServer()
    try:
        yield server
    finally:
        server.stop()


def answering(body: bytes, *, status: str = "200 OK", length: int | None = None, **headers: str) -> Any:
    """Answer with a body; `length` is what is said of its length."""

    def behave(connection: socket.socket) -> None:
        lines = [
            f"HTTP/1.1 {status}",
            f"Content-Length: {len(body) if length is None else length}",
            "Connection: close",
        ]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        connection.sendall("\r\n".join(lines).encode() + b"\r\n\r\n" + body)

    return behave


def silent(seconds: float) -> Any:
    """Say nothing for a while."""

    def behave(connection: socket.socket) -> None:
        until = monotonic() + seconds
        while monotonic() < until:
            sleep(0.02)

    return behave


def trickling(head: bytes, drop: bytes, *, seconds: float, pause: float = 0.05) -> Any:
    """Say the head, then one drop after the other."""

    def behave(connection: socket.socket) -> None:
        connection.sendall(head)
        until = monotonic() + seconds
        while monotonic() < until:
            connection.sendall(drop)
            sleep(pause)

    return behave
