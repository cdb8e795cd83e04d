"""After the order: settings, a change of amount and of address, the message that says only that there is one, and the history."""

from __future__ import annotations

import email
import email.policy
import os
import re
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path
from threading import Event
from time import monotonic

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.support import DESKTOP, PHONE, RunningDemo, User

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]
# Where to leave pictures of the pages for somebody to look at; nowhere unless it is set.
PICTURES = os.environ.get("PORTAL_TEST_PICTURES", "")


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDemo]:
    """A demo of this file's own: the order that is changed must be one that nobody else picks."""
    running = RunningDemo(tmp_path_factory.mktemp("after"))
    try:
        running.wait_until_ready()
        yield running
    finally:
        running.stop()


def picture(user: User, name: str, size: tuple[int, int]) -> None:
    if PICTURES:
        user.page.screenshot(path=Path(PICTURES) / f"{name}-{size[0]}.png", full_page=True)


@pytest.mark.parametrize("size", [PHONE, DESKTOP])
def test_settings_change_and_history(demo: RunningDemo, browser: Browser, size: tuple[int, int]) -> None:
    user = User(browser, demo, "en", size)
    user.log_in("Anna Lindvik")
    page = user.page
    user.go("/settings")
    page.get_by_role("radio", name="Not at all").check()
    expect(page.get_by_label("E-mail address")).to_be_hidden()
    page.get_by_role("radio", name="By e-mail").check()
    page.get_by_label("E-mail address").fill("anna")
    page.get_by_role("checkbox", name="When I can order again").check()
    user.press("Save the settings")
    user.sees("That is not an e-mail address")
    picture(user, "settings-wrong", size)
    page.get_by_label("E-mail address").fill("anna@example.org")
    user.press("Save the settings")
    user.sees("Your settings are saved.")
    expect(page.get_by_label("E-mail address")).to_have_value("anna@example.org")
    picture(user, "settings", size)

    user.go("/my-products")
    user.press(re.compile(r"^Order \d+ product"))
    user.press("Confirm the order")
    user.follow("Change the order")
    picture(user, "change", size)
    first = page.locator("#amounts input[type=number]").first
    packages = int(first.input_value())
    # What is more than the prescription gives is said, and nothing changes.
    first.fill(str(packages + 1))
    user.press("Change how much")
    user.sees("Something needs to be corrected")
    picture(user, "change-wrong", size)
    page.locator("#amounts input[type=checkbox]").last.uncheck()
    page.locator("#amounts input[type=number]").first.fill(str(packages))
    user.press("Change how much")
    user.sees("The order is changed.")
    picture(user, "changed", size)

    user.follow("Change the order")
    page.get_by_text("Change the address, or write to the driver").click()
    page.get_by_label("Street and number").first.fill("Strandvägen 9")
    user.press("Change how you get it")
    user.sees("Strandvägen 9")
    order_page = page.url

    user.go("/orders")
    user.sees("Not ordered here" if user.page.get_by_text("Not ordered here").count() else "Order")
    page.get_by_text("When each product was last").first.click()
    user.look()
    picture(user, "orders", size)
    user.go("/inbox")
    user.sees("Your order is changed")
    user.follow("Your order is changed")
    _told_only_that_there_is_one(demo)

    # Everything is given back once: it can be ordered again, which the next visitor does.
    user.go(order_page)
    page.get_by_text("Cancel the order").first.click()
    user.press(re.compile("^Yes, cancel order"))
    user.sees("you have your withdrawals back")
    user.close()


def _told_only_that_there_is_one(demo: RunningDemo) -> None:
    begun = monotonic()
    while not (told := _mail_to(demo, "anna@example.org")):
        assert monotonic() - begun < 60, "nobody was told"
        Event().wait(0.2)
    for message in told:
        assert message.get_content().strip() == f"You have a new message. Log in at {demo.base_url}."


def _mail_to(demo: RunningDemo, address: str) -> list[EmailMessage]:
    """What was sent to somebody; the demo writes to suppliers too."""
    files = sorted((demo.folder / "sent" / "mail").glob("*.eml"))
    sent = [email.message_from_bytes(file.read_bytes(), policy=email.policy.default) for file in files]
    return [message for message in sent if message["To"] == address]
