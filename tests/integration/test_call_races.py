"""The family on the web and customer service on the phone, at the same moment on the same product: one gets it, the others are told."""

from __future__ import annotations

import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from auth.models import Guardianship
from core.db import Database
from orders.models import Channel, Order, PrescriptionItem, Withdrawal
from tests.support.builders import add_person
from tests.support.calls import Desk
from tests.support.order_forms import add_parent_and_child, add_patient, count_rows, order_form
from tests.support.pages import check_page
from tests.support.web import sign_in

ROUNDS = 3


def _at_once(clients: list[FlaskClient], forms: list[dict[str, object]]) -> list[TestResponse]:
    together = Barrier(len(clients))

    def send(number: int) -> TestResponse:
        together.wait(30)
        return clients[number].post("/order", data=forms[number])

    with ThreadPoolExecutor(len(clients)) as pool:
        return list(pool.map(send, range(len(clients))))


def _one_wins(answers: list[TestResponse], database: Database, item: PrescriptionItem) -> Order:
    won = [answer for answer in answers if answer.status_code == 303]
    lost = [answer for answer in answers if answer.status_code == 422]
    assert (len(won), len(lost)) == (1, len(answers) - 1)
    with database.session() as session:
        order = session.scalars(select(Order)).one()
        assert won[0].location == f"/orders/{order.order_no}?placed=1"
        assert session.get_one(PrescriptionItem, item.id).orders_remaining == item.orders_allowed - 1
    assert count_rows(database, Withdrawal) == 1
    for answer in lost:
        check_page(answer)
        # What was lost, why, and where it is.
        assert "This is already ordered" in answer.text
        assert f'href="/orders/{order.order_no}"' in answer.text
    return order


def _family(database: Database) -> tuple[Callable[[Desk], list[FlaskClient]], PrescriptionItem]:
    parent, child, item = add_parent_and_child(database)
    with database.unit_of_work() as session:
        other = add_person(session, name="Olof Provsson")
        session.add(Guardianship(guardian_id=other.id, child_id=child.id))

    def clients(desk: Desk) -> list[FlaskClient]:
        web = [sign_in(desk.app.test_client(), one, acting_for=child) for one in (parent, other)]
        phone = [desk.take_call(child), Desk(database, desk.app, name="Sune Kundtjänst").take_call(child)]
        return [*web, *phone]

    return clients, item


@pytest.mark.parametrize("attempt", range(ROUNDS))
def test_two_guardians_and_two_calls_make_one_order(database: Database, attempt: int) -> None:
    family, item = _family(database)
    clients = family(Desk(database))
    forms = [order_form(client, item) for client in clients]
    _one_wins(_at_once(clients, forms), database, item)


@pytest.mark.parametrize("attempt", range(ROUNDS))
def test_the_patient_and_the_phone_make_one_order(database: Database, attempt: int) -> None:
    person, (item,) = add_patient(database)
    desk = Desk(database)
    clients = [sign_in(desk.app.test_client(), person), desk.take_call(person)]
    forms = [order_form(client, item) for client in clients]
    # The same key from two people is two forms.
    forms[1]["idempotency_key"] = forms[0]["idempotency_key"]
    order = _one_wins(_at_once(clients, forms), database, item)
    assert order.channel is (Channel.PHONE if order.orderer_staff_id else Channel.WEB)


def test_who_loses_by_phone_is_told_in_the_patients_own_words(database: Database) -> None:
    person, (item,) = add_patient(database)
    desk = Desk(database)
    clients = [desk.take_call(person), sign_in(desk.app.test_client(), person)]
    late_forms, in_time = [order_form(client, item) for client in clients], order_form(clients[1], item)
    order_no = clients[1].post("/order", data=in_time).location.split("?")[0].rpartition("/")[2]
    by_phone, by_web = (client.post("/order", data=form) for client, form in zip(clients, late_forms, strict=True))
    for answer in (by_phone, by_web):
        assert answer.status_code == 422
        assert f"It is in order {order_no[:-3]}\N{NO-BREAK SPACE}{order_no[-3:]} from today." in answer.text
    assert _refusals(by_phone) == _refusals(by_web) != []
    assert "Call about Anna Provsson" in by_phone.text


def _refusals(answer: TestResponse) -> list[str]:
    return re.findall(r"Can be ordered from [^<]+", answer.text)
