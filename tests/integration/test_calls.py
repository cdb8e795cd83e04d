"""A call: customer service on the patient's own pages, for as long as the call lasts, with all of it in the access log."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from auth.models import Guardianship, Person
from core.audit import AccessLogEntry
from core.clock import ManualClock
from core.db import Database
from orders.models import Order
from tests.support.builders import add_person
from tests.support.calls import REASON, SEARCH, Desk
from tests.support.deliveries import add_delivered
from tests.support.order_forms import add_parent_and_child, add_patient, count_rows, order_form
from tests.support.pages import check_page
from tests.support.statements import counted
from tests.support.web import sign_in, token_of

PAGES = ("/my-products", "/orders", "/fault-reports/new", "/fault-reports")
MOST_STATEMENTS = 24


@pytest.fixture
def desk(database: Database) -> Desk:
    return Desk(database)


def test_in_a_call_the_patients_own_pages_open_with_a_banner(desk: Desk) -> None:
    person, (item,) = add_patient(desk.database)
    client = desk.take_call(person)
    for path in (*PAGES, f"/order/review?item={item.id}", SEARCH):
        page = client.get(path)
        assert page.status_code == 200, path
        check_page(page)
        for words in (
            "Call about Anna Provsson, age",
            "It should be Anna Provsson, and nobody else.",
            REASON,
            "End the call",
        ):
            assert words in page.text, f"{path}: {words}"
    page = client.get("/my-products")
    assert "Hello Anna" in page.text, "the page is exactly as the patient sees it"
    menu = page.text[page.text.index('class="main-menu"') : page.text.index("</nav>")]
    assert [menu.count(f'href="{path}"') for path in (*PAGES, SEARCH)] == [1] * 5
    for path in ("/inbox", "/proxies", "/my-access-log"):
        assert client.get(path).status_code == 403, path
        assert f'href="{path}"' not in page.text


def test_without_a_call_the_patients_pages_lead_to_the_search(desk: Desk) -> None:
    for path in (*PAGES, "/order/review?item=1", "/orders/1000017"):
        answer = desk.client.get(path)
        assert (answer.status_code, answer.location) == (303, SEARCH), path
    page = desk.client.get(SEARCH)
    assert "Find the patient first. Then their pages open." in page.text
    assert "/my-products" not in page.text


def test_a_call_ends_by_the_button_and_with_the_session(desk: Desk) -> None:
    person, _items = add_patient(desk.database)
    desk.take_call(person)
    answer = desk.end_call()
    assert (answer.status_code, answer.location) == (303, SEARCH)
    assert "The call has ended" in desk.client.get(SEARCH).text
    assert desk.client.get("/my-products").location == SEARCH
    assert desk.end_call().status_code == 303, "twice changes nothing"
    desk.take_call(person)
    assert desk.client.post("/log-out", data={"csrf_token": token_of(desk.client, SEARCH)}).status_code == 303
    sign_in(desk.client, desk.commission)
    assert desk.client.get("/my-products").location == SEARCH
    told = [
        (entry.action, entry.subject_person_id, entry.reason) for entry in desk.entries("call.opened", "call.closed")
    ]
    assert told == [(action, person.id, REASON) for action in ("call.opened", "call.closed") * 2]


def test_another_call_ends_the_one_before(desk: Desk) -> None:
    anna, _items = add_patient(desk.database, name="Anna Provsson")
    bertil, _items = add_patient(desk.database, name="Bertil Provsson")
    desk.take_call(anna, "Första")
    assert "another patient's pages, it ends" in desk.client.get(SEARCH).text
    assert desk.search("18").status_code == 422
    assert "Hello Anna" in desk.client.get("/my-products").text, "nobody was found: the call goes on"
    desk.take_call(bertil, "Andra")
    assert "Hello Bertil" in desk.client.get("/my-products").text
    told = [
        (entry.action, entry.subject_person_id, entry.reason) for entry in desk.entries("call.opened", "call.closed")
    ]
    assert told == [
        ("call.opened", anna.id, "Första"),
        ("call.closed", anna.id, "Första"),
        ("call.opened", bertil.id, "Andra"),
    ]


def test_a_call_ends_by_itself_after_an_hour(desk: Desk, clock: ManualClock) -> None:
    person, (item,) = add_patient(desk.database)
    client = desk.take_call(person)
    form = order_form(client, item)
    for _pause in range(2):
        clock.advance(timedelta(minutes=29, seconds=59))
        assert client.get("/my-products").status_code == 200
    clock.advance(timedelta(seconds=2))
    answer = client.post("/order", data=form)
    assert (answer.status_code, answer.location) == (303, SEARCH)
    assert "The call has ended by itself" in client.get(SEARCH).text
    assert "ended by itself. Find" not in client.get(SEARCH).text, "said once"
    assert count_rows(desk.database, Order) == 0
    assert len(desk.entries("call.closed")) == 1


def test_a_call_ends_when_the_patient_belongs_to_another_region(desk: Desk) -> None:
    person, _items = add_patient(desk.database)
    client = desk.take_call(person)
    with desk.database.unit_of_work() as session:
        session.get_one(Person, person.id).region = "other"
    assert client.get("/my-products").location == SEARCH
    assert len(desk.entries("call.closed")) == 1


def test_an_ended_commission_ends_everything(desk: Desk, clock: ManualClock) -> None:
    person, _items = add_patient(desk.database)
    client = desk.take_call(person)
    with desk.database.unit_of_work() as session:
        session.merge(desk.commission).ended_at = clock.now()
    assert client.get("/my-products").location.startswith("/log-in")


def test_every_look_and_act_is_logged_with_the_reason_and_the_patient_reads_it(desk: Desk) -> None:
    person, (item,) = add_patient(desk.database)
    with desk.database.unit_of_work() as session:
        add_delivered(session, person)
    client = desk.take_call(person, "Sensorn <lossnade>")
    for path in PAGES:
        client.get(path)
    location = client.post("/order", data=order_form(client, item)).location
    client.get(location)
    desk.end_call()
    with desk.database.session() as session:
        entries = session.scalars(
            select(AccessLogEntry).where(AccessLogEntry.subject_person_id == person.id).order_by(AccessLogEntry.id)
        ).all()
    assert {(e.actor_label, e.unit_id, e.reason) for e in entries} == {
        ("Siv Kundtjänst", desk.identity.unit_id, "Sensorn <lossnade>")
    }
    actions = [entry.action for entry in entries]
    assert (actions[0], actions[-1]) == ("call.opened", "call.closed")
    assert {"products.seen", "orders.seen", "deliveries.seen", "cases.seen", "order.placed", "order.seen"} <= set(
        actions
    )
    page = sign_in(desk.app.test_client(), person).get("/my-access-log")
    check_page(page)
    for words in ("Siv Kundtjänst", "Answered a phone call about the patient", "Ended a phone call", "Placed an order"):
        assert words in page.text, words
    assert page.text.count("Reason: Sensorn &lt;lossnade&gt;") >= 6


def test_a_call_adds_the_same_few_statements_whoever_speaks_for_the_patient(desk: Desk) -> None:
    _parent, child, _item = add_parent_and_child(desk.database)

    def statements(path: str) -> int:
        with counted(desk.database) as sent:
            assert client.get(path).status_code == 200
        return len(sent)

    client = desk.take_call(child)
    for path in PAGES:
        client.get(path)
        before = statements(path)
        assert before <= MOST_STATEMENTS, path
        with desk.database.unit_of_work() as session:
            for _more in range(3):
                session.add(Guardianship(guardian_id=add_person(session).id, child_id=child.id))
        assert statements(path) == before, path


def test_a_forged_search_opens_nothing_and_looks_nobody_up(desk: Desk) -> None:
    person, _items = add_patient(desk.database)
    before = count_rows(desk.database, AccessLogEntry)
    assert desk.client.post(SEARCH, data={"number": person.number, "reason": REASON}).status_code == 400
    assert count_rows(desk.database, AccessLogEntry) == before
    assert desk.client.get("/my-products").location == SEARCH
