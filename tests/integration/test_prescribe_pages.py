"""Prescribing on the pages: choosing a product, its terms, the look over, and what is refused in words."""

from __future__ import annotations

from datetime import date

import pytest
from sqlalchemy import func, select

from auth.models import InboxMessage
from core.db import Database
from core.idempotency import new_key
from orders.models import Article, PrescriptionItem, ProductKind
from tests.support.builders import add_article
from tests.support.pages import check_page
from tests.support.prescriber_pages import ClinicPages

SENTENCE = "6\N{NO-BREAK SPACE}sensors every 84th day, four times, until 30 November 2027"


@pytest.fixture
def pages(database: Database) -> ClinicPages:
    pages = ClinicPages(database)
    pages.clinic.item()
    return pages


def _count(pages: ClinicPages, article: Article) -> int:
    with pages.database.session() as session:
        found = select(func.count(PrescriptionItem.id)).where(PrescriptionItem.article_id == article.id)
        return session.scalar(found) or 0


def test_a_product_is_found_by_name_number_and_area(pages: ClinicPages) -> None:
    sensor = pages.clinic.article(name="Glukossensor Vik")
    lancet = pages.clinic.article(ProductKind.LANCET, name="Lansett 33G")
    url = f"/prescriber/patients/{pages.clinic.person.id}/prescribe"
    for query, there, away in (
        (f"?find={sensor.article_no}", sensor, lancet),
        ("?find=LANSETT+33&area=DIABETES", lancet, sensor),
    ):
        page = pages.nurse.get(url + query)
        check_page(page)
        assert there.name in page.text
        assert f"/prescribe/{away.id}" not in page.text
    empty = pages.nurse.get(f"{url}?find=xyz&area=NOWHERE")
    check_page(empty)
    assert "Nothing in the agreement matches" in empty.text


def test_a_prescription_is_looked_over_and_then_made_once(pages: ClinicPages) -> None:
    sensor = pages.clinic.article()
    first = pages.nurse.get(pages.prescribe_url(sensor))
    check_page(first)
    assert 'value="2027-12-01"' in first.text
    looked = pages.prescribe(sensor)
    assert looked.status_code == 200
    check_page(looked)
    assert SENTENCE in looked.text
    assert _count(pages, sensor) == 0
    key = new_key()
    for _press in range(2):
        assert pages.prescribe(sensor, "confirm", idempotency_key=key).status_code == 303
    assert _count(pages, sensor) == 1
    with pages.database.session() as session:
        told = session.scalars(select(InboxMessage).where(InboxMessage.kind == "prescription.new")).one()
        assert told.receiver_id == pages.clinic.person.id
    assert sensor.name in pages.patient.get("/my-products").text


def test_the_sentence_follows_what_is_typed(pages: ClinicPages) -> None:
    sensor = pages.clinic.article()
    url = pages.prescribe_url(sensor) + "/summary"
    typed = {"packages": "6", "days": "84", "orders": "4", "valid_until": "2027-11-30"}
    assert pages.post(pages.nurse, url, **typed).text == SENTENCE
    for name, wrong in (("packages", ""), ("packages", "-2"), ("days", "x"), ("orders", "0"), ("valid_until", "9999")):
        assert pages.post(pages.nurse, url, **{**typed, name: wrong}).text == ""


def test_to_change_shows_what_was_typed(pages: ClinicPages) -> None:
    page = pages.prescribe(pages.clinic.article(), "change", packages="7")
    assert page.status_code == 200
    check_page(page)
    assert 'value="7"' in page.text


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("packages", "-1", "Write a number that is 1 or more."),
        ("packages", "", "Write the number of packages with digits."),
        ("packages", "six", "Write the number with digits"),
        ("packages", "1000", "Write a number of packages from 1 to 999."),
        ("days", "91", "One withdrawal may last 90 days at most."),
        ("orders", "25", "Write a number of withdrawals from 1 to 24."),
        ("orders", "9" * 40, "Write a number that is 1 or more."),
        ("valid_until", "", "Write the last day of the prescription."),
        ("valid_until", "9999-12-31", "Choose 1 December 2027 or an earlier day."),
        ("valid_until", "2020-01-01", "Choose 1 December 2026 or a later day."),
        ("valid_until", "31/12", "Write the day as year-month-day"),
        ("first_day", "2026-11-01", "The first withdrawal can be made today at the earliest."),
        ("first_day", "2027-12-24", "The first withdrawal must be before the prescription ends."),
    ],
)
def test_bad_terms_are_refused_beside_the_question(pages: ClinicPages, name: str, value: str, said: str) -> None:
    sensor = pages.clinic.article()
    for step in ("review", "confirm"):
        refused = pages.prescribe(sensor, step, **{name: value})
        assert refused.status_code == 422
        check_page(refused)
        assert said in refused.text
        assert f'value="{value}"' in refused.text
    assert _count(pages, sensor) == 0


def test_a_second_prescription_of_the_same_needs_a_tick(pages: ClinicPages) -> None:
    sensor = pages.clinic.article()
    pages.prescribe(sensor, "confirm")
    looked = pages.prescribe(sensor)
    assert looked.status_code == 200
    assert "already has this product prescribed, until 30 November 2027" in looked.text
    unticked = pages.prescribe(sensor, "confirm")
    assert unticked.status_code == 422
    check_page(unticked)
    assert "Tick what you have thought through" in unticked.text
    assert _count(pages, sensor) == 1
    assert pages.prescribe(sensor, "confirm", confirmed_second="y").status_code == 303
    assert _count(pages, sensor) == 2


def test_strips_that_do_not_fit_the_meter_need_a_tick(pages: ClinicPages) -> None:
    pages.clinic.item(pages.clinic.article(ProductKind.METER, group="VIK"))
    strips = pages.clinic.article(ProductKind.TEST_STRIP, group="SUND", package_size=50)
    looked = pages.prescribe(strips, packages="4")
    assert looked.status_code == 200
    assert "takes other strips" in looked.text
    assert "200\N{NO-BREAK SPACE}strips every 84th day" in looked.text
    assert pages.prescribe(strips, "confirm", confirmed_meter="y").status_code == 303


def test_varieties_are_chosen_and_at_least_one(pages: ClinicPages) -> None:
    drink = pages.clinic.article(ProductKind.NUTRITION, package_size=4, name="Näringsdryck")
    with pages.database.unit_of_work() as session:
        tastes = [add_article(session, generic=drink, package_size=4, kind=ProductKind.NUTRITION) for _taste in "ab"]
        for taste, name in zip(tastes, ("choklad", "vanilj"), strict=True):
            taste.variety = name
    form = pages.nurse.get(pages.prescribe_url(drink))
    check_page(form)
    assert form.text.count("checked") >= 2
    none_chosen = pages.prescribe(drink)
    assert none_chosen.status_code == 422
    assert "Choose at least one variety." in none_chosen.text
    foreign = pages.prescribe(drink, varieties=str(drink.id))
    assert foreign.status_code == 422
    check_page(foreign)
    assert pages.prescribe(drink, "confirm", varieties=str(tastes[1].id)).status_code == 303
    with pages.database.session() as session:
        item = session.scalars(select(PrescriptionItem).where(PrescriptionItem.article_id == drink.id)).one()
        assert [sub.variety for sub in item.sub_articles] == ["vanilj"]


def test_what_is_outside_the_agreement_or_of_another_region_is_not_prescribed(pages: ClinicPages) -> None:
    with pages.database.unit_of_work() as session:
        outside = add_article(session, name="Batterier")
    refused = pages.prescribe(outside)
    assert refused.status_code == 422
    check_page(refused)
    assert "not in the agreement" in refused.text
    assert pages.nurse.get(f"/prescriber/patients/{pages.clinic.person.id}/prescribe/987654").status_code == 404


def test_a_successor_that_is_prescribed_answers_the_question(pages: ClinicPages) -> None:
    successor = pages.clinic.article(name="Sensor 2")
    old = pages.clinic.article(name="Sensor 1")
    item = pages.clinic.item(old, valid_until=date(2027, 6, 30), earliest=date(2027, 1, 15), packages=7, days=70)
    with pages.database.unit_of_work() as session:
        article = session.get_one(Article, old.id)
        article.is_orderable, article.successor_id = False, successor.id
    assert pages.ask(item).status_code == 303
    start = pages.nurse.get("/prescriber")
    check_page(start)
    assert "Prescribe Sensor 2" in start.text
    assert "Renew 12 months" not in start.text
    terms = pages.nurse.get(f"{pages.prescribe_url(successor)}?instead-of={item.id}")
    check_page(terms)
    for value in ("7", "70", "2027-01-15"):
        assert f'value="{value}"' in terms.text
    assert pages.prescribe(successor, "confirm").status_code == 303
    assert "question about renewal" not in pages.nurse.get("/prescriber").text
    assert "Your prescription has been renewed" in pages.patient.get("/inbox").text
