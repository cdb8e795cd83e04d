"""Norrbotten: parcels are fetched at the health centre, who lives elsewhere goes to a pharmacy, sensors to their maker. Handbook §10."""

from __future__ import annotations

import re
from datetime import date

from sqlalchemy import select

from auth.identity import system_identity
from auth.importing.persons import import_persons
from auth.importing.workplaces import import_units
from auth.models import Person, PersonCategory
from core.db import Database
from core.policy import policy_of
from delivery.models import DepotOrder, ShortReason
from delivery.papers import prepare_papers
from delivery.shortage import finish, short_pick
from orders.importing.articles import import_articles
from orders.importing.prescriptions import import_prescriptions
from orders.models import DeliveryMethod, Order, OrderRow, PayerKind, PrescriptionItem, ProductKind
from orders.policy import PrescribingPolicy
from tests.support.builders import add_article, add_person, add_stock, number_text
from tests.support.depot_work import lines_of
from tests.support.order_forms import amounts_of, hidden_fields_of, review_url
from tests.support.regions import Region

NUMBER = number_text(date(1971, 3, 9), 3)
CENTRE = "SE2321000230-E000000000301"
UNITS = (
    "hsa_id,name,street,postal_code,city,phone,cost_centre\n"
    f"{CENTRE},Älvdalens hälsocentral,Älvvägen 1,97231,Luleå,0920-00 00,25300\n"
    "SE2321000230-E000000000201,Diabetesmottagningen Norr,Norrvägen 2,97180,Luleå,0920-00 01,25201\n"
)
PERSONS = (
    "number,given_name,family_name,street,postal_code,city,county_code,health_centre_hsa_id\n"
    f"{NUMBER},Aili,Provström,Skogsstigen 4,98101,Kiruna,25,{CENTRE}\n"
)
ARTICLES = "article_no,name,package_size,product_area,kind,price\n23101,Teststickor,50,DIABETES,TEST_STRIP,72.50\n"
# A region that delivers to health centres names no method.
PRESCRIPTIONS = (
    "number,source,prescription_id,item_id,article_no,orders_allowed,orders_remaining,packages_per_order,last_valid_date,"
    "prescriber_id,prescriber_name,unit_id,delivery_methods\n"
    f"{NUMBER},NLL,P,1,23101,4,4,2,2027-05-01,X,Karin,SE2321000230-E000000000201,\n"
)


def _import(database: Database) -> None:
    files = (
        (import_units, UNITS),
        (import_persons, PERSONS),
        (import_articles, ARTICLES),
        (import_prescriptions, PRESCRIPTIONS),
    )
    for importer, raw in files:
        with database.unit_of_work() as session:
            importer(session, system_identity("norrbotten", "import"), raw.encode())


def test_ordered_on_the_web_and_fetched_at_the_own_health_centre(database: Database) -> None:
    norrbotten = Region(database, "norrbotten")
    _import(database)
    with database.unit_of_work() as session:
        item = session.scalars(select(PrescriptionItem)).one()
        person = session.scalars(select(Person)).one()
        add_stock(session, norrbotten.depot, item.article, 10)
    client = norrbotten.client(person)
    page = client.get(review_url(item)).text
    assert "Älvdalens hälsocentral" in page
    form = {**amounts_of(page), **hidden_fields_of(page), **_chosen(page), "item": [str(item.id)]}
    response = client.post("/order", data=form)
    assert response.status_code == 303, re.findall(r"<li>(.*?)</li>", response.text)
    assert "You fetch it at Älvdalens hälsocentral" in client.get(response.location).text
    norrbotten.handle("order.placed")
    with database.session() as session:
        row = norrbotten.row(session.scalars(select(Order)).one())
        depot_order = session.scalars(select(DepotOrder)).one()
        assert depot_order.depot_id == norrbotten.depot.id
    choice = row.delivery_choice
    assert choice.method is DeliveryMethod.HEALTH_CENTRE
    assert (choice.receiver, choice.care_of, choice.street) == (
        "Aili Provström",
        "Älvdalens hälsocentral",
        "Älvvägen 1",
    )
    assert (row.payer, row.payer_ref) == (PayerKind.UNIT, "25201")
    parcel_id = norrbotten.packed(depot_order.id)
    with database.unit_of_work() as session:
        label = prepare_papers(session, norrbotten.picker, parcel_id, "label").receiver
    assert (label.name, label.care_of, label.city) == ("Aili Provström", "Älvdalens hälsocentral", "Luleå")


def _chosen(page: str) -> dict[str, str]:
    """What the form's ticked and filled-in delivery fields say."""
    form = page[page.index('action="/order"') :]
    tags = re.findall(r'<input[^>]*type="radio"[^>]*checked[^>]*>', form)
    chosen = {}
    for tag in tags:
        name, value = re.search(r'name="([^"]+)"', tag), re.search(r'value="([^"]*)"', tag)
        assert name
        assert value
        chosen[name[1]] = value[1]
    return chosen


def test_who_lives_elsewhere_and_asylum_seekers_go_to_a_pharmacy(database: Database) -> None:
    norrbotten = Region(database, "norrbotten")
    for category, county in ((PersonCategory.OUT_OF_COUNTY, "14"), (PersonCategory.ASYLUM_SEEKER, "25")):
        with database.unit_of_work() as session:
            person = add_person(session, region="norrbotten", county=county)
            person.category = category
            article = add_article(session, region="norrbotten")
        norrbotten.prescribe(person, article)
        page = norrbotten.client(person).get("/my-products").text
        assert "at a pharmacy, not here" in page
        assert "LMA card" in page


def test_in_an_urgent_shortage_one_package_is_to_be_had_elsewhere_but_no_sensor(database: Database) -> None:
    norrbotten = Region(database, "norrbotten")
    with database.unit_of_work() as session:
        person = add_person(session, region="norrbotten")
        articles = [
            add_article(session, region="norrbotten", kind=kind)
            for kind in (ProductKind.TEST_STRIP, ProductKind.SENSOR)
        ]
    for article, is_offered in zip(articles, (True, False), strict=True):
        row = norrbotten.place(person, norrbotten.prescribe(person, article))
        _short(norrbotten, row)
        page = norrbotten.client(person).get(f"/orders/{row.order.order_no}").text
        assert ("You can fetch 1 package at another health centre" in page) is is_offered


def _short(region: Region, row: OrderRow) -> None:
    depot_order_id = region.depot_order_of(row).id
    region.start(depot_order_id)
    with region.database.unit_of_work() as session:
        line = lines_of(session, depot_order_id)[0]
        short_pick(session, region.picker, depot_order_id, line.id, ShortReason.NOT_FOUND)
    with region.database.unit_of_work() as session:
        finish(session, region.picker, depot_order_id)


def test_a_sensors_user_calls_its_maker_and_a_pump_goes_through_the_unit(database: Database) -> None:
    norrbotten = Region(database, "norrbotten")
    with database.unit_of_work() as session:
        person = add_person(session, region="norrbotten")
    _no, receipt, case = norrbotten.faulty(person, ProductKind.SENSOR)
    assert "maker's support: 010-000 77 00" in receipt
    assert "call the supplier's support" in case
    _no, receipt, case = norrbotten.faulty(person, ProductKind.PUMP)
    assert "Take it to your unit" in receipt
    assert "county's service" in case


def test_the_municipality_pays_for_home_care(database: Database) -> None:
    norrbotten = Region(database, "norrbotten")
    with database.unit_of_work() as session:
        person, article = add_person(session, region="norrbotten"), add_article(session, region="norrbotten")
        person.home_care_municipality = "2580"
    row = norrbotten.place(person, norrbotten.prescribe(person, article))
    assert (row.payer, row.payer_ref) == (PayerKind.MUNICIPALITY, "2580")


def test_sensors_are_prescribed_for_two_years(database: Database) -> None:
    policy = policy_of("norrbotten").section(PrescribingPolicy)
    assert (policy.valid_months, policy.sensor_valid_months) == (12, 24)
