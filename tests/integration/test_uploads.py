"""Whoever may not send files is answered before they are read; whoever was logged in a moment ago loses nothing."""

from __future__ import annotations

import io
from collections.abc import Iterator

import pytest
from flask import Flask
from werkzeug.routing import Rule

from auth.identity import Role
from auth.permissions import Permission
from core.clock import ManualClock
from core.db import Database
from portal.security import ACCESS_ATTRIBUTE
from portal.sessions import IDLE_LIMIT
from portal.uploads import _ATTRIBUTE, MEGABYTE
from tests.support.builders import add_person, add_staff
from tests.support.web import make_app, sign_in, token_of

MOST_READ = MEGABYTE
MULTIPART = {"CONTENT_TYPE": "multipart/form-data; boundary=x"}
ONE_FILE = b'--x\r\nContent-Disposition: form-data; name="photos"; filename="a.jpg"\r\nContent-Type: image/jpeg\r\n\r\n'


class Streaming(io.RawIOBase):
    """Sixty-four megabytes of one file, counted as they are read."""

    def __init__(self) -> None:
        self.taken = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray) -> int:  # type: ignore[override]
        count = min(len(buffer), 64 * MEGABYTE - self.taken)
        buffer[:count] = (ONE_FILE if not self.taken else b"").ljust(count, b"x")[:count]
        self.taken += count
        return count


@pytest.fixture
def app(database: Database) -> Flask:
    return make_app(database)


def _routes(app: Flask) -> Iterator[tuple[str, Permission | None]]:
    for rule in app.url_map.iter_rules():
        view = app.view_functions[rule.endpoint]
        if "POST" in (rule.methods or ()) and getattr(view, _ATTRIBUTE, None):
            yield _path(app, rule), getattr(view, ACCESS_ATTRIBUTE).permission


def _path(app: Flask, rule: Rule) -> str:
    values = dict.fromkeys(rule.arguments, "1")
    with app.test_request_context():
        return str(app.url_map.bind("localhost").build(rule.endpoint, values, method="POST"))


@pytest.mark.parametrize("is_announced", [True, False], ids=["with a length", "in chunks"])
def test_nobody_and_whoever_may_not_are_answered_before_it_is_read(
    app: Flask, database: Database, is_announced: bool
) -> None:
    with database.unit_of_work() as session:
        auditor = add_staff(session, Role.AUDITOR)
    visitors = {303: app.test_client(), 403: sign_in(app.test_client(), auditor)}
    length = {"CONTENT_LENGTH": str(64 * MEGABYTE)} if is_announced else {"wsgi.input_terminated": True}
    walked = 0
    for path, permission in _routes(app):
        for status, client in visitors.items():
            sent = Streaming()
            answer = client.post(path, environ_overrides={"wsgi.input": sent, **MULTIPART, **length})
            # A machine is known by what its proxy says of it, and by that alone.
            assert answer.status_code == (status if permission else 404), path
            assert sent.taken <= MOST_READ, f"{path}: {sent.taken} bytes"
            walked += 1
    assert walked >= 12


def test_whoever_may_is_read_to_the_end_and_then_asked_for_the_token(app: Flask, database: Database) -> None:
    with database.unit_of_work() as session:
        patient = add_person(session)
    client = sign_in(app.test_client(), patient)
    sent = io.BytesIO(ONE_FILE + b"x" * MEGABYTE + b"\r\n--x--\r\n")
    size = len(sent.getvalue())
    length = {"CONTENT_LENGTH": str(size)}
    answer = client.post("/fault-reports/new/1", environ_overrides={"wsgi.input": sent, **MULTIPART, **length})
    assert answer.status_code == 400
    assert sent.tell() == size


def test_whoever_was_logged_out_while_they_typed_keeps_their_words(
    app: Flask, database: Database, clock: ManualClock
) -> None:
    with database.unit_of_work() as session:
        patient = add_person(session)
    client = sign_in(app.test_client(), patient)
    token = token_of(client, "/settings")
    clock.advance(IDLE_LIMIT * 2)
    fields = {"csrf_token": token, "description": "Den lossnade."}
    parts = [
        f'--x\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n' for name, value in fields.items()
    ]
    content = "".join(parts).encode() + ONE_FILE + b"x" * MEGABYTE + b"\r\n--x--\r\n"
    sent = {"wsgi.input": io.BytesIO(content), "CONTENT_LENGTH": str(len(content)), **MULTIPART}
    answer = client.post("/fault-reports/new/1", environ_overrides=sent)
    assert answer.status_code == 303
    assert "after=kept" in answer.location
