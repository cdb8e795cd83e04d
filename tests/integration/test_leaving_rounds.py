"""Rounds that are left, orders taken over, and why a lot is not used."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from flask import Flask
from sqlalchemy import select

from core.clock import ManualClock
from core.db import Database
from delivery.models import DepotOrder, DepotOrderStatus, Lot, LotStatus, PickedLot, StockBalance
from delivery.why_not import WhyNot, unused_lots
from tests.support.depot_work import World, gs1, lines_of
from tests.support.pages import check_page
from tests.support.round_pages import LATE, client_of, on_shelf, picked_of, planned, post, scan_json
from tests.support.statements import counted
from tests.support.web import make_app, token_of


@pytest.fixture
def world(database: Database) -> World:
    return World(database)


@pytest.fixture
def app(database: Database) -> Flask:
    return make_app(database)


def test_a_round_is_left_to_others_or_put_back(app: Flask, world: World) -> None:
    near, far = on_shelf(world, "Near", "A-1"), on_shelf(world, "Far", "A-2")
    begun, untouched = world.order({near: 2}), world.order({far: 1})
    client, other = client_of(app, world), client_of(app, world, world.add_picker("Bo Plockare"))
    url = planned(client)
    scan_json(client, url, gs1(near, "LOT-Near", LATE), "k1")
    assert "Begun and left" not in other.get("/depot").text
    refused = post(other, f"/depot/picks/{begun}/take-over")
    assert "Pia Plockare is picking this order" in refused
    assert "Somebody else can take the boxes over" in post(client, f"{url}/leave", how="leave")
    assert (world.status(begun), world.status(untouched)) == (DepotOrderStatus.PICKING, DepotOrderStatus.WAITING)
    with world.database.session() as session:
        left = session.get_one(DepotOrder, untouched)
        assert left.wave_id is not None
        assert [one.packages for one in left.lines[0].reservations] == [1]
    assert "Begun and left" in other.get("/depot").text
    shown = post(other, f"/depot/picks/{begun}/take-over")
    assert "1 of 2" in shown
    assert picked_of(world, begun) == [(1, 0)]
    with world.database.session() as session:
        assert session.scalars(select(PickedLot.picker_id)).all() == [world.picker.staff_id]
    assert "Begun and left" not in other.get("/depot").text
    answer = other.post("/depot/rounds/start", data={"csrf_token": token_of(other, "/depot")})
    assert "Put everything back" in post(other, f"{answer.location}/leave", how="put-back")
    assert world.status(untouched) is DepotOrderStatus.WAITING


def test_what_is_put_back_is_on_the_shelf_again(app: Flask, world: World) -> None:
    near = on_shelf(world, "Near", "A-1")
    orders = [world.order({near: 1}) for _one in range(2)]
    client = client_of(app, world)
    url = planned(client)
    for key in ("k1", "k2"):
        scan_json(client, url, gs1(near, "LOT-Near", LATE), key)
    post(client, f"{url}/leave", how="put-back")
    with world.database.session() as session:
        balance = session.scalars(select(StockBalance)).one()
        assert (balance.on_hand, balance.reserved) == (9, 0)
    assert {world.status(one) for one in orders} == {DepotOrderStatus.WAITING}


def test_an_order_that_nobody_touches_can_be_taken_over(app: Flask, world: World, clock: ManualClock) -> None:
    near = on_shelf(world, "Near", "A-1")
    order = world.order({near: 2})
    client = client_of(app, world)
    url = planned(client)
    scan_json(client, url, gs1(near, "LOT-Near", LATE), "k1")
    somebody_else = world.add_picker("Bo Plockare")
    clock.advance(timedelta(minutes=29))
    assert "Begun and left" not in client_of(app, world, somebody_else).get("/depot").text
    clock.advance(timedelta(minutes=2))
    client, other = client_of(app, world), client_of(app, world, somebody_else)
    assert "Begun and left" in other.get("/depot").text
    post(other, f"/depot/picks/{order}/take-over")
    gone = scan_json(client, url, gs1(near, "LOT-Near", LATE), "k2")
    assert gone["result"] == "wrong"
    assert picked_of(world, order) == [(1, 0)]


def test_why_no_lot_is_used(app: Flask, world: World, clock: ManualClock) -> None:
    article = on_shelf(world, "Near", "A-1", packages=1)
    world.order({article: 1})
    order = world.order({article: 1, on_shelf(world, "Far", "B-1"): 1})
    soon, long = clock.now().date() + timedelta(days=20), date(2029, 6, 30)
    for lot_no, expires in (("SOON", soon), ("OLD", soon), ("HOLD", long), ("RECALL", long), ("QUAR", long)):
        lot = world.stock(article, 3, lot_no, expires)
        status = {"HOLD": LotStatus.ON_HOLD, "RECALL": LotStatus.RECALLED, "QUAR": LotStatus.QUARANTINED}.get(lot_no)
        with world.database.unit_of_work() as session:
            stored = session.get_one(Lot, lot.id)
            stored.status = status or stored.status
            if lot_no == "OLD":
                stored.expires_on = clock.now().date() - timedelta(days=1)
    client = client_of(app, world)
    url = planned(client)
    with world.database.session() as session:
        line = next(line for line in lines_of(session, order) if line.article_id == article.id)
        with counted(world.database) as statements:
            found = {lot.lot_no: lot.why for lot in unused_lots(session, world.depot.id, line)}
        # The line's reservations, and the lots.
        assert len(statements) <= 2
    assert found == {
        "LOT-Near": WhyNot.PROMISED_TO_OTHERS,
        "SOON": WhyNot.EXPIRES_TOO_SOON,
        "OLD": WhyNot.EXPIRED,
        "HOLD": WhyNot.ON_HOLD,
        "RECALL": WhyNot.RECALLED,
        "QUAR": WhyNot.QUARANTINED,
    }
    assert client.get(url).status_code == 200


def test_a_stop_without_a_lot_says_why_on_both_pages(app: Flask, world: World) -> None:
    near = on_shelf(world, "Near", "A-1")
    order = world.order({near: 1})
    client = client_of(app, world)
    url = planned(client)
    with world.database.unit_of_work() as session:
        session.scalars(select(Lot)).one().status = LotStatus.ON_HOLD
        (line,) = lines_of(session, order)
        balance = session.scalars(select(StockBalance)).one()
        balance.reserved = 0
        for reservation in list(line.reservations):
            session.delete(reservation)
    shown = client.get(url)
    check_page(shown)
    for text in ("Why these lots are not used", "Lot LOT-Near", "On hold"):
        assert text in shown.text
    with world.database.unit_of_work() as session:
        session.get_one(DepotOrder, order).pick_round_id = None
    single = client.get(f"/depot/picks/{order}")
    check_page(single)
    assert "On hold" in single.text
