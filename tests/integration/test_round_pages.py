"""Waves and rounds on their pages: as forms alone, and as JSON for the page's script."""

from __future__ import annotations

import pytest
from flask import Flask
from sqlalchemy import select

from auth.identity import Role
from core.db import Database
from delivery.models import DepotOrderStatus, Lot, PickedLot, PickLine, PickRound
from tests.support.builders import add_staff
from tests.support.depot_work import World, gs1
from tests.support.pages import check_page
from tests.support.round_pages import LATE, client_of, on_shelf, picked_of, planned, post, scan_json
from tests.support.statements import counted
from tests.support.web import make_app, sign_in, token_of


@pytest.fixture
def world(database: Database) -> World:
    return World(database)


@pytest.fixture
def app(database: Database) -> Flask:
    return make_app(database)


def _pick_of(world: World, pick_line_id: int) -> int:
    with world.database.session() as session:
        return session.scalars(select(PickedLot.id).where(PickedLot.pick_line_id == pick_line_id)).one()


def test_a_wave_and_a_round_go_by_forms_alone(app: Flask, world: World) -> None:
    near, far = on_shelf(world, "Near", "A-1"), on_shelf(world, "Far", "A-2")
    first, second = world.order({near: 2, far: 1}), world.order({near: 1})
    client = client_of(app, world)
    assert "Plan PostNord (2 orders, fetched" in client.get("/depot").text
    assert "Nothing is planned" in post(client, "/depot/rounds/start")
    assert "PostNord: 2 orders are planned." in post(client, "/depot/waves", carrier="PostNord")
    assert "Nothing waits for PostNord" in post(client, "/depot/waves", carrier="PostNord")
    shown = post(client, "/depot/rounds/start")
    assert 'pick-location">A-1' in shown
    url = planned(client)
    assert "Go on with your round" in client.get("/depot").text
    assert "Right: box A" in post(client, f"{url}/scan", scan=gs1(near, "LOT-Near", LATE))
    assert "Unknown lot" in post(client, f"{url}/scan", scan=gs1(near, "NEVER", LATE))
    assert "Nothing was scanned" in post(client, f"{url}/scan", scan="")
    with world.database.session() as session:
        pick = session.scalars(select(PickedLot)).one()
        lines = {(line.depot_order_id, line.article_id): line.id for line in session.scalars(select(PickLine))}
        lot_id = session.scalars(select(Lot.id).where(Lot.article_id == near.id)).one()
    assert "Put 1 package back" in post(client, f"{url}/undo", picked_lot_id=pick.id, idempotency_key="u1")
    assert "already gone back" in post(client, f"{url}/undo", picked_lot_id=pick.id, idempotency_key="u2")
    typed = {"pick_line_id": lines[second, near.id], "lot_no": "lot-near", "packages": 1, "idempotency_key": "w1"}
    assert "Right: box B" in post(client, f"{url}/take", **typed)
    assert "Write the lot without spaces" in post(client, f"{url}/take", **{**typed, "lot_no": "a b"})
    tick = {"pick_line_id": lines[first, near.id], "lot_id": lot_id, "packages": 2, "idempotency_key": "t1"}
    assert "Right: box A" in post(client, f"{url}/tick", **tick)
    assert picked_of(world, first)[0] == (2, 0)
    assert "What is wrong?" in client.get(f"{url}?missing=1").text
    far_line = lines[first, far.id]
    assert "the rest comes later" in post(client, f"{url}/short", pick_line_id=far_line, reason="NOT_FOUND")
    assert "back in the list" in post(client, f"{url}/undo-short", pick_line_id=far_line)
    post(client, f"{url}/short", pick_line_id=far_line, reason="NOT_FOUND")
    post(client, f"{url}/undo", picked_lot_id=_pick_of(world, lines[second, near.id]), idempotency_key="u3")
    assert "There is more to pick" in post(client, f"{url}/finish")
    assert "The round is complete" in post(client, f"{url}/scan", scan=gs1(near, "LOT-Near", LATE))
    done = post(client, f"{url}/finish")
    assert "Boxes to pack" in done
    assert f"/depot/packing/{first}" in done
    assert f"/depot/packing/{second}" in done
    assert {world.status(first), world.status(second)} == {DepotOrderStatus.PICKED}


def test_a_scan_is_answered_for_the_script_and_counted_once(app: Flask, world: World) -> None:
    near = on_shelf(world, "Near", "A-1")
    order = world.order({near: 2})
    client = client_of(app, world)
    url = planned(client)
    code = gs1(near, "LOT-Near", LATE)
    first = scan_json(client, url, code, "k1")
    assert (first["result"], first["text"], first["detail"]) == ("ok", "Right: box A", "Lot LOT-Near")
    assert "1 of 2" in first["page"]
    again = scan_json(client, url, code, "k1")
    assert (again["result"], again["text"]) == ("ok", "Already counted")
    assert picked_of(world, order) == [(1, 0)]
    wrong = scan_json(client, url, "]d2nonsense", "k2")
    assert (wrong["result"], wrong["text"]) == ("wrong", "The code could not be read")
    assert 'data-scan-result="wrong"' in wrong["page"]
    empty = scan_json(client, url, "", "k3")
    assert empty["result"] == "wrong"
    scan_json(client, url, code, "k4")
    post(client, f"{url}/finish")
    late = scan_json(client, url, code, "k5")
    assert (late["result"], late["text"], late["page"]) == ("wrong", "This round has ended", "")
    assert client.post(f"{url}/scan", data={"csrf_token": token_of(client, "/depot"), "scan": code}).status_code == 404


def test_a_scan_is_no_new_look_at_every_order(app: Flask, world: World) -> None:
    near = on_shelf(world, "Near", "A-1")
    world.order({near: 2})
    client = client_of(app, world)
    url = planned(client)
    token = token_of(client, "/depot")
    form = {"csrf_token": token, "scan": gs1(near, "LOT-Near", LATE), "idempotency_key": "k1"}
    with counted(world.database) as statements:
        client.post(f"{url}/scan", data=form, headers={"Accept": "application/json"})
    looks = [one for one in statements if "INSERT INTO access_log" in one]
    assert len(looks) == 1, "the act alone"


def test_what_is_short_is_seen_before_the_wave(app: Flask, world: World) -> None:
    scarce = on_shelf(world, "Scarce", "A-1", packages=2)
    for _one in range(3):
        world.order({scarce: 3})
    client = client_of(app, world)
    shown = client.get("/depot")
    check_page(shown)
    assert "Too few to go round" in shown.text
    assert 'data-label="Missing" class="numeric">7<' in shown.text
    said = post(client, "/depot/waves", carrier="PostNord")
    assert "with less than ordered" in said


def test_the_day_is_told_by_the_hour(app: Flask, world: World) -> None:
    client = client_of(app, world)
    assert "Nothing has been picked yet today" in client.get("/depot").text
    near = on_shelf(world, "Near", "A-1")
    world.packed(world.order({near: 3}))
    with world.database.session() as session:
        hour = session.scalars(select(PickedLot.picked_at)).one()
    shown = client.get("/depot").text
    assert ": 3 packages." in shown
    assert f"between {(hour.hour + 1) % 24} and" in shown, "Swedish time, in winter an hour ahead of UTC"


def test_a_round_is_the_pickers_own_and_staff_only(app: Flask, world: World) -> None:
    near = on_shelf(world, "Near", "A-1")
    order = world.order({near: 1})
    client = client_of(app, world)
    url = planned(client)
    other = client_of(app, world, world.add_picker("Bo Plockare"))
    assert other.get(url).status_code == 404
    assert client.get("/depot/rounds/999999").status_code == 404
    token = token_of(other, "/depot")
    for act in ("scan", "tick", "short", "undo", "undo-short", "finish", "leave"):
        form = {"scan": "1", "pick_line_id": "1", "lot_id": "1", "packages": "1", "picked_lot_id": "1"}
        form |= {"reason": "DAMAGED", "how": "leave", "csrf_token": token}
        answer = other.post(f"{url}/{act}", data=form)
        assert answer.status_code in (303, 404), act
    assert picked_of(world, order) == [(0, 0)]
    with world.database.session() as session:
        assert session.scalars(select(PickRound.ended_at)).all() == [None]
    with world.database.unit_of_work() as session:
        auditor = add_staff(session, Role.AUDITOR)
    assert sign_in(app.test_client(), auditor).get(url).status_code == 403


def test_pages_take_as_many_statements_for_six_boxes_as_for_one(app: Flask, world: World) -> None:
    client = client_of(app, world)
    near = on_shelf(world, "Near", "A-1", packages=90)
    counts = []
    for orders in (1, 6):
        for _one in range(orders):
            world.order({near: 2, on_shelf(world, f"Far{_one}", "B-1"): 1})
        url = planned(client)
        scan_json(client, url, gs1(near, "LOT-Near", LATE), f"k{orders}")
        with counted(world.database) as statements:
            assert client.get(url).status_code == 200
        with counted(world.database) as of_today:
            assert client.get("/depot").status_code == 200
        counts.append((len(statements), len(of_today)))
        post(client, f"{url}/leave", how="put-back")
    assert counts[0][0] == counts[1][0]
    assert max(counts[0][1], counts[1][1]) <= 24
