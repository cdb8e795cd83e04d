"""The pages of one lot: its ledger, what is done to it, blind counts, and what patients send back."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from core.db import Database
from delivery.goods_models import ReceiptLine
from delivery.models import Lot, LotStatus, Parcel, PickedLot, StockMovement
from delivery.shipping import ship
from orders.models import Article, Order
from tests.integration.test_goods_pages import client_of, post
from tests.support.depot_work import World
from tests.support.pages import check_page
from tests.support.web import make_app


@pytest.fixture
def world(database: Database) -> World:
    return World(database)


@pytest.fixture
def app(database: Database) -> Flask:
    return make_app(database)


@pytest.fixture
def client(app: Flask, world: World) -> FlaskClient:
    return client_of(app, world, world.picker)


@pytest.fixture
def sensor(world: World) -> Article:
    return world.article()


def test_a_lot_tells_its_story_and_why_it_may_not_be_used(client: FlaskClient, world: World, sensor: Article) -> None:
    lot = world.stock(sensor, 10)
    url = f"/depot/stock/{lot.id}"
    assert "Write why" in post(client, f"{url}/status", expect=422, note="", status="ON_HOLD")
    held = post(client, f"{url}/status", status="ON_HOLD", note="Fukt i lådan")
    assert "The lot is on hold. Nothing of it leaves the depot until somebody lets it go." in held
    assert "Fukt i lådan" in held
    assert lot.lot_no in client.get("/depot/stock?show=on-hold").text
    assert lot.lot_no not in client.get("/depot/stock?show=expiring").text
    assert "may be sent again" in post(client, f"{url}/status", status="AVAILABLE", note="Torr")
    assert "RECALLED" not in client.get(url).text
    refused = post(client, f"{url}/status", expect=422, status="RECALLED", note="Jag vill")
    assert "Something needs to be corrected" in refused or 'value="ON_HOLD"' in refused
    assert "At most 10" in post(client, f"{url}/scrap", expect=422, packages=11, note="Tappad")
    for _time in range(2):
        scrapped = post(client, f"{url}/scrap", packages=2, note="Tappad", idempotency_key="k1")
    assert "Tappad" in scrapped
    assert "-2" in scrapped
    assert "C-12" in post(client, f"{url}/move", location="C-12")
    assert "Pia Plockare" in client.get(url).text
    assert world.balance(lot) == (8, 0)


def test_a_count_is_blind_and_a_second_is_by_somebody_else(
    app: Flask, client: FlaskClient, world: World, sensor: Article
) -> None:
    lot = world.stock(sensor, 137)
    url = f"/depot/stock/{lot.id}/count"
    assert "137" not in client.get(url).text
    assert "Somebody else must count the lot too" in post(client, url, counted=135)
    assert "ask a colleague" in client.get("/depot/stock").text
    assert "Somebody else must count" in post(client, url, counted=135)
    colleague = client_of(app, world, world.add_picker("Bo Räknare"))
    stock = colleague.get("/depot/stock").text
    assert url in stock
    blind = colleague.get(url).text
    assert "137" not in blind
    assert "135" not in blind
    assert "The stock list is right" in post(colleague, url, counted=136)
    assert world.balance(lot) == (136, 0)
    assert "Count again" not in client.get("/depot/stock").text


def test_what_a_patient_sends_back_is_found_by_order_and_by_parcel(
    client: FlaskClient, world: World, sensor: Article
) -> None:
    lot = world.stock(sensor, 9)
    parcel_id = world.packed(world.order({sensor: 4}))
    with world.database.session() as session:
        order_no = session.scalars(select(Order.order_no)).one()
        sscc = session.get_one(Parcel, parcel_id).sscc
        picked_lot_id = session.scalars(select(PickedLot.id)).one()
    assert "Nothing found" in client.get(f"/depot/returns?find={order_no}").text, "it has not left yet"
    with world.database.unit_of_work() as session:
        ship(session, world.picker, parcel_id, "A1")
    for find in (order_no, f"{order_no[:-3]} {order_no[-3:]}", sscc, f"(00) {sscc}", f"]C100{sscc}"):
        page = client.get(f"/depot/returns?find={quote(find)}")
        check_page(page)
        assert "4 packages sent" in page.text, find
        assert "Testsson" not in page.text
    url = f"/depot/returns/{picked_lot_id}"
    kept = post(client, url, expect=422, find=order_no, packages=5, note="Fel storlek")
    assert "At most 4" in kept
    assert "Fel storlek" in kept
    assert "1 has come back" in post(client, url, find=order_no, packages=1, note="Fel storlek")
    assert world.balance(lot) == (5, 0)


def test_a_recalled_lot_says_so_and_cannot_be_let_go(client: FlaskClient, world: World, sensor: Article) -> None:
    lot = world.stock(sensor, 9)
    with world.database.unit_of_work() as session:
        session.get_one(Lot, lot.id).status = LotStatus.RECALLED
    assert "The lot is recalled" in client.get(f"/depot/stock/{lot.id}").text
    assert "is recalled" in post(
        client, f"/depot/stock/{lot.id}/status", expect=422, status="AVAILABLE", note="Ser bra ut"
    )
    with world.database.session() as session:
        assert session.scalars(select(StockMovement.packages)).all() == [9]
        assert session.scalars(select(ReceiptLine.id)).all() == []
