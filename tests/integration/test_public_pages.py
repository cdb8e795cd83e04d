"""The start page, the language switch and the accessibility statement."""

from __future__ import annotations

from datetime import date

import pytest
from flask import Flask
from flask.testing import FlaskClient

from auth.identity import Role
from auth.models import Commission, Person
from core.db import Database
from tests.support.builders import add_article, add_item, add_person, add_staff
from tests.support.idp import csrf_token
from tests.support.web import make_app, sign_in


@pytest.fixture
def app(database: Database) -> Flask:
    return make_app(database)


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


def test_the_start_page_says_what_it_is_for_and_leads_to_the_log_in(client: FlaskClient) -> None:
    page = client.get("/", headers={"Accept-Language": "en"})
    assert page.status_code == 200
    assert page.text.count("<h1") == 1
    assert 'href="/log-in"' in page.text


@pytest.mark.parametrize(
    ("role", "home"),
    [
        (Role.DEPOT, "/depot"),
        (Role.CONSULTANT, "/complaints"),
        (Role.CUSTOMER_SERVICE, "/customer-service"),
        (Role.AUDITOR, "/access-log"),
        (Role.PRESCRIBER, "/prescriber"),
        (Role.COST_RESPONSIBLE, "/payers"),
    ],
)
def test_staff_begin_at_their_own_page(database: Database, client: FlaskClient, role: Role, home: str) -> None:
    with database.unit_of_work() as session:
        commission = add_staff(session, role)
    assert sign_in(client, commission).get("/").headers["Location"] == home


def test_a_patient_begins_at_their_products(database: Database, client: FlaskClient) -> None:
    with database.unit_of_work() as session:
        person = add_person(session)
    assert sign_in(client, person).get("/").headers["Location"] == "/my-products"


def test_a_fifteen_year_old_gets_a_calm_page_with_whom_to_call(database: Database, client: FlaskClient) -> None:
    with database.unit_of_work() as session:
        person = add_person(session, name="Tove Provsson", born=date(2011, 5, 5))
        add_item(session, person, add_article(session, name="Glukossensor"))
    page = sign_in(client, person).get("/")
    assert page.status_code == 200
    assert "Until you turn 18" in page.text
    assert "Call 010-000 00 00" in page.text
    assert "Glukossensor" not in page.text


def test_a_language_is_remembered_in_the_session_and_on_the_person(database: Database, app: Flask) -> None:
    with database.unit_of_work() as session:
        person = add_person(session)
    client = sign_in(app.test_client(), person, language="sv")
    html = client.get("/my-products").text
    assert '<html lang="sv"' in html
    form = {"csrf_token": csrf_token(html), "language": "en", "next": "/inbox"}
    answer = client.post("/language", data=form)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/inbox")
    assert '<html lang="en"' in client.get("/inbox").text
    with database.session() as session:
        assert session.get_one(Person, person.id).language == "en"


def test_a_language_is_remembered_on_a_staff_member(database: Database, client: FlaskClient) -> None:
    with database.unit_of_work() as session:
        commission = add_staff(session, Role.DEPOT)
    html = sign_in(client, commission).get("/depot").text
    client.post("/language", data={"csrf_token": csrf_token(html), "language": "en"})
    with database.session() as session:
        assert session.get_one(Commission, commission.id).staff_member.language == "en"


@pytest.mark.parametrize(
    "elsewhere", ["https://evil.example/", "//evil.example", "/\\evil.example", "", "javascript:x"]
)
def test_the_language_switch_leads_nowhere_else(client: FlaskClient, elsewhere: str) -> None:
    form = {"csrf_token": csrf_token(client.get("/").text), "language": "en", "next": elsewhere}
    assert client.post("/language", data=form).headers["Location"] == "/"


def test_a_language_that_is_not_spoken_is_not_found(client: FlaskClient) -> None:
    form = {"csrf_token": csrf_token(client.get("/").text), "language": "tlh"}
    assert client.post("/language", data=form).status_code == 404


def test_the_accessibility_statement_has_what_the_law_asks_for(client: FlaskClient) -> None:
    page = client.get("/accessibility-statement", headers={"Accept-Language": "en"})
    assert page.status_code == 200
    for required in (
        "Västra Götalandsregionen",
        "partially compliant",
        "2018:1937",
        "https://www.digg.se/tdosanmalan",
        "010-000 00 00",
        "No external audit",
        "unreasonable burden",
        "The assessment was made on",
    ):
        assert required in page.text, required
    assert 'href="/accessibility-statement"' in client.get("/").text
