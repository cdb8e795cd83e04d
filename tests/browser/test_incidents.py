"""A red flag becomes a serious incident: the checklist by keyboard alone, the report on a phone, the year; every page looked at."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect
from pypdf import PdfReader

from tests.browser.support import DESKTOP, PHONE, RunningDemo, User

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDemo]:
    """A demo of this file's own: nobody else assesses its red flags."""
    running = RunningDemo(tmp_path_factory.mktemp("incidents"))
    try:
        running.wait_until_ready()
        yield running
    finally:
        running.stop()


def test_the_checklist_is_answered_by_keyboard(demo: RunningDemo, browser: Browser) -> None:
    user = User(browser, demo, "en", DESKTOP)
    user.log_in("Birgitta Ekelöv")
    page, keys = user.page, user.page.keyboard
    user.go("/incidents")
    user.sees("Clocks that run")
    user.sees("3 days left")
    page.locator("main .incident-list a").first.focus()
    with page.expect_navigation():
        keys.press("Enter")
    user.look()
    user.sees("Is it a serious incident?")
    expect(page.locator("#unanticipated")).to_be_hidden()
    # Yes, no, yes, yes, not known, no: the near miss is not asked when somebody became worse.
    page.locator("#product_could_be_the_cause-0").focus()
    for steps in (0, 1, 0, 0, 2, 1):
        keys.press("Space")
        for _ in range(steps):
            keys.press("ArrowDown")
        keys.press("Tab")
    expect(page.locator("#unanticipated")).to_be_visible()
    expect(page.locator("#could_have_led_to_it")).to_be_hidden()
    with page.expect_navigation():
        keys.press("Enter")
    user.look()
    user.sees("Death or unexpected serious harm")
    user.sees("From then the manufacturer has 10 days.")
    user.sees("Write the report and send it.")
    user.close()


def test_the_report_is_written_and_sent_on_a_phone(demo: RunningDemo, browser: Browser, tmp_path: Path) -> None:
    user = User(browser, demo, "en", PHONE)
    user.log_in("Birgitta Ekelöv")
    page = user.page
    user.go("/incidents")
    page.locator("main .incident-list").last.locator("a").first.click()
    user.look()
    user.follow("Write the report")
    page.get_by_label("What it led to, or could have led to").fill("Ring 198001019804 om hur det gick.")
    user.press(re.compile("Write version 1"))
    user.sees("This says who somebody is")
    page.get_by_label("What it led to, or could have led to").fill("Lågt blodsocker. Någon fanns i närheten.")
    page.get_by_label("Their phone").fill("010-000 00 10")
    user.press(re.compile("Write version 1"))
    user.sees("Version 1 is written.")
    with page.expect_download() as downloading:
        page.get_by_role("link", name="Download it as PDF").click()
    kept = tmp_path / "report.pdf"
    downloading.value.save_as(kept)
    said = " ".join(one.extract_text() for one in PdfReader(io.BytesIO(kept.read_bytes())).pages)
    assert "Lågt blodsocker" in said
    page.get_by_label("Sent to").fill("Läkemedelsverkets e-tjänst")
    user.press("Note that it was sent")
    user.sees("The report is noted as sent.")
    user.sees("Write the letter and send it.")
    user.go("/incidents/years/2020")
    user.sees("Nothing was assessed as an incident that year")
    user.go("/incidents")
    user.follow(re.compile("The year"))
    user.sees("Each serious incident")
    user.close()
