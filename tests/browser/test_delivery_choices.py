"""How an order comes, chosen in a browser: split, collected, with the carrier away, in another language, by keyboard alone."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread

import pytest
from playwright.sync_api import Browser, expect
from sqlalchemy import select, update
from werkzeug.serving import make_server

from core.db import Database
from orders.kinds import DeliveryMethod, Notification
from orders.models import DeliveryChoice, Order, PrescriptionItem
from orders.service_points import ServicePointSearch
from portal.app import create_app
from portal.config import Settings
from tests.browser.support import DESKTOP, PHONE, RunningDemo, User

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]

COUNT_CLICKS = """
document.addEventListener("click", (event) => {
  if (event.isTrusted) sessionStorage.setItem("clicks", Number(sessionStorage.getItem("clicks") ?? 0) + 1);
}, true);
"""


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDemo]:
    """A demo of this file's own: its patients order what others count on."""
    running = RunningDemo(tmp_path_factory.mktemp("deliveries"))
    try:
        running.wait_until_ready()
        yield running
    finally:
        running.stop()


@pytest.fixture
def database(demo: RunningDemo) -> Iterator[Database]:
    with demo.database() as database:
        yield database


@contextmanager
def served_without_carrier(demo: RunningDemo, folder: Path) -> Iterator[str]:
    """Serve the demo's portal once more, with a carrier at an address where nobody answers; gives its own address."""
    key = folder / "carrier-key"
    key.write_text("no secret\n")
    with socket.socket() as nobody:
        # Bound and not listening: whoever calls is refused.
        nobody.bind(("127.0.0.1", 0))
        settings = demo.settings() | {
            "SERVICE_POINTS_URL": f"http://127.0.0.1:{nobody.getsockname()[1]}",
            "SERVICE_POINTS_KEY_FILE": str(key),
        }
        settings.pop("SERVICE_POINTS_FILE")
        app = create_app(Settings.from_environment(settings))
        server = make_server("127.0.0.1", 0, app, threaded=True)
        serving = Thread(target=server.serve_forever)
        serving.start()
        try:
            yield f"http://localhost:{server.server_port}"
        finally:
            server.shutdown()
            serving.join()
            server.server_close()
            app.extensions["database"].dispose()


def review(user: User, name: str, base_url: str = "") -> None:
    """Log in and go to the review page of everything that can be ordered."""
    user.log_in(name)
    # Cookies do not care about ports.
    user.go(f"{base_url}/my-products")
    user.page.locator("form.order button[type=submit]").click()
    user.page.wait_for_url(re.compile(r"/order/review"))
    user.look()


def confirm(user: User) -> str:
    """Confirm and return the order's number."""
    user.press(user.text("Bekräfta beställningen", "Confirm the order"))
    user.page.wait_for_url(re.compile(r"/orders/\d+"))
    found = re.search(r"/orders/(\d+)", user.page.url)
    assert found
    return found[1]


def choose(user: User, way: str) -> None:
    """Choose a way of delivery; the page changes in place."""
    user.page.locator(f"input[name=way-0][value={way}]").check(force=True)
    expect(user.page.locator(f"input[name=shown-0][value={way}]")).to_be_attached()
    user.look()


def choices(database: Database, order_no: str) -> list[DeliveryChoice]:
    with database.session() as session:
        return list(
            session.scalars(
                select(DeliveryChoice).join(Order).where(Order.order_no == order_no).order_by(DeliveryChoice.id)
            )
        )


def test_a_collection_point_with_a_text_message_and_then_two_clicks(
    demo: RunningDemo, database: Database, browser: Browser
) -> None:
    user = User(browser, demo, "sv", PHONE)
    review(user, "Anna Lindvik")
    page = user.page
    boxes = page.locator("input[name=item]")
    for number in (2, 3):
        boxes.nth(number).uncheck()
    choose(user, "SERVICE_POINT-POSTNORD")
    assert page.url.endswith(tuple("0123456789")), "the page was left"
    expect(page.locator("input[name$=-point]")).to_have_count(10)
    page.locator("input[name$=-search]").fill("531 30")
    page.get_by_role("button", name="Visa utlämningsställen").click()
    expect(page.get_by_text("Livs på hörnet")).to_be_visible()
    user.look()
    page.locator("input[name$=-point][value='730002']").check(force=True)
    page.locator("input[name$=-notification][value=SMS]").check(force=True)
    page.locator("input[name$=-sms]:visible").fill("070-123 45 67")
    (choice,) = choices(database, confirm(user))
    assert (choice.point_id, choice.notification, choice.notify_to) == ("730002", Notification.SMS, "+46701234567")
    user.sees("SMS till 070-123 45 67")

    # The rest of it another day: two clicks, and it goes where the last went.
    user.go("/my-products")
    page.add_init_script(COUNT_CLICKS)
    page.reload()
    page.evaluate("sessionStorage.clear()")
    page.locator("form.order button[type=submit]").click()
    page.wait_for_url(re.compile(r"/order/review"))
    user.sees("Här hämtade du förra gången")
    expect(page.locator("input[name$=-point][value='730002']")).to_be_checked()
    expect(page.locator("input[name$=-sms]:visible")).to_have_value("070-123 45 67")
    page.get_by_role("button", name="Bekräfta beställningen").click()
    page.wait_for_url(re.compile(r"/orders/\d+\?placed=1"))
    assert page.evaluate("sessionStorage.getItem('clicks')") == "2"
    found = re.search(r"/orders/(\d+)", page.url)
    assert found
    (again,) = choices(database, found[1])
    assert (again.point_id, again.notify_to) == ("730002", "+46701234567")
    user.close()


def test_two_deliveries_a_sum_that_holds_and_another_language_on_the_way(
    demo: RunningDemo, database: Database, browser: Browser
) -> None:
    user = User(browser, demo, "sv", PHONE)
    review(user, "Fatima Nourzadeh")
    page = user.page
    user.sees("Det blir 2 leveranser")
    user.sees("kan bara hämtas på ett utlämningsställe hos PostNord")
    user.sees("kan bara skickas hem")
    expect(page.locator("input[name$=-point][value='730003']")).to_be_checked()

    # Ten packages over three tastes: one too many cannot be confirmed, and is said.
    tastes = page.locator("output[data-sum-of]").locator("xpath=ancestor::li").locator("input[data-sum]")
    ready = page.locator("[data-confirm]")
    tastes.nth(0).fill("6")
    tastes.nth(1).fill("6")
    expect(ready).to_be_disabled()
    expect(page.locator("[data-sum-note]")).to_have_text("Du har valt 2 förpackningar för mycket.")
    user.look()
    tastes.nth(1).fill("3")
    expect(ready).to_be_enabled()
    user.sees("9 av 10 förpackningar valda")

    # Everything typed is there in the other language.
    page.get_by_text("Ändra adressen eller skriv till föraren").click()
    page.locator("textarea[name=comment]").fill("Ring på hos grannen 🙂")
    page.locator("form.language button").click()
    expect(page.locator("html")).to_have_attribute("lang", "en")
    user.language = "en"
    user.look()
    expect(page.locator("textarea[name=comment]")).to_have_value("Ring på hos grannen 🙂")
    expect(tastes.nth(0)).to_have_value("6")
    user.sees("It comes in 2 deliveries")
    order_no = confirm(user)
    point, home = choices(database, order_no)
    assert (point.point_id, point.notification) == ("730003", Notification.SMS)
    assert (home.method, home.comment) == (DeliveryMethod.HOME_DELIVERY, "Ring på hos grannen 🙂")
    user.go(f"/orders/{order_no}")
    user.sees("Delivery 1 of 2")
    user.follow("Order the same again")
    user.sees("Can be ordered from")
    user.close()


def test_a_carrier_that_is_away_is_said_calmly_and_home_delivery_goes_on(
    demo: RunningDemo, database: Database, browser: Browser, tmp_path: Path
) -> None:
    with database.unit_of_work() as session:
        session.execute(update(PrescriptionItem).values(source_next_earliest_date=None, next_earliest_order_date=None))
        for search in session.scalars(select(ServicePointSearch)):
            session.delete(search)
    with served_without_carrier(demo, tmp_path) as away:
        user = User(browser, demo, "sv", DESKTOP)
        review(user, "Mehmet Soylu", away)
        choose(user, "SERVICE_POINT-POSTNORD")
        user.sees("PostNord svarar inte just nu. Därför kan vi inte visa några utlämningsställen.")
        user.press("Försök igen")
        user.sees("PostNord svarar inte just nu.")
        choose(user, "HOME_DELIVERY-INGEN")
        (choice,) = choices(database, confirm(user))
        assert choice.method is DeliveryMethod.HOME_DELIVERY
        user.close()


def test_everything_is_done_with_the_keyboard_alone(demo: RunningDemo, database: Database, browser: Browser) -> None:
    with database.unit_of_work() as session:
        session.execute(update(PrescriptionItem).values(source_next_earliest_date=None, next_earliest_order_date=None))
    user = User(browser, demo, "sv", DESKTOP)
    review(user, "Mehmet Soylu")
    page = user.page
    page.locator("input[name=way-0]:checked").focus()
    page.keyboard.press("ArrowDown")
    expect(page.locator("input[name=shown-0]")).to_have_value("SERVICE_POINT-POSTNORD")
    # The page changed in place, and the hand is where it was.
    expect(page.locator("input[name=way-0][value=SERVICE_POINT-POSTNORD]")).to_be_focused()
    page.keyboard.press("Tab")
    expect(page.locator("input[name$=-point]:checked")).to_be_focused()
    page.keyboard.press("ArrowDown")
    page.locator("input[name$=-search]:visible").focus()
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.type("41118")
    # Enter in a field searches: it neither orders nor changes the language.
    page.keyboard.press("Enter")
    expect(page.get_by_text("Tobaksboden Lilla Torget")).to_be_visible()
    assert "/order/review" in page.url
    user.look()
    page.locator("[data-confirm]").focus()
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"/orders/\d+"))
    found = re.search(r"/orders/(\d+)", page.url)
    assert found
    (choice,) = choices(database, found[1])
    assert choice.method is DeliveryMethod.SERVICE_POINT
    user.close()


def test_it_works_without_javascript(demo: RunningDemo, database: Database, browser: Browser) -> None:
    with database.unit_of_work() as session:
        session.execute(update(PrescriptionItem).values(source_next_earliest_date=None, next_earliest_order_date=None))
    user = User(browser, demo, "sv", PHONE)
    user.log_in("Anna Lindvik")
    cookies = user.page.context.cookies()
    context = browser.new_context(java_script_enabled=False, base_url=demo.base_url, locale="sv-SE")
    context.add_cookies([{"name": c["name"], "value": c["value"], "url": demo.base_url} for c in cookies])
    page = context.new_page()
    page.goto("/my-products")
    page.locator("form.order button[type=submit]").click()
    page.locator("input[name=way-0][value=HOME_DELIVERY-INGEN]").check(force=True)
    page.get_by_role("button", name="Byt leveranssätt").click()
    page.get_by_text("Ändra adressen eller skriv till föraren").click()
    page.locator("textarea[name=comment]").fill("Ställ den bakom bänken")
    page.get_by_role("button", name="Bekräfta beställningen").click()
    page.wait_for_url(re.compile(r"/orders/\d+"))
    found = re.search(r"/orders/(\d+)", page.url)
    assert found
    assert choices(database, found[1])[0].comment == "Ställ den bakom bänken"
    context.close()
    user.close()
