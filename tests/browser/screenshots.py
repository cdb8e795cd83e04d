"""The pictures of the README, taken from the running demo: `make screenshots`."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path

from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.browser.support import BROWSER_FLAGS, DESKTOP, HAND_HELD, PHONE, RunningDemo
from tests.support.chromium import find_chromium
from tests.support.processes import ROOT

PICTURES = ROOT / "docs" / "pictures"


def main() -> None:
    """Start a demo of its own, take the three pictures, and stop it."""
    chromium = find_chromium()
    if chromium is None:
        raise SystemExit("No Chromium on PATH: the pictures need one.")
    PICTURES.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        demo = RunningDemo(Path(folder))
        try:
            demo.wait_until_ready()
            with sync_playwright() as playwright:
                browser = playwright.chromium.launch(executable_path=chromium, args=list(BROWSER_FLAGS))
                _patient(browser, demo)
                _depot(browser, demo)
                _faults(browser, demo)
                _consultant(browser, demo)
                browser.close()
        finally:
            demo.stop()


def _patient(browser: Browser, demo: RunningDemo) -> None:
    """Anna, who has just ordered her sensors and can order the rest."""
    page = _logged_in(browser, demo, "Anna Lindvik", PHONE, scale=2)
    page.goto("/my-products")
    boxes = page.locator("input[name=item]")
    for number in range(1, boxes.count()):
        boxes.nth(number).uncheck()
    page.locator(".order-bar button").click()
    page.wait_for_url(re.compile(r"/order/review"))
    page.locator(".order-bar button").click()
    page.wait_for_url(re.compile(r"/orders/\d+"))
    page.goto("/my-products")
    _take(page, "patient")


def _depot(browser: Browser, demo: RunningDemo) -> None:
    """Kim, who picks the next order and has scanned the first package."""
    page = _logged_in(browser, demo, "Kim Rosenhede", HAND_HELD, scale=2)
    page.goto("/depot/pick-list")
    page.locator("main form button").first.click()
    page.wait_for_url(re.compile(r"/depot/picks/\d+"))
    article = page.locator(".pick-no").inner_text()
    lot = page.locator(".pick-lot-no").inner_text()
    page.locator("input[name=scan]").fill(f"{article} {lot}")
    page.keyboard.press("Enter")
    expect(page.locator("[data-scan-result=ok]")).to_be_visible()
    _take(page, "depot")


def _faults(browser: Browser, demo: RunningDemo) -> None:
    """Anna, who reports two products; one of them with signs of danger."""
    page = _logged_in(browser, demo, "Anna Lindvik", PHONE, scale=1)
    for number, kind, danger in ((0, 2, "no"), (3, 3, "yes")):
        page.goto("/fault-reports/new")
        page.locator("main a.product-title").nth(number).click()
        page.locator("[name=kind]").nth(kind).check(force=True)
        for question, answer in (("has_danger_sign", danger), ("was_harmed", "no"), ("is_kept", "yes")):
            for choice in page.locator(f"[name={question}][value={answer}]").all():
                choice.check(force=True)
        page.locator("[name=wants_replacement]").first.check(force=True)
        page.locator(".fault-form .actions button").click()
        page.wait_for_url(re.compile(r"/received"))
    page.context.close()


def _consultant(browser: Browser, demo: RunningDemo) -> None:
    """Birgitta, who reads the red flag that is most urgent."""
    page = _logged_in(browser, demo, "Birgitta Ekelöv", DESKTOP, scale=1)
    page.goto("/complaints?show=red-flag")
    page.locator(".board-row a").first.click()
    page.wait_for_url(re.compile(r"/complaints/\d+"))
    _take(page, "consultant")


def _logged_in(browser: Browser, demo: RunningDemo, name: str, size: tuple[int, int], *, scale: int) -> Page:
    context = browser.new_context(
        locale="sv-SE",
        timezone_id="Europe/Stockholm",
        base_url=demo.base_url,
        viewport={"width": size[0], "height": size[1]},
        device_scale_factor=scale,
        reduced_motion="reduce",
    )
    page = context.new_page()
    page.goto("/log-in")
    page.get_by_role("main").get_by_role("button").first.click()
    page.wait_for_url(re.compile(r"/interaction/"))
    page.get_by_role("button", name=re.compile(re.escape(name))).click()
    page.wait_for_url(re.compile(rf"^{re.escape(demo.base_url)}(?!/log-in)"))
    return page


def _take(page: Page, name: str) -> None:
    page.wait_for_load_state("networkidle")
    page.evaluate("document.fonts.ready")
    page.screenshot(path=PICTURES / f"{name}.png", animations="disabled", caret="hide")
    page.context.close()


if __name__ == "__main__":
    main()
