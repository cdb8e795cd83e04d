"""Västra Götaland: home, the unit pays, the home region for who lives elsewhere, the depot replaces. Handbook §10."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from auth.models import PersonCategory, Unit
from core.clock import ManualClock
from core.db import Database
from orders.errors import OrderRefused
from orders.models import DeliveryMethod, PayerKind, PrescriptionItem, ProductKind
from orders.rules import Reason
from tests.support.builders import add_article, add_person
from tests.support.regions import Region


def test_sent_home_the_unit_pays_and_the_depot_replaces_at_the_same_payer(database: Database) -> None:
    vgr = Region(database, "vgr")
    with database.unit_of_work() as session:
        person, article = add_person(session), add_article(session, price=Decimal("498.00"))
    row = vgr.place(person, vgr.prescribe(person, article))
    assert row.delivery_choice.method is DeliveryMethod.HOME_DELIVERY
    assert (row.payer, row.payer_ref, row.package_price) == (PayerKind.UNIT, "10100", Decimal("498.00"))
    case_no = vgr.report(person, vgr.send(row))
    receipt = vgr.client(person).get(f"/fault-reports/{case_no}/received").text
    assert "Do you need one that works now?" not in receipt
    assert "The depot replaces" in vgr.client(vgr.consultant).get(f"/complaints/{case_no}").text
    with database.unit_of_work() as session:
        session.get_one(Unit, vgr.unit.id).cost_centre = "99999"
    replacement = vgr.replaced(case_no)
    assert (replacement.payer, replacement.payer_ref) == (PayerKind.UNIT, "10100")


def test_the_home_region_pays_and_is_asked_first_when_it_is_dear(database: Database) -> None:
    vgr = Region(database, "vgr")
    with database.unit_of_work() as session:
        person = add_person(session, county="05")
        person.category = PersonCategory.OUT_OF_COUNTY
        cheap = add_article(session, price=Decimal("5000.00"))
        dear = add_article(session, price=Decimal("5000.01"))
    row = vgr.place(person, vgr.prescribe(person, cheap))
    assert (row.payer, row.payer_ref) == (PayerKind.HOME_REGION, "05")
    item = vgr.prescribe(person, dear)
    with pytest.raises(OrderRefused) as refused:
        vgr.place(person, item)
    verdict = refused.value.problems[0].verdict
    assert verdict is not None
    assert verdict.reason is Reason.ASK_HOME_REGION
    assert "must agree first" in vgr.client(person).get("/my-products").text
    with database.unit_of_work() as session:
        session.get_one(PrescriptionItem, item.id).home_region_agreed = True
    assert vgr.place(person, item).payer is PayerKind.HOME_REGION


def test_asylum_seekers_go_to_the_pharmacy(database: Database) -> None:
    vgr = Region(database, "vgr")
    with database.unit_of_work() as session:
        person, article = add_person(session), add_article(session)
        person.category = PersonCategory.ASYLUM_SEEKER
    vgr.prescribe(person, article)
    page = vgr.client(person).get("/my-products").text
    assert "at a pharmacy" in page
    assert "LMA" in page


def test_a_pumps_warranty_starts_when_it_leaves_the_depot_and_the_supplier_helps(
    database: Database, clock: ManualClock
) -> None:
    vgr = Region(database, "vgr")
    with database.unit_of_work() as session:
        person = add_person(session)
    clock.advance(timedelta(days=3))
    _case_no, receipt, case = vgr.faulty(person, ProductKind.PUMP)
    assert "3 December 2030" in case
    assert "maker's support: 010-000 77 00" in receipt
