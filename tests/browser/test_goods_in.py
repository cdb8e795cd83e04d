"""Goods in with a hand scanner, which types like a keyboard: 360 px wide, every page looked at."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Browser, expect
from sqlalchemy import select

from core.db import Database
from delivery.goods_models import ReceiptLine, SerialisedUnit
from delivery.models import Lot
from tests.browser.support import HAND_HELD, RunningDemo, User

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]

LANGUAGE = "en"
SENSOR_GTIN, PUMP_GTIN = "07350000210019", "07350000220018"


def _scan(user: User, text: str) -> None:
    """Type as a scanner does, wherever the focus is, and press Enter: the page answers."""
    user.page.keyboard.type(text)
    with user.page.expect_navigation():
        user.page.keyboard.press("Enter")


def _lot(database: Database, lot_no: str) -> Lot:
    with database.session() as session:
        return session.scalars(select(Lot).where(Lot.lot_no == lot_no)).one()


def test_a_delivery_is_taken_in_with_a_scanner(demo: RunningDemo, browser: Browser) -> None:
    user = User(browser, demo, LANGUAGE, HAND_HELD)
    user.log_in("Amina Warsameh")
    user.go("/depot/receiving")
    user.sees("Fjordsensor AB")
    user.page.get_by_role("button", name=re.compile("Fjordsensor")).click()
    user.page.wait_for_url(re.compile(r"/deliveries/\d+$"))
    user.look()
    expect(user.page.locator("[data-scan]")).to_be_focused()
    _scan(user, f"01{SENSOR_GTIN}1730063010NY301")
    user.look()
    user.sees("Sensor för glukosmätning 14 dygn")
    expect(user.page.locator("#packages")).to_be_focused()
    _scan(user, "50")
    user.sees(user.text("Inlagt: 50 förpackningar", "Taken in: 50 packages"))
    user.sees(user.text("70 för få", "70 too few"))
    user.look()
    _scan(user, "0107350000")
    user.sees(user.text("Koden gick inte att läsa", "The code could not be read"))
    user.look()
    _scan(user, f"]d201{PUMP_GTIN}1730123110PX1")
    user.sees(user.text("Artikeln finns inte i den här beställningen", "The article is not in this order"))
    user.look()
    with demo.database() as database:
        _lot(database, "NY301")
    user.close()


def test_pumps_are_scanned_one_by_one_and_the_sum_follows(demo: RunningDemo, browser: Browser) -> None:
    user = User(browser, demo, LANGUAGE, HAND_HELD)
    user.log_in("Amina Warsameh")
    user.go("/depot/receiving")
    user.page.get_by_text(
        user.text("Ta emot något som inte står i listan", "Receive something that is not in the list")
    ).click()
    user.press(user.text("Börja en leverans utan beställning", "Begin a delivery without an order"))
    _scan(user, f"01{PUMP_GTIN}1730123110PX2")
    expect(user.page.locator("#serials")).to_be_focused()
    for serial in ("Q100–Q103", f"01{PUMP_GTIN}1730123110PX2|21Q200"):
        user.page.keyboard.type(serial)
        user.page.keyboard.press("Enter")
    expect(user.page.locator("#serial-sum")).to_have_text(user.text("5 nummer", "5 numbers"))
    user.page.locator("#packages").fill("5")
    user.look()
    user.press(user.text("Lägg in", "Take in"))
    user.sees(user.text("Inlagt: 5 förpackningar", "Taken in: 5 packages"))
    for control in user.page.locator("main .ds-button, main .ds-input:not([type=checkbox])").all():
        box = control.bounding_box()
        assert box is None or box["height"] >= 56, control.inner_text()
    with demo.database() as database, database.session() as session:
        assert set(session.scalars(select(SerialisedUnit.serial_no).where(SerialisedUnit.serial_no.like("Q%")))) == {
            "Q100",
            "Q101",
            "Q102",
            "Q103",
            "Q200",
        }
        assert session.scalars(select(ReceiptLine.id).where(ReceiptLine.lot_no == "PX2")).all()
    user.close()


def test_the_count_that_waits_is_made_by_a_colleague(demo: RunningDemo, browser: Browser) -> None:
    user = User(browser, demo, LANGUAGE, HAND_HELD)
    user.log_in("Amina Warsameh")
    user.go("/depot/stock")
    user.follow(re.compile("K26134"))
    with demo.database() as database:
        lot_id = _lot(database, "K26134").id
    expect(user.page).to_have_url(re.compile(rf"/depot/stock/{lot_id}/count"))
    user.page.locator("#counted").fill("88")
    user.press(user.text("Det här räknade jag", "This is what I counted"))
    user.go(f"/depot/stock/{lot_id}")
    user.sees(user.text("Rättat efter räkning", "Corrected by a count"))
    user.go("/depot/returns")
    user.close()
