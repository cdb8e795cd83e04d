"""A prescriber where prescriptions live elsewhere: nothing is written here, every page says so, and questions are answered."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from sqlalchemy import select

from auth.models import InboxMessage
from core.db import Database
from orders.kinds import OWN_SOURCE, RenewalStatus
from orders.models import Prescription, PrescriptionItem
from orders.prescribing_errors import PrescriptionRefused
from orders.prescription_rules import ProblemKind
from orders.renewal_models import RenewalRequest
from orders.renewals import AnswerRenewal, RenewedElsewhere, answer_renewal
from tests.support.builders import add_unit
from tests.support.pages import check_page
from tests.support.prescriber_pages import ClinicPages
from tests.support.source import policies_elsewhere

SOON = date(2026, 12, 20)
SAID = "Prescribe, extend and stop there."


@pytest.fixture
def pages(database: Database, tmp_path: Path) -> ClinicPages:
    clinic = ClinicPages(database)
    policies_elsewhere(tmp_path)
    return clinic


def _request(pages: ClinicPages) -> RenewalRequest:
    with pages.database.session() as session:
        return session.scalars(select(RenewalRequest)).one()


def test_nothing_is_prescribed_extended_or_stopped_here(pages: ClinicPages) -> None:
    article, item = pages.clinic.article(), pages.clinic.item()
    for act in (
        lambda: pages.clinic.prescribe(article),
        lambda: pages.clinic.extend(item, more_orders=1),
        lambda: pages.clinic.stop(item),
    ):
        with pytest.raises(PrescriptionRefused) as refused:
            act()
        assert [problem.kind for problem in refused.value.problems] == [ProblemKind.KEPT_ELSEWHERE]
    assert pages.clinic.now(item).stopped_at is None


def test_every_page_says_where_and_none_has_a_button_that_leads_nowhere(pages: ClinicPages) -> None:
    article, item = pages.clinic.article(), pages.clinic.item()
    person_id = pages.clinic.person.id
    for url in (
        f"/prescriber/patients/{person_id}",
        f"/prescriber/patients/{person_id}/prescribe",
        pages.prescribe_url(article),
        f"/prescriber/items/{item.id}",
    ):
        page = pages.nurse.get(url)
        check_page(page)
        assert SAID in page.text, url
        for dead_end in ("Prescribe something", "Extend the prescription", "Stop the prescription", "Look it over"):
            assert dead_end not in page.text, (url, dead_end)


def test_forms_from_before_are_refused_in_words(pages: ClinicPages) -> None:
    article, item = pages.clinic.article(), pages.clinic.item()
    answers = [
        pages.prescribe(article, "confirm"),
        pages.post(pages.nurse, f"/prescriber/items/{item.id}/extend", more_orders="1", last_valid_date="2027-06-30"),
        pages.post(pages.nurse, f"/prescriber/items/{item.id}/stop", reason="Används inte"),
    ]
    for answer in answers:
        check_page(answer)
        assert answer.status_code == 422
        assert SAID in answer.text


def test_what_was_prescribed_here_before_can_still_be_stopped(pages: ClinicPages) -> None:
    item = pages.clinic.item()
    with pages.database.unit_of_work() as session:
        session.get_one(Prescription, item.prescription_id).source = OWN_SOURCE
    page = pages.nurse.get(f"/prescriber/items/{item.id}")
    check_page(page)
    assert "Stop the prescription" in page.text
    pages.clinic.stop(item)
    assert pages.clinic.now(item).stopped_at is not None


def test_a_question_is_answered_here_when_it_was_renewed_there(pages: ClinicPages) -> None:
    item = pages.clinic.item(allowed=1, valid_until=SOON)
    pages.ask(item)
    start = pages.nurse.get("/prescriber")
    check_page(start)
    assert "Look at the question" in start.text
    assert "Renew 12 months" not in start.text
    url = f"/prescriber/renewals/{_request(pages).id}"
    page = pages.nurse.get(url)
    check_page(page)
    assert "Renew it there first, then answer the patient here." in page.text
    assert "Renew the prescription" not in page.text
    assert pages.post(pages.nurse, f"{url}/as-before").status_code == 303
    assert _request(pages).status is RenewalStatus.RENEWED
    with pages.database.session() as session:
        message = session.scalars(select(InboxMessage).where(InboxMessage.kind == "renewal.renewed")).one()
        assert "until" not in message.facts
        kept = session.get_one(PrescriptionItem, item.id)
        assert (kept.orders_remaining, kept.last_valid_date) == (1, SOON)
    assert "You see among your products when you can order" in pages.patient.get(f"/inbox/{message.id}").text


def test_a_no_needs_no_other_system(pages: ClinicPages) -> None:
    pages.ask(pages.clinic.item(allowed=1, valid_until=SOON))
    url = f"/prescriber/renewals/{_request(pages).id}"
    assert pages.post(pages.nurse, f"{url}/decline", answer="Boka en tid först").status_code == 303
    assert _request(pages).status is RenewalStatus.DECLINED


def test_terms_from_before_do_not_renew_what_is_kept_elsewhere(pages: ClinicPages) -> None:
    pages.ask(pages.clinic.item(allowed=1, valid_until=SOON))
    url = f"/prescriber/renewals/{_request(pages).id}"
    answer = pages.post(pages.nurse, f"{url}/renew", more_orders="2", last_valid_date="2027-03-01")
    check_page(answer)
    assert answer.status_code == 422
    assert _request(pages).status is RenewalStatus.OPEN


def test_where_prescriptions_live_here_nobody_says_that_they_were_renewed_elsewhere(database: Database) -> None:
    pages = ClinicPages(database)
    pages.ask(pages.clinic.item(allowed=1, valid_until=SOON))
    with pytest.raises(PrescriptionRefused), database.unit_of_work() as session:
        answer_renewal(session, pages.clinic.nurse, AnswerRenewal(_request(pages).id, RenewedElsewhere()))
    assert _request(pages).status is RenewalStatus.OPEN


def test_a_unit_that_nobody_here_works_at_is_asked_elsewhere(pages: ClinicPages) -> None:
    with pages.database.unit_of_work() as session:
        away = add_unit(session, "Mottagningen bortom")
    item = pages.clinic.item(allowed=1, valid_until=SOON, unit=away)
    heard = pages.clinic.item(allowed=1, valid_until=SOON)
    page = pages.patient.get("/my-products")
    check_page(page)
    assert f"/my-products/{heard.id}/renewal" in page.text
    assert f"/my-products/{item.id}/renewal" not in page.text
    assert pages.patient.get(f"/my-products/{item.id}/renewal").status_code == 303
    assert pages.ask(item).status_code == 303
    with pages.database.session() as session:
        assert session.scalars(select(RenewalRequest)).all() == []
