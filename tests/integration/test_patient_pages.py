"""The patient's pages around an order: my products, orders, the inbox and acting for others, and whose data they show."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from auth.identity import Role
from auth.models import InboxMessage, Protection, ProxyAppointment
from auth.persons import post_message
from core.audit import AccessLogEntry
from core.db import Database
from orders.models import Order, OrderRow, PrescriptionItem, ProductKind, RowStatus
from tests.support.builders import add_article, add_item, add_person, add_staff
from tests.support.deliveries import add_delivered
from tests.support.idp import csrf_token
from tests.support.order_forms import (
    add_parent_and_child,
    add_patient,
    add_patient_and_proxy,
    order_form,
    review_url,
)
from tests.support.pages import check_page
from tests.support.statements import counted
from tests.support.web import make_app, sign_in


@pytest.fixture
def app(database: Database) -> Flask:
    return make_app(database)


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


def test_my_products_answers_what_can_be_ordered_how_long_it_lasts_and_what_comes_later(
    database: Database, client: FlaskClient
) -> None:
    with database.unit_of_work() as session:
        person = add_person(session, name="Anna Provsson")
        strips = add_article(session, name="Teststickor", package_size=50, kind=ProductKind.TEST_STRIP)
        add_item(session, person, strips, packages=4)
        add_item(session, person, add_article(session, name="Lansetter"), earliest=date(2026, 12, 14))
        used_up = add_item(session, person, add_article(session, name="Infusionsset"))
        used_up.orders_remaining = 0
        add_item(session, person, add_article(session, name="Ketonstickor"), valid_until=date(2026, 10, 1))
    page = sign_in(client, person).get("/my-products")
    assert page.status_code == 200
    assert "Hello Anna" in page.text
    assert "1 product can be ordered now" in page.text
    assert "200\N{NO-BREAK SPACE}pcs" in page.text
    assert "4 of 4 withdrawals left" in page.text
    assert "Can be ordered from Monday 14 December." in page.text
    assert "You have used all your withdrawals." in page.text
    assert "The prescription was valid until 1 October 2026." in page.text
    assert page.text.count('name="item"') == 1
    with database.session() as session:
        looks = session.scalars(
            select(AccessLogEntry.action).where(
                AccessLogEntry.subject_person_id == person.id, AccessLogEntry.manner == "LOOK"
            )
        ).all()
    assert "products.seen" in looks


def test_my_products_shows_the_parcel_on_its_way_with_its_tracking_number(
    database: Database, client: FlaskClient
) -> None:
    with database.unit_of_work() as session:
        person = add_person(session)
        add_delivered(session, person, delivered_at=None)
        parcel_no = session.scalars(select(Order.order_no)).one()
    page = sign_in(client, person).get("/my-products").text
    assert "Your parcel is on its way" in page
    assert re.search(r"TEST\d{8}", page)
    assert f"/orders/{parcel_no}" in page
    with database.unit_of_work() as session:
        other = add_person(session)
        add_delivered(session, other)
    assert "on its way" not in sign_in(client, other).get("/my-products").text


@pytest.mark.parametrize("path", ["/my-products", "/orders"])
def test_a_page_costs_the_same_number_of_statements_for_one_and_for_ten(
    database: Database, app: Flask, path: str
) -> None:
    costs = []
    for amount in (1, 10):
        with database.unit_of_work() as session:
            person = add_person(session)
            for _ in range(amount):
                add_delivered(session, person, delivered_at=None)
        with app.test_client() as client:
            sign_in(client, person).get(path)
            with counted(database) as statements:
                page = client.get(path)
        assert page.text.count("Glukossensor") >= amount
        costs.append(len(statements))
    assert costs[0] == costs[1]
    assert costs[0] < 30


def test_somebody_without_products_is_told_why_and_whom_they_may_help(database: Database, client: FlaskClient) -> None:
    person, helper = add_patient_and_proxy(database, ["report_faults"])
    page = sign_in(client, helper).get("/my-products").text
    assert "There is nothing prescribed to order" in page
    assert person.full_name in page[page.index("You can act for") :]


def test_a_protected_identity_is_greeted_without_a_name(database: Database, client: FlaskClient) -> None:
    with database.unit_of_work() as session:
        person = add_person(session, protection=Protection.PROTECTED_REGISTRATION)
        add_item(session, person, add_article(session))
    page = sign_in(client, person).get("/my-products").text
    assert "<h1>Hello</h1>" in page


def test_an_order_is_cancelled_until_picking_has_begun(database: Database, client: FlaskClient) -> None:
    person, items = add_patient(database, 2)
    sign_in(client, person)
    location = client.post("/order", data=order_form(client, items[0])).headers["Location"].split("?")[0]
    page = client.get(location).text
    assert "Nothing is sent, and you get your withdrawals back." in page
    answer = client.post(f"{location}/cancel", data={"csrf_token": csrf_token(page)}, follow_redirects=True)
    assert "The order is cancelled" in answer.text
    location = client.post("/order", data=order_form(client, items[1])).headers["Location"].split("?")[0]
    page = client.get(location).text
    with database.unit_of_work() as session:
        row = session.scalars(select(OrderRow).order_by(OrderRow.id.desc())).first()
        assert row
        row.status = RowStatus.PICKING
    answer = client.post(f"{location}/cancel", data={"csrf_token": csrf_token(page)}, follow_redirects=True)
    assert "We have begun to pick the order" in answer.text
    assert "Cancel the order" not in answer.text


def test_an_orders_page_names_who_ordered_and_where_it_goes(database: Database, app: Flask) -> None:
    patient, proxy = add_patient_and_proxy(database, ["order"])
    helper = sign_in(app.test_client(), proxy, acting_for=patient)
    with database.session() as session:
        item = session.scalars(select(PrescriptionItem)).one()
    location = helper.post("/order", data=order_form(helper, item)).headers["Location"].split("?")[0]
    page = sign_in(app.test_client(), patient).get(location).text
    assert "Rolf Ombudsson, on behalf of the patient" in page
    assert "Provgatan 1" in page
    assert "541\N{NO-BREAK SPACE}30 Skövde" in page


def test_the_inbox_hides_what_is_about_somebody_one_may_no_longer_act_for(
    database: Database, client: FlaskClient
) -> None:
    patient, proxy = add_patient_and_proxy(database, ["order", "report_faults"])
    facts = {"order_no": "1000017", "promised_date": "2026-12-08"}
    with database.unit_of_work() as session:
        post_message(session, proxy.id, patient.id, "order.confirmed", **facts)
        post_message(session, proxy.id, patient.id, "fault.received", case_no="100016", article="Glukossensor")
    sign_in(client, proxy)
    page = client.get("/inbox").text
    assert "We have your order" in page
    assert "We have your fault report" in page
    with database.unit_of_work() as session:
        session.scalars(select(ProxyAppointment)).one().tasks = ["report_faults"]
    page = client.get("/inbox").text
    assert "We have your order" not in page
    assert "We have your fault report" in page
    with database.unit_of_work() as session:
        session.scalars(select(ProxyAppointment)).one().withdrawn_at = datetime(2026, 11, 30, tzinfo=UTC)
        message_id = session.scalars(select(InboxMessage.id).order_by(InboxMessage.id)).first()
    assert "No messages" in client.get("/inbox").text
    assert client.get(f"/inbox/{message_id}").status_code == 404


def test_reading_a_message_takes_it_off_the_unread_count(database: Database, client: FlaskClient) -> None:
    person, (item,) = add_patient(database)
    sign_in(client, person)
    client.post("/order", data=order_form(client, item))
    badge = re.compile(r'href="/inbox"[^>]*><span>Inbox</span><span class="count-pill"[^>]*>1</span>')
    assert badge.search(client.get("/orders").text)
    with database.session() as session:
        message_id = session.scalars(select(InboxMessage.id)).one()
    assert "comes by Tuesday 8 December" in client.get(f"/inbox/{message_id}").text
    assert not badge.search(client.get("/orders").text)


@pytest.mark.parametrize("language", ["sv", "en"])
def test_every_page_is_valid_and_whole(database: Database, client: FlaskClient, language: str) -> None:
    person, (item, other) = add_patient(database, 2)
    sign_in(client, person, language=language)
    placed = client.post("/order", data=order_form(client, item)).headers["Location"]
    with database.session() as session:
        message_id = session.scalars(select(InboxMessage.id)).one()
    paths = (
        "/my-products",
        review_url(other),
        placed,
        placed.split("?")[0],
        "/orders",
        "/inbox",
        f"/inbox/{message_id}",
    )
    for path in paths:
        answer = client.get(path)
        assert answer.status_code == 200, path
        check_page(answer)
    answer = client.post("/order", data=order_form(client, other, street="Box 1"))
    assert answer.status_code == 422
    check_page(answer)


def test_staff_have_no_patient_pages(database: Database, client: FlaskClient) -> None:
    with database.unit_of_work() as session:
        commission = add_staff(session, Role.DEPOT)
    sign_in(client, commission)
    for path in ("/my-products", "/orders", "/inbox", "/order/review?item=1"):
        assert client.get(path).status_code == 403


def test_a_guardian_switches_to_the_child_and_orders_for_them(database: Database, client: FlaskClient) -> None:
    parent, child, item = add_parent_and_child(database)
    token = csrf_token(sign_in(client, parent).get("/my-products").text)
    answer = client.post("/acting-for", data={"csrf_token": token, "person": str(child.id)})
    assert answer.status_code == 303
    assert "Products for Elsa" in client.get("/my-products").text
    location = client.post("/order", data=order_form(client, item)).headers["Location"]
    assert "You" in client.get(location).text
    with database.session() as session:
        order = session.scalars(select(Order)).one()
    assert (order.person_id, order.by_delegate) == (child.id, True)


def test_a_form_is_for_whom_it_was_opened_also_after_a_switch_in_another_tab(
    database: Database, client: FlaskClient
) -> None:
    parent, child, item = add_parent_and_child(database)
    form = order_form(sign_in(client, parent, acting_for=child), item)
    client.post("/acting-for", data={"csrf_token": form["csrf_token"], "person": str(parent.id)})
    assert "Hello Anna" in client.get("/my-products").text
    location = client.post("/order", data=form).headers["Location"]
    assert "Glukossensor" in client.get(location).text
    with database.session() as session:
        assert session.scalars(select(Order.person_id)).one() == child.id


def test_nobody_switches_to_a_stranger(database: Database, client: FlaskClient) -> None:
    person, _items = add_patient(database)
    stranger, _theirs = add_patient(database, name="Sigrid Främling")
    token = csrf_token(sign_in(client, person).get("/my-products").text)
    for wanted in (str(stranger.id), "", "abc", "99999999999999999999999"):
        assert client.post("/acting-for", data={"csrf_token": token, "person": wanted}).status_code == 403
    assert "Hello Anna" in client.get("/my-products").text


def test_switching_leads_only_to_pages_of_ours(database: Database, client: FlaskClient) -> None:
    parent, child, _item = add_parent_and_child(database)
    token = csrf_token(sign_in(client, parent).get("/my-products").text)
    form = {"csrf_token": token, "person": str(child.id)}
    assert client.post("/acting-for", data={**form, "next": "/orders"}).headers["Location"] == "/orders"
    assert client.post("/acting-for", data={**form, "next": "//evil.example"}).headers["Location"] == "/"


def test_a_relative_who_may_only_report_faults_sees_no_products_and_no_orders(
    database: Database, client: FlaskClient
) -> None:
    patient, proxy = add_patient_and_proxy(database, ["report_faults"])
    sign_in(client, proxy, acting_for=patient)
    for path in ("/my-products", "/orders", "/order/review?item=1", "/order"):
        answer = client.get(path)
        assert answer.status_code == 403, path
        assert "Glukossensor" not in answer.text
    assert client.get("/").headers["Location"] == "/fault-reports/new"
