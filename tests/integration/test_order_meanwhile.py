"""Ordering when something has happened meanwhile, again, for whom nothing is usual: a clear sentence, nothing lost, nothing twice."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from auth.models import Person, Protection
from core.clock import ManualClock
from core.db import Database
from orders.models import (
    Channel,
    DeliveryMethod,
    Order,
    OrderRow,
    PrescriptionItem,
    PrescriptionStatus,
)
from tests.support.builders import add_article, add_item, add_person, add_unit
from tests.support.delivery_pages import (
    POINT,
    POSTNORD,
    Carrier,
    add_patient,
    add_points,
    choices,
    client_page,
    form_of,
)
from tests.support.order_forms import add_parent_and_child, count_rows, review_url
from tests.support.pages import check_page
from tests.support.statements import counted
from tests.support.web import make_app, sign_in


@pytest.fixture
def carrier() -> Carrier:
    return Carrier()


@pytest.fixture
def app(database: Database, carrier: Carrier) -> Flask:
    app = make_app(database)
    app.extensions["service_points"] = carrier
    return app


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


def test_the_language_is_switched_with_everything_typed_kept(
    database: Database, client: FlaskClient, carrier: Carrier
) -> None:
    add_points(database, carrier)
    person, items = add_patient(database, "b")
    page = client_page(client, person, items)
    assert re.search(r'<button type="submit" lang="sv" form="order" name="do" value="language-sv">', page)
    answer = client.post("/order", data=form_of(page, do="language-sv", comment="Ring två gånger", receiver="שרה כהן"))
    assert answer.status_code == 200
    assert 'lang="sv"' in answer.text
    assert "Bekräfta beställningen" in answer.text
    form = form_of(answer.text)
    assert (form["comment"], form["receiver"]) == (["Ring två gånger"], ["שרה כהן"])
    with database.session() as session:
        assert session.get_one(Person, person.id).language == "sv"
    assert client.post("/order", data=form_of(page, do="language-xx")).status_code == 404
    assert client.post("/order", data=form_of(page, do="dance")).status_code == 400
    assert client.post("/order", data=form).status_code == 303


def test_what_happened_meanwhile_is_told_and_nothing_is_ordered(
    database: Database, client: FlaskClient, carrier: Carrier
) -> None:
    add_points(database, carrier)
    person, (kept, stopped, discontinued, homeless) = add_patient(database, "b", "b", "b", "b")
    form = form_of(client_page(client, person, [kept, stopped, discontinued, homeless]), comment="Hej")
    with database.unit_of_work() as session:
        session.get_one(PrescriptionItem, stopped.id).status = PrescriptionStatus.CANCELLED
        session.get_one(PrescriptionItem, discontinued.id).article.is_orderable = False
        fetched = session.get_one(PrescriptionItem, homeless.id)
        fetched.delivery_alternatives.pop(0)
    answer = client.post("/order", data=form)
    assert answer.status_code == 422
    check_page(answer)
    assert "Your prescription has ended." in answer.text
    assert "It cannot be ordered here." in answer.text
    assert "Vara 4 can no longer be delivered the way you chose." in answer.text
    assert form_of(answer.text)["comment"] == ["Hej"]
    assert count_rows(database, Order) == 0
    again = form_of(answer.text, **{f"{POINT}notification": "LETTER"})
    assert client.post("/order", data=again).status_code == 303
    assert {choice.method for choice in choices(database)} == {
        DeliveryMethod.HOME_DELIVERY,
        DeliveryMethod.SERVICE_POINT,
    }


def test_a_child_who_turned_thirteen_at_midnight_is_not_ordered_for(
    database: Database, client: FlaskClient, clock: ManualClock
) -> None:
    parent, child, item = add_parent_and_child(database)
    clock.set(datetime(2030, 5, 4, 20, 0, tzinfo=UTC))
    with database.unit_of_work() as session:
        session.get_one(PrescriptionItem, item.id).last_valid_date = date(2031, 1, 1)
    sign_in(client, parent, acting_for=child)
    form = form_of(client.get(review_url(item)).text)
    clock.set(datetime(2030, 5, 4, 22, 5, tzinfo=UTC))
    sign_in(client, parent, acting_for=child)
    form["csrf_token"] = [re.search(r'name="csrf_token" value="([^"]+)"', client.get("/my-products").text)[1]]  # type: ignore[index]
    answer = client.post("/order", data=form)
    assert answer.status_code == 403
    assert "You can no longer order for this person" in answer.text
    assert "a child turns 13" in answer.text
    check_page(answer)
    assert count_rows(database, Order) == 0


def test_a_name_of_three_hundred_characters_is_ordered_as_it_is(
    database: Database, client: FlaskClient, carrier: Carrier
) -> None:
    with database.unit_of_work() as session:
        person = add_person(session, name=f"{'Å' * 150} {'Ö' * 149}")
        item = add_item(session, person, add_article(session))
    page = client_page(client, person, [item])
    assert client.post("/order", data=form_of(page)).status_code == 303
    assert choices(database)[0].receiver == person.full_name


def test_the_same_is_ordered_again_with_its_amounts_and_what_is_gone_is_told(
    database: Database, client: FlaskClient
) -> None:
    person, (first, second) = add_patient(database, "h", "h")
    amounts = {f"packages-{first.id}-{first.article_id}": "2", f"packages-{second.id}-{second.article_id}": "5"}
    page = client_page(client, person, [first, second])
    location = client.post("/order", data=form_of(page, **amounts)).headers["Location"]
    order_no = re.search(r"\d+", location)[0]  # type: ignore[index]
    assert f'href="/order/review?again={order_no}"' in client.get(f"/orders/{order_no}").text
    with database.unit_of_work() as session:
        session.get_one(PrescriptionItem, first.id).next_earliest_order_date = None
        gone = session.get_one(PrescriptionItem, second.id)
        gone.status, gone.ended_on = PrescriptionStatus.CANCELLED, date(2020, 1, 1)
    answer = client.get(f"/order/review?again={order_no}")
    check_page(answer)
    assert "This is what order" in answer.text
    assert form_of(answer.text)[f"packages-{first.id}-{first.article_id}"] == ["2"]
    assert "Your prescription of it has ended." in answer.text
    assert client.post("/order", data=form_of(answer.text)).status_code == 303
    for nobody in ("1", "%00", "9" * 500):
        assert client.get(f"/order/review?again={nobody}").status_code == 404


def test_an_order_of_a_replacement_has_nothing_to_order_again(database: Database, client: FlaskClient) -> None:
    person, (item,) = add_patient(database, "h")
    location = client.post("/order", data=form_of(client_page(client, person, [item]))).headers["Location"]
    order_no = re.search(r"\d+", location)[0]  # type: ignore[index]
    with database.unit_of_work() as session:
        row = session.scalars(select(OrderRow)).one()
        row.withdrawal, row.kind, row.complaint_ref = None, "REPLACEMENT", 1  # type: ignore[assignment]
    assert "again=" not in client.get(f"/orders/{order_no}").text
    assert client.get(f"/order/review?again={order_no}").headers["Location"] == "/my-products"


def test_what_is_fetched_at_the_health_centre_says_where(database: Database, client: FlaskClient) -> None:
    person, items = add_patient(database, "c")
    with database.unit_of_work() as session:
        centre = add_unit(session, "Vårdcentralen Provhaga")
        moved = session.get_one(Person, person.id)
        moved.region, moved.county_code, moved.health_centre_id = "norrbotten", "25", centre.id
    page = client_page(client, person, items)
    for text in ("Your health centre", "Vårdcentralen Provhaga", "Vårdvägen 2", "Bring identification"):
        assert text in page
    assert 'name="street"' not in page
    answer = client.post("/order", data=form_of(page))
    assert answer.status_code == 303
    (choice,) = choices(database)
    assert choice.method is DeliveryMethod.HEALTH_CENTRE
    shown = client.get(answer.headers["Location"]).text
    assert "You fetch it at Vårdcentralen Provhaga." in shown


def test_an_invoice_goes_elsewhere_only_where_a_product_allows_it(database: Database, client: FlaskClient) -> None:
    person, (plain, other) = add_patient(database, "h", "h")
    assert "Another address for the invoice" not in client_page(client, person, [plain])
    with database.unit_of_work() as session:
        session.get_one(PrescriptionItem, other.id).allow_other_invoice_address = True
    page = client_page(client, person, [other])
    incomplete = client.post("/order", data=form_of(page, **{"invoice-receiver": "God man"}))
    assert incomplete.status_code == 422
    assert "Write the street and the number" in incomplete.text
    whole = {
        "invoice-receiver": "God man",
        "invoice-street": "Box 12",
        "invoice-postal_code": "541 30",
        "invoice-city": "Skövde",
    }
    assert client.post("/order", data=form_of(page, **whole)).status_code == 303
    (choice,) = choices(database)
    assert (choice.invoice_receiver, choice.invoice_street, choice.invoice_postal_code) == (
        "God man",
        "Box 12",
        "54130",
    )


def test_a_protected_identity_sees_its_units_and_no_fields(
    database: Database, client: FlaskClient, carrier: Carrier
) -> None:
    add_points(database, carrier)
    person, items = add_patient(database, "p", "b", protection=Protection.CONFIDENTIALITY_FLAG)
    page = client_page(client, person, items)
    with database.session() as session:
        for item in items:
            assert session.get_one(PrescriptionItem, item.id).prescription.prescribing_unit.name in page
    for name in ("street", "postal_code", POINT, "invoice-", "way-", "shown-"):
        assert f'name="{name}' not in page
    smuggled = {"shown-0": POSTNORD, "parcel-0": str(items[0].id), f"{POINT}sms": "0701234567", "do": "last-address"}
    assert client.post("/order", data=form_of(page, **smuggled)).status_code == 200
    assert client.post("/order", data=form_of(page)).status_code == 303
    assert {choice.method for choice in choices(database)} == {DeliveryMethod.UNIT}
    assert carrier.asked == []


def test_what_was_not_shown_is_not_ordered(database: Database, client: FlaskClient, carrier: Carrier) -> None:
    add_points(database, carrier)
    person, items = add_patient(database, "h", "p")
    form = form_of(client_page(client, person, items[:1]))
    form["item"] = [str(item.id) for item in items]
    form[f"seen-{items[1].id}"], form[f"packages-{items[1].id}-{items[1].article_id}"] = ["4"], ["6"]
    answer = client.post("/order", data=form)
    assert answer.status_code == 422
    assert "It comes in 2 deliveries" in answer.text
    assert count_rows(database, Order) == 0


def test_the_page_reads_as_much_however_many_products(
    database: Database, client: FlaskClient, carrier: Carrier
) -> None:
    add_points(database, carrier)
    person, items = add_patient(database, *"hpb" * 5)
    sign_in(client, person)
    client.get(review_url(*items))
    with counted(database) as few:
        client.get(review_url(*items[:3]))
    with counted(database) as many:
        client.get(review_url(*items))
    assert len(many) == len(few)
    assert len(many) <= 24


def test_channel_is_the_web_when_a_patient_orders(database: Database, client: FlaskClient) -> None:
    person, items = add_patient(database, "h")
    client.post("/order", data=form_of(client_page(client, person, items)))
    with database.session() as session:
        assert session.scalars(select(Order.channel)).one() is Channel.WEB
