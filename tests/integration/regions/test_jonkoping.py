"""Jönköping: one central budget, sensors to customer service, pumps to the supplier. Handbook §10."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from auth.models import PersonCategory, Unit
from core.db import Database
from orders.models import DeliveryMethod, PayerKind, ProductKind
from tests.support.builders import add_article, add_person, add_unit
from tests.support.regions import Region


def test_the_central_budget_pays_also_for_who_has_come_of_age(database: Database) -> None:
    jonkoping = Region(database, "jonkoping")
    with database.unit_of_work() as session:
        adult_unit = add_unit(session, "Vuxenmottagningen", region="jonkoping")
        session.get_one(Unit, jonkoping.unit.id).adult_unit_id = adult_unit.id
        adult, grown = add_person(session, region="jonkoping"), add_person(session, region="jonkoping")
        grown.birth_date = date(2008, 12, 1)
        article = add_article(session, region="jonkoping")
    for person in (adult, grown):
        row = jonkoping.place(person, jonkoping.prescribe(person, article))
        assert (row.payer, row.payer_ref) == (PayerKind.CENTRAL, "06-90000")
        assert row.delivery_choice.method is DeliveryMethod.HOME_DELIVERY


def test_home_care_and_other_regions_pay_before_the_central_budget(database: Database) -> None:
    jonkoping = Region(database, "jonkoping")
    with database.unit_of_work() as session:
        cared, visitor = add_person(session, region="jonkoping"), add_person(session, region="jonkoping", county="14")
        cared.home_care_municipality, visitor.category = "0680", PersonCategory.OUT_OF_COUNTY
        article = add_article(session, region="jonkoping", price=Decimal("72.50"))
    first = jonkoping.place(cared, jonkoping.prescribe(cared, article))
    second = jonkoping.place(visitor, jonkoping.prescribe(visitor, article))
    assert (first.payer, first.payer_ref) == (PayerKind.MUNICIPALITY, "0680")
    assert (second.payer, second.payer_ref) == (PayerKind.HOME_REGION, "14")


def test_sensors_go_to_customer_service_and_pumps_to_the_supplier(database: Database) -> None:
    jonkoping = Region(database, "jonkoping")
    with database.unit_of_work() as session:
        person = add_person(session, region="jonkoping")
    _no, receipt, case = jonkoping.faulty(person, ProductKind.SENSOR)
    assert "Call customer service: 010-000 06 00" in receipt
    assert "asked to call customer service" in case
    _no, receipt, case = jonkoping.faulty(person, ProductKind.PUMP)
    assert "010-000 77 00" in receipt
    assert "22 November 2030" in case


def test_the_pages_speak_for_the_region(database: Database) -> None:
    jonkoping = Region(database, "jonkoping")
    with database.unit_of_work() as session:
        person, article = add_person(session, region="jonkoping"), add_article(session, region="jonkoping")
    jonkoping.prescribe(person, article)
    page = jonkoping.client(person).get("/my-products").text
    assert "The central store sends it home to you." in page
    assert "010-000 06 00" in page
