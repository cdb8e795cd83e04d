"""Somebody phones: customer service orders for a fifteen-year-old, and writes down a fault; every page is looked at."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect
from sqlalchemy import select

from auth.models import Person
from core.audit import AccessLogEntry
from delivery.complaints.models import FaultReport
from orders.models import Channel, Order, Prescription, PrescriptionItem
from tests.browser.support import DESKTOP, PHONE, RunningDemo, User

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDemo]:
    """A demo of this file's own: in the shared one somebody may have ordered already."""
    running = RunningDemo(tmp_path_factory.mktemp("phone"))
    try:
        running.wait_until_ready()
        yield running
    finally:
        running.stop()


def _open_call(user: User, number: str, reason: str) -> None:
    user.page.locator("input[name=number]").fill(number)
    user.page.locator("input[name=reason]").fill(reason)
    user.press(user.text("Öppna patientens sidor", "Open the patient's pages"))


def _facts(demo: RunningDemo, name: str) -> tuple[Person, dict[int, int]]:
    """Return a person and how many withdrawals are left of each of their products."""
    with demo.database() as database, database.session() as session:
        person = session.scalars(select(Person).where(Person.given_name == name)).one()
        items = session.scalars(
            select(PrescriptionItem).join(Prescription).where(Prescription.person_id == person.id)
        ).all()
        return person, {item.id: item.orders_remaining for item in items}


def test_a_fifteen_year_old_orders_by_phone(demo: RunningDemo, browser: Browser) -> None:
    elias, before = _facts(demo, "Elias")
    user = User(browser, demo, "sv", DESKTOP)
    user.log_in("Åsa Tallhage")
    page = user.page
    expect(page).to_have_url(re.compile(r"/customer-service$"))
    user.go("/my-products")
    expect(page).to_have_url(re.compile(r"/customer-service$"))
    user.sees("Hitta patienten först")
    _open_call(user, "19121212-1213", "Vill beställa")
    user.sees("varken ett personnummer eller ett beställningsnummer")

    with demo.database():
        number = elias.number
    _open_call(user, f"{number[:8]}-{number[8:]}", "Vill beställa")
    expect(page).to_have_url(re.compile(r"/my-products$"))
    banner = page.get_by_role("region", name="Pågående samtal")
    for words in (
        "Samtal om Elias Björkhult, 15 år",
        "Maria Björkhult, vårdnadshavare",
        "Samtalet gäller: Vill beställa",
    ):
        expect(banner).to_contain_text(words)
    user.sees("Hej Elias")

    boxes = page.locator("main input[name=item]")
    for number_of_box in range(1, boxes.count()):
        boxes.nth(number_of_box).uncheck()
    ordered = int(boxes.first.get_attribute("value") or "")
    page.get_by_role("button", name=re.compile(r"^Beställ \d+ produkt")).click()
    page.wait_for_url(re.compile(r"/order/review"))
    user.look()
    user.press("Bekräfta beställningen")
    page.wait_for_url(re.compile(r"/orders/\d+\?placed=1"))
    user.look()
    user.go(page.url.removeprefix(demo.base_url).split("?")[0])
    user.sees("Åsa Tallhage på kundtjänst")

    for path in ("/orders", "/fault-reports/new", "/fault-reports", "/customer-service"):
        user.go(path)
        expect(banner).to_be_visible()
    user.press("Avsluta samtalet")
    user.sees("Samtalet är avslutat")
    expect(banner).to_have_count(0)
    user.go("/orders")
    expect(page).to_have_url(re.compile(r"/customer-service$"))
    user.close()

    after, left = _facts(demo, "Elias")
    assert left == {item_id: count - (item_id == ordered) for item_id, count in before.items()}
    columns = [column.key for column in Person.__table__.columns if not column.key.startswith("door_code")]
    assert [getattr(after, key) for key in columns] == [getattr(elias, key) for key in columns]
    with demo.database() as database, database.session() as session:
        order = session.scalars(select(Order).where(Order.person_id == elias.id)).one()
        assert (order.channel, order.by_delegate, order.orderer_name) == (Channel.PHONE, False, "Åsa Tallhage")
        reasons = session.scalars(
            select(AccessLogEntry.reason).where(
                AccessLogEntry.subject_person_id == elias.id, AccessLogEntry.actor_label == "Åsa Tallhage"
            )
        ).all()
        assert set(reasons) == {"Vill beställa"}


def test_a_fault_is_written_down_for_a_caller_with_an_order_number(demo: RunningDemo, browser: Browser) -> None:
    with demo.database() as database, database.session() as session:
        ingrid = session.scalars(select(Person).where(Person.given_name == "Ingrid")).one()
        order_no = session.scalars(
            select(Order.order_no).where(Order.person_id == ingrid.id).order_by(Order.id).limit(1)
        ).one()
    user = User(browser, demo, "en", PHONE)
    user.log_in("Åsa Tallhage")
    page = user.page
    _open_call(user, f"{order_no[:4]} {order_no[4:]}", "The sensor came loose")
    expect(page).to_have_url(re.compile(rf"/orders/{order_no}$"))
    expect(page.get_by_role("region", name="The call under way")).to_contain_text("Johan Wallhage, proxy until")
    user.go("/fault-reports/new")
    page.get_by_role("main").locator("a[href*='/fault-reports/new/']").first.click()
    page.wait_for_url(re.compile(r"/fault-reports/new/\d+"))
    user.look()
    user.sees("Does the caller still have the product?")
    page.get_by_role("button", name="Report the fault").click()
    page.locator("[data-error-summary]").wait_for()
    user.look()
    page.locator("input[name=kind]").first.check(force=True)
    for name, value in (
        ("has_danger_sign", "no"),
        ("was_harmed", "no"),
        ("is_kept", "yes"),
        ("wants_replacement", "yes"),
    ):
        for choice in page.locator(f"input[name={name}][value={value}]").all():
            choice.check(force=True)
    page.locator("textarea[name=description]").fill("It came loose in the shower.")
    page.get_by_role("button", name="Report the fault").click()
    page.wait_for_url(re.compile(r"/fault-reports/\d+/received"))
    user.look()
    user.sees("Do not throw the product away")
    user.follow("Follow the case")
    user.sees("Customer service wrote down your report")
    user.press("End the call")
    user.sees("The call has ended")
    user.close()
    with demo.database() as database, database.session() as session:
        report = session.scalars(select(FaultReport).where(FaultReport.reporter_staff_id.is_not(None))).one()
        assert (report.reporter_name, report.reporter_person_id) == ("Åsa Tallhage", None)
