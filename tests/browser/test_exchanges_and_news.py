"""The consultant reads a supplier's file and publishes news; a prescriber reads it. On a phone and on a desk, every page looked at."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Browser

from tests.browser.support import DESKTOP, PHONE, RunningDemo, User

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]


@pytest.mark.parametrize("size", [PHONE, DESKTOP], ids=["phone", "desk"])
def test_a_suppliers_file_is_looked_at_and_left(demo: RunningDemo, browser: Browser, size: tuple[int, int]) -> None:
    consultant = User(browser, demo, "en", size)
    consultant.log_in("Birgitta Ekelöv")
    consultant.go("/exchanges")
    consultant.sees("utbyten-pumpverkstan.csv")
    page = consultant.page
    page.get_by_label("Supplier").select_option(label="Pumpverkstan i Norr AB")
    rows = "Old serial;New serial;Date;Reason\r\nP2-25-7301;P2-26-0118;2026-11-15;Cracked\r\nX1;X2;3/11/2026;Alarm\r\n"
    page.locator("#file").set_input_files({"name": "new.csv", "mimeType": "text/csv", "buffer": rows.encode()})
    consultant.press("Look at the file")
    consultant.sees("Nothing has been changed yet")
    consultant.sees("Known already")
    consultant.press("Do not read it")
    consultant.sees("Nothing was changed")
    consultant.follow("utbyten-pumpverkstan.csv")
    consultant.sees("There is no reason for the exchange")
    consultant.follow(re.compile("P2-25-7301 → P2-26-0118"))
    consultant.sees("Sprucken batterilucka")
    consultant.close()


def test_news_is_written_published_and_read(demo: RunningDemo, browser: Browser) -> None:
    consultant, prescriber = User(browser, demo, "en", DESKTOP), User(browser, demo, "en", PHONE)
    consultant.log_in("Birgitta Ekelöv")
    consultant.go("/news-desk")
    consultant.follow("Write news")
    page = consultant.page
    page.get_by_label("Heading", exact=True).fill("Ny kanyl från februari")
    page.get_by_label("Text", exact=True).fill("Kanylen byts ut.\n\nInget behöver göras.")
    consultant.press("Save and look at it")
    consultant.sees("Inget behöver göras.")
    consultant.press("Publish to prescribers")
    consultant.sees(re.compile(r"Read by 0 of \d+ prescribers"))

    prescriber.log_in("Samira Yoosefi")
    prescriber.go("/prescriber/news")
    prescriber.follow("Ny kanyl från februari")
    prescriber.sees("Kanylen byts ut.")
    page.reload()
    consultant.look()
    consultant.sees(re.compile(r"Read by 1 of \d+ prescribers"))
    for somebody in (consultant, prescriber):
        somebody.close()


def test_a_patient_comes_to_the_news_from_the_inbox(demo: RunningDemo, browser: Browser) -> None:
    patient = User(browser, demo, "sv", PHONE)
    patient.log_in("Anna Lindvik")
    patient.go("/inbox")
    patient.page.locator(
        "a.product-title", has_text=re.compile("Nyhet om en produkt|News about a product")
    ).first.click()
    patient.page.wait_for_load_state()
    patient.look()
    patient.page.locator("a.ds-button[href^='/news/']").click()
    patient.page.wait_for_load_state()
    patient.look()
    patient.sees("Appen till sensorn måste uppdateras")
    patient.close()
