"""The usual order, clicks counted; and what the page after it offers."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect
from sqlalchemy import select

from orders.models import Order
from tests.browser.support import PHONE, RunningDemo, User

pytestmark = [pytest.mark.browser, pytest.mark.timeout(120)]

# Counts what the hand does, in the page itself, before anything there can stop it; survives the change of page.
COUNT_CLICKS = """
document.addEventListener("click", (event) => {
  if (event.isTrusted) sessionStorage.setItem("clicks", Number(sessionStorage.getItem("clicks") ?? 0) + 1);
}, true);
"""


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDemo]:
    """A demo of this file's own: in the shared one somebody may already have ordered all that Anna can."""
    running = RunningDemo(tmp_path_factory.mktemp("two-clicks"))
    try:
        running.wait_until_ready()
        yield running
    finally:
        running.stop()


def test_a_returning_patient_orders_the_usual_with_two_clicks(demo: RunningDemo, browser: Browser) -> None:
    user = User(browser, demo, "sv", PHONE)
    user.log_in("Anna Lindvik")
    page = user.page
    # Where logging in leads, and from there nothing but clicks.
    expect(page).to_have_url(re.compile(r"/my-products$"))
    page.add_init_script(COUNT_CLICKS)
    page.reload()
    page.evaluate("sessionStorage.clear()")
    page.get_by_role("button", name=re.compile(r"^Beställ \d+ produkt")).click()
    page.wait_for_url(re.compile(r"/order/review"))
    user.sees("Kaserngatan 8 lgh 1203")
    page.get_by_role("button", name="Bekräfta beställningen").click()
    page.wait_for_url(re.compile(r"/orders/\d+\?placed=1"))
    assert page.evaluate("sessionStorage.getItem('clicks')") == "2"
    user.look()
    user.sees("Tack, vi har din beställning")

    found = re.search(r"/orders/(\d+)", page.url)
    assert found
    with demo.database() as database, database.session() as session:
        order = session.scalars(select(Order).where(Order.order_no == found[1])).one()
    with page.expect_download() as waiting:
        page.get_by_role("link", name="Lägg i kalendern").click()
    written = waiting.value.path().read_bytes()
    assert f"DTSTART;VALUE=DATE:{order.promised_date:%Y%m%d}\r\n".encode() in written

    page.evaluate("window.print = () => { window.printed = true; }")
    page.get_by_role("button", name="Skriv ut").click()
    assert page.evaluate("window.printed") is True
    user.close()


def test_the_print_button_is_not_there_without_javascript(demo: RunningDemo, browser: Browser) -> None:
    user = User(browser, demo, "sv", PHONE)
    user.log_in("Anna Lindvik")
    cookies = user.page.context.cookies()
    context = browser.new_context(java_script_enabled=False, base_url=demo.base_url)
    context.add_cookies([{"name": c["name"], "value": c["value"], "url": demo.base_url} for c in cookies])
    page = context.new_page()
    page.goto("/orders")
    page.locator("main a[href^='/orders/']:visible").first.click()
    page.wait_for_url(re.compile(r"/orders/\d+"))
    expect(page.locator("[data-print]")).to_be_hidden()
    context.close()
    user.close()
