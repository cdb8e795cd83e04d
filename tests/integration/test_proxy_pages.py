"""The page My proxies: asking, answering and ending on it, and who sees what."""

from __future__ import annotations

import re

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from auth.identity import Task
from auth.models import Person, Protection, ProxyAppointment
from core.db import Database
from core.idempotency import new_key
from tests.support.builders import NOON, add_article, add_item, add_person
from tests.support.pages import check_page
from tests.support.statements import counted
from tests.support.web import make_app, sign_in, token_of


class Pages:
    """A patient with a product and somebody to ask, each at their own browser."""

    def __init__(self, database: Database) -> None:
        self.database, self.app = database, make_app(database)
        with database.unit_of_work() as session:
            self.patient = add_person(session, name="Anna Provsson")
            self.helper = add_person(session, name="Rolf Ombudsson")
            add_item(session, self.patient, add_article(session))
        self.mine, self.theirs = self.browser(self.patient), self.browser(self.helper)

    def browser(self, person: Person, acting_for: Person | None = None) -> FlaskClient:
        """A signed-in browser."""
        return sign_in(self.app.test_client(), person, acting_for=acting_for)

    def post(self, client: FlaskClient, path: str, **fields: object) -> TestResponse:
        """Send a form from the page."""
        return client.post(path, data={"csrf_token": token_of(client, "/proxies"), **fields})

    def ask(self, **changes: object) -> TestResponse:
        """Send the form that asks."""
        answers = {"number": self.helper.number, "tasks": ["order", "view_history"], "valid_until": "2027-06-01"}
        return self.post(self.mine, "/proxies", **{**answers, "idempotency_key": new_key(), **changes})

    def add(self, patient: Person, proxy: Person, *, accepted: bool = True) -> int:
        """Add an appointment."""
        with self.database.unit_of_work() as session:
            appointment = ProxyAppointment(
                patient_id=patient.id,
                proxy_id=proxy.id,
                tasks=[Task.ORDER.value],
                valid_from=NOON.date(),
                valid_until=NOON.date().replace(year=2027),
                accepted_at=NOON if accepted else None,
            )
            session.add(appointment)
            session.flush()
            return appointment.id


@pytest.fixture
def pages(database: Database) -> Pages:
    return Pages(database)


def test_asked_answered_used_seen_and_ended(pages: Pages) -> None:
    check_page(pages.mine.get("/proxies"))
    assert pages.ask().status_code == 303
    page = pages.mine.get("/proxies")
    check_page(page)
    assert "the question is in their inbox now" in page.text
    assert "Rolf" not in page.text
    question = pages.theirs.get("/proxies")
    check_page(question)
    assert "Anna Provsson asks you" in question.text
    found = re.search(r"/proxies/(\d+)/answer", question.text)
    assert found
    appointment_id = found[1]
    assert pages.post(pages.theirs, f"/proxies/{appointment_id}/answer", accepts="yes").status_code == 303
    check_page(pages.theirs.get("/proxies"))

    helping = pages.browser(pages.helper, acting_for=pages.patient)
    assert "Glukossensor" in helping.get("/my-products").text
    page = pages.mine.get("/proxies")
    check_page(page)
    assert "Rolf Ombudsson" in page.text
    assert "Order products. See orders" in page.text
    assert "Looked at the products" in page.text[page.text.index("What others have done") :]
    there = helping.get("/proxies")
    check_page(there)
    assert 'id="appoint"' not in there.text

    assert pages.post(pages.mine, f"/proxies/{appointment_id}/withdraw").status_code == 303
    assert "Glukossensor" not in helping.get("/my-products").text
    assert "Ended" in pages.mine.get("/proxies").text
    for client in (pages.mine, pages.theirs):
        inbox = client.get("/inbox")
        links = re.findall(r"/inbox/\d+", inbox.text)
        assert len(links) == 3
        for link in links:
            message = client.get(link)
            check_page(message)
            assert "/proxies" in message.text


def test_what_was_typed_stays_and_each_fault_is_said(pages: Pages) -> None:
    answer = pages.ask(number=pages.patient.number, tasks=["view_history"], valid_until="2031-01-01")
    assert answer.status_code == 422
    check_page(answer)
    assert "That is your own number." in answer.text
    assert "1 December 2028 or an earlier day" in answer.text
    assert f'value="{pages.patient.number}"' in answer.text
    assert 'value="2031-01-01"' in answer.text
    assert re.search(r'<input[^>]*checked[^>]*value="view_history"', answer.text)
    answer = pages.ask(number="1234", tasks=[], valid_until="i morgon")
    check_page(answer)
    assert "Choose at least one thing." in answer.text
    assert "Write the day as year-month-day" in answer.text
    assert "That is not a personal number." in pages.ask(number="<b>\x00'", tasks=["order"]).text
    assert pages.ask(tasks=["everything"]).status_code == 422


def test_somebody_elses_appointments_are_not_found(pages: Pages) -> None:
    with pages.database.unit_of_work() as session:
        stranger = add_person(session)
    asked = pages.add(pages.patient, pages.helper, accepted=False)
    client = pages.browser(stranger)
    assert pages.post(client, f"/proxies/{asked}/answer", accepts="yes").status_code == 404
    assert pages.post(client, f"/proxies/{asked}/withdraw").status_code == 404
    assert pages.post(pages.mine, f"/proxies/{asked}/answer", accepts="yes").status_code == 404
    assert pages.post(pages.mine, "/proxies/987654321/withdraw").status_code == 404
    assert pages.post(pages.theirs, f"/proxies/{asked}/answer", accepts="maybe").status_code == 400
    with pages.database.session() as session:
        appointment = session.scalars(select(ProxyAppointment)).one()
    assert (appointment.accepted_at, appointment.withdrawn_at) == (None, None)


def test_a_question_taken_back_is_said_to_be_gone(pages: Pages) -> None:
    asked = pages.add(pages.patient, pages.helper, accepted=False)
    assert pages.post(pages.mine, "/proxies/take-back").status_code == 303
    pages.post(pages.theirs, f"/proxies/{asked}/answer", accepts="yes")
    assert "can no longer be answered" in pages.theirs.get("/proxies").text


def test_whoever_acts_for_another_cannot_appoint(pages: Pages) -> None:
    pages.add(pages.patient, pages.helper)
    helping = pages.browser(pages.helper, acting_for=pages.patient)
    assert pages.post(helping, "/proxies", number=pages.helper.number).status_code == 403


def test_with_protected_identity_it_is_off_in_words(pages: Pages) -> None:
    with pages.database.unit_of_work() as session:
        hidden = add_person(session, protection=Protection.CONFIDENTIALITY_FLAG)
    client = pages.browser(hidden)
    page = client.get("/proxies")
    check_page(page)
    assert "With protected identity nobody can act for you here" in page.text
    assert 'id="appoint"' not in page.text
    answer = pages.post(client, "/proxies", number=pages.helper.number, tasks=["order"], valid_until="2027-06-01")
    assert answer.status_code == 303
    with pages.database.session() as session:
        assert session.scalars(select(ProxyAppointment)).all() == []


def test_the_page_costs_the_same_for_one_and_for_ten(pages: Pages) -> None:
    costs = []
    for amount in (1, 10):
        for _ in range(amount):
            with pages.database.unit_of_work() as session:
                other = add_person(session)
            pages.add(pages.patient, other)
            pages.browser(other, acting_for=pages.patient).get("/my-products")
        pages.mine.get("/proxies")
        with counted(pages.database) as statements:
            check_page(pages.mine.get("/proxies"))
        costs.append(len(statements))
    assert costs[0] == costs[1]
    assert costs[0] < 20
