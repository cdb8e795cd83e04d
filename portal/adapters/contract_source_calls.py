"""One question to another system over HTTP: an answer of bounded size within bounded time, or how sure it is that nothing was asked.

Each question has a connection of its own: one that was kept may have been closed by the other side, and whoever finds that out by sending
cannot tell whether it was read.
"""

from __future__ import annotations

import re
import socket
import ssl
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, Queue
from threading import Lock, Thread
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

CONNECT_SECONDS = 2.0
MOST_BYTES = 4 * 1024 * 1024
# What a server tells a client whose certificate it does not take; where TLS 1.3 is spoken, only after the request was sent, and unread.
_CERTIFICATE_REFUSED = re.compile(r"ALERT_(\w*CERTIFICATE\w*|UNKNOWN_CA|ACCESS_DENIED|DECRYPT_ERROR)")


class Unanswered(Exception):
    """There is no answer. The words name nobody.

    `is_certain`: the other side has certainly not taken the request. `is_passing`: the next moment it may go better. `is_reached`: it
    was there, and the request itself was turned away.
    """

    def __init__(self, reason: str, *, is_certain: bool, is_passing: bool = False, is_reached: bool = False) -> None:
        super().__init__(reason)
        self.is_certain, self.is_passing, self.is_reached = is_certain, is_passing, is_reached


@dataclass(frozen=True)
class Certificates:
    """Files of mutual TLS; they are read for each connection."""

    certificate: Path
    key: Path
    authorities: Path


@dataclass(frozen=True)
class HttpAnswer:
    """What came back."""

    status: int
    body: bytes


def post(
    url: str, body: bytes, headers: Mapping[str, str], *, certificates: Certificates | None, seconds: float
) -> HttpAnswer:
    """Post once and return what is answered within so many seconds in all; raise Unanswered. Redirects are not followed.

    In a thread of its own: a socket's time-out begins anew with each byte that trickles in, and a name may take long to look up. Who is
    given up while still connecting sends nothing afterwards.
    """
    way = _Way()
    outcome: Queue[HttpAnswer | Exception] = Queue()

    def ask() -> None:
        try:
            outcome.put(_post(way, url, body, headers, certificates, seconds))
        except Exception as problem:
            outcome.put(problem)
        finally:
            way.close()

    Thread(target=ask, name="contract-source", daemon=True).start()
    try:
        found = outcome.get(timeout=seconds)
    except Empty:
        way.give_up()
        raise Unanswered("too slow", is_certain=not way.was_taken, is_passing=True) from None
    if isinstance(found, HttpAnswer):
        return found
    if isinstance(found, Unanswered):
        raise found
    raise _unanswered(found, was_taken=way.was_taken) from None


class _Way:
    """A connection that can be given up at any moment by somebody else than who uses it."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._is_given_up = False
        self._handle: socket.socket | None = None
        # Whether the request may have left.
        self.was_taken = False

    def opened(self, connection: socket.socket) -> None:
        """Note the connection, so that it can be shut; close it and raise OSError when it is too late."""
        with self._lock:
            if self._is_given_up:
                connection.close()
            self._check()
            # TLS takes the socket over: what is shut is the connection behind both.
            self._handle = connection.dup()

    def taken(self) -> None:
        """Note that the request leaves now; raise OSError when it is too late."""
        with self._lock:
            self._check()
            self.was_taken = True

    def give_up(self) -> None:
        """Let nothing more be sent, and wake whoever reads."""
        with self._lock:
            self._is_given_up = True
            self._shut()

    def close(self) -> None:
        """Forget the connection."""
        with self._lock:
            if self._handle is not None:
                self._handle.close()
                self._handle = None

    def _check(self) -> None:
        if self._is_given_up:
            raise TimeoutError("given up")

    def _shut(self) -> None:
        if self._handle is not None:
            try:
                self._handle.shutdown(socket.SHUT_RDWR)
            except OSError:
                # The other side was faster.
                return


class _OwnConnection(HTTPAdapter):
    """Makes connections that tell their way when they are opened, and when a request is about to leave over them."""

    def __init__(self, way: _Way) -> None:
        self._pools = _pools(way)
        super().__init__(max_retries=0)

    def init_poolmanager(self, *arguments: Any, **options: Any) -> None:
        """Make connections of our kind."""
        super().init_poolmanager(*arguments, **options)
        self.poolmanager.pool_classes_by_scheme = self._pools


def _pools(way: _Way) -> dict[str, type[HTTPConnectionPool]]:
    class Plain(HTTPConnection):
        def _new_conn(self) -> socket.socket:
            connection = super()._new_conn()
            way.opened(connection)
            return connection

        def connect(self) -> None:
            super().connect()
            way.taken()

    class Secure(Plain, HTTPSConnection):
        """The same over TLS: what `connect` continues with is the secure one's."""

    class PlainPool(HTTPConnectionPool):
        ConnectionCls = Plain

    class SecurePool(HTTPSConnectionPool):
        ConnectionCls = Secure

    return {"http": PlainPool, "https": SecurePool}


def _post(
    way: _Way,
    url: str,
    body: bytes,
    headers: Mapping[str, str],
    certificates: Certificates | None,
    seconds: float,
) -> HttpAnswer:
    with requests.Session() as session:
        # Neither proxies nor certificates nor passwords of the machine's.
        session.trust_env = False
        session.mount("http://", _OwnConnection(way))
        session.mount("https://", _OwnConnection(way))
        with session.post(
            url,
            data=body,
            # Nothing packed: what is small on the wire could be huge when unpacked.
            headers={**headers, "Accept-Encoding": "identity", "Connection": "close"},
            timeout=(min(CONNECT_SECONDS, seconds), seconds),
            allow_redirects=False,
            stream=True,
            verify=str(certificates.authorities) if certificates else True,
            cert=(str(certificates.certificate), str(certificates.key)) if certificates else None,
        ) as response:
            # Who turns a request away says so by the status; what else there is to it may be endless.
            is_refusal = 400 <= response.status_code < 500
            return HttpAnswer(response.status_code, b"" if is_refusal else _read(response))


def _read(response: requests.Response) -> bytes:
    parts, size = [], 0
    while part := response.raw.read1(MOST_BYTES, decode_content=False):
        parts.append(part)
        size += len(part)
        if size > MOST_BYTES:
            raise Unanswered("answer too large", is_certain=False)
    return b"".join(parts)


def _unanswered(problem: Exception, *, was_taken: bool) -> Unanswered:
    """Say what a failure of the network means. Its own words may quote the address."""
    tls = next((one for one in _causes(problem) if isinstance(one, ssl.SSLError)), None)
    is_refused = tls is not None and _CERTIFICATE_REFUSED.search(tls.reason or "") is not None
    if is_refused or (tls is not None and not was_taken and not isinstance(tls, ssl.SSLEOFError)):
        return Unanswered("TLS refused", is_certain=True)
    return Unanswered(type(problem).__name__, is_certain=not was_taken, is_passing=True)


def _causes(problem: BaseException) -> Iterator[BaseException]:
    """Give an exception and everything that it was made of: libraries keep it in different places."""
    waiting, seen = [problem], set[int]()
    while waiting:
        one = waiting.pop()
        if id(one) in seen:
            continue
        seen.add(id(one))
        yield one
        within = (one.__cause__, one.__context__, getattr(one, "reason", None), *one.args)
        waiting += [inner for inner in within if isinstance(inner, BaseException)]
