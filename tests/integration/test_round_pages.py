"""Waves and rounds on their pages: as forms alone, as JSON for the page's script, and what became of what was left."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from auth.identity import Identity, Role
from auth.models import Commission
from core.clock import ManualClock
from core.db import Database
from delivery.models import DepotOrder, DepotOrderStatus, Lot, LotStatus, PickedLot, PickLine, PickRound, StockBalance
from delivery.why_not import WhyNot, unused_lots
from orders.models import Article
from tests.support.builders import add_staff
from tests.support.depot_work import World, gs1, lines_of
from tests.support.pages import check_page
from tests.support.statements import counted
from tests.support.web import make_app, sign_in, token_of

LATE = date(2028, 12, 31)


@pytest.fixture
def world(database: Database) -> World:
    return World(database)


@pytest.fixture
def app(database: Database) -> Flask:
    return make_app(database)


def client_of(app: Flask, world: World, picker: Identity | None = None) -> FlaskClient:
    staff_id = (picker or world.picker).staff_id
    with world.database.session() as session:
        commission = session.scalars(select(Commission).where(Commission.staff_id == staff_id)).one()
    return sign_in(app.test_client(), commission)


def post(client: FlaskClient, url: str, **data: object) -> str:
    answer = client.post(url, data={"csrf_token": token_of(client, "/depot"), **data}, follow_redirects=True)
    assert answer.status_code == 200
    check_page(answer)
    return answer.text


def scan_json(client: FlaskClient, url: str, code: str, key: str) -> dict[str, str]:
    answer = client.post(
        f"{url}/scan",
        data={"csrf_token": token_of(client, "/depot"), "scan": code, "idempotency_key": key},
        headers={"Accept": "application/json"},
    )
    assert answer.status_code == 200
    found: dict[str, str] = answer.get_json()
    return found


def on_shelf(world: World, name: str, location: str, packages: int = 9) -> Article:
    article = world.article(name)
    with world.database.unit_of_work() as session:
        session.get_one(Article, article.id).location = location
    world.stock(article, packages, f"LOT-{name}")
    return article


def planned(client: FlaskClient) -> str:
    post(client, "/depot/waves", carrier="PostNord")
    answer = client.post("/depot/rounds/start", data={"csrf_token": token_of(client, "/depot")})
    assert answer.status_code == 303
    return str(answer.location)


def picked_of(world: World, depot_order_id: int) -> list[tuple[int, int]]:
    with world.database.session() as session:
        return [(line.picked, line.short) for line in lines_of(session, depot_order_id)]


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
    tick = {"pick_line_id": lines[first, near.id], "lot_id": lot_id, "packages": 2, "idempotency_key": "t1"}
    assert "Right: box A" in post(client, f"{url}/tick", **tick)
    assert picked_of(world, first)[0] == (2, 0)
    assert "What is wrong?" in client.get(f"{url}?missing=1").text
    far_line = lines[first, far.id]
    assert "the rest comes later" in post(client, f"{url}/short", pick_line_id=far_line, reason="NOT_FOUND")
    assert "back in the list" in post(client, f"{url}/undo-short", pick_line_id=far_line)
    post(client, f"{url}/short", pick_line_id=far_line, reason="NOT_FOUND")
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
