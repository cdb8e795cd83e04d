"""The page of settings: what is offered, what is kept, and what is never kept."""

from __future__ import annotations

import re

import pytest
from flask.testing import FlaskClient
from hypothesis import given, strategies as st
from sqlalchemy import select
from werkzeug.test import TestResponse

from auth.models import ContactSettings, Guardianship, InboxMessage, NotifyBy, Person, Protection
from auth.settings import ContactChoice, ContactRefused, NoContactKept, choose_settings, email_address, mobile_number
from core.audit import AccessLogEntry
from core.clock import today
from core.db import Database
from orders.models import PrescriptionItem
from portal.telling import Couriers
from tests.support.builders import NOON, add_article, add_item, add_person, add_staff, patient_identity
from tests.support.pages import check_page
from tests.support.statements import counted
from tests.support.web import make_app, sign_in, token_of

from auth.identity import Role  # isort: skip

ANSWERS = {
    "notify_by": "EMAIL",
    "email": "anna@example.org",
    "mobile": "",
    "reminders": ["CAN_ORDER"],
    "language": "sv",
}


class AnyWay:
    def send(self, *_message: str) -> None:
        """Lose it."""


class Pages:
    def __init__(self, database: Database) -> None:
        self.database, self.app = database, make_app(database)
        self.offer(mail=True, sms=True)
        with database.unit_of_work() as session:
            self.patient = add_person(session, name="Anna Provsson")
            self.item = add_item(session, self.patient, add_article(session))
        self.client = self.browser(self.patient)

    def offer(self, *, mail: bool, sms: bool) -> None:
        self.app.extensions["couriers"] = Couriers(
            "https://portal.example.org", AnyWay() if mail else None, AnyWay() if sms else None
        )

    def browser(self, person: Person, acting_for: Person | None = None) -> FlaskClient:
        return sign_in(self.app.test_client(), person, acting_for=acting_for)

    def save(self, **changes: object) -> TestResponse:
        return self.save_as(self.client, **changes)

    def save_as(self, client: FlaskClient, **changes: object) -> TestResponse:
        return client.post("/settings", data={"csrf_token": token_of(client, "/settings"), **ANSWERS, **changes})

    def kept(self, person: Person | None = None) -> ContactSettings | None:
        with self.database.session() as session:
            return session.get(ContactSettings, (person or self.patient).id)


@pytest.fixture
def pages(database: Database) -> Pages:
    return Pages(database)


def test_the_page_shows_what_is_chosen(pages: Pages) -> None:
    page = pages.client.get("/settings")
    check_page(page)
    assert re.search(r'value="NONE"[^>]*checked|checked[^>]*value="NONE"', page.text)
    assert pages.save().status_code == 303
    page = pages.client.get("/settings")
    check_page(page)
    assert 'value="anna@example.org"' in page.text
    kept = pages.kept()
    assert kept is not None
    assert (kept.notify_by, kept.email, kept.mobile, kept.reminders) == (
        NotifyBy.EMAIL,
        "anna@example.org",
        "",
        ["CAN_ORDER"],
    )


def test_the_address_that_is_not_used_is_not_kept(pages: Pages) -> None:
    pages.save()
    pages.save(notify_by="SMS", mobile="070-123 45 67")
    kept = pages.kept()
    assert kept is not None
    assert (kept.email, kept.mobile) == ("", "+46701234567")
    pages.save(notify_by="NONE", mobile="070-123 45 67")
    kept = pages.kept()
    assert kept is not None
    assert (kept.email, kept.mobile) == ("", "")


def test_the_language_counts_at_once(pages: Pages) -> None:
    pages.save(language="sv")
    assert '<html lang="sv"' in pages.client.get("/settings").text
    pages.save(language="en")
    assert '<html lang="en"' in pages.client.get("/settings").text
    with pages.database.session() as session:
        assert session.get_one(Person, pages.patient.id).language == "en"


@pytest.mark.parametrize(
    "changes",
    [
        {"email": ""},
        {"email": "anna"},
        {"email": "anna@example.org\r\nBcc: x@example.org"},
        {"email": "a" * 300 + "@example.org"},
        {"email": "anna@exa mple.org"},
        {"email": "Anna <anna@example.org>"},
        {"email": "🦉@example.org"},
        {"notify_by": "SMS", "mobile": ""},
        {"notify_by": "SMS", "mobile": "08-123 45 67"},
        {"notify_by": "SMS", "mobile": "sju"},
        {"notify_by": "SMS", "mobile": "+4670"},
        {"notify_by": "SMS", "mobile": "٠٧٠١٢٣٤٥٦٧"},
        {"notify_by": "PIGEON"},
        {"notify_by": ""},
        {"language": "xx"},
        {"language": ""},
        {"reminders": ["CAN_ORDER", "EVERYTHING"]},
    ],
)
def test_what_cannot_be_kept_is_said_and_typed_again(pages: Pages, changes: dict[str, object]) -> None:
    answer = pages.save(**changes)
    assert answer.status_code == 422
    check_page(answer)
    assert "Something needs to be corrected" in answer.text
    assert pages.kept() is None


def test_a_way_that_this_installation_lacks_is_not_offered(pages: Pages) -> None:
    pages.offer(mail=True, sms=False)
    page = pages.client.get("/settings")
    assert "By e-mail" in page.text
    assert "By SMS" not in page.text
    assert pages.save(notify_by="SMS", mobile="070-123 45 67").status_code == 422
    pages.offer(mail=False, sms=False)
    page = pages.client.get("/settings")
    check_page(page)
    assert "By e-mail" not in page.text
    assert pages.save(notify_by="NONE").status_code == 303


def test_protected_identity_is_told_why_and_keeps_only_reminders(pages: Pages) -> None:
    with pages.database.unit_of_work() as session:
        person = add_person(session, protection=Protection.CONFIDENTIALITY_FLAG)
    client = pages.browser(person)
    page = client.get("/settings")
    check_page(page)
    assert "You have protected identity" in page.text
    assert 'name="email"' not in page.text
    assert pages.save_as(client).status_code == 422
    assert pages.kept(person) is None
    assert pages.save_as(client, notify_by="NONE").status_code == 303
    kept = pages.kept(person)
    assert kept is not None
    assert (kept.notify_by, kept.email, kept.reminders) == (NotifyBy.NONE, "", ["CAN_ORDER"])
    with pages.database.unit_of_work() as session, pytest.raises(NoContactKept):
        choose_settings(session, patient_identity(person), ContactChoice(NotifyBy.EMAIL, "anna@example.org"))


def test_a_guardian_chooses_for_themselves(pages: Pages) -> None:
    with pages.database.unit_of_work() as session:
        child = add_person(session, born=NOON.date().replace(year=2018), name="Barn Provsson")
        session.add(Guardianship(guardian_id=pages.patient.id, child_id=child.id))
    client = pages.browser(pages.patient, acting_for=child)
    page = client.get("/settings")
    assert "also about children" in page.text
    assert pages.save_as(client).status_code == 303
    assert pages.kept(child) is None
    assert pages.kept() is not None
    with pages.database.session() as session:
        entry = session.scalars(select(AccessLogEntry).where(AccessLogEntry.action == "settings.chosen")).one()
        assert (entry.actor_id, entry.subject_person_id) == (pages.patient.id, pages.patient.id)


def test_it_is_no_page_for_staff(pages: Pages) -> None:
    with pages.database.unit_of_work() as session:
        staff = add_staff(session, Role.CUSTOMER_SERVICE)
    client = sign_in(pages.app.test_client(), staff, in_call_about=pages.patient)
    assert client.get("/settings").status_code == 403
    assert "/settings" not in client.get("/my-products").text


def test_the_menu_leads_there(pages: Pages) -> None:
    assert 'href="/settings"' in pages.client.get("/my-products").text


def test_statements(pages: Pages) -> None:
    pages.save()
    with counted(pages.database) as statements:
        pages.client.get("/settings")
    assert len(statements) <= 10


def test_a_day_for_the_calendar_tells_nothing_of_health(pages: Pages) -> None:
    path = f"/my-products/{pages.item.id}/calendar"
    assert pages.client.get(path).status_code == 404
    with pages.database.unit_of_work() as session:
        day = today(session).replace(day=20)
        session.get_one(PrescriptionItem, pages.item.id).next_earliest_order_date = day
    answer = pages.client.get(path)
    assert answer.mimetype == "text/calendar"
    assert f"DTSTART;VALUE=DATE:{day:%Y%m%d}" in answer.text
    for revealing in ("Glukos", "sensor", "order again", "Anna", str(pages.patient.number)):
        assert revealing not in answer.text
    with pages.database.unit_of_work() as session:
        stranger = add_person(session)
    assert pages.browser(stranger).get(path).status_code == 404
    assert pages.client.get("/my-products/99999999999999999999/calendar").status_code == 404


@pytest.mark.parametrize("kind", ["can_order", "runs_out", "prescription_ends"])
@pytest.mark.parametrize("articles", [["Sensor"], ["Sensor", "Remsa 100%", "Påse %(day)s {x} <b>"]])
def test_reminders_are_read_in_the_inbox(pages: Pages, kind: str, articles: list[str]) -> None:
    with pages.database.unit_of_work() as session:
        message = InboxMessage(
            receiver_id=pages.patient.id,
            about_person_id=pages.patient.id,
            kind=f"reminder.{kind}",
            facts={"articles": articles, "items": [pages.item.id], "day": "2026-12-01"},
            created_at=NOON,
        )
        session.add(message)
        session.flush()
        message_id = message.id
    page = pages.client.get(f"/inbox/{message_id}")
    check_page(page)
    assert "Tuesday 1 December" in page.text
    assert "Sensor" in page.text
    link = re.findall(r'class="actions"><a href="([^"]+)"', page.text)
    assert link
    assert pages.client.get(link[0].replace("&amp;", "&")).status_code == 200


@given(st.text(max_size=60))
def test_no_text_becomes_an_address_that_breaks_a_header(text: str) -> None:
    for read in (email_address, mobile_number):
        try:
            found = read(text)
        except ContactRefused:
            continue
        assert found.isascii()
        assert not re.search(r"[\s<>,;:\x00-\x1f]", found)
        assert read(found) == found


@given(st.from_regex(r"(\+46|0046|0)[ -]?7[02369][ -]?[0-9]{3} ?[0-9]{2} ?[0-9]{2}", fullmatch=True))
def test_swedish_mobiles_as_people_write_them(text: str) -> None:
    assert re.fullmatch(r"\+467[0-9]{8}", mobile_number(text))


def test_an_address_of_another_script_is_written_as_mail_servers_read_it() -> None:
    assert email_address("anna@sjukvård.example") == "anna@xn--sjukvrd-ixa.example"
