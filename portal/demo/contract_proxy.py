"""A proxy that ends mutual TLS in front of the national contract's services, for the demo and the tests; nothing here is for production.

It checks the client's certificate, lets nothing through but the services, passes on no header of the client's that it does not name
here, and adds two of its own: the certificate's subject, and the key by which the program behind knows the proxy.
"""

from __future__ import annotations

import re
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from socket import socket
from socketserver import BaseServer, ThreadingTCPServer
from threading import Thread
from typing import Any, cast

import click

from portal.demo.certificates import Certificates

CALLER_HEADER = "X-Client-Subject"
KEY_HEADER = "X-Proxy-Key"
ORDERING = "/RegisterMedicalSupplyOrder"
_SERVICES = "/api/contract/"
_PASSED_ON = ("Accept", "Content-Type", "SOAPAction", "User-Agent")
_PASSED_BACK = ("Content-Type",)
_SHORT_NAMES = {
    "countryName": "C",
    "organizationName": "O",
    "organizationalUnitName": "OU",
    "commonName": "CN",
    "serialNumber": "SERIALNUMBER",
}
_MOST_BYTES = 2 * 1024 * 1024
_SECONDS = 30
# What could end a value, or begin another attribute, for whoever reads the subject after us.
_SPECIAL = re.compile(r"""[,+/"\\<>;=#\x00-\x1f\x7f-\U0010ffff]""")


@dataclass(frozen=True)
class Trouble:
    """What goes wrong on purpose: nobody is answered, or orders are taken and their answers lost."""

    is_down: Callable[[], bool] = lambda: False
    loses_answers: Callable[[], bool] = lambda: False


@dataclass(frozen=True)
class Behind:
    """The program behind the proxy, on this machine, and the key that it knows the proxy by."""

    port: int
    key: str = field(repr=False)


class ContractProxy(ThreadingTCPServer):
    """Listens on loopback; `with proxy.running():` serves in a thread."""

    allow_reuse_address = True
    daemon_threads = True

    def __init__(
        self, certificates: Certificates, behind: Behind, port: int = 0, trouble: Trouble | None = None
    ) -> None:
        """Bind to the port, or to any free one; raise OSError when it is taken."""
        self.behind, self.trouble = behind, trouble or Trouble()
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.minimum_version = ssl.TLSVersion.TLSv1_2
        self._context.verify_mode = ssl.CERT_REQUIRED
        self._context.load_verify_locations(certificates.authority)
        self._context.load_cert_chain(certificates.server, certificates.server_key)
        super().__init__(("127.0.0.1", port), _Handler)

    @property
    def address(self) -> str:
        """Where callers reach it."""
        return f"https://localhost:{self.server_address[1]}"

    def verify_request(self, request: Any, client_address: Any) -> bool:
        """Turn everybody away while the source is to be down."""
        return not self.trouble.is_down()

    def finish_request(self, request: Any, client_address: Any) -> None:
        """Shake hands in the connection's own thread, so that nobody waits for a client that does not; then handle its one call."""
        cast(socket, request).settimeout(_SECONDS)
        with self._context.wrap_socket(request, server_side=True) as connection:
            super().finish_request(connection, client_address)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: a client without a certificate, or one that hung up, is no news."""

    @contextmanager
    def running(self) -> Iterator[ContractProxy]:
        """Serve within the block."""
        thread = Thread(target=self.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self.shutdown()
            thread.join()
            self.server_close()


class _Handler(BaseHTTPRequestHandler):
    """Carries one call to the program behind, and its answer back."""

    server_version = "ContractProxy"

    @property
    def _proxy(self) -> ContractProxy:
        server: BaseServer = self.server
        assert isinstance(server, ContractProxy)
        return server

    def do_GET(self) -> None:
        """Carry a question for a description."""
        self._carry(b"")

    def do_POST(self) -> None:
        """Carry a call."""
        length = self.headers.get("Content-Length", "")
        if not length.isdecimal() or "Transfer-Encoding" in self.headers:
            self.send_error(411)
        elif int(length) > _MOST_BYTES:
            self.send_error(413)
        else:
            self._carry(self.rfile.read(int(length)))

    def _carry(self, body: bytes) -> None:
        path = self.path.partition("?")[0]
        if not path.startswith(_SERVICES):
            self.send_error(404)
            return
        try:
            status, headers, content = self._ask(body)
        except (OSError, HTTPException):
            self.send_error(502)
            return
        if path.endswith(ORDERING) and self._proxy.trouble.loses_answers():
            self.close_connection = True
            return
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def _ask(self, body: bytes) -> tuple[int, dict[str, str], bytes]:
        connection = HTTPConnection("127.0.0.1", self._proxy.behind.port, timeout=_SECONDS)
        headers = {name: self.headers[name] for name in _PASSED_ON if name in self.headers}
        own = {CALLER_HEADER: subject_of(self._peer()), KEY_HEADER: self._proxy.behind.key}
        try:
            connection.request(self.command, self.path, body or None, {**headers, **own})
            answer = connection.getresponse()
            content = answer.read()
            back = {name: found for name in _PASSED_BACK if (found := answer.getheader(name)) is not None}
            return answer.status, back, content
        finally:
            connection.close()

    def _peer(self) -> Any:
        assert isinstance(self.connection, ssl.SSLSocket)
        return self.connection.getpeercert()


def subject_of(certificate: Any) -> str:
    """Return a checked certificate's subject as one line, with everything escaped that could be taken for more of it."""
    parts = [attribute for group in certificate["subject"] for attribute in group]
    return ", ".join(f"{_SHORT_NAMES[name]}={_escaped(value)}" for name, value in parts if name in _SHORT_NAMES)


def _escaped(value: str) -> str:
    return _SPECIAL.sub(lambda found: "".join(f"\\{byte:02X}" for byte in found[0].encode()), value)


@click.command()
@click.option("--port", type=int, required=True)
@click.option("--behind", type=int, required=True, help="The port of the program behind.")
@click.option("--certificates", type=click.Path(exists=True, file_okay=False, path_type=Path), required=True)
@click.option("--key-file", type=click.Path(exists=True, dir_okay=False, path_type=Path), required=True)
@click.option(
    "--down-while", type=click.Path(path_type=Path), required=True, help="Nobody is answered while it exists."
)
@click.option("--lost-while", type=click.Path(path_type=Path), required=True, help="Answers are lost while it exists.")
def main(port: int, behind: int, certificates: Path, key_file: Path, down_while: Path, lost_while: Path) -> None:
    """Serve until stopped."""
    key = key_file.read_text(encoding="utf-8").strip()
    trouble = Trouble(down_while.exists, lost_while.exists)
    with ContractProxy(Certificates(certificates), Behind(behind, key), port, trouble) as proxy:
        proxy.serve_forever()


if __name__ == "__main__":
    main()
