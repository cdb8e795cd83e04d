"""The guard that keeps unit tests inside their process works."""

from __future__ import annotations

import socket
import urllib.request

import psycopg
import pytest
import redis

from tests.unit.conftest import SocketUsed


@pytest.mark.parametrize("family", [socket.AF_INET, socket.AF_INET6, socket.AF_UNIX])
def test_no_socket_connects(family: socket.AddressFamily) -> None:
    with socket.socket(family) as endpoint, pytest.raises(SocketUsed):
        endpoint.connect(("127.0.0.1", 9))


def test_no_client_connects() -> None:
    with pytest.raises(SocketUsed):
        urllib.request.urlopen("http://127.0.0.1:9/")
    with pytest.raises(SocketUsed):
        psycopg.connect(host="127.0.0.1")
    with redis.Redis.from_url("unix:///nonexistent") as client, pytest.raises(SocketUsed):
        client.ping()
