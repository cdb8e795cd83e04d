"""Sessions on real PostgreSQL: what cookie and table hold, when one ends, and that nothing is lost on the way."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import timedelta

from flask import Flask
from flask.testing import FlaskClient

from core.clock import ManualClock
from core.db import Database
from portal.config import Settings
from portal.sessions import current_session, delete_old_sessions
from tests.support.login_app import make_login_app
from tests.support.login_steps import cookie, log_in, rows


def test_a_visit_that_stores_nothing_makes_no_row_no_cookie_and_no_query(
    client: FlaskClient, database: Database, statements: list[str]
) -> None:
    answer = client.get("/quiet")
    assert answer.headers.getlist("Set-Cookie") == []
    client.set_cookie("session", "made-up")
    client.get("/quiet")
    assert statements == []
    assert client.get("/").text == "nobody"
    assert rows(database) == []


def test_the_table_holds_the_hash_of_the_token_that_the_cookie_holds(client: FlaskClient, database: Database) -> None:
    answer = client.get("/token")
    token = cookie(client)
    assert len(token) >= 43
    [row] = rows(database)
    assert row.token_hash == hashlib.sha256(token.encode()).digest()
    assert token not in str(row.data)
    header = answer.headers["Set-Cookie"]
    assert "HttpOnly" in header
    assert "SameSite=Lax" in header
    assert "Path=/" in header
    assert "Expires" not in header
    assert "Max-Age" not in header
    assert "Cookie" in answer.headers["Vary"]


def test_over_https_the_cookie_is_bound_to_the_host(settings: Settings, database: Database) -> None:
    app = make_login_app(replace(settings, base_url="https://portal.example"), database)
    header = app.test_client().get("/token", base_url="https://portal.example").headers["Set-Cookie"]
    assert header.startswith("__Host-session=")
    assert "Secure" in header
    assert "Domain" not in header


def test_logging_in_rotates_the_token_and_ends_the_old_row(
    app: Flask, client: FlaskClient, database: Database, people: list[int]
) -> None:
    client.post("/remember", data={"csrf_token": client.get("/token").text, "language": "en", "secret": "x"})
    before, csrf = cookie(client), client.get("/token").text
    log_in(app, client, people[0])
    assert cookie(client) != before
    old, new = rows(database)
    assert old.ended_at is not None
    assert old.data == {}
    assert new.person_id == people[0]
    assert client.get("/").text == f"person:{people[0]}"
    assert client.get("/recall/language").text == "en"
    assert client.get("/recall/secret").text == "None"
    assert client.post("/remember", data={"csrf_token": csrf}).status_code == 400
    thief = app.test_client()
    thief.set_cookie("session", before)
    assert thief.get("/").text == "nobody"


def test_logging_out_ends_the_session_on_the_server(
    app: Flask, client: FlaskClient, database: Database, people: list[int]
) -> None:
    log_in(app, client, people[0])
    copied = cookie(client)
    answer = client.post("/log-out", data={"csrf_token": client.get("/token").text})
    assert answer.status_code == 303
    assert client.get_cookie("session") is None
    [row] = rows(database)
    assert row.ended_at is not None
    client.set_cookie("session", copied)
    assert client.get("/").text == "nobody"


def test_a_session_times_out_after_thirty_minutes_of_nothing(
    app: Flask, client: FlaskClient, people: list[int], clock: ManualClock
) -> None:
    log_in(app, client, people[0])
    for _ in range(3):
        clock.advance(timedelta(minutes=29))
        assert client.get("/").text == f"person:{people[0]}"
    clock.advance(timedelta(minutes=31))
    assert client.get("/").text == "nobody"


def test_a_session_ends_after_eight_hours_however_busy(
    app: Flask, client: FlaskClient, people: list[int], clock: ManualClock
) -> None:
    log_in(app, client, people[0])
    for _ in range(23):
        clock.advance(timedelta(minutes=20))
        assert client.get("/").text == f"person:{people[0]}"
    clock.advance(timedelta(minutes=20))
    assert client.get("/").text == "nobody"


def test_the_last_seen_time_is_written_at_most_once_a_minute(
    client: FlaskClient, database: Database, clock: ManualClock, statements: list[str]
) -> None:
    client.get("/token")
    statements.clear()
    clock.advance(timedelta(seconds=50))
    client.get("/token")
    assert [statement for statement in statements if statement.startswith("UPDATE")] == []
    clock.advance(timedelta(seconds=20))
    client.get("/token")
    assert len([statement for statement in statements if statement.startswith("UPDATE")]) == 1
    assert rows(database)[0].last_seen_at == clock.now()


def test_two_requests_at_once_keep_what_both_of_them_stored(
    app: Flask, client: FlaskClient, database: Database
) -> None:
    client.get("/token")
    token = cookie(client)
    with app.test_request_context("/", headers={"Cookie": f"session={token}"}):
        slow = current_session()
        slow["slow"] = "1"
        client.post("/remember", data={"csrf_token": client.get("/token").text, "quick": "2"})
        slow.save()
    assert client.get("/recall/slow").text == "1"
    assert client.get("/recall/quick").text == "2"


def test_a_value_can_be_taken_by_one_request_only(app: Flask, client: FlaskClient) -> None:
    client.post("/remember", data={"csrf_token": client.get("/token").text, "ticket": "1"})
    header = {"Cookie": f"session={cookie(client)}"}
    with app.test_request_context("/", headers=header):
        first = current_session()
        assert first["ticket"] == "1"
        with app.test_request_context("/", headers=header):
            assert current_session().take("ticket") == "1"
        assert first.take("ticket") is None


def test_a_request_that_is_under_way_when_the_session_ends_does_not_bring_it_back(
    app: Flask, client: FlaskClient, people: list[int]
) -> None:
    log_in(app, client, people[0])
    token = cookie(client)
    with app.test_request_context("/", headers={"Cookie": f"session={token}"}):
        slow = current_session()
        slow["late"] = "1"
        client.post("/log-out", data={"csrf_token": client.get("/token").text})
        slow.save()
    client.set_cookie("session", token)
    assert client.get("/").text == "nobody"


def test_old_sessions_are_swept_and_young_ones_kept(
    client: FlaskClient, database: Database, clock: ManualClock
) -> None:
    client.get("/token")
    clock.advance(timedelta(days=1, hours=1))
    other = client.application.test_client()
    other.get("/token")
    with database.unit_of_work() as db:
        assert delete_old_sessions(db) == 1
    assert len(rows(database)) == 1
