"""Orders by phone: the patient's own pages place them, under the same limits, and they say that customer service ordered."""

from __future__ import annotations

import re
from datetime import date, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from auth.models import Guardianship, InboxMessage, Person, PersonCategory
from core.clock import ManualClock
from core.db import Database
from core.policy import Policies, use_policies
from orders.models import Channel, Order, PrescriptionItem
from portal.config import PACKAGED_POLICIES
from portal.sessions import Owner, ServerSession
from tests.support.builders import add_article, add_item, add_person
from tests.support.calls import SEARCH, Desk
from tests.support.order_forms import add_parent_and_child, add_patient, count_rows, order_form
from tests.support.pages import check_page
from tests.support.web import sign_in


@pytest.fixture
def desk(database: Database) -> Desk:
    return Desk(database)


def test_nothing_can_be_ordered_for_somebody_who_has_died(desk: Desk) -> None:
    person, (item,) = add_patient(desk.database)
    client = desk.take_call(person, "Dottern ringer")
    form = order_form(client, item)
    with desk.database.unit_of_work() as session:
        session.get_one(Person, person.id).deceased_on = date(2026, 11, 30)
    answer = client.post("/order", data=form)
    assert answer.status_code == 422
    check_page(answer)
    assert "It can no longer be ordered." in answer.text
    assert "The patient died on 30 November 2026. Nothing can be ordered." in answer.text
    assert count_rows(desk.database, Order) == 0


def test_an_order_by_phone_is_an_order_like_any_other(desk: Desk) -> None:
    person, (item,) = add_patient(desk.database)
    client = desk.take_call(person)
    form = order_form(client, item)
    answer = client.post("/order", data=form)
    assert answer.status_code == 303
    assert client.post("/order", data=form).location == answer.location, "a double click makes one order"
    page = client.get(answer.location)
    check_page(page)
    assert "/inbox" not in page.text
    with desk.database.session() as session:
        order = session.scalars(select(Order)).one()
        assert (
            order.channel,
            order.orderer_staff_id,
            order.orderer_person_id,
            order.by_delegate,
            order.orderer_name,
        ) == (
            Channel.PHONE,
            desk.identity.staff_id,
            None,
            False,
            "Siv Kundtjänst",
        )
        assert session.get_one(PrescriptionItem, item.id).orders_remaining == 3
    patient = sign_in(desk.app.test_client(), person)
    assert "Customer service has ordered for you" in patient.get("/inbox").text
    assert "Siv Kundtjänst at customer service" in patient.get(f"/orders/{order.order_no}").text
    again = client.post("/order", data={**form, "idempotency_key": "another"})
    assert again.status_code == 422
    check_page(again)
    assert "This is already ordered" in again.text


def test_a_childs_phone_order_is_confirmed_to_the_guardian(desk: Desk) -> None:
    parent, child, item = add_parent_and_child(desk.database)
    client = desk.take_call(child, "Mamma ringer")
    assert client.post("/order", data=order_form(client, item)).status_code == 303
    assert "Customer service has ordered for you" in sign_in(desk.app.test_client(), parent).get("/inbox").text


def test_a_fifteen_year_old_orders_through_customer_service(desk: Desk) -> None:
    with desk.database.unit_of_work() as session:
        elias = add_person(session, name="Elias Provsson", born=date(2011, 3, 3))
        maria = add_person(session, name="Maria Provsson")
        session.add(Guardianship(guardian_id=maria.id, child_id=elias.id))
        item = add_item(session, elias, add_article(session))
    client = desk.take_call(elias, "Elias ringer")
    page = client.get("/my-products")
    check_page(page)
    for words in (
        "Call about Elias Provsson, age 15",
        "It should be Elias Provsson or:",
        "Maria Provsson, guardian",
        "Nobody can order for Elias on the web, so you do it.",
    ):
        assert words in page.text, words
    assert client.post("/order", data=order_form(client, item)).status_code == 303
    with desk.database.session() as session:
        order = session.scalars(select(Order)).one()
        assert (order.channel, order.by_delegate) == (Channel.PHONE, False)
        assert set(session.scalars(select(InboxMessage.receiver_id))) == {elias.id}, "it waits for him"
    assert "ordered for you" not in sign_in(desk.app.test_client(), maria).get("/inbox").text


def test_where_customer_service_orders_by_hand_it_can_and_the_patient_is_told_to_call(
    desk: Desk, tmp_path: Path
) -> None:
    text = re.sub(r"(?m)^out_of_county.*\n", "", (PACKAGED_POLICIES / "vgr.toml").read_text(encoding="utf-8"))
    (tmp_path / "vgr.toml").write_text(text.replace("[ordering]\n", '[ordering]\nout_of_county = "CUSTOMER_SERVICE"\n'))
    use_policies(Policies.load(tmp_path))
    with desk.database.unit_of_work() as session:
        visitor = add_person(session, name="Lena Provsson", county="05")
        visitor.category = PersonCategory.OUT_OF_COUNTY
        item = add_item(session, visitor, add_article(session))
    on_the_web = sign_in(desk.app.test_client(), visitor).get("/my-products").text
    assert "Customer service orders it for you." in on_the_web
    client = desk.take_call(visitor)
    assert client.post("/order", data=order_form(client, item)).status_code == 303


def test_a_form_from_an_earlier_call_does_nothing(desk: Desk) -> None:
    anna, (hers,) = add_patient(desk.database, name="Anna Provsson")
    bertil, _items = add_patient(desk.database, name="Bertil Provsson")
    client = desk.take_call(anna)
    form = order_form(client, hers)
    desk.take_call(bertil)
    answer = client.post("/order", data=form)
    assert (answer.status_code, answer.location) == (303, SEARCH)
    assert "belongs to an earlier call. Nothing has been done." in client.get(SEARCH).text
    assert count_rows(desk.database, Order) == 0
    assert "Hello Bertil" in client.get("/my-products").text, "the call goes on"


def test_a_phone_order_survives_the_sessions_time_out(desk: Desk, clock: ManualClock) -> None:
    person, (item,) = add_patient(desk.database)
    client = desk.take_call(person)
    form = {**order_form(client, item), "comment": "Ring på hos grannen"}
    clock.advance(timedelta(minutes=31))
    assert "/log-in" in client.post("/order", data=form).location
    _log_in_again(desk)
    page = client.get("/order")
    check_page(page)
    assert "Ring på hos grannen" in page.text
    assert "Call about Anna Provsson" in page.text
    assert count_rows(desk.database, Order) == 0


def _log_in_again(desk: Desk) -> None:
    name = desk.app.config["SESSION_COOKIE_NAME"]
    cookie = desk.client.get_cookie(name)
    assert cookie
    session = ServerSession(desk.database, cookie.value)
    with desk.database.unit_of_work() as db:
        session.rotate(db, Owner(commission_id=desk.commission.id))
    assert session.cookie_to_set
    desk.client.set_cookie(name, session.cookie_to_set)
