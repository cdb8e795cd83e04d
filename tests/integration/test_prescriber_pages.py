"""The prescriber's pages: what needs the unit, its patients, extending, stopping and answering, and what they refuse."""

from __future__ import annotations

from datetime import date

import pytest
from sqlalchemy import func, select

from auth.models import InboxMessage, Person, Protection, Unit
from core.audit import AccessLogEntry
from core.db import Database
from orders.kinds import PrescriptionStatus, RenewalStatus
from orders.models import PrescriptionItem
from orders.renewal_models import RenewalRequest
from tests.support.builders import add_person, number_text
from tests.support.pages import check_page
from tests.support.prescriber_pages import ClinicPages
from tests.support.statements import counted

LONG = "ö" * 300


@pytest.fixture
def pages(database: Database) -> ClinicPages:
    return ClinicPages(database)


def _request_id(pages: ClinicPages) -> int:
    with pages.database.session() as session:
        return session.scalars(select(RenewalRequest.id).where(RenewalRequest.status == RenewalStatus.OPEN)).one()


def test_the_first_page_shows_what_is_asked_with_what_each_answer_gives(pages: ClinicPages) -> None:
    item = pages.clinic.item(allowed=1, valid_until=date(2026, 12, 20))
    pages.ask(item, "Jag använder fler nu <b>'ö'</b> 🙂")
    page = pages.nurse.get("/prescriber")
    check_page(page)
    assert "1 question about renewal" in page.text
    assert "Jag använder fler nu &lt;b&gt;" in page.text
    assert "Renew 12 months" in page.text
    assert "Gives 3 withdrawals more, until 1 December 2027." in page.text
    assert "Change and renew" in page.text


def test_an_empty_first_page_says_what_will_fill_it(pages: ClinicPages) -> None:
    page = pages.nurse.get("/prescriber")
    check_page(page)
    assert "Nothing needs you right now" in page.text


def test_renewing_as_before_gives_withdrawals_and_time_and_tells_the_patient(pages: ClinicPages) -> None:
    item = pages.clinic.item(allowed=1, valid_until=date(2026, 12, 20))
    pages.ask(item)
    url = f"/prescriber/renewals/{_request_id(pages)}/as-before"
    assert pages.post(pages.nurse, url).status_code == 303
    again = pages.post(pages.nurse, url)
    assert again.status_code == 303
    assert "Nothing was changed now" in pages.nurse.get(again.location).text
    renewed = pages.clinic.now(item)
    assert (renewed.orders_remaining, renewed.last_valid_date) == (4, date(2027, 12, 1))
    assert "Your prescription has been renewed" in pages.patient.get("/inbox").text


def test_renewing_on_other_terms_keeps_what_was_typed_when_refused(pages: ClinicPages) -> None:
    item = pages.clinic.item(allowed=1, valid_until=date(2026, 12, 20))
    pages.ask(item)
    url = f"/prescriber/renewals/{_request_id(pages)}"
    check_page(pages.nurse.get(url))
    refused = pages.post(pages.nurse, f"{url}/renew", more_orders="2", last_valid_date="9999-12-31")
    assert refused.status_code == 422
    check_page(refused)
    assert "Choose 1 December 2027 or an earlier day." in refused.text
    assert 'value="9999-12-31"' in refused.text
    assert pages.post(pages.nurse, f"{url}/renew", more_orders="2", last_valid_date="2027-03-01").status_code == 303
    renewed = pages.clinic.now(item)
    assert (renewed.orders_remaining, renewed.last_valid_date) == (3, date(2027, 3, 1))


def test_declining_needs_a_reason_and_the_patient_reads_it(pages: ClinicPages) -> None:
    pages.ask(pages.clinic.item(allowed=1, valid_until=date(2026, 12, 20)))
    url = f"/prescriber/renewals/{_request_id(pages)}/decline"
    empty = pages.post(pages.nurse, url, answer="  ")
    assert empty.status_code == 422
    assert "Write why. The patient reads it." in empty.text
    check_page(empty)
    assert pages.post(pages.nurse, url, answer="Vi ses på ditt besök i januari").status_code == 303
    with pages.database.session() as session:
        message = session.scalars(select(InboxMessage).where(InboxMessage.kind == "renewal.declined")).one()
        assert message.facts["answer"] == "Vi ses på ditt besök i januari"


def test_extending_twice_with_one_press_extends_once(pages: ClinicPages) -> None:
    item = pages.clinic.item(allowed=4, valid_until=date(2027, 6, 30))
    fields = {"more_orders": "2", "last_valid_date": "2027-11-30", "idempotency_key": "same"}
    for _press in range(2):
        assert pages.post(pages.nurse, f"/prescriber/items/{item.id}/extend", **fields).status_code == 303
    extended = pages.clinic.now(item)
    assert (extended.orders_allowed, extended.last_valid_date) == (6, date(2027, 11, 30))


@pytest.mark.parametrize(
    ("more", "until", "said"),
    [
        ("0", "2027-06-30", "Nothing changes."),
        ("-3", "2027-11-30", "Write 0 or more."),
        ("many", "2027-11-30", "Write the number with digits"),
        ("", "2027-11-30", "Write how many more withdrawals"),
        ("1", "tomorrow", "Write the day as year-month-day"),
        ("1", "9999-12-31", "or an earlier day"),
        ("1", "0001-01-01", "or a later day"),
        ("999", "2027-11-30", "Write a number of withdrawals from 0 to 20."),
        ("9" * 30, "2027-11-30", "Write 0 or more."),
    ],
)
def test_bad_terms_are_refused_in_words(pages: ClinicPages, more: str, until: str, said: str) -> None:
    item = pages.clinic.item(allowed=4, valid_until=date(2027, 6, 30))
    refused = pages.post(pages.nurse, f"/prescriber/items/{item.id}/extend", more_orders=more, last_valid_date=until)
    assert refused.status_code == 422
    check_page(refused)
    assert said in refused.text
    assert pages.clinic.now(item).orders_allowed == 4


def test_stopping_says_the_consequence_and_needs_a_reason(pages: ClinicPages) -> None:
    item = pages.clinic.item()
    url = f"/prescriber/items/{item.id}"
    assert "The patient can no longer order it." in pages.nurse.get(url).text
    assert pages.post(pages.nurse, f"{url}/stop", reason="").status_code == 422
    too_long = pages.post(pages.nurse, f"{url}/stop", reason="ö" * 301)
    assert too_long.status_code == 422
    assert "ö" * 301 in too_long.text
    assert pages.post(pages.nurse, f"{url}/stop", reason=LONG).status_code == 303
    assert pages.clinic.now(item).status is PrescriptionStatus.CANCELLED
    after = pages.nurse.get(url)
    check_page(after)
    assert "A stopped prescription cannot be extended." in after.text
    with pages.database.session() as session:
        entry = session.scalars(select(AccessLogEntry).where(AccessLogEntry.action == "prescription.stopped")).one()
        assert entry.reason == LONG


def test_another_unit_finds_nothing_of_it(pages: ClinicPages) -> None:
    item = pages.clinic.item(allowed=1, valid_until=date(2026, 12, 20))
    pages.ask(item)
    request_id, person_id = _request_id(pages), pages.clinic.person.id
    for path in (
        f"/prescriber/items/{item.id}",
        f"/prescriber/renewals/{request_id}",
        f"/prescriber/patients/{person_id}",
        f"/prescriber/patients/{person_id}/prescribe",
        f"/prescriber/patients/{person_id}/prescribe/{item.article_id}",
    ):
        assert pages.other_nurse.get(path).status_code == 404, path
    for path in (
        f"/prescriber/items/{item.id}/extend",
        f"/prescriber/items/{item.id}/stop",
        f"/prescriber/renewals/{request_id}/as-before",
        f"/prescriber/renewals/{request_id}/renew",
        f"/prescriber/renewals/{request_id}/decline",
        f"/prescriber/patients/{person_id}/prescribe/{item.article_id}",
    ):
        fields = {"reason": "x", "answer": "x", "more_orders": "1", "last_valid_date": "2027-11-30"}
        assert pages.post(pages.other_nurse, path, **fields).status_code == 404, path
    assert "Test Testsson" not in pages.other_nurse.get("/prescriber/patients").text
    assert pages.clinic.now(item).orders_allowed == 1


def test_a_patient_of_the_region_is_opened_by_number_and_reason(pages: ClinicPages) -> None:
    pages.clinic.item(pages.clinic.article(name="Hemlig sensor"))
    number = pages.clinic.person.number
    no_reason = pages.post(pages.other_nurse, "/prescriber/find", number=number, reason=" ")
    assert no_reason.status_code == 422
    check_page(no_reason)
    assert number in no_reason.text
    assert "Write why you open the patient" in no_reason.text
    nobody = pages.post(pages.other_nurse, "/prescriber/find", number=number_text(date(1931, 1, 1)), reason="Remiss")
    assert "Nobody with that number" in nobody.text
    for malformed in ("1912", "191212121213", "x" * 30, "١٩١٢١٢١٢١٢١٢"):
        refused = pages.post(pages.other_nurse, "/prescriber/find", number=malformed, reason="Remiss")
        assert refused.status_code == 422
        assert "That is not a personal number" in refused.text
    opened = pages.post(pages.other_nurse, "/prescriber/find", number=number, reason="Remiss från diabetes")
    assert (opened.status_code, opened.location) == (303, f"/prescriber/patients/{pages.clinic.person.id}")
    assert number not in opened.location
    page = pages.other_nurse.get(opened.location)
    check_page(page)
    assert "Remiss från diabetes" in page.text
    assert "Hemlig sensor" not in page.text
    assert "Other units have 1 prescription in force" in page.text


def test_protected_patients_have_no_name_anywhere(pages: ClinicPages) -> None:
    with pages.database.unit_of_work() as session:
        person = add_person(session, protection=Protection.CONFIDENTIALITY_FLAG)
        person.alias = "Lind Ekman"
    item = pages.clinic.item(person=person, allowed=1, valid_until=date(2026, 12, 20))
    paths = ("/prescriber", "/prescriber/patients", f"/prescriber/patients/{person.id}", f"/prescriber/items/{item.id}")
    for path in paths:
        page = pages.nurse.get(path)
        check_page(page)
        assert "Lind Ekman" in page.text
        assert f"ending in {person.number[-4:]}" in page.text
        assert person.number[:8] not in page.text


def test_patients_are_found_by_a_part_of_the_name_or_the_number(pages: ClinicPages) -> None:
    with pages.database.unit_of_work() as session:
        other = add_person(session, name="Siobhán O'Brien")
    pages.clinic.item()
    pages.clinic.item(person=other)
    for written in ("brien siob", other.number, f"{other.number[:8]}-{other.number[8:]}"):
        page = pages.post(pages.nurse, "/prescriber/patients", words=written)
        check_page(page)
        assert "O&#39;Brien" in page.text
        assert "Test Testsson" not in page.text
    nothing = pages.post(pages.nurse, "/prescriber/patients", words="%_\\ 🙂")
    check_page(nothing)
    assert "patients is called that" in nothing.text


def test_what_stands_in_the_way_of_prescribing_is_said(pages: ClinicPages) -> None:
    pages.clinic.item()
    with pages.database.unit_of_work() as session:
        session.get_one(Person, pages.clinic.person.id).county_code = "05"
    page = pages.nurse.get(f"/prescriber/patients/{pages.clinic.person.id}")
    check_page(page)
    assert "registered in another region" in page.text
    assert "Prescribe something" not in page.text
    assert "Have moved out of the region" in pages.nurse.get("/prescriber").text


def test_a_deceased_patients_question_is_not_asked(pages: ClinicPages) -> None:
    item = pages.clinic.item(allowed=1, valid_until=date(2026, 12, 20))
    pages.ask(item)
    with pages.database.unit_of_work() as session:
        session.get_one(Person, pages.clinic.person.id).deceased_on = date(2026, 11, 30)
    assert "question about renewal" not in pages.nurse.get("/prescriber").text
    page = pages.nurse.get(f"/prescriber/patients/{pages.clinic.person.id}")
    assert "The patient has died." in page.text


def test_pages_need_few_statements_whatever_they_show(pages: ClinicPages) -> None:
    for _number in range(12):
        with pages.database.unit_of_work() as session:
            person = add_person(session)
        pages.clinic.item(person=person, allowed=1, valid_until=date(2026, 12, 20))
        pages.ask(
            pages.clinic.item(person=person, allowed=1, valid_until=date(2026, 12, 9)), client=pages.browser_of(person)
        )
    for path in ("/prescriber", "/prescriber/patients", f"/prescriber/patients/{person.id}"):
        with counted(pages.database) as statements:
            assert pages.nurse.get(path).status_code == 200
        assert len(statements) <= 24, f"{path}: {len(statements)}"


def test_only_the_unit_with_an_address_can_get_a_protected_patients_parcels(pages: ClinicPages) -> None:
    with pages.database.unit_of_work() as session:
        person = add_person(session, protection=Protection.PROTECTED_REGISTRATION)
        session.get_one(Unit, pages.clinic.unit.id).street = ""
    pages.clinic.item(person=person)
    assert "Your unit has no address here" in pages.nurse.get(f"/prescriber/patients/{person.id}").text


def test_nothing_is_written_by_looking(pages: ClinicPages) -> None:
    pages.clinic.item()
    with pages.database.session() as session:
        before = session.scalar(select(func.count(PrescriptionItem.id)))
    for path in ("/prescriber", f"/prescriber/patients/{pages.clinic.person.id}/prescribe"):
        assert pages.nurse.get(path).status_code == 200
    with pages.database.session() as session:
        assert session.scalar(select(func.count(PrescriptionItem.id))) == before
