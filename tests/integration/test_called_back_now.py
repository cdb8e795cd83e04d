"""A recall that is opened while a picker's page is open: the page asks, is told in words, and nobody's log-in lasts longer for it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient

from auth.identity import Role
from core.clock import ManualClock
from core.db import Database
from delivery.models import Lot
from delivery.rounds import begun_round
from tests.support.builders import add_staff
from tests.support.depot_work import gs1
from tests.support.picking import LATE
from tests.support.recalls import RecallWorld
from tests.support.round_pages import client_of, planned, post, scan_json
from tests.support.statements import counted
from tests.support.web import make_app, sign_in

TAKE_OUT, LEAVE_IT = "Called back: take it out of the box", "Called back: do not take this lot"


@pytest.fixture
def world(database: Database) -> RecallWorld:
    return RecallWorld(database)


@pytest.fixture
def app(database: Database) -> Flask:
    return make_app(database)


def ask(client: FlaskClient, page: str, lot: Lot | None = None) -> dict[str, str]:
    answer = client.get(f"{page}/called-back", query_string={"lot": lot.id} if lot else {})
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-store"
    found: dict[str, str] = answer.get_json()
    return found


def test_the_page_of_a_round_is_told_of_the_box_and_of_the_lot_that_it_asks_for(app: Flask, world: RecallWorld) -> None:
    sensor = world.article()
    bad = world.stock(sensor, 9, "BAD")
    order = world.order({sensor: 2})
    client = client_of(app, world)
    page = planned(client)
    scan_json(client, page, gs1(sensor, "BAD", LATE), "k1")
    assert ask(client, page, bad) == {"mark": "", "html": ""}
    shown = client.get(page).text
    assert f'data-called-back="{page}/called-back" data-mark="" data-lot="{bad.id}"></div>' in shown
    world.open("BAD", 0)
    with counted(world.database) as statements:
        told = ask(client, page, bad)
    # Who asks is looked up in two, as on every page.
    assert len(statements) <= 5, statements
    assert told["mark"]
    assert TAKE_OUT in told["html"]
    assert f'action="/depot/picks/{order}/taken-out"' in told["html"]
    assert LEAVE_IT in told["html"]
    assert f'href="{page}"' in told["html"]
    # The page made anew says the same, so that its script has nothing to add.
    shown = client.get(page).text
    assert f'data-mark="{told["mark"]}"' in shown
    assert TAKE_OUT in shown
    assert LEAVE_IT in shown
    world.work()
    shown = client.get(page).text
    assert LEAVE_IT not in shown
    post(client, f"/depot/picks/{order}/taken-out", idempotency_key="o1")
    assert ask(client, page) == {"mark": "", "html": ""}
    # Whoever still stands before the old lot is told that as well.
    assert ask(client, page, bad)["mark"] == "lot"


def test_the_page_of_one_order_is_told_too(app: Flask, world: RecallWorld) -> None:
    sensor = world.article()
    world.stock(sensor, 9, "BAD")
    order = world.order({sensor: 2})
    world.start(order)
    client = client_of(app, world)
    page = f"/depot/picks/{order}"
    post(client, f"{page}/scan", scan=gs1(sensor, "BAD", LATE), idempotency_key="k1")
    assert f'data-called-back="{page}/called-back" data-mark=""' in client.get(page).text
    world.open("BAD", 0)
    told = ask(client, page)
    assert TAKE_OUT in told["html"]
    assert f'data-mark="{told["mark"]}' in client.get(page).text


def test_nobody_hears_of_what_is_in_other_hands(app: Flask, world: RecallWorld) -> None:
    sensor = world.article()
    world.stock(sensor, 9, "BAD")
    order = world.order({sensor: 2})
    client = client_of(app, world)
    page = planned(client)
    scan_json(client, page, gs1(sensor, "BAD", LATE), "k1")
    world.open("BAD", 0)
    assert ask(client, f"/depot/picks/{order}")["mark"]
    with world.database.unit_of_work() as session:
        elsewhere = add_staff(session, Role.DEPOT, region="norrbotten")
        consultant = add_staff(session, Role.CONSULTANT)
    others = [client_of(app, world, world.add_picker("Bo Plockare")), sign_in(app.test_client(), elsewhere)]
    for other in others:
        for path in (page, f"/depot/picks/{order}", "/depot/rounds/999999", "/depot/picks/999999"):
            assert other.get(f"{path}/called-back").status_code == 404
    for odd in (2**70, "none", -1, 999999):
        assert "lot" not in client.get(f"{page}/called-back?lot={odd}").get_json()["mark"].split()
    assert sign_in(app.test_client(), consultant).get(f"{page}/called-back").status_code == 403
    assert app.test_client().get(f"{page}/called-back").status_code == 303
    with world.database.session() as session:
        assert begun_round(session, world.picker) is not None


def test_a_page_that_asks_by_itself_keeps_nobody_logged_in(app: Flask, world: RecallWorld, clock: ManualClock) -> None:
    sensor = world.article()
    world.stock(sensor, 9, "GOOD")
    world.order({sensor: 2})
    client = client_of(app, world)
    page = planned(client)
    for _minute in range(29):
        clock.advance(timedelta(minutes=1))
        ask(client, page)
    clock.advance(timedelta(minutes=2))
    assert client.get(f"{page}/called-back").status_code == 303
