"""The reporter's pages: two minutes on a phone, nothing typed lost, nobody else's products."""

from __future__ import annotations

import re
from collections.abc import Mapping

import pytest
from sqlalchemy import func, select
from werkzeug.test import TestResponse

from auth.identity import Task
from auth.models import Person, ProxyAppointment
from core.clock import ManualClock
from core.db import Database
from core.idempotency import new_key
from delivery.complaints.models import Complaint, ComplaintState, FaultKind, FaultReport
from delivery.models import Parcel
from orders.models import ProductKind
from portal.security import ACTING_FOR_KEY
from portal.sessions import IDLE_LIMIT, Owner, ServerSession
from tests.support.builders import NOON, add_article, add_person
from tests.support.deliveries import add_delivered
from tests.support.pages import check_page
from tests.support.web import make_app, sign_in, token_of

ANSWERS = {
    "kind": "CAME_LOOSE",
    "applied_on": "2026-11-20",
    "failed_on": "2026-11-24",
    "has_danger_sign": "no",
    "was_harmed": "no",
    "is_kept": "yes",
    "packages": "2",
    "wants_replacement": "yes",
    "call_on": "0500-00 00 01",
    "description": "Den lossnade <b>när</b> hon sov.",
}


class Reporter:
    """A signed-in proxy who may only report faults, and the product they can report."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.app = make_app(database)
        with database.unit_of_work() as session:
            self.patient = add_person(session, name="Astrid Provsson")
            self.proxy = add_person(session, name="Kim Ombudsson")
            session.add(
                ProxyAppointment(
                    patient_id=self.patient.id,
                    proxy_id=self.proxy.id,
                    tasks=[Task.REPORT_FAULTS.value],
                    valid_from=NOON.date(),
                    valid_until=NOON.date().replace(year=2027),
                    accepted_at=NOON,
                )
            )
            self.picked_lot_id = add_delivered(session, self.patient).id
        self.client = sign_in(self.app.test_client(), self.proxy, acting_for=self.patient)
        self.page = f"/fault-reports/new/{self.picked_lot_id}"

    def post(self, changes: Mapping[str, str] | None = None, key: str = "") -> TestResponse:
        """Send the form with some answers changed; an empty one is left out."""
        answers = {name: value for name, value in (ANSWERS | dict(changes or {})).items() if value}
        answers |= {"csrf_token": token_of(self.client, self.page), "idempotency_key": key or new_key()}
        return self.client.post(self.page, data=answers)

    def cases(self) -> int:
        """Return how many cases there are."""
        with self.database.session() as session:
            return session.scalars(select(func.count()).select_from(Complaint)).one()


@pytest.fixture
def reporter(database: Database) -> Reporter:
    return Reporter(database)


def test_a_proxy_reports_and_follows_the_case(reporter: Reporter) -> None:
    chosen = reporter.client.get("/fault-reports/new")
    check_page(chosen)
    assert f'href="{reporter.page}"' in chosen.text
    assert "lot L24A88" in chosen.text
    check_page(reporter.client.get(reporter.page))
    answer = reporter.post()
    assert answer.status_code == 303
    receipt = reporter.client.get(answer.location)
    check_page(receipt)
    assert "100\N{NO-BREAK SPACE}016" in receipt.text
    assert "Do not throw the product away" in receipt.text
    assert "Friday 4 December" in receipt.text
    assert 'class="red-flag"' not in receipt.text
    for path in ("/fault-reports", "/fault-reports/100016"):
        page = reporter.client.get(path)
        check_page(page)
        assert "100\N{NO-BREAK SPACE}016" in page.text
    assert "Den lossnade &lt;b&gt;när&lt;/b&gt; hon sov." in page.text
    with reporter.database.session() as session:
        report = session.scalars(select(FaultReport)).one()
        assert (report.kind, report.packages, report.is_kept, report.reporter_name) == (
            FaultKind.CAME_LOOSE,
            2,
            True,
            "Kim Ombudsson",
        )


def test_that_proxy_gets_nowhere_else(reporter: Reporter) -> None:
    for path in ("/my-products", "/orders", "/order/review", "/complaints", "/customer-service", "/access-log"):
        assert reporter.client.get(path).status_code == 403, path
    as_themselves = sign_in(reporter.app.test_client(), reporter.proxy)
    assert as_themselves.get(reporter.page).status_code == 404
    assert "L24A88" not in as_themselves.get("/fault-reports/new").text


def test_an_unknown_product_and_another_persons_case_are_not_found(reporter: Reporter) -> None:
    assert reporter.client.get("/fault-reports/new/999999999999999999999999").status_code == 404
    reporter.post()
    with reporter.database.unit_of_work() as session:
        stranger = add_person(session)
    for path in (
        "/fault-reports/100016",
        "/fault-reports/100016/received",
        "/fault-reports/100017",
        "/fault-reports/%00",
    ):
        assert sign_in(reporter.app.test_client(), stranger).get(path).status_code == 404


def test_what_was_typed_stays_when_something_is_wrong(reporter: Reporter) -> None:
    answer = reporter.post(
        {
            "failed_on": "2026-12-02",
            "applied_on": "i går",
            "was_harmed": "",
            "packages": "många",
            "description": "Alldeles <ny>",
        }
    )
    check_page(answer)
    assert answer.status_code == 422
    text = answer.text
    assert "Answer whether anyone was harmed." in text
    assert "Write the day as year-month-day" in text
    assert "Write how many with digits" in text
    assert 'value="i går"' in text
    assert 'value="många"' in text
    assert "Alldeles &lt;ny&gt;" in text
    assert re.search(r'<input[^>]*checked[^>]*value="CAME_LOOSE"', text)
    rules = reporter.post({"failed_on": "2026-12-02", "packages": "4"})
    assert rules.status_code == 422
    assert "That day has not come yet." in rules.text
    assert "You got 3 packages." in rules.text
    assert reporter.cases() == 0


@pytest.mark.parametrize(
    "changes",
    [
        {"kind": "TASTE_OR_SPOILED"},
        {"kind": ""},
        {"description": "x" * 2001},
        {"error_code": "x" * 41},
        {"failed_on": "0000-00-00"},
        {"packages": "99999999999999999999"},
        {"wants_replacement": "perhaps"},
    ],
)
def test_bad_input_is_said_on_the_page(reporter: Reporter, changes: dict[str, str]) -> None:
    answer = reporter.post(changes)
    assert answer.status_code == 422
    check_page(answer)
    assert "data-error-summary" in answer.text
    assert reporter.cases() == 0


def test_a_character_that_postgresql_refuses_is_dropped(reporter: Reporter) -> None:
    assert reporter.post({"description": "a\x00b", "call_on": "\x001"}).status_code == 303
    with reporter.database.session() as session:
        assert session.scalars(select(FaultReport.description)).one() == "ab"


@pytest.mark.parametrize("changes", [{"has_danger_sign": "yes"}, {"was_harmed": "yes"}])
def test_a_red_flag_shows_the_numbers_to_call_first(reporter: Reporter, changes: dict[str, str]) -> None:
    form = reporter.client.get(reporter.page).text
    assert 'href="tel:112"' in form
    assert 'href="tel:1177"' in form
    again = reporter.post(changes | {"kind": ""})
    assert again.text.index('class="red-flag"') < again.text.index("<h1")
    answer = reporter.post(changes)
    receipt = reporter.client.get(answer.location).text
    assert receipt.index('class="red-flag"') < receipt.index("<h1")
    assert "Tuesday 1 December" in receipt


def test_a_double_click_is_one_case(reporter: Reporter) -> None:
    key = new_key()
    places = {reporter.post(key=key).location for _ in range(2)}
    assert len(places) == reporter.cases() == 1


def test_the_questions_fit_the_product(reporter: Reporter) -> None:
    with reporter.database.unit_of_work() as session:
        drink = add_article(session, kind=ProductKind.NUTRITION, name="Näringsdryck")
        picked = add_delivered(session, reporter.patient, article=drink, packages=1)
    page = reporter.client.get(f"/fault-reports/new/{picked.id}").text
    assert 'value="TASTE_OR_SPOILED"' in page
    for name in ("has_danger_sign", "applied_on", "error_code", "packages"):
        assert f'name="{name}"' not in page
        assert f'name="{name}"' in reporter.client.get(reporter.page).text
    assert 'name="was_harmed"' in page


def test_the_delivery_notes_code_opens_its_parcel(reporter: Reporter) -> None:
    with reporter.database.unit_of_work() as session:
        add_delivered(session, reporter.patient, lot_no="ANOTHER")
    with reporter.database.session() as session:
        sscc = session.scalars(select(Parcel.sscc).order_by(Parcel.id)).first()
    page = reporter.client.get(f"/fault-reports/new?parcel={sscc}")
    assert "L24A88" in page.text
    assert "ANOTHER" not in page.text
    assert reporter.client.get("/fault-reports/new?parcel=%00").status_code == 200
    unknown = reporter.client.get("/fault-reports/new?parcel=000")
    check_page(unknown)
    assert "L24A88" in unknown.text
    assert "We do not find that parcel here" in unknown.text


def test_a_form_that_comes_too_late_is_shown_again_after_logging_in(reporter: Reporter, clock: ManualClock) -> None:
    answers = ANSWERS | {"csrf_token": token_of(reporter.client, reporter.page), "idempotency_key": new_key()}
    clock.advance(IDLE_LIMIT * 1.1)
    too_late = reporter.client.post(reporter.page, data=answers)
    assert too_late.status_code == 303
    assert "/log-in" in too_late.location
    assert reporter.cases() == 0
    _log_in_again(reporter)
    page = reporter.client.get(reporter.page)
    check_page(page)
    assert "Den lossnade &lt;b&gt;när&lt;/b&gt; hon sov." in page.text
    assert 'value="2026-11-24"' in page.text
    assert re.search(r'<input[^>]*checked[^>]*value="CAME_LOOSE"', page.text)
    assert reporter.post().status_code == 303
    assert "Den lossnade" not in reporter.client.get(reporter.page).text


def _log_in_again(reporter: Reporter) -> None:
    """Go on in the browser's own session as its person, as a log-in does."""
    name = reporter.app.config["SESSION_COOKIE_NAME"]
    cookie = reporter.client.get_cookie(name)
    assert cookie is not None
    session = ServerSession(reporter.database, cookie.value)
    with reporter.database.unit_of_work() as db:
        session.rotate(db, Owner(person_id=reporter.proxy.id))
    session["language"] = "en"
    session[ACTING_FOR_KEY] = reporter.patient.id
    session.save()
    assert session.cookie_to_set
    reporter.client.set_cookie(name, session.cookie_to_set)


def test_an_answer_is_read_on_the_case_page(reporter: Reporter) -> None:
    reporter.post()
    with reporter.database.unit_of_work() as session:
        complaint = session.scalars(select(Complaint)).one()
        complaint.state, complaint.decline_reason = ComplaintState.DECLINED, "Den var <tappad>."
    page = reporter.client.get("/fault-reports/100016")
    check_page(page)
    assert "Den var &lt;tappad&gt;." in page.text


def test_somebody_with_nothing_sent_is_told_why_the_page_is_empty(reporter: Reporter) -> None:
    with reporter.database.unit_of_work() as session:
        newcomer: Person = add_person(session)
    client = sign_in(reporter.app.test_client(), newcomer)
    for path in ("/fault-reports/new", "/fault-reports"):
        page = client.get(path)
        check_page(page)
        assert 'class="empty"' in page.text
