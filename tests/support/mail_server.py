"""A mail server of a few lines, that takes what it is sent or misbehaves as it is told."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from threading import Thread


@dataclass
class MailServer:
    """What it answers to RCPT and to the whole message; `hangs` stops it from saying anything at all."""

    tls: ssl.SSLContext | None = None
    recipient_answer: str = "250 ok"
    data_answer: str = "250 taken"
    hangs: bool = False
    drops_goodbye: bool = False
    port: int = 0
    taken: list[bytes] = field(default_factory=list)
    recipients: list[str] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    was_encrypted: bool = False

    @property
    def url(self) -> str:
        """Its address."""
        return f"smtp://localhost:{self.port}"

    def serve(self, listener: socket.socket) -> None:
        """Talk to one client after the other until the socket is closed."""
        while True:
            try:
                connection, _address = listener.accept()
            except OSError:
                return
            with suppress(OSError), connection:
                connection.settimeout(20)
                self._talk(connection)

    def _talk(self, connection: socket.socket) -> None:
        if self.hangs:
            connection.recv(1)
            return
        connection.sendall(b"220 test\r\n")
        self._listen(connection)

    def _listen(self, connection: socket.socket) -> None:
        lines = connection.makefile("rb")
        while line := lines.readline():
            command = line.decode("utf-8", "replace").strip()
            self.said.append(command)
            verb = command.split(" ")[0].upper()
            if verb == "STARTTLS" and self.tls is not None:
                connection.sendall(b"220 go on\r\n")
                lines.close()
                with self.tls.wrap_socket(connection, server_side=True) as encrypted:
                    self.was_encrypted = True
                    self._listen(encrypted)
                return
            elif verb == "DATA":
                connection.sendall(b"354 go on\r\n")
                whole = b""
                while not whole.endswith(b"\r\n.\r\n"):
                    whole += lines.readline()
                if self.data_answer.startswith("2"):
                    self.taken.append(whole)
                connection.sendall(f"{self.data_answer}\r\n".encode())
            elif verb == "QUIT":
                if not self.drops_goodbye:
                    connection.sendall(b"221 bye\r\n")
                return
            else:
                connection.sendall(f"{self._answer(verb, command)}\r\n".encode())

    def _answer(self, verb: str, command: str) -> str:
        if verb == "EHLO":
            is_offered = self.tls is not None and not self.was_encrypted
            return "250-test\r\n250 STARTTLS" if is_offered else "250-test\r\n250 8BITMIME"
        if verb == "RCPT":
            self.recipients.append(command)
            return self.recipient_answer
        return "250 ok"


@contextmanager
def mail_server(**behaviour: object) -> Iterator[MailServer]:
    """Run a mail server on this machine."""
    server = MailServer(**behaviour)  # type: ignore[arg-type]
    with socket.create_server(("localhost", 0)) as listener:
        server.port = listener.getsockname()[1]
        thread = Thread(target=server.serve, args=(listener,), daemon=True)
        thread.start()
        try:
            yield server
        finally:
            with suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)
    thread.join(5)
