"""A running portal (the very demo, in a folder of its own) and a real browser."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.browser.support import BROWSER_FLAGS, RunningDemo


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDemo]:
    """The demo with a fresh region, for all browser tests of this process."""
    running = RunningDemo(tmp_path_factory.mktemp("demo"))
    try:
        running.wait_until_ready()
        yield running
    finally:
        running.stop()


@pytest.fixture(scope="session")
def browser(chromium: Path) -> Iterator[Browser]:
    """Chromium, without a screen."""
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=str(chromium), args=list(BROWSER_FLAGS))
        yield opened
        opened.close()


@pytest.fixture(autouse=True)
def _nobody_stays(browser: Browser) -> Iterator[None]:
    """Close what a failed test left open: its pages would go on sending, and its routes would answer, during the tests after it."""
    yield
    for context in browser.contexts:
        context.close()
