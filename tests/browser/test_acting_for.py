"""Acting for somebody else: one click to switch, always visible, and no more than the proxy was given. Handbook §4."""

from __future__ import annotations

from playwright.sync_api import Browser, expect

from tests.browser.support import PHONE, RunningDemo, User


def test_switching_to_a_child_and_back_is_one_click_each_and_always_visible(
    demo: RunningDemo, browser: Browser
) -> None:
    sara = User(browser, demo, "sv", PHONE)
    sara.log_in("Sara Sommarström")
    acting = sara.page.get_by_role("region", name="Vem du hjälper")
    expect(acting).to_have_count(0)
    sara.page.get_by_role("main").get_by_role("button", name="Alva").click()
    sara.page.wait_for_load_state()
    for path in ("/my-products", "/orders", "/fault-reports/new", "/settings"):
        sara.go(path)
        expect(acting).to_contain_text("Alva")
    acting.get_by_role("button").click()
    sara.page.wait_for_load_state()
    expect(acting).to_have_count(0)
    sara.close()


def test_a_proxy_sees_and_does_only_what_the_patient_gave(demo: RunningDemo, browser: Browser) -> None:
    johan = User(browser, demo, "sv", PHONE)
    johan.log_in("Johan Wallhage")
    johan.page.get_by_role("main").get_by_role("button", name="Ingrid").click()
    johan.page.wait_for_load_state()
    johan.go("/fault-reports/new")
    johan.sees("Sensor")
    menu = johan.page.locator("#menu")
    expect(menu).to_contain_text("Anmäl fel")
    expect(menu).not_to_contain_text("Mina produkter")
    expect(menu).not_to_contain_text("Beställningar")
    for path in ("/my-products", "/orders", "/order/review?item=1"):
        answer = johan.page.goto(path)
        assert answer is not None
        assert answer.status == 403, path
        expect(johan.page.get_by_role("main")).not_to_contain_text("Teststickor")
    johan.problems = [problem for problem in johan.problems if "403" not in problem]
    johan.close()
