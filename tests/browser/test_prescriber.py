"""The prescriber's day: a patient's question answered, a prescription stopped while the depot works on it, and a new one made."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Browser, expect
from sqlalchemy import select

from core.db import Database
from delivery.models import DepotOrder, DepotOrderStatus
from orders.models import Article, Order, PrescriptionItem
from tests.browser.support import DESKTOP, HAND_HELD, PHONE, RunningDemo, User
from tests.support.processes import wait_until

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]


def test_a_patient_asks_the_prescriber_renews_and_the_patient_orders(demo: RunningDemo, browser: Browser) -> None:
    patient, prescriber = User(browser, demo, "sv", PHONE), User(browser, demo, "sv", DESKTOP)
    patient.log_in("Gunilla Storhed")
    patient.go("/my-products")
    # Byxskydd: all withdrawals used.
    patient.page.locator("li.product", has_text="Byxskydd").get_by_role("link", name="Be mottagningen förnya").click()
    patient.page.wait_for_url(re.compile(r"/renewal$"))
    patient.look()
    patient.page.locator("textarea[name=note]").fill("Jag har slut sedan i går. 🙂 'ö'")
    patient.press("Be mottagningen förnya")
    patient.page.wait_for_url(re.compile(r"/my-products$"))
    patient.sees("Du bad om förnyelse")

    prescriber.log_in("Samira Yoosefi")
    prescriber.go("/prescriber")
    card = prescriber.page.locator("article.renewal-card", has_text="Byxskydd")
    expect(card).to_contain_text("Jag har slut sedan i går. 🙂 'ö'")
    card.get_by_role("link", name="Ändra och förnya").click()
    prescriber.page.wait_for_url(re.compile(r"/renewals/\d+$"))
    prescriber.look()
    prescriber.go("/prescriber")
    card.get_by_role("button", name="Förnya 12 månader").click()
    prescriber.page.wait_for_load_state()
    prescriber.look()
    prescriber.sees("Patienten har fått veta det.")
    expect(card).to_have_count(0)

    patient.go("/inbox")
    patient.follow("Din förskrivning är förnyad")
    patient.go("/my-products")
    patient.page.locator("form.order").get_by_label(re.compile("Byxskydd")).check(force=True)
    patient.page.locator("form.order button[type=submit]").click()
    patient.page.wait_for_url(re.compile(r"/order/review"))
    patient.look()
    patient.press("Bekräfta beställningen")
    patient.page.wait_for_url(re.compile(r"/orders/\d+"))
    patient.sees("Byxskydd")
    for somebody in (patient, prescriber):
        somebody.close()


def test_a_prescription_is_stopped_while_the_depot_has_it_in_its_hands(demo: RunningDemo, browser: Browser) -> None:
    patient, prescriber = User(browser, demo, "en", PHONE), User(browser, demo, "en", DESKTOP)
    picker = User(browser, demo, "en", HAND_HELD)
    with demo.database() as database:
        patient.log_in("Anna Lindvik")
        first, later = _order_one(patient, "Lansetter"), _order_one(patient, "Pennkanyl")
        ids = [_at_depot(database, order_no) for order_no in (first, later)]
        picker.log_in("Kim Rosenhede")
        picker.go(f"/depot/picks/{ids[0]}")
        picker.page.locator("form[action$='/start'] button").click()
        picker.page.locator("form[action$='/scan']").wait_for()
        # The other order lies open on the hand-held, not begun.
        picker.go(f"/depot/picks/{ids[1]}")

        prescriber.log_in("Karin Vestlind")
        _stop(prescriber, "Lansetter", "being picked right now: if it is not in the box yet, it is stopped")
        _stop(prescriber, "Pennkanyl", "packages that have not been picked are stopped")
        for depot_order_id in ids:
            wait_until(
                lambda one=depot_order_id: _status(database, one) is DepotOrderStatus.CANCELLED,  # type: ignore[misc]
                20,
                "the depot was not told",
            )

        picker.page.locator("form[action$='/start'] button").click()
        picker.page.wait_for_load_state()
        picker.look()
        picker.sees("It is now: cancelled.")
        # The one in hand: the hand-held says so at the next look.
        picker.go(f"/depot/picks/{ids[0]}")
        picker.sees("Cancelled")

        patient.go("/inbox")
        patient.follow("We do not send a product that you ordered")
        patient.sees("your prescription has been cancelled")
        patient.go("/inbox")
        patient.follow("A prescription has ended")
        patient.go(f"/orders/{later}")
        patient.sees("Cancelled")
        patient.go("/my-products")
        patient.sees("Your prescription has ended.")
    for somebody in (patient, prescriber, picker):
        somebody.close()


def test_a_new_prescription_is_made_and_ordered(demo: RunningDemo, browser: Browser) -> None:
    patient, prescriber = User(browser, demo, "sv", PHONE), User(browser, demo, "sv", PHONE)
    prescriber.log_in("Karin Vestlind")
    prescriber.go("/prescriber/patients")
    prescriber.page.get_by_role("searchbox").fill("petter norr")
    prescriber.press("Sök")
    prescriber.follow("Petter Norrgärde")
    prescriber.follow("Förskriv en produkt")
    prescriber.page.get_by_role("searchbox").fill("sensor 14")
    prescriber.press("Sök")
    prescriber.follow("Sensor för glukosmätning 14 dygn")
    page = prescriber.page
    page.locator("input[name=packages]").fill("-6")
    prescriber.press("Se över")
    prescriber.sees("Skriv ett tal som är 1 eller mer.")
    page.locator("input[name=packages]").fill("6")
    page.locator("input[name=days]").fill("84")
    expect(page.locator("[data-summary-text]")).to_contain_text(re.compile(r"6\s+sensorer var 84:e dag, "))
    prescriber.press("Se över")
    prescriber.sees(re.compile(r"6\s+sensorer var 84:e dag, "))
    prescriber.press("Ändra något")
    expect(page.locator("input[name=days]")).to_have_value("84")
    prescriber.press("Se över")
    prescriber.press("Förskriv")
    prescriber.page.wait_for_url(re.compile(r"/prescriber/patients/\d+$"))
    prescriber.sees("Förskrivet:")

    patient.log_in("Petter Norrgärde")
    patient.go("/inbox")
    patient.follow("Du har en ny förskrivning")
    patient.go("/my-products")
    patient.page.locator("form.order button[type=submit]").click()
    patient.page.wait_for_url(re.compile(r"/order/review"))
    patient.press("Bekräfta beställningen")
    patient.page.wait_for_url(re.compile(r"/orders/\d+"))
    patient.sees("Sensor för glukosmätning 14 dygn")
    with demo.database() as database, database.session() as session:
        item = session.scalars(
            select(PrescriptionItem)
            .join(Article)
            .where(Article.article_no == "21001", PrescriptionItem.days_per_order == 84)
        ).one()
        assert item.orders_remaining == item.orders_allowed - 1
    for somebody in (patient, prescriber):
        somebody.close()


def _order_one(user: User, product: str) -> str:
    """Order the one product whose name begins so; return the order number."""
    with_product = user.page.locator("form.order li.product", has_text=product)
    user.go("/my-products")
    for box in user.page.locator("form.order input[data-selectable]").all():
        box.uncheck(force=True)
    with_product.locator("input[data-selectable]").check(force=True)
    user.page.locator("form.order button[type=submit]").click()
    user.page.wait_for_url(re.compile(r"/order/review"))
    user.press("Confirm the order")
    user.page.wait_for_url(re.compile(r"/orders/\d+"))
    found = re.search(r"/orders/(\d+)", user.page.url)
    assert found
    return found[1]


def _at_depot(database: Database, order_no: str) -> int:
    def look_up() -> int | None:
        with database.session() as session:
            return session.scalar(select(DepotOrder.id).join(Order).where(Order.order_no == order_no))

    wait_until(lambda: look_up() is not None, 20, "the order did not reach the depot")
    found = look_up()
    assert found is not None
    return found


def _status(database: Database, depot_order_id: int) -> DepotOrderStatus:
    with database.session() as session:
        return session.get_one(DepotOrder, depot_order_id).status


def _stop(user: User, product: str, consequence: str) -> None:
    user.go("/prescriber/patients")
    user.follow("Anna Lindvik")
    user.page.locator("article.item-card", has_text=product).first.get_by_role("link").first.click()
    user.page.wait_for_url(re.compile(r"/prescriber/items/\d+$"))
    user.page.locator("#stop summary").click()
    user.look()
    user.sees(consequence)
    user.press("Yes, stop it now")
    user.sees("Write why you stop it.")
    user.page.locator("#stop textarea").fill("Används inte längre")
    user.press("Yes, stop it now")
    user.sees("is stopped. The patient and the depot have been told.")
