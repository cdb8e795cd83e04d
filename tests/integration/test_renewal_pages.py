"""Asking the unit to renew: when the way is shown, what is asked, by whom, and what the product says afterwards."""

from __future__ import annotations

from datetime import date

import pytest
from sqlalchemy import func, select

from auth.identity import Role, Task
from auth.models import Guardianship, ProxyAppointment
from core.db import Database
from orders.models import Article, PrescriptionItem
from orders.renewal_models import RenewalRequest
from tests.support.builders import NOON, add_person, add_staff
from tests.support.pages import check_page
from tests.support.prescriber_pages import ClinicPages
from tests.support.statements import counted
from tests.support.web import sign_in

SOON = date(2026, 12, 20)


@pytest.fixture
def pages(database: Database) -> ClinicPages:
    return ClinicPages(database)


def _asked(pages: ClinicPages) -> int:
    with pages.database.session() as session:
        return session.scalar(select(func.count(RenewalRequest.id))) or 0


def _use_up(pages: ClinicPages, item: PrescriptionItem) -> None:
    with pages.database.unit_of_work() as session:
        used = session.get_one(PrescriptionItem, item.id)
        used.orders_used_elsewhere, used.orders_remaining = used.orders_allowed, 0


def test_the_way_to_ask_shows_beside_what_a_renewal_helps(pages: ClinicPages) -> None:
    ends_soon = pages.clinic.item(valid_until=SOON)
    lasts = pages.clinic.item(valid_until=date(2027, 6, 30))
    used_up, expired = pages.clinic.item(), pages.clinic.item(valid_until=date(2026, 11, 20))
    _use_up(pages, used_up)
    page = pages.patient.get("/my-products")
    check_page(page)
    for item in (ends_soon, used_up, expired):
        assert f"/my-products/{item.id}/renewal" in page.text
    assert f"/my-products/{lasts.id}/renewal" not in page.text
    assert "The prescription ends on 20 December 2026." in page.text


def test_asking_twice_asks_once_and_the_product_says_so(pages: ClinicPages) -> None:
    item = pages.clinic.item(valid_until=SOON)
    form = pages.patient.get(f"/my-products/{item.id}/renewal")
    check_page(form)
    assert pages.clinic.unit.name in form.text
    for _press in range(2):
        answer = pages.ask(item, "Jag har bara två kvar. <script>'ö'</script> 🙂")
        assert (answer.status_code, answer.location) == (303, "/my-products")
    assert _asked(pages) == 1
    page = pages.patient.get("/my-products")
    check_page(page)
    assert f"You asked for a renewal on 1 December. {pages.clinic.unit.name} answers here." in page.text
    assert f"/my-products/{item.id}/renewal" not in page.text
    assert pages.patient.get(f"/my-products/{item.id}/renewal").status_code == 303
    assert "We have asked your unit" in pages.patient.get("/inbox").text


def test_a_note_that_is_too_long_is_kept(pages: ClinicPages) -> None:
    item = pages.clinic.item(valid_until=SOON)
    assert pages.ask(item, "x" * 500).status_code == 303
    other = pages.clinic.item(valid_until=SOON)
    refused = pages.ask(other, "y" * 501)
    assert refused.status_code == 422
    check_page(refused)
    assert "y" * 501 in refused.text
    assert "Write at most 500 characters." in refused.text
    assert _asked(pages) == 1


def test_what_needs_no_renewal_is_not_asked_for(pages: ClinicPages) -> None:
    item = pages.clinic.item(valid_until=date(2027, 6, 30))
    assert pages.patient.get(f"/my-products/{item.id}/renewal").status_code == 303
    answer = pages.ask(item)
    assert "does not need to be renewed" in pages.patient.get(answer.location).text
    assert _asked(pages) == 0


def test_somebody_elses_product_is_not_found(pages: ClinicPages) -> None:
    with pages.database.unit_of_work() as session:
        stranger = add_person(session)
    item = pages.clinic.item(person=stranger, valid_until=SOON)
    assert pages.patient.get(f"/my-products/{item.id}/renewal").status_code == 404
    assert pages.ask(item).status_code == 404
    assert pages.nurse.get(f"/my-products/{item.id}/renewal").status_code == 403


def test_a_discontinued_product_names_the_one_that_replaces_it(pages: ClinicPages) -> None:
    old, new = pages.clinic.article(name="Sensor 1"), pages.clinic.article(name="Sensor 2")
    item = pages.clinic.item(old)
    with pages.database.unit_of_work() as session:
        article = session.get_one(Article, old.id)
        article.is_orderable, article.successor_id = False, new.id
    assert "It has been replaced by Sensor 2." in pages.patient.get("/my-products").text
    page = pages.patient.get(f"/my-products/{item.id}/renewal")
    check_page(page)
    assert f"The one that replaces it is called Sensor 2, article {new.article_no}." in page.text
    assert pages.ask(item).status_code == 303


def test_guardian_proxy_and_customer_service_ask_for_the_patient(pages: ClinicPages) -> None:
    with pages.database.unit_of_work() as session:
        child = add_person(session, born=date(2018, 3, 4), name="Barn Provsson")
        guardian, proxy = add_person(session, name="Vera Vårdnad"), add_person(session, name="Otto Ombud")
        session.add(Guardianship(guardian_id=guardian.id, child_id=child.id))
        session.add(
            ProxyAppointment(
                patient_id=pages.clinic.person.id,
                proxy_id=proxy.id,
                tasks=[Task.ORDER.value],
                valid_from=date(2026, 11, 1),
                valid_until=date(2027, 5, 1),
                accepted_at=NOON,
            )
        )
        service = add_staff(session, Role.CUSTOMER_SERVICE)
    items = [
        pages.clinic.item(person=child, valid_until=SOON),
        *(pages.clinic.item(valid_until=SOON) for _ in range(2)),
    ]
    browsers = [
        pages.browser_of(guardian, child),
        pages.browser_of(proxy, pages.clinic.person),
        sign_in(pages.app.test_client(), service, in_call_about=pages.clinic.person),
    ]
    for item, browser in zip(items, browsers, strict=True):
        assert browser.get(f"/my-products/{item.id}/renewal").status_code == 200
        assert pages.ask(item, client=browser).status_code == 303
    assert _asked(pages) == 3
    assert "You asked for a renewal" in browsers[0].get("/my-products").text
    assert "A renewal was asked for" in browsers[2].get("/my-products").text


def test_a_proxy_who_only_reports_faults_may_not_ask(pages: ClinicPages) -> None:
    with pages.database.unit_of_work() as session:
        proxy = add_person(session, name="Otto Ombud")
        session.add(
            ProxyAppointment(
                patient_id=pages.clinic.person.id,
                proxy_id=proxy.id,
                tasks=[Task.REPORT_FAULTS.value],
                valid_from=date(2026, 11, 1),
                valid_until=date(2027, 5, 1),
                accepted_at=NOON,
            )
        )
    item = pages.clinic.item(valid_until=SOON)
    browser = pages.browser_of(proxy, pages.clinic.person)
    assert browser.get(f"/my-products/{item.id}/renewal").status_code == 403
    assert pages.ask(item, client=browser).status_code == 403
    assert _asked(pages) == 0


def test_the_products_page_needs_one_statement_for_all_questions(pages: ClinicPages) -> None:
    items = [pages.clinic.item(valid_until=SOON) for _number in range(8)]
    pages.patient.get("/my-products")
    with counted(pages.database) as without:
        pages.patient.get("/my-products")
    for item in items:
        pages.ask(item)
    pages.patient.get("/my-products")
    with counted(pages.database) as with_questions:
        pages.patient.get("/my-products")
    assert len(with_questions) <= len(without) + 1
    assert len(with_questions) <= 24
