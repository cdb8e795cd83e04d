"""Jämtland Härjedalen: customer service orders by hand for who lives elsewhere, and parcels carry a fictitious name. Handbook §10."""

from __future__ import annotations

import pytest

from auth.models import PersonCategory, Protection
from core.db import Database
from delivery.papers import prepare_papers
from orders.errors import OrderRefused
from orders.models import DeliveryMethod, PayerKind, ProductKind
from tests.support.builders import add_article, add_person
from tests.support.regions import Region

HERE = "jamtland_harjedalen"


@pytest.mark.parametrize("category", [PersonCategory.OUT_OF_COUNTY, PersonCategory.ASYLUM_SEEKER])
def test_customer_service_orders_for_who_does_not_live_here(database: Database, category: PersonCategory) -> None:
    region = Region(database, HERE)
    with database.unit_of_work() as session:
        person = add_person(session, region=HERE, county="22")
        person.category = category
        article = add_article(session, region=HERE)
    item = region.prescribe(person, article)
    page = region.client(person).get("/my-products").text
    assert "Customer service orders it for you." in page
    assert "010-000 23 00" in page
    with pytest.raises(OrderRefused):
        region.place(person, item)
    row = region.place(person, item, region.in_call(person))
    elsewhere = category is PersonCategory.OUT_OF_COUNTY
    assert (row.payer, row.payer_ref) == ((PayerKind.HOME_REGION, "22") if elsewhere else (PayerKind.UNIT, "10100"))


def test_a_protected_identitys_parcel_goes_to_the_unit_under_a_fictitious_name(database: Database) -> None:
    region = Region(database, HERE)
    with database.unit_of_work() as session:
        person = add_person(session, region=HERE, protection=Protection.PROTECTED_REGISTRATION)
        person.alias = "Blå Lärka"
        article = add_article(session, region=HERE)
    row = region.place(person, region.prescribe(person, article))
    assert row.delivery_choice.method is DeliveryMethod.UNIT
    assert row.delivery_choice.receiver == f"Mottagningen {HERE}"
    parcel_id = region.packed(region.depot_order_of(row).id)
    with database.unit_of_work() as session:
        label = prepare_papers(session, region.picker, parcel_id, "label").receiver
    assert (label.name, label.reference) == (f"Mottagningen {HERE}", "Blå Lärka")


def test_the_depot_replaces_sensors_and_the_supplier_helps_with_pumps(database: Database) -> None:
    region = Region(database, HERE)
    with database.unit_of_work() as session:
        person = add_person(session, region=HERE)
    _no, receipt, case = region.faulty(person, ProductKind.SENSOR)
    assert "Do you need one that works now?" not in receipt
    assert "The depot replaces" in case
    assert "010-000 77 00" in region.faulty(person, ProductKind.PUMP)[1]
