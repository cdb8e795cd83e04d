"""A region's source as a server on the loopback, over mutual TLS or without, that answers and misbehaves as it is told to."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from threading import Lock
from typing import Any

from orders.contract.envelope import in_envelope
from orders.contract.names import Service, Version
from orders.contract.writing import Values, write_response
from portal.adapters.contract_source_file import SourceAddresses
from portal.demo.certificates import Certificates
from tests.support.hostile_server import HostileServer, answering

Behaviour = Callable[[socket.socket], None]


@dataclass(frozen=True)
class Asked:
    """A request as it arrived."""

    line: str
    headers: dict[str, str]
    body: bytes
    subject: dict[str, str] = field(default_factory=dict)


class SourceServer(HostileServer):
    """Behaves as the next of `script` says, then always as `behave` says; keeps what was asked and counts connections."""

    def __init__(self, tls: ssl.SSLContext | None = None, *, host: str = "127.0.0.1", is_rude: bool = False) -> None:
        self.asked: list[Asked] = []
        self.script: list[Behaviour] = []
        self.before_handshake: Callable[[], None] = lambda: None
        self.connections = 0
        self._tls, self._host, self._is_rude = tls, host, is_rude
        self._lock = Lock()
        super().__init__(host)
        self.behave = answering(b"")

    @property
    def url(self) -> str:
        """Where it is."""
        scheme, host = ("https", self._host) if self._tls else ("http", self._host)
        return f"{scheme}://{host}:{self._listener.getsockname()[1]}/source"

    def addresses(self, certificates: Certificates | None = None) -> SourceAddresses:
        """Return how it is asked: every service at its own path."""
        plain = SourceAddresses(f"{self.url}/prescriptions", f"{self.url}/orders", f"{self.url}/points")
        if certificates is None:
            return plain
        return replace(
            plain, certificate=certificates.caller, key=certificates.caller_key, authorities=certificates.authority
        )

    def _handle(self, connection: socket.socket) -> None:
        with self._lock:
            self.connections += 1
        connection.settimeout(5)
        with connection.dup() as behind, suppress(OSError):
            if self._tls is None:
                with connection:
                    self._answer(connection, {})
                return
            self.before_handshake()
            with self._tls.wrap_socket(connection, server_side=True, do_handshake_on_connect=False) as secure:
                try:
                    secure.do_handshake()
                except ssl.SSLError:
                    # Whoever closes while unread words lie there cuts off what it said itself.
                    while not self._is_rude and behind.recv(4096):
                        continue
                    raise
                self._answer(secure, _subject(secure.getpeercert()))

    def _answer(self, connection: socket.socket, subject: dict[str, str]) -> None:
        raw = b""
        while b"\r\n\r\n" not in raw:
            raw += _some(connection)
        head, _, body = raw.partition(b"\r\n\r\n")
        line, *lines = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (one.partition(":") for one in lines)}
        while len(body) < int(headers.get("content-length", "0")):
            body += _some(connection)
        with self._lock:
            self.asked.append(Asked(line, headers, body, subject))
            behave = self.script.pop(0) if self.script else self.behave
        behave(connection)


def _some(connection: socket.socket) -> bytes:
    part = connection.recv(65536)
    if not part:
        raise ConnectionResetError
    return part


def _subject(certificate: Any) -> dict[str, str]:
    return {name: value for group in (certificate or {}).get("subject", ()) for name, value in group}


@contextmanager
def source_server(
    tls: ssl.SSLContext | None = None, *, host: str = "127.0.0.1", is_rude: bool = False
) -> Iterator[SourceServer]:
    """Run a source for the block."""
    server = SourceServer(tls, host=host, is_rude=is_rude)
    try:
        yield server
    finally:
        server.stop()


def tls_of(certificates: Certificates, *, newest: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3) -> ssl.SSLContext:
    """Return a server's side of mutual TLS."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.maximum_version = newest
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(certificates.authority)
    context.load_cert_chain(certificates.server, certificates.server_key)
    return context


def answer_of(service: Service, version: Version, values: Values, *, status: str = "200 OK") -> Behaviour:
    """Answer with a response of the contract's."""
    return soap(in_envelope(write_response(service, version, values)), status)


def soap(body: bytes, status: str = "200 OK") -> Behaviour:
    """Answer with an envelope."""
    behave: Behaviour = answering(body, status=status, Content_Type="text/xml; charset=utf-8")
    return behave


def fault(code: str, *, status: str = "500 Internal Server Error") -> Behaviour:
    """Answer with a SOAP fault."""
    return soap(
        f'<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body><s:Fault><faultcode>{code}</faultcode>'
        "<faultstring>191212121212 is not well</faultstring></s:Fault></s:Body></s:Envelope>".encode(),
        status,
    )


def hanging_up(connection: socket.socket) -> None:
    """Close without a word."""
    connection.close()


def endless(megabytes: int) -> Behaviour:
    """Answer with so much that nobody could want it."""

    def behave(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\nConnection: close\r\n\r\n")
        for _ in range(megabytes):
            connection.sendall(b" " * 1024 * 1024)

    return behave
