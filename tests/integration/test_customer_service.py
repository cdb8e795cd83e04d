"""Customer service looks up an order for a caller: with a reason, in its region, and with no more than the question needs."""

from __future__ import annotations

from dataclasses import replace

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from auth.identity import Role
from auth.models import Person, Protection
from auth.persons import staff_identity
from core.audit import AccessLogEntry
from core.db import Database
from core.errors import NotPermitted
from delivery.enquiries import ReasonMissing, find_order
from orders.models import Order
from tests.support.builders import add_person, add_staff
from tests.support.deliveries import add_delivered
from tests.support.pages import check_page
from tests.support.statements import counted
from tests.support.web import make_app, sign_in, token_of


class Desk:
    """A signed-in member of customer service, and an order to be asked about."""

    def __init__(self, database: Database) -> None:
        self.database = database
        with database.unit_of_work() as session:
            commission = add_staff(session, Role.CUSTOMER_SERVICE, name="Siv Kundtjänst")
            self.identity = staff_identity(commission)
            self.person = add_person(session, name="Astrid Provsson")
            add_delivered(session, self.person)
            self.order_no = session.scalars(select(Order.order_no)).one()
        self.client = sign_in(make_app(database).test_client(), commission)

    def find(self, order_no: str | None = None, reason: str = "Var är paketet?") -> TestResponse:
        """Send the search form."""
        fields = {
            "csrf_token": token_of(self.client, "/customer-service"),
            "order_no": self.order_no if order_no is None else order_no,
            "reason": reason,
        }
        return self.client.post("/customer-service", data=fields)

    def entries(self) -> list[AccessLogEntry]:
        """Return what the access log says of look-ups."""
        with self.database.session() as session:
            return list(session.scalars(select(AccessLogEntry).where(AccessLogEntry.action == "order.enquired")))


@pytest.fixture
def desk(database: Database) -> Desk:
    return Desk(database)


def test_an_order_is_found_and_the_reason_is_kept(desk: Desk) -> None:
    check_page(desk.client.get("/customer-service"))
    grouped = f"{desk.order_no[:4]} {desk.order_no[4:]}"
    page = desk.find(grouped)
    check_page(page)
    for words in ("Glukossensor", "TEST0", "PostNord", "Delivered", "Astrid Provsson"):
        assert words in page.text, words
    for words in ("Provgatan", "Skövde", "Diabetesmottagningen", "withdrawal"):
        assert words not in page.text, words
    (entry,) = desk.entries()
    assert (entry.reason, entry.manner, entry.subject_person_id, entry.actor_label, entry.object_ref) == (
        "Var är paketet?",
        "LOOK",
        desk.person.id,
        "Siv Kundtjänst",
        f"order:{desk.order_no}",
    )


def test_without_a_reason_nothing_is_looked_up(desk: Desk) -> None:
    answer = desk.find(reason="   ")
    assert answer.status_code == 422
    check_page(answer)
    assert "Astrid" not in answer.text
    assert desk.entries() == []
    with pytest.raises(ReasonMissing), desk.database.unit_of_work() as session:
        find_order(session, desk.identity, desk.order_no, " ")


@pytest.mark.parametrize("order_no", ["", "100000", "abc", "١٢٣", "\x00", "18" + "0" * 30])
def test_a_misheard_number_is_said_before_anything_is_looked_up(desk: Desk, order_no: str) -> None:
    answer = desk.find(order_no)
    assert answer.status_code == 422
    check_page(answer)
    assert desk.entries() == []


def test_a_look_up_that_finds_nothing_is_logged_too(desk: Desk) -> None:
    answer = desk.find("18")
    assert answer.status_code == 422
    assert "There is no order with that number" in answer.text
    (entry,) = desk.entries()
    assert (entry.subject_person_id, entry.object_ref) == (None, "order:18")


def test_another_regions_order_is_not_there(desk: Desk) -> None:
    with desk.database.unit_of_work() as session:
        assert find_order(session, desk.identity, desk.order_no, "x") is not None
        assert find_order(session, replace(desk.identity, region="other"), desk.order_no, "x") is None


def test_a_protected_identity_is_never_named(desk: Desk) -> None:
    with desk.database.unit_of_work() as session:
        person = session.get_one(Person, desk.person.id)
        for name in ("given_name", "family_name", "street", "postal_code", "city"):
            setattr(person, name, "")
        person.protection = Protection.PROTECTED_REGISTRATION
    page = desk.find()
    check_page(page)
    assert "Protected identity" in page.text
    for words in ("Astrid", "Provsson", "Goes to"):
        assert words not in page.text, words


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.CUSTOMER_SERVICE])
def test_nobody_else_may(desk: Desk, role: Role) -> None:
    with desk.database.unit_of_work() as session, pytest.raises(NotPermitted):
        find_order(session, replace(desk.identity, role=role), desk.order_no, "x")


def test_a_long_order_asks_no_more_than_a_short_one(desk: Desk) -> None:
    def selects() -> int:
        with counted(desk.database) as statements, desk.database.unit_of_work() as session:
            found = find_order(session, desk.identity, desk.order_no, "x")
            assert found is not None
            assert [row.article.display_name for row in found.order.rows]
        return len([text for text in statements if text.startswith("SELECT")])

    before = selects()
    with desk.database.unit_of_work() as session:
        order = session.scalars(select(Order)).one()
        row = order.rows[0]
        for _ in range(4):
            values = {c.name: getattr(row, c.name) for c in row.__table__.columns if c.name != "id"}
            session.add(type(row)(**values))
    assert selects() == before


def test_the_client_is_asked_to_log_in(desk: Desk) -> None:
    stranger: FlaskClient = desk.client.application.test_client()
    answer = stranger.get("/customer-service")
    assert (answer.status_code, "/log-in" in answer.location) == (303, True)
