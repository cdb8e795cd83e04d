"""Ordering in a browser: the review page, what it refuses and keeps, and forms that are late, double, foreign or forged."""

from __future__ import annotations

from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from auth.models import InboxMessage, Protection
from core.clock import ManualClock
from core.db import Database
from orders.models import Order, OrderRow, PrescriptionItem, ProductKind
from tests.support.builders import add_article, add_item, add_person
from tests.support.order_forms import (
    ADDRESS,
    add_parent_and_child,
    add_patient,
    amounts_of,
    count_rows,
    hidden_fields_of,
    log_in_again,
    order_form,
    review_url,
)
from tests.support.web import make_app, sign_in


@pytest.fixture
def app(database: Database) -> Flask:
    return make_app(database)


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


def test_two_clicks_make_an_order_with_a_number_a_day_and_a_message(database: Database, client: FlaskClient) -> None:
    person, (item,) = add_patient(database)
    sign_in(client, person)
    review = client.get(review_url(item))
    assert "Provgatan 1" in review.text
    assert "By Tuesday 8 December" in review.text
    answer = client.post("/order", data=order_form(client, item))
    assert answer.status_code == 303
    page = client.get(answer.headers["Location"])
    with database.session() as session:
        order = session.scalars(select(Order)).one()
        row = session.scalars(select(OrderRow)).one()
    assert answer.headers["Location"] == f"/orders/{order.order_no}?placed=1"
    assert row.packages == 6
    assert f"{order.order_no[:-3]}\N{NO-BREAK SPACE}{order.order_no[-3:]}" in page.text
    assert "Tuesday 8 December" in page.text
    assert "We have your order" in client.get("/inbox").text


def test_less_than_the_withdrawal_is_ordered_when_asked_for(database: Database, client: FlaskClient) -> None:
    person, (item,) = add_patient(database)
    form = order_form(sign_in(client, person), item, **{f"packages-{item.id}-{item.article_id}": "2"})
    assert client.post("/order", data=form).status_code == 303
    with database.session() as session:
        assert session.scalars(select(OrderRow.packages)).one() == 2


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("7", "You can order at most 6 packages at a time."),
        ("0", "Choose at least one package"),
        ("", "Choose at least one package"),
        ("-1", "Write the number of packages with digits"),
        ("many", "Write the number of packages with digits"),
        ("99999999999999999999", "Write the number of packages with digits"),
    ],
)
def test_a_wrong_amount_is_refused_with_the_reason_and_everything_typed_kept(
    database: Database, client: FlaskClient, typed: str, said: str
) -> None:
    person, (item,) = add_patient(database)
    name = f"packages-{item.id}-{item.article_id}"
    form = order_form(sign_in(client, person), item, **{name: typed, "comment": "Ring två gånger", "city": "Skara"})
    answer = client.post("/order", data=form)
    assert answer.status_code == 422
    assert said in answer.text
    assert "Ring två gånger" in answer.text
    assert 'value="Skara"' in answer.text
    if typed:
        assert f'value="{typed}"' in answer.text
    assert count_rows(database, Order) == 0


@pytest.mark.parametrize(
    ("field", "typed", "said"),
    [
        ("street", "Box 123", "A parcel cannot be sent to a post box."),
        ("street", "PO Box 12", "A parcel cannot be sent to a post box."),
        ("street", "", "Write the street and the number"),
        ("postal_code", "5413", "Write the postal code with five digits"),
        ("receiver", "   ", "Write who is to receive the parcel."),
        ("comment", "x" * 101, "Write at most 100 characters to the driver."),
        ("phone", "ring mig", "Write the phone number with digits"),
    ],
)
def test_an_address_that_no_parcel_reaches_is_refused(
    database: Database, client: FlaskClient, field: str, typed: str, said: str
) -> None:
    person, (item,) = add_patient(database)
    answer = client.post("/order", data=order_form(sign_in(client, person), item, **{field: typed}))
    assert answer.status_code == 422
    assert said in answer.text
    assert count_rows(database, Order) == 0


@pytest.mark.parametrize(
    ("field", "typed", "kept"),
    [
        ("street", "Boxholmsvägen 3", "Boxholmsvägen 3"),
        ("postal_code", "541 30", "54130"),
        ("receiver", "Zoë O'Neill-Ünal 👩‍👧", "Zoë O'Neill-Ünal 👩‍👧"),
        ("comment", "Ring\r\ntvå\x00gånger", "Ring två gånger"),
        ("receiver", "<script>alert(1)</script>", "<script>alert(1)</script>"),
    ],
)
def test_an_unusual_address_is_taken_as_it_was_meant(
    database: Database, client: FlaskClient, field: str, typed: str, kept: str
) -> None:
    person, (item,) = add_patient(database)
    answer = client.post("/order", data=order_form(sign_in(client, person), item, **{field: typed}))
    assert answer.status_code == 303, answer.text
    with database.session() as session:
        choice = session.scalars(select(Order)).one().delivery_choices[0]
        assert getattr(choice, field) == kept
    assert "<script>alert" not in client.get(answer.headers["Location"]).text


def test_the_door_code_is_asked_about_once(database: Database, client: FlaskClient) -> None:
    person, items = add_patient(database, 2)
    sign_in(client, person)
    question = "Does one need a code to get in?"
    assert question in client.get(review_url(items[0])).text
    client.post("/order", data=order_form(client, items[0]))
    assert question not in client.get(review_url(items[1])).text


def test_a_protected_identity_shows_no_address_and_orders_to_the_unit(database: Database, client: FlaskClient) -> None:
    with database.unit_of_work() as session:
        person = add_person(session, protection=Protection.CONFIDENTIALITY_FLAG)
        item = add_item(session, person, add_article(session))
        unit = item.prescription.prescribing_unit
    sign_in(client, person)
    review = client.get(review_url(item)).text
    assert unit.name in review
    assert 'name="street"' not in review
    form = order_form(client, item, street="Hemliga gatan 1", receiver="Hemlig Person")
    answer = client.post("/order", data=form)
    assert answer.status_code == 303
    with database.session() as session:
        choice = session.scalars(select(Order)).one().delivery_choices[0]
        assert (choice.receiver, choice.street) == (unit.name, unit.street)
    assert "Hemlig" not in client.get(answer.headers["Location"]).text


def test_varieties_are_spread_and_last_times_spread_is_the_next_default(
    database: Database, client: FlaskClient, clock: ManualClock
) -> None:
    with database.unit_of_work() as session:
        person = add_person(session)
        generic = add_article(session, name="Näringsdryck", kind=ProductKind.NUTRITION)
        tastes = [add_article(session, name="Näringsdryck", generic=generic) for _ in range(2)]
        tastes[0].variety, tastes[1].variety = "Jordgubb", "Vanilj"
        item = add_item(session, person, generic, packages=6, sub_articles=tuple(tastes), days=30)
    sign_in(client, person)
    names = [f"packages-{item.id}-{taste.id}" for taste in tastes]
    assert amounts_of(client.get(review_url(item)).text) == dict.fromkeys(names, "0")
    too_many = client.post("/order", data=order_form(client, item, **{names[0]: "4", names[1]: "3"}))
    assert too_many.status_code == 422
    assert "at most 6 packages" in too_many.text
    assert client.post("/order", data=order_form(client, item, **{names[0]: "2", names[1]: "4"})).status_code == 303
    clock.advance(timedelta(days=30))
    sign_in(client, person)
    assert amounts_of(client.get(review_url(item)).text) == {names[0]: "2", names[1]: "4"}


def test_a_double_click_makes_one_order_and_both_land_on_it(database: Database, client: FlaskClient) -> None:
    person, (item,) = add_patient(database)
    form = order_form(sign_in(client, person), item)
    first, second = client.post("/order", data=form), client.post("/order", data=form)
    assert (first.status_code, second.status_code) == (303, 303)
    assert first.headers["Location"] == second.headers["Location"]
    assert count_rows(database, Order) == 1


def test_a_second_tab_is_told_that_it_is_already_ordered(database: Database, client: FlaskClient) -> None:
    person, (item,) = add_patient(database)
    sign_in(client, person)
    one, two = order_form(client, item), order_form(client, item)
    assert one["idempotency_key"] != two["idempotency_key"]
    placed = client.post("/order", data=one).headers["Location"].split("?")[0]
    answer = client.post("/order", data=two)
    assert answer.status_code == 422
    assert "This is already ordered" in answer.text
    assert f'href="{placed}"' in answer.text
    assert count_rows(database, Order) == 1


def test_one_refused_product_refuses_the_order_and_the_others_stay_on_the_page(
    database: Database, client: FlaskClient
) -> None:
    person, (gone, left) = add_patient(database, 2)
    form = order_form(sign_in(client, person), gone, left)
    with database.unit_of_work() as session:
        session.get_one(PrescriptionItem, gone.id).orders_remaining = 0
    answer = client.post("/order", data=form)
    assert answer.status_code == 422
    assert "You have used all your withdrawals." in answer.text
    assert set(amounts_of(answer.text)) == {f"packages-{left.id}-{left.article_id}"}
    assert count_rows(database, Order) == 0
    again = {**hidden_fields_of(answer.text), **amounts_of(answer.text), **ADDRESS, "item": str(left.id)}
    assert client.post("/order", data=again).status_code == 303


def test_an_order_without_products_is_no_order(database: Database, client: FlaskClient) -> None:
    person, (item,) = add_patient(database)
    sign_in(client, person)
    assert client.get("/order/review").headers["Location"] == "/my-products"
    form = order_form(client, item)
    form.pop("item")
    answer = client.post("/order", data=form)
    assert answer.status_code == 422
    assert "Tick at least one product" in answer.text
    assert count_rows(database, Order) == 0


def test_another_persons_things_do_not_exist(database: Database, app: Flask) -> None:
    stranger, (item,) = add_patient(database, name="Sigrid Främling")
    theirs = sign_in(app.test_client(), stranger)
    location = theirs.post("/order", data=order_form(theirs, item)).headers["Location"].split("?")[0]
    with database.session() as session:
        message_id = session.scalars(select(InboxMessage.id)).one()
    reader, (own,) = add_patient(database)
    mine = sign_in(app.test_client(), reader)
    for path in (review_url(item), location, f"/inbox/{message_id}", "/orders/%00", "/inbox/99999999999999999999"):
        answer = mine.get(path)
        assert answer.status_code == 404, path
        assert "Sigrid" not in answer.text
        assert "Glukossensor" not in answer.text
    form = order_form(mine, own)
    form["item"] = form["parcel-0"] = str(item.id)
    assert mine.post("/order", data=form).status_code == 403
    assert mine.post(f"{location}/cancel", data={"csrf_token": form["csrf_token"]}).status_code == 404
    assert count_rows(database, Order) == 1


def test_a_wrong_csrf_token_is_a_calm_page_and_no_order(database: Database, client: FlaskClient) -> None:
    person, (item,) = add_patient(database)
    answer = client.post("/order", data=order_form(sign_in(client, person), item, csrf_token="wrong"))
    assert answer.status_code == 400
    assert "<h1" in answer.text
    assert count_rows(database, Order) == 0


def test_an_oversized_form_is_a_calm_page_and_no_order(database: Database, client: FlaskClient) -> None:
    person, (item,) = add_patient(database)
    answer = client.post("/order", data=order_form(sign_in(client, person), item, comment="x" * 600_000))
    assert answer.status_code in {400, 413}
    assert "<h1" in answer.text
    assert count_rows(database, Order) == 0


def test_a_form_without_its_key_is_refused(database: Database, client: FlaskClient) -> None:
    person, (item,) = add_patient(database)
    assert client.post("/order", data=order_form(sign_in(client, person), item, idempotency_key="")).status_code == 400
    assert count_rows(database, Order) == 0


@pytest.mark.parametrize("switched_meanwhile", [False, True])
def test_nothing_typed_is_lost_when_the_session_times_out(
    database: Database, client: FlaskClient, clock: ManualClock, switched_meanwhile: bool
) -> None:
    parent, child, item = add_parent_and_child(database)
    sign_in(client, parent, acting_for=child)
    form = order_form(client, item, comment="Ring på hos grannen", **{f"packages-{item.id}-{item.article_id}": "3"})
    if switched_meanwhile:
        client.post("/acting-for", data={"csrf_token": form["csrf_token"], "person": str(parent.id)})
    clock.advance(timedelta(minutes=31))
    answer = client.post("/order", data=form)
    assert answer.status_code == 303
    assert answer.headers["Location"].startswith("/log-in")
    log_in_again(client, parent)
    page = client.get("/order")
    assert page.status_code == 200
    assert "Ring på hos grannen" in page.text
    assert amounts_of(page.text) == {f"packages-{item.id}-{item.article_id}": "3"}
    again = {**hidden_fields_of(page.text), **amounts_of(page.text), **ADDRESS, "item": str(item.id)}
    assert client.post("/order", data=again).status_code == 303
    with database.session() as session:
        assert session.scalars(select(Order.person_id)).one() == child.id
