"""Every page that the demo region's people can reach by links: valid, whole, in both languages, in few statements."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from auth.identity import Role
from auth.models import Commission
from auth.numbers import parse_number
from auth.persons import find_person_by_number
from core.clock import SystemClock
from core.db import Database
from portal.demo.region import load_demo_region, who_can_log_in
from tests.conftest import give_keys_and_policies
from tests.support.databases import TestDatabases
from tests.support.pages import check_page
from tests.support.settings import make_settings
from tests.support.statements import counted
from tests.support.web import make_app, sign_in

# A page shows a list or a thing and says who is looking: no page needs more, whatever it shows.
MOST_STATEMENTS = 24
MOST_PAGES = 60


@pytest.fixture(scope="module")
def region(databases: TestDatabases) -> Iterator[Database]:
    """The demo region, loaded once for all pages."""
    give_keys_and_policies()
    with databases.copy() as url:
        database = Database(url, clock=SystemClock())
        load_demo_region(database, make_settings(database_url=url), lambda _line: None)
        yield database
        database.dispose()


@pytest.fixture(scope="module")
def app(region: Database) -> Flask:
    """The application on the demo region."""
    return make_app(region)


def _visitors(app: Flask, database: Database, language: str) -> Iterator[tuple[str, FlaskClient]]:
    with database.session() as session:
        # Those who can log in: the others are patients for the counting, and have the same pages.
        numbers = [number for _name, number, _shows in who_can_log_in() if number[0].isdigit()]
        found = [
            find_person_by_number(session, parse_number(number, database.clock.now().date())) for number in numbers
        ]
        persons = [person for person in found if person is not None and person.deceased_on is None]
        commissions = session.scalars(select(Commission).where(Commission.ended_at.is_(None))).unique().all()
    for person in persons:
        yield f"person {person.id}", sign_in(app.test_client(), person, language=language)
    for commission in commissions:
        yield f"{commission.role}", sign_in(app.test_client(), commission, language=language)
        if commission.role is Role.CUSTOMER_SERVICE:
            for person in persons:
                caller = sign_in(app.test_client(), commission, in_call_about=person, language=language)
                yield f"{commission.role} in a call about person {person.id}", caller
    yield "nobody", app.test_client()


def _links(html: str) -> set[str]:
    found = {urlsplit(link)._replace(fragment="").geturl() for link in re.findall(r'href="(/[^"]*)"', html)}
    return {link.replace("&amp;", "&") for link in found if not link.startswith("/assets/")}


@pytest.mark.timeout(240)
@pytest.mark.parametrize("language", ["sv", "en"])
def test_every_page_that_can_be_reached_by_links_is_right(app: Flask, region: Database, language: str) -> None:
    seen = 0
    for name, client in _visitors(app, region, language):
        waiting, done = ["/"], set[str]()
        while waiting and len(done) < MOST_PAGES:
            path = waiting.pop(0)
            if path in done:
                continue
            done.add(path)
            with counted(region) as statements:
                response = client.get(path, headers={"Accept-Language": language})
            where = f"{path} for {name}"
            if response.status_code in {302, 303}:
                if response.location.startswith("/"):
                    waiting.append(response.location)
                continue
            assert response.status_code == 200, f"{where}: {response.status_code}"
            assert len(statements) <= MOST_STATEMENTS, f"{where}: {len(statements)} statements"
            if response.mimetype != "text/html":
                continue
            try:
                check_page(response)
            except AssertionError as problem:
                raise AssertionError(f"{where}: {problem}") from problem
            assert f'<html lang="{language}"' in response.text, where
            waiting.extend(sorted(_links(response.text) - done))
            seen += 1
    assert seen > 60
    print(f"{seen} pages in {language}")  # noqa: T201


def test_a_page_that_does_not_exist_is_a_calm_page(app: Flask) -> None:
    response = app.test_client().get("/no-such-page")
    assert response.status_code == 404
    check_page(response)
