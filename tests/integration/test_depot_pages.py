"""The depot's pages as a browser without JavaScript uses them, on the whole application."""

from __future__ import annotations

from datetime import date

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from auth.identity import Role
from auth.models import Commission, Person, Protection
from core.db import Database
from delivery.models import DepotOrder, DepotOrderStatus, Parcel, PickedLot, PickLine
from tests.support.builders import add_person, add_staff
from tests.support.depot_work import World, gs1
from tests.support.statements import counted
from tests.support.web import make_app, sign_in, token_of

LATE = date(2028, 12, 31)


@pytest.fixture
def world(database: Database) -> World:
    return World(database)


@pytest.fixture
def app(database: Database) -> Flask:
    return make_app(database)


def client_of(app: Flask, world: World, language: str = "en") -> FlaskClient:
    with world.database.session() as session:
        commission = session.scalars(select(Commission).where(Commission.staff_id == world.picker.staff_id)).one()
    return sign_in(app.test_client(), commission, language=language)


def post(client: FlaskClient, url: str, **data: object) -> str:
    answer = client.post(url, data={"csrf_token": token_of(client, "/depot"), **data}, follow_redirects=True)
    assert answer.status_code == 200
    return answer.text


def test_an_order_goes_through_the_depot_by_forms_alone(app: Flask, world: World) -> None:
    article, other = world.article("Glukossensor"), world.article("Lansett")
    world.stock(article, 9)
    depot_order_id = world.order({article: 2, other: 1})
    client = client_of(app, world)
    assert "1 order is waiting" in client.get("/depot").text
    pick = f"/depot/picks/{depot_order_id}"
    assert article.location in post(client, "/depot/picks/start-next")
    assert "Unknown lot" in post(client, f"{pick}/scan", scan=gs1(article, "NEVER", LATE))
    assert "Nothing was scanned" in post(client, f"{pick}/scan", scan="")
    assert "scan-ok" not in post(client, f"{pick}/scan", scan=gs1(article, "LOT1", LATE))
    answer = client.post(
        f"{pick}/take", data={"csrf_token": token_of(client, "/depot"), "lot_no": "a b", "packages": "x"}
    )
    assert answer.status_code == 422
    assert "Write the lot without spaces" in answer.text
    post(client, f"{pick}/take", article_no=article.article_no, lot_no="lot1", packages=1)
    assert "1 package comes later" in client.get(f"{pick}?missing=1").text
    with world.database.session() as session:
        line_id = session.scalars(select(PickLine.id).where(PickLine.article_id == other.id)).one()
        picked = session.scalars(select(PickedLot)).one()
        assert (picked.packages, picked.scanned) == (2, False)
    post(client, f"{pick}/short", pick_line_id=line_id, reason="NOT_FOUND")
    assert "Check that this is what lies in the box" in post(client, f"{pick}/finish")
    assert "Open the delivery note" in post(client, f"/depot/packing/{depot_order_id}")
    with world.database.session() as session:
        parcel_id = session.scalars(select(Parcel.id)).one()
    parcel = f"/depot/parcels/{parcel_id}"
    for paper in ("delivery-note", "label"):
        answer = client.get(f"{parcel}/{paper}")
        assert (answer.mimetype, answer.data[:5]) == ("application/pdf", b"%PDF-")
    assert "The parcel is handed over" in post(client, f"{parcel}/ship", tracking_no="ab 12")
    assert "AB12" in client.get("/depot/parcels").text
    assert "noted as delivered" in post(client, f"{parcel}/delivered")
    assert world.status(depot_order_id) is DepotOrderStatus.DELIVERED
    assert "part 2" in client.get("/depot/back-orders").text


def test_a_wrong_tracking_number_keeps_what_was_typed(app: Flask, world: World) -> None:
    article = world.article()
    world.stock(article, 9)
    parcel_id = world.packed(world.order({article: 1}))
    client = client_of(app, world)
    url = f"/depot/parcels/{parcel_id}/ship"
    for typed in ("<script>", "", "x" * 41):
        answer = client.post(url, data={"csrf_token": token_of(client, "/depot"), "tracking_no": typed})
        assert answer.status_code == 422
        assert "<script>" not in answer.text
    assert "x" * 41 in answer.text


def test_a_name_that_became_protected_is_on_no_page(app: Flask, world: World) -> None:
    with world.database.unit_of_work() as session:
        person = add_person(session, name="Hemlig Person")
    article = world.article()
    world.stock(article, 9)
    depot_order_id = world.order({article: 1}, person)
    parcel_id = world.packed(depot_order_id)
    client = client_of(app, world)
    url = f"/depot/parcels/{parcel_id}"
    assert "Provgatan" in client.get(url).text
    with world.database.unit_of_work() as session:
        stored = session.get_one(Person, person.id)
        stored.given_name = stored.family_name = stored.street = stored.postal_code = stored.city = ""
        stored.door_code = ""
        stored.protection = Protection.CONFIDENTIALITY_FLAG
    shown = client.get(url).text
    assert "The label is no longer right" in shown
    assert "Provgatan" not in shown
    answer = client.post(f"{url}/ship", data={"csrf_token": token_of(client, "/depot"), "tracking_no": "A1"})
    assert answer.status_code == 422
    assert "Print the label again" in answer.text
    assert client.get(f"{url}/label").status_code == 200
    assert "Diabetesmottagningen" in client.get(url).text
    assert "The parcel is handed over" in post(client, f"{url}/ship", tracking_no="A1")


def test_another_s_order_and_what_is_not_there(app: Flask, world: World) -> None:
    article = world.article()
    world.stock(article, 9)
    depot_order_id = world.order({article: 1})
    world.start(depot_order_id, world.add_picker("Olle Andre"))
    client = client_of(app, world)
    assert "Olle Andre is picking this order" in client.get(f"/depot/picks/{depot_order_id}").text
    assert "Olle Andre is picking this order" in post(client, f"/depot/picks/{depot_order_id}/start")
    for url in ("/depot/picks/999999", "/depot/packing/999999", "/depot/parcels/999999", "/depot/parcels/999999/label"):
        assert client.get(url).status_code == 404
    with world.database.unit_of_work() as session:
        auditor = add_staff(session, Role.AUDITOR)
        session.get_one(DepotOrder, depot_order_id).region = "elsewhere"
    assert client.get(f"/depot/picks/{depot_order_id}").status_code == 404
    assert sign_in(app.test_client(), auditor).get("/depot").status_code == 403


@pytest.mark.parametrize(
    "page", ["/depot", "/depot/pick-list", "/depot/back-orders", "/depot/parcels", "/depot/stock?search=1"]
)
def test_a_list_takes_as_many_statements_for_ten_orders_as_for_one(app: Flask, world: World, page: str) -> None:
    client = client_of(app, world)
    client.get(page)
    counts = []
    for number in range(2):
        for serial in range(1 + number * 3):
            article = world.article()
            world.stock(article, 9, f"LOT{serial}")
            world.packed(world.order({article: 1}))
            world.order({article: 2})
        with counted(world.database) as statements:
            assert client.get(page).status_code == 200
        counts.append(len(statements))
    assert counts[0] == counts[1]
