"""What was typed before the session timed out is there again after the log-in, for the same person only."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from auth.models import Guardianship, Person
from auth.numbers import parse_number
from core.clock import ManualClock
from core.db import Database
from tests.support.login_steps import fill_in, log_in, rows


def test_a_form_that_comes_too_late_is_kept_shown_again_and_never_executed(
    app: Flask, client: FlaskClient, database: Database, people: list[int], clock: ManualClock
) -> None:
    log_in(app, client, people[0])
    typed = fill_in(client, street="Provgatan 1", item=["1", "2"])
    clock.advance(timedelta(minutes=31))
    answer = client.post("/form?step=2", data=typed)
    assert answer.status_code == 303
    assert answer.headers["Location"] == "/log-in?next=/form?step%3D2&after=kept"
    assert "Provgatan" not in str([row.data for row in rows(database)])
    page = client.get(answer.headers["Location"])
    assert "after 30 minutes" in page.text or "efter 30 minuter" in page.text
    log_in(app, client, people[0])
    for _ in range(2):
        assert client.get("/form").get_json()["parked"] == {"street": ["Provgatan 1"], "item": ["1", "2"]}
    assert app.extensions.get("executed") is None
    assert client.post("/form", data=fill_in(client, street="Provgatan 2")).text == "done"
    assert client.get("/form").get_json()["parked"] is None


def test_what_was_typed_is_not_shown_to_another_person(
    app: Flask, client: FlaskClient, people: list[int], clock: ManualClock
) -> None:
    log_in(app, client, people[0])
    typed = fill_in(client, street="Provgatan 1")
    clock.advance(timedelta(minutes=31))
    client.post("/form", data=typed)
    log_in(app, client, people[1])
    assert client.get("/form").get_json()["parked"] is None
    log_in(app, client, people[0])
    assert client.get("/form").get_json()["parked"] is None


def test_what_was_typed_is_forgotten_after_thirty_minutes(
    app: Flask, client: FlaskClient, people: list[int], clock: ManualClock
) -> None:
    log_in(app, client, people[0])
    typed = fill_in(client, street="Provgatan 1")
    clock.advance(timedelta(minutes=31))
    client.post("/form", data=typed)
    clock.advance(timedelta(minutes=20))
    log_in(app, client, people[0])
    clock.advance(timedelta(minutes=11))
    assert client.get("/form").get_json()["parked"] is None


def test_the_log_in_page_may_have_been_opened_in_another_tab_first(
    app: Flask, client: FlaskClient, people: list[int], clock: ManualClock
) -> None:
    log_in(app, client, people[0])
    typed = fill_in(client, street="Provgatan 1")
    clock.advance(timedelta(minutes=31))
    client.get("/log-in")
    client.get("/token")
    assert client.post("/form", data=typed).headers["Location"].endswith("after=kept")
    log_in(app, client, people[0])
    assert client.get("/form").get_json()["parked"] == {"street": ["Provgatan 1"]}


def test_the_form_still_works_when_the_same_person_logs_in_again_in_another_tab(
    app: Flask, client: FlaskClient, people: list[int], clock: ManualClock
) -> None:
    log_in(app, client, people[0])
    typed = fill_in(client, street="Provgatan 1")
    clock.advance(timedelta(minutes=31))
    log_in(app, client, people[0])
    assert client.post("/form", data=typed).text == "done"


def test_a_form_from_elsewhere_is_refused_and_not_kept(
    app: Flask, client: FlaskClient, people: list[int], clock: ManualClock
) -> None:
    log_in(app, client, people[0])
    clock.advance(timedelta(minutes=31))
    assert client.post("/form", data={"street": "Annan", "csrf_token": "forged"}).status_code == 400
    log_in(app, client, people[0])
    assert client.get("/form").get_json()["parked"] is None


@pytest.mark.parametrize("fields", [{f"f{number}": "x" for number in range(101)}, {"text": "x" * 70_000}])
def test_too_much_is_not_kept_and_that_is_said(
    app: Flask, client: FlaskClient, people: list[int], clock: ManualClock, fields: dict[str, str]
) -> None:
    log_in(app, client, people[0])
    typed = fill_in(client, **fields)
    clock.advance(timedelta(minutes=31))
    answer = client.post("/form", data=typed)
    assert answer.headers["Location"].endswith("after=too-large")


def test_a_form_whose_address_cannot_be_looked_at_goes_back_to_the_page_it_stood_on(
    app: Flask, client: FlaskClient, people: list[int], clock: ManualClock
) -> None:
    log_in(app, client, people[0])
    typed = fill_in(client, item="1")
    clock.advance(timedelta(minutes=31))
    answer = client.post("/form/add", data=typed, headers={"Referer": "http://localhost/form?page=2"})
    assert answer.headers["Location"] == "/log-in?next=/form?page%3D2&after=kept"
    log_in(app, client, people[0])
    assert client.get("/form?page=2").get_json()["parked"] == {"item": ["1"]}


def test_stale_log_in_and_log_out_pages_are_shown_anew_instead_of_an_error(
    app: Flask, client: FlaskClient, people: list[int], clock: ManualClock
) -> None:
    assert (
        client.post("/log-in", data={"csrf_token": "old", "next": "/form"}).headers["Location"] == "/log-in?next=/form"
    )
    log_in(app, client, people[0])
    token = client.get("/token").text
    clock.advance(timedelta(hours=9))
    answer = client.post("/log-out", data={"csrf_token": token})
    assert answer.headers["Location"] == "/log-in?after=logged-out"


def test_a_button_without_fields_claims_to_have_kept_nothing(
    app: Flask, client: FlaskClient, people: list[int], clock: ManualClock
) -> None:
    log_in(app, client, people[0])
    pressed = fill_in(client)
    clock.advance(timedelta(minutes=31))
    assert client.post("/form", data=pressed).headers["Location"] == "/log-in?next=/form&after=timed-out"


def test_what_was_typed_for_a_child_comes_back_for_that_child_only(
    app: Flask, client: FlaskClient, people: list[int], clock: ManualClock, database: Database
) -> None:
    with database.unit_of_work() as db:
        child = Person(region="vgr", county_code="14")
        child.set_number(parse_number("201803029816", date(2026, 12, 1)))
        db.add(child)
        db.flush()
        db.add(Guardianship(guardian_id=people[0], child_id=child.id))
        child_id = child.id
    log_in(app, client, people[0])
    with client.session_transaction() as session:
        session["acting_for"] = child_id
    typed = fill_in(client, street="Provgatan 1")
    clock.advance(timedelta(minutes=31))
    client.post("/form", data=typed)
    log_in(app, client, people[0])
    assert client.get("/recall/acting_for").text == str(child_id)
    assert client.get("/form").get_json()["parked"] == {"street": ["Provgatan 1"]}
    with database.unit_of_work() as db:
        for guardianship in db.scalars(select(Guardianship)):
            guardianship.ended_on = date(2026, 11, 30)
    assert client.get("/form").get_json()["parked"] is None
