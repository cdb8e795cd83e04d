"""Unit tests reach nothing outside their process."""

from __future__ import annotations

import socket
from typing import NoReturn

import psycopg
import pytest


class SocketUsed(AssertionError):
    """A unit test tried to reach something outside its process."""


def _refuse(*_: object, **__: object) -> NoReturn:
    raise SocketUsed("unit tests open no connection: use a fake, or move the test to tests/integration")


def _close_and_refuse(endpoint: socket.socket, *_: object) -> NoReturn:
    # Not every client closes its socket when something other than OSError comes out of it.
    endpoint.close()
    _refuse()


@pytest.fixture(autouse=True)
def _closed_sockets(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("connect", "connect_ex", "sendto", "bind"):
        monkeypatch.setattr(socket.socket, name, _close_and_refuse)
    monkeypatch.setattr(socket, "getaddrinfo", _refuse)
    # libpq opens its sockets in C, where the lines above do not reach.
    monkeypatch.setattr(psycopg, "connect", _refuse)
    monkeypatch.setattr(psycopg.Connection, "connect", _refuse)
    monkeypatch.setattr(psycopg.AsyncConnection, "connect", _refuse)
