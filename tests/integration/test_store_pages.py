"""The store's pages: found, chosen, looked over, ordered; the same again in two clicks; refused in words."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select

from auth.models import Commission
from core.db import Database
from delivery.shipping import ship
from delivery.store_history import store_order
from orders.models import Article, Order, OrderRow
from orders.store_rules import MOST_LINES
from tests.support.depot_work import World
from tests.support.elsewhere import Elsewhere
from tests.support.pages import check_page
from tests.support.statements import counted
from tests.support.store import Store
from tests.support.warehouse import Sent, despatch, elsewhere_policies, work_outbox
from tests.support.web import make_app, sign_in, token_of


@pytest.fixture
def store(database: Database) -> Store:
    return Store(World(database))


@pytest.fixture
def client(store: Store, database: Database) -> FlaskClient:
    return sign_in(make_app(database).test_client(), store.nurse)


def _hidden(page: str) -> dict[str, str]:
    return dict(re.findall(r'<input[^>]*name="([^"]+)"[^>]*value="([^"]*)"', page))


def _orders(database: Database) -> list[tuple[int, int]]:
    with database.session() as session:
        return [
            (row.article_id, row.packages) for row in session.scalars(select(OrderRow).order_by(OrderRow.id)).unique()
        ]


def test_from_the_first_search_to_the_receipt(store: Store, client: FlaskClient, database: Database) -> None:
    sensor, lancet = store.article("Glukossensor"), store.article("Lansett")
    empty = client.get("/store")
    check_page(empty)
    assert "Nothing ordered yet" in empty.text
    found = client.get("/store/order?find=lansett")
    check_page(found)
    assert "Lansett" in found.text
    assert "Glukossensor" not in found.text
    chosen = client.get(f"/store/order?find=&amount-{sensor.id}=4&add={lancet.id}")
    check_page(chosen)
    assert f'name="amount-{sensor.id}" value="4"' in chosen.text
    assert f'name="amount-{lancet.id}" value="1"' in chosen.text
    review = client.get(f"/store/review?amount-{sensor.id}=4&amount-{lancet.id}=1")
    check_page(review)
    assert "77001" in review.text
    placed = client.post("/store", data=_hidden(review.text))
    assert placed.status_code == 303
    receipt = client.get(placed.location)
    check_page(receipt)
    assert "The order is sent to the depot" in receipt.text
    assert _orders(database) == [(sensor.id, 4), (lancet.id, 1)]
    assert client.post("/store", data=_hidden(review.text)).location == placed.location
    assert len(_orders(database)) == 2


def test_last_times_order_again_takes_two_clicks(store: Store, client: FlaskClient, database: Database) -> None:
    article = store.article()
    store.order({article: 7})
    page = client.get("/store").text
    again = re.search(r'href="(/store/review\?[^"]+)"', page)
    assert again is not None
    review = client.get(again[1].replace("&amp;", "&"))
    assert client.post("/store", data=_hidden(review.text)).status_code == 303
    assert _orders(database) == [(article.id, 7)] * 2


def test_what_cannot_be_sent_is_said_at_its_line_and_what_was_typed_stays(
    store: Store, client: FlaskClient, database: Database
) -> None:
    good, ended = store.article(), store.article("Utgången")
    with database.unit_of_work() as session:
        session.get_one(Article, ended.id).is_orderable = False
    for typed in ("abc", "-2", "999", "1.5", "٣"):
        page = client.get("/store/review", query_string={f"amount-{good.id}": typed, f"amount-{ended.id}": "2"})
        assert page.status_code == 422
        check_page(page)
        assert "Nothing has been ordered" in page.text
        assert "This can no longer be ordered" in page.text
        assert f'value="{typed}"' in page.text
    key = _hidden(client.get("/store/review", query_string={f"amount-{good.id}": "1"}).text)
    refused = client.post("/store", data={**key, f"amount-{ended.id}": "2"})
    assert refused.status_code == 422
    assert "This can no longer be ordered" in refused.text
    nothing = client.post("/store", data={"csrf_token": key["csrf_token"], "idempotency_key": "k2"})
    assert nothing.status_code == 422
    assert "Nothing is chosen yet" in nothing.text
    many = {f"amount-{store.article(f'Artikel {number}').id}": "1" for number in range(MOST_LINES + 1)}
    long = client.post("/store", data={"csrf_token": key["csrf_token"], "idempotency_key": "k3", **many})
    assert long.status_code == 422
    assert "in one order" in long.text
    assert _orders(database) == []


def test_nought_takes_a_product_out(store: Store, client: FlaskClient) -> None:
    article = store.article()
    assert "In the order" not in client.get(f"/store/order?amount-{article.id}=0").text
    assert "In the order" not in client.get(f"/store/order?amount-{article.id}=").text


def test_a_unit_without_a_store_is_told_so_and_orders_nothing(database: Database) -> None:
    store = Store(World(database), cost_centre="")
    article = store.article()
    client = sign_in(make_app(database).test_client(), store.nurse)
    for address in ("/store", "/store/order", f"/store/order?amount-{article.id}=1"):
        page = client.get(address)
        check_page(page)
        assert "The unit cannot order for itself" in page.text
    assert client.get(f"/store/review?amount-{article.id}=1").status_code == 422
    form = {"csrf_token": token_of(client, "/prescriber"), "idempotency_key": "k", f"amount-{article.id}": "1"}
    assert client.post("/store", data=form).status_code == 422
    assert _orders(database) == []


def test_an_order_is_followed_and_cancelled_until_it_is_picked(
    store: Store, client: FlaskClient, database: Database
) -> None:
    article = store.article()
    store.world.stock(article, 9)
    first, second = store.order({article: 1}), store.order({article: 2})
    store.world.handle("order.placed")
    with database.session() as session:
        ids = dict(session.execute(select(Order.order_no, Order.id)).all())
    token = {"csrf_token": token_of(client, "/prescriber")}
    assert client.post(f"/store/orders/{first}/cancel", data=token).status_code == 303
    assert "Cancelled" in client.get(f"/store/orders/{first}").text
    store.world.handle("order.cancelled")
    parcel_id = store.world.packed(ids[second])
    client.post(f"/store/orders/{second}/cancel", data=token)
    assert "has begun to pick" in client.get(f"/store/orders/{second}").text
    with database.unit_of_work() as session:
        ship(session, store.world.picker, parcel_id, "SPAR1")
    page = client.get(f"/store/orders/{second}")
    check_page(page)
    assert "SPAR1" in page.text
    assert "On its way" in client.get("/store").text


def test_the_depots_papers_and_pages_of_a_store_order(store: Store, database: Database) -> None:
    article = store.article()
    store.world.stock(article, 9)
    store.order({article: 2})
    store.world.handle("order.placed")
    with database.session() as session:
        depot_staff = session.scalars(
            select(Commission).where(Commission.staff_id == store.world.picker.staff_id)
        ).one()
        depot = sign_in(make_app(database).test_client(), depot_staff)
    check_page(depot.get("/depot/picks"))
    parcel_id = store.world.packed(1)
    for address in ("/depot", "/depot/parcels", f"/depot/parcels/{parcel_id}"):
        check_page(depot.get(address))
    for paper in ("label", "delivery-note"):
        answer = depot.get(f"/depot/parcels/{parcel_id}/{paper}")
        assert (answer.status_code, answer.mimetype) == (200, "application/pdf")


def test_the_costs_page_and_file_have_the_store_apart(store: Store, client: FlaskClient, database: Database) -> None:
    article = store.article()
    store.world.stock(article, 9)
    store.order({article: 2})
    store.world.handle("order.placed")
    parcel_id = store.world.packed(1)
    with database.unit_of_work() as session:
        ship(session, store.world.picker, parcel_id, "SPAR2")
    page = client.get("/payers")
    check_page(page)
    assert "To the unit's own store, cost centre 77001" in page.text
    file = client.get("/payers/download").get_data().decode("utf-8-sig")
    assert f";77001;{article.article_no};Glukossensor;Store;2;" in file


def test_the_list_asks_as_much_for_many_orders_as_for_one(
    store: Store, client: FlaskClient, database: Database
) -> None:
    articles = [store.article(f"Artikel {number}") for number in range(4)]
    store.order({articles[0]: 1})
    store.world.handle("order.placed")
    client.get("/store")
    with counted(database) as few:
        client.get("/store")
    for _number in range(24):
        store.order(dict.fromkeys(articles, 2))
    store.world.handle("order.placed")
    with counted(database) as many:
        page = client.get("/store")
    check_page(page)
    assert len(many) == len(few)
    older = re.search(r'href="(/store\?older-than=\d+)"', page.text)
    assert older is not None
    rest = client.get(older[1])
    check_page(rest)
    assert "Back to the newest" in rest.text


def test_a_depot_elsewhere_gets_it_in_the_units_name(database: Database, tmp_path: Path) -> None:
    elsewhere_policies(tmp_path)
    elsewhere = Elsewhere(World(database))
    store = Store(elsewhere.world)
    article = store.article()
    order_no = store.order({article: 3})
    elsewhere.world.handle("order.placed")
    work_outbox(database, elsewhere.desk)
    sent = elsewhere.desk.last
    assert (sent.receiver, sent.street, sent.way, sent.line.packages) == (store.unit.name, "Vårdvägen 2", "UNIT", 3)
    elsewhere.take(despatch(sent, [Sent(sent.line, 2, outstanding=1)]))
    with database.session() as session:
        (row,) = store_order(session, store.identity, order_no).rows
        assert (row.sent, row.to_come) == (2, 1)
        assert session.scalar(select(func.count()).select_from(Order)) == 1
    assert elsewhere.told("order.sent") == []
