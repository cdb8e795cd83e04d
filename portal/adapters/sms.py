"""SMS by an HTTP service, and into files for a demo."""

from __future__ import annotations

from pathlib import Path

from portal.adapters import http
from portal.adapters.files import write_whole
from portal.telling import AddressRefused

# What the service says of this very message. Other refusals are about us: a key that has expired, too many at once.
_REFUSED_FOR_GOOD = frozenset({400, 404, 410, 422})


class SmsNotTaken(Exception):
    """The service did not take the message now; `status` is what it answered."""

    def __init__(self, status: int) -> None:
        super().__init__(f"status {status}")
        self.status = status


class HttpSms:
    """A service that takes JSON {"to", "from", "text"} by POST with a bearer token and an idempotency key."""

    def __init__(self, url: str, token: str, sender: str) -> None:
        self._url, self._token, self._sender = url, token, sender

    def send(self, to: str, text: str, key: str) -> None:
        """Hand over one SMS; AddressRefused when the service refuses it for good, SmsNotTaken or a network error otherwise."""
        headers = {"Idempotency-Key": key}
        if self._token:
            headers["Authorization"] = f"Bearer {self._token}"
        status = http.post(self._url, headers, json={"to": to, "from": self._sender, "text": text})
        if status in _REFUSED_FOR_GOOD:
            raise AddressRefused
        if not http.is_taken(status):
            raise SmsNotTaken(status)


class FileSms:
    """A folder in which each SMS is a file; the same message again is the same file."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def send(self, to: str, text: str, key: str) -> None:
        """Write the number and the text."""
        write_whole(self._folder, f"{key}.txt", f"{to}\n{text}\n".encode())
