"""The patient's pages where prescriptions live elsewhere: what they show, what ordering answers, and what they never claim."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from sqlalchemy import func, select

from auth.identity import Role
from auth.models import Guardianship
from core.clock import ManualClock
from core.db import Database
from orders.errors import RegisteredElsewhere
from orders.models import Order, Registration
from portal.messages import message_text
from tests.support.builders import add_person, add_staff
from tests.support.order_forms import add_patient, review_url
from tests.support.pages import check_page
from tests.support.pages_elsewhere import PagesElsewhere
from tests.support.source import SourceItem
from tests.support.statements import counted
from tests.support.web import make_app, sign_in, token_of

DOWN = "The region's prescription system does not answer right now"
PHONE = "Call customer service, 010\N{NON-BREAKING HYPHEN}000\N{NO-BREAK SPACE}00\N{NO-BREAK SPACE}00"


@pytest.fixture
def pages(database: Database, clock: ManualClock, tmp_path: Path) -> PagesElsewhere:
    return PagesElsewhere(database, clock, tmp_path)


def test_what_is_prescribed_elsewhere_is_on_the_page_and_ordered_there(pages: PagesElsewhere) -> None:
    first = pages.client.get("/my-products")
    check_page(first)
    assert "Glukossensor, 14 dygn" in first.text
    assert DOWN not in first.text
    answer = pages.order()
    assert answer.status_code == 303
    page = pages.client.get(answer.location)
    check_page(page)
    assert "Your order is placed" in page.text
    assert "The region has your order, and sends it to you." in page.text
    assert "depot" not in page.text
    assert len(pages.source.orders) == 1
    message = pages.client.get("/inbox").text
    assert "We tell you here when it has been sent" not in message


def test_what_was_read_just_now_is_not_asked_for_again(pages: PagesElsewhere) -> None:
    pages.client.get("/my-products")
    pages.client.get("/my-products")
    assert len(pages.source.asked) == 1
    pages.later(minutes=6)
    pages.client.get("/my-products")
    assert len(pages.source.asked) == 2


def test_a_source_that_is_down_is_said_with_the_time_of_the_last_reading(pages: PagesElsewhere) -> None:
    pages.client.get("/my-products")
    pages.later(minutes=6)
    pages.source.is_down = True
    (item,) = pages.items()
    for url in ("/my-products", review_url(item), "/orders"):
        page = pages.client.get(url)
        check_page(page)
        assert page.status_code == 200
        assert DOWN in page.text, url
        assert "What you see here is from 1 December 10:00." in page.text
        assert PHONE in page.text
    assert "Glukossensor, 14 dygn" in pages.client.get("/my-products").text


def test_a_source_that_never_answered_does_not_make_the_page_say_that_nothing_is_prescribed(
    pages: PagesElsewhere,
) -> None:
    pages.source.is_down = True
    page = pages.client.get("/my-products")
    check_page(page)
    assert "We have not been able to read your prescriptions yet." in page.text
    assert "Your products cannot be shown right now" in page.text
    assert "There is nothing prescribed to order" not in page.text


def test_what_could_not_be_read_is_said(pages: PagesElsewhere) -> None:
    pages.source.prescribe(pages.person.number, SourceItem("R2", "not-an-article"))
    page = pages.client.get("/my-products")
    check_page(page)
    assert "Something could not be read" in page.text
    assert PHONE in page.text
    assert "Glukossensor, 14 dygn" in page.text


def test_a_guardian_and_customer_service_in_a_call_read_anew_too(pages: PagesElsewhere) -> None:
    with pages.database.unit_of_work() as session:
        guardian = add_person(session, name="Maria Provsson")
        child = add_person(session, name="Liv Provsson", born=pages.clock.now().date().replace(year=2018))
        session.add(Guardianship(guardian_id=guardian.id, child_id=child.id))
        staff = add_staff(session, Role.CUSTOMER_SERVICE)
        _ = staff.unit, staff.staff_member
    pages.source.prescribe(child.number, SourceItem("B1", "20002", article_name="Barnets sensor"))
    assert "Barnets sensor" in pages.browser_of(guardian, acting_for=child).get("/my-products").text
    pages.source.is_down = True
    in_call = pages.browser_of(staff, in_call_about=pages.person).get("/my-products")
    check_page(in_call)
    assert DOWN in in_call.text
    assert PHONE not in in_call.text


def test_ordering_while_the_source_is_down_orders_nothing_and_keeps_what_was_typed(pages: PagesElsewhere) -> None:
    form = pages.form(comment="Ring två gånger", city="Skara")
    pages.source.is_down = True
    answer = pages.client.post("/order", data=form)
    check_page(answer)
    assert answer.status_code == 503
    assert "Nothing has been ordered" in answer.text
    assert PHONE in answer.text
    assert "Ring två gånger" in answer.text
    assert 'value="Skara"' in answer.text
    assert pages.orders() == []
    pages.source.is_down = False
    assert pages.client.post("/order", data=form).status_code == 303
    assert len(pages.source.orders) == 1


@pytest.mark.parametrize(
    ("comment", "said"),
    [
        ("Uttaget är <b>redan</b> gjort.", "Uttaget är &lt;b&gt;redan&lt;/b&gt; gjort."),
        ("A\x00B\u202eC\nD", "A B C D"),
        ("x" * 9000, "x" * 499 + "…"),
        ("", "does not say why"),
    ],
)
def test_a_refusal_is_said_in_the_words_of_the_source_and_what_was_typed_is_kept(
    pages: PagesElsewhere, comment: str, said: str
) -> None:
    pages.source.refuses = comment
    answer = pages.order(comment="Ring två gånger")
    check_page(answer)
    assert answer.status_code == 422
    assert "Nothing has been ordered" in answer.text
    assert said in answer.text
    assert ("The prescription system says:" in answer.text) is bool(comment)
    assert "Ring två gånger" in answer.text
    assert pages.orders() == []


def test_a_lost_answer_is_awaited_everywhere_and_becomes_an_order(pages: PagesElsewhere) -> None:
    form = pages.form()
    pages.source.drops = True
    answer = pages.client.post("/order", data=form)
    assert answer.status_code == 303
    page = pages.client.get(answer.location)
    check_page(page)
    (order,) = pages.orders()
    assert order.registration is Registration.AWAITED
    assert "We have sent your order, and wait for the answer" in page.text
    assert "Do not order again" in page.text
    assert "data-awaited" in page.text
    assert "See if the answer has come" in page.text
    for claim in (
        "Your order is placed",
        "Put it in the calendar",
        "Order the same again",
        "Being picked",
        "Cancel the order",
    ):
        assert claim not in page.text, claim
    assert "Waiting for an answer" in pages.client.get("/orders").text
    products = pages.client.get("/my-products")
    check_page(products)
    assert "An order is waiting for its answer" in products.text
    assert f'href="/orders/{order.order_no}"' in products.text
    assert pages.client.get(f"/orders/{order.order_no}/calendar").status_code == 404


def test_ordering_something_else_waits_for_the_first_answer(pages: PagesElsewhere) -> None:
    pages.source.prescribe(
        pages.person.number, SourceItem("R2", "20002", article_name="Teststickor", prescription_id="F2")
    )
    form = pages.form()
    first, second = (str(item.id) for item in pages.items())
    pages.source.drops = True
    pages.client.post("/order", data={**form, "item": [first]})
    (order,) = pages.orders()
    answer = pages.client.post(
        "/order", data={**form, "item": [second], "idempotency_key": "another", "comment": "Kvar"}
    )
    check_page(answer)
    assert answer.status_code == 422
    assert f'href="/orders/{order.order_no}"' in answer.text
    assert "Kvar" in answer.text
    assert len(pages.orders()) == 1


def test_the_page_of_an_order_that_came_to_nothing_leads_on(pages: PagesElsewhere) -> None:
    form = pages.form()
    pages.source.drops = True
    location = pages.client.post("/order", data=form).location
    pages.later(minutes=31)
    answer = pages.client.get(location)
    assert (answer.status_code, answer.location) == (303, "/my-products")
    assert "could not be registered, so nothing was ordered" in pages.client.get("/my-products").text
    assert pages.inbox() == ["order.not_registered"]
    inbox = pages.client.get("/inbox")
    (message,) = set(re.findall(r'href="(/inbox/\d+)"', inbox.text))
    shown = pages.client.get(message)
    check_page(shown)
    assert "Glukossensor, 14 dygn" in shown.text
    again = re.search(r'href="(/order/review\?item=\d+)"', shown.text)
    assert again
    assert pages.client.get(again[1]).status_code == 200
    assert pages.client.get("/orders/1234566").status_code == 404


def test_an_order_that_is_registered_there_is_followed_from_received_to_delivered(pages: PagesElsewhere) -> None:
    location = pages.order().location.partition("?")[0]
    page = pages.client.get(location)
    check_page(page)
    assert "Received" in page.text
    for claim in ("Being picked", ">Sent<", "Change the order", "Cancel the order"):
        assert claim not in page.text, claim
    assert "Call customer service if you want to change or cancel it." in page.text
    assert "Order the same again" in page.text
    pages.let_it_arrive()
    delivered = pages.client.get(location)
    check_page(delivered)
    assert "Friday 4 December" in delivered.text
    assert "change or cancel it" not in delivered.text
    (item,) = pages.items()
    again = pages.client.get(f"/order/review?again={location.rsplit('/', 1)[1]}")
    assert again.status_code == 200
    assert item.orders_remaining == 3


def test_what_is_registered_there_is_neither_cancelled_nor_changed_here(pages: PagesElsewhere) -> None:
    location = pages.order().location.partition("?")[0]
    token = token_of(pages.client, location)
    fields = {"csrf_token": token, "idempotency_key": "key-1", "part": "amounts"}
    assert pages.client.get(f"{location}/change").status_code == 303
    for url in (f"{location}/cancel", f"{location}/change"):
        answer = pages.client.post(url, data=fields)
        assert (answer.status_code, answer.location) == (303, location), url
        assert "The region&#39;s own system has the order." in pages.client.get(location).text
    (order,) = pages.orders()
    assert order.registration is Registration.AT_SOURCE
    assert issubclass(RegisteredElsewhere, Exception)


def test_the_message_about_nothing_links_to_ordering_and_never_to_the_order(pages: PagesElsewhere) -> None:
    facts = {"order_no": "1000017", "articles": ["Glukossensor", "Lansetter"], "items": [3, 4]}
    with pages.app.test_request_context():
        text = message_text("order.not_registered", facts)
    assert text.url == "/order/review?item=3&item=4"
    assert "Glukossensor, Lansetter" in text.body


def test_where_prescriptions_live_here_no_page_asks_for_more(database: Database) -> None:
    person, (item,) = add_patient(database)
    client = sign_in(make_app(database).test_client(), person)
    client.get("/my-products")
    with counted(database) as statements:
        client.get("/my-products")
        client.get(review_url(item))
        client.get("/orders")
        client.get("/fault-reports/new")
    assert not [one for one in statements if "source_reading" in one or "awaited_order" in one]
    with database.session() as session:
        assert session.scalar(select(func.count(Order.id))) == 0
