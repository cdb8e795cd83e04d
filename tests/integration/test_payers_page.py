"""What a month cost: a unit sees its own cost centre, the page and the file say the same, and nobody is named. Handbook §8."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from auth.identity import Role, system_identity
from auth.models import Unit
from auth.persons import staff_identity
from core.clock import ManualClock
from core.db import Database
from core.errors import NotPermitted
from delivery.payer_basis import basis_of_region, basis_of_unit
from tests.support.builders import add_article, add_person, add_staff
from tests.support.pages import check_page
from tests.support.regions import Region

DECEMBER = date(2026, 12, 1)


def test_a_unit_sees_what_was_sent_at_its_own_cost_and_nothing_else(database: Database, clock: ManualClock) -> None:
    vgr = Region(database, "vgr")
    with database.unit_of_work() as session:
        session.get_one(Unit, vgr.unit.id).cost_centre = "40201"
        person, cared = add_person(session, name="Rune Hemlig"), add_person(session)
        cared.home_care_municipality = "1480"
        article = add_article(session, price=Decimal("498.50"), name="Provsensor")
        unpriced = add_article(session, name="Prislös")
        staff = [add_staff(session, role, unit=vgr.unit) for role in (Role.COST_RESPONSIBLE, Role.PRESCRIBER)]
        stranger = add_staff(session, Role.COST_RESPONSIBLE)
        identities = [staff_identity(one) for one in (*staff, stranger)]
    vgr.send(vgr.place(person, vgr.prescribe(person, article, 3)))
    vgr.send(vgr.place(person, vgr.prescribe(person, unpriced, 2)))
    vgr.send(vgr.place(cared, vgr.prescribe(cared, article, 5)))
    vgr.place(person, vgr.prescribe(person, article, 7))
    with database.unit_of_work() as session:
        session.get_one(type(article), article.id).price = Decimal("1.00")
    with database.unit_of_work() as session:
        for identity in identities[:2]:
            mine = basis_of_unit(session, identity, DECEMBER)
            assert mine.total == Decimal("1495.50")
            assert mine.packages_without_price == 2
        assert basis_of_unit(session, identities[2], DECEMBER).lines == ()
        assert basis_of_unit(session, identities[0], date(2026, 11, 1)).lines == ()
        whole = basis_of_region(session, system_identity("vgr", "export"), DECEMBER)
        assert whole.total == Decimal("498.50") * 8
        assert basis_of_region(session, system_identity("norrbotten", "export"), DECEMBER).lines == ()
        with pytest.raises(NotPermitted):
            basis_of_region(session, identities[0], DECEMBER)
    client = vgr.client(staff[0])
    page = client.get("/payers?month=2026-12")
    check_page(page)
    assert "1,495.50" in page.text
    assert "Provsensor" in page.text
    file = client.get("/payers/download?month=2026-12").get_data().decode("utf-8-sig")
    assert f"{article.article_no};Provsensor;Order;3;498,50;1495,50" in file
    assert "Rune" not in page.text + file
    assert "Nothing left the depot" in client.get("/payers?month=2026-11").text
    assert client.get("/payers?month=x").status_code == 200
