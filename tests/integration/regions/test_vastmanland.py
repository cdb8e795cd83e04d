"""Västmanland: as Västra Götaland, but the warranty counts from the arrival at the depot. Handbook §10."""

from __future__ import annotations

from dataclasses import fields
from datetime import date, timedelta

from auth.models import PersonCategory, Unit
from core.clock import ManualClock
from core.db import Database
from core.policy import policy_of
from orders.models import DeliveryMethod, PayerKind, ProductKind
from orders.policy import OrderingPolicy, PayerPolicy
from tests.support.builders import add_article, add_person, add_unit
from tests.support.regions import Region


def test_the_adult_unit_pays_from_the_birthday(database: Database) -> None:
    region = Region(database, "vastmanland")
    with database.unit_of_work() as session:
        adult = add_unit(session, "Vuxenmottagningen", region="vastmanland")
        adult.cost_centre = "19500"
        session.get_one(Unit, region.unit.id).adult_unit_id = adult.id
        grown, day_before = (add_person(session, region="vastmanland") for _ in range(2))
        grown.birth_date, day_before.birth_date = date(2008, 12, 1), date(2008, 12, 2)
        article = add_article(session, region="vastmanland")
    row = region.place(grown, region.prescribe(grown, article))
    assert row.delivery_choice.method is DeliveryMethod.HOME_DELIVERY
    assert (row.payer, row.payer_ref) == (PayerKind.ADULT_UNIT, "19500")
    row = region.place(day_before, region.prescribe(day_before, article))
    assert (row.payer, row.payer_ref) == (PayerKind.UNIT, "10100")


def test_the_warranty_of_a_pump_starts_on_arrival(database: Database, clock: ManualClock) -> None:
    region = Region(database, "vastmanland")
    with database.unit_of_work() as session:
        person = add_person(session, region="vastmanland")
    clock.advance(timedelta(days=3))
    _no, receipt, case = region.faulty(person, ProductKind.PUMP)
    assert "22 November 2030" in case
    assert "010-000 77 00" in receipt


def test_everything_of_orders_and_payers_is_as_in_vastra_gotaland() -> None:
    own, other = policy_of("vastmanland"), policy_of("vgr")
    for kind in (OrderingPolicy, PayerPolicy):
        for field in fields(kind):
            if field.name != "county_code":
                assert getattr(own.section(kind), field.name) == getattr(other.section(kind), field.name), field.name


def test_a_resident_who_has_moved_out_orders_no_more(database: Database) -> None:
    region = Region(database, "vastmanland")
    with database.unit_of_work() as session:
        person, article = (
            add_person(session, region="vastmanland", county="14"),
            add_article(session, region="vastmanland"),
        )
        assert person.category is PersonCategory.RESIDENT
    region.prescribe(person, article)
    assert "registered in another region" in region.client(person).get("/my-products").text
