"""Customer service finds whom a call is about: with a reason, in its region, and nobody's number is written down."""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import date

import pytest
from sqlalchemy import select

from auth.identity import Role
from auth.models import Person, Protection, WebSession
from auth.numbers import PersonNumber
from core.db import Database
from core.errors import NotPermitted
from delivery.enquiries import OrderNumber, ReasonMissing, look_up_caller, read_sought
from orders.models import Order
from tests.support.builders import add_person
from tests.support.calls import REASON, SEARCH, Desk
from tests.support.deliveries import add_delivered
from tests.support.pages import check_page
from tests.support.statements import counted

LOOK_UPS = ("call.opened", "order.enquired", "person.enquired")
DAY = date(2026, 12, 1)


class OrderDesk(Desk):
    """Customer service, and an order to be asked about."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        with database.unit_of_work() as session:
            self.person = add_person(session, name="Astrid Provsson")
            add_delivered(session, self.person)
            self.order_no = session.scalars(select(Order.order_no)).one()


@pytest.fixture
def desk(database: Database) -> OrderDesk:
    return OrderDesk(database)


def test_an_order_number_opens_the_call_on_that_order(desk: OrderDesk) -> None:
    check_page(desk.client.get(SEARCH))
    answer = desk.search(f"{desk.order_no[:4]} {desk.order_no[4:]}", "Var är paketet?")
    assert (answer.status_code, answer.location) == (303, f"/orders/{desk.order_no}")
    page = desk.client.get(answer.location)
    check_page(page)
    for words in ("Glukossensor", "TEST0", "PostNord", "Delivered", "It should be Astrid Provsson", "Var är paketet?"):
        assert words in page.text, words
    (entry,) = desk.entries(*LOOK_UPS)
    assert (entry.action, entry.reason, entry.manner, entry.subject_person_id, entry.actor_label, entry.object_ref) == (
        "call.opened",
        "Var är paketet?",
        "LOOK",
        desk.person.id,
        "Siv Kundtjänst",
        f"order:{desk.order_no}",
    )


def test_a_personal_number_opens_the_patients_products(desk: OrderDesk, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    number = desk.person.number
    for written in (
        number,
        f"{number[:8]}-{number[8:]}",
        f"{number[2:8]}\u2013{number[8:]}",
        f" {number[2:8]} {number[8:]} ",
    ):
        answer = desk.search(written)
        assert (answer.status_code, answer.location) == (303, "/my-products"), written
    entries = desk.entries(*LOOK_UPS)
    assert {(entry.action, entry.object_ref, entry.subject_person_id, entry.reason) for entry in entries} == {
        ("call.opened", "", desk.person.id, REASON)
    }
    assert len(entries) == 4
    with desk.database.session() as session:
        kept = [str(row.data) for row in session.scalars(select(WebSession))]
    for place in (*kept, *(record.getMessage() for record in caplog.records)):
        assert number[2:8] not in place
        assert number[8:] not in place or number[2:] not in place


def test_without_a_reason_nothing_is_looked_up(desk: OrderDesk) -> None:
    answer = desk.search(desk.order_no, "   ")
    assert answer.status_code == 422
    check_page(answer)
    assert "Astrid" not in answer.text
    assert f'value="{desk.order_no}"' in answer.text, "what was typed is kept"
    assert desk.entries(*LOOK_UPS) == []
    with pytest.raises(ReasonMissing), desk.database.unit_of_work() as session:
        look_up_caller(session, desk.identity, OrderNumber(desk.order_no), " ")


def test_a_personal_number_in_the_reason_is_refused(desk: OrderDesk) -> None:
    number = desk.person.number
    for written in (number, f"{number[:8]}-{number[8:]}", f"{number[2:8]} - {number[8:]}"):
        answer = desk.search(desk.order_no, f"Vill beställa till {written} idag")
        assert answer.status_code == 422, written
        assert "Write the reason without the personal number" in answer.text
    assert desk.entries(*LOOK_UPS) == []
    assert desk.search(desk.order_no, "Ring 070-123 45 67 om order 1000017").status_code == 303


@pytest.mark.parametrize(
    "number", ["", "100000", "abc", "١٢٣", "\x00", "18" + "0" * 30, "19121301-1212", "199999999999", "121212-1213"]
)
def test_a_misheard_number_is_said_before_anything_is_looked_up(desk: OrderDesk, number: str) -> None:
    answer = desk.search(number)
    assert answer.status_code == 422
    check_page(answer)
    assert desk.entries(*LOOK_UPS) == []


def test_what_a_number_is_shows_in_its_digits() -> None:
    assert isinstance(read_sought("1912 1212-1212", DAY), PersonNumber)
    assert isinstance(read_sought("121212-1212", DAY), PersonNumber)
    assert isinstance(read_sought("19701063-2391", DAY), PersonNumber), "a co-ordination number"
    assert read_sought("1000 017", DAY) == OrderNumber("1000017")
    assert read_sought("1000018", DAY) is None
    assert read_sought("1000-017", DAY) is None


def test_a_look_up_that_finds_nothing_is_logged_too(desk: OrderDesk) -> None:
    for number in ("18", "191212121212"):
        answer = desk.search(number)
        assert answer.status_code == 422
        check_page(answer)
        assert "Nobody in your region has that number, and no order." in answer.text
    by_order, by_person = desk.entries(*LOOK_UPS)
    assert (by_order.action, by_order.subject_person_id, by_order.object_ref) == ("order.enquired", None, "order:18")
    assert (by_person.action, by_person.subject_person_id, by_person.object_ref) == ("person.enquired", None, "")
    assert desk.client.get("/my-products").location == SEARCH, "no call was opened"


def test_another_regions_people_and_orders_are_not_there(desk: OrderDesk) -> None:
    other = replace(desk.identity, region="other")
    number = read_sought(desk.person.number, DAY)
    assert number is not None
    with desk.database.unit_of_work() as session:
        for sought in (OrderNumber(desk.order_no), number):
            assert look_up_caller(session, desk.identity, sought, "x") is not None
            assert look_up_caller(session, other, sought, "x") is None
        session.get_one(Person, desk.person.id).region = "other"
    # Moved to another region: the order is this region's still, the person's pages are not.
    assert desk.search(desk.order_no).status_code == 422
    assert desk.search(desk.person.number).status_code == 422
    assert [entry.subject_person_id for entry in desk.entries("order.enquired", "person.enquired")] == [None] * 4


def test_a_protected_identity_is_never_named(desk: OrderDesk) -> None:
    with desk.database.unit_of_work() as session:
        person = session.get_one(Person, desk.person.id)
        for name in ("given_name", "family_name", "street", "postal_code", "city"):
            setattr(person, name, "")
        person.protection = Protection.PROTECTED_REGISTRATION
        person.alias = "Blå Viol"
    assert desk.search(desk.order_no).status_code == 303
    # The order's own page: tests/integration/test_protection.py.
    page = desk.client.get("/my-products")
    check_page(page)
    assert "Call about somebody with protected identity" in page.text
    assert "Say nothing about where the parcel goes" in page.text
    for words in ("Astrid Provsson", "Provgatan", "Skövde", "Blå Viol"):
        assert words not in page.text, words


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.CUSTOMER_SERVICE])
def test_nobody_else_may(desk: OrderDesk, role: Role) -> None:
    with desk.database.unit_of_work() as session, pytest.raises(NotPermitted):
        look_up_caller(session, replace(desk.identity, role=role), OrderNumber(desk.order_no), "x")


def test_looking_up_takes_one_statement_and_the_log(desk: OrderDesk) -> None:
    number = read_sought(desk.person.number, DAY)
    assert number is not None
    for sought in (OrderNumber(desk.order_no), number):
        with counted(desk.database) as statements, desk.database.unit_of_work() as session:
            look_up_caller(session, desk.identity, sought, "x")
        assert [text.split()[0] for text in statements] == ["SELECT", "INSERT"]


def test_the_client_is_asked_to_log_in(desk: OrderDesk) -> None:
    answer = desk.app.test_client().get(SEARCH)
    assert (answer.status_code, "/log-in" in answer.location) == (303, True)
