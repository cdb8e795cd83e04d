"""Driving the running demo as people do, and looking at every page they meet."""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event
from time import monotonic
from typing import Protocol

from playwright.sync_api import Browser, Page, Response, expect
from sqlalchemy import select

from auth.identity import Identity
from auth.models import Commission, StaffMember
from auth.persons import find_commission, staff_identity
from core.crypto import Keyring, use_keyring
from core.db import Database
from tests.support.processes import ROOT, wait_until

BROWSER_FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
PHONE = (390, 844)
HAND_HELD = (360, 740)
DESKTOP = (1280, 900)
START_SECONDS = 120
AXE = ROOT / "portal" / "frontend" / "node_modules" / "axe-core" / "axe.min.js"
LOCALES = {"sv": "sv-SE", "en": "en-GB"}


class Reachable(Protocol):
    """Pages that somebody can open."""

    base_url: str


class RunningDemo:
    """`portal demo`, or another demo's command, in a folder and on a port of its own."""

    def __init__(self, folder: Path, command: str = "demo") -> None:
        self.folder = folder / "state"
        self._output = folder / "demo.log"
        with self._output.open("wb") as output:
            self._process = subprocess.Popen(
                [
                    sys.executable,
                    "-m",
                    "portal",
                    command,
                    "--state",
                    str(self.folder),
                    "--port",
                    str(_free_port()),
                    "--follow-parent",
                ],
                cwd=ROOT,
                env={name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ},
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        self.base_url = ""

    def wait_until_ready(self) -> None:
        """Return when the demo has said its address; fail with what it said instead."""
        started = monotonic()
        while monotonic() - started < START_SECONDS and self._process.poll() is None:
            found = re.search(r"^Open (\S+)$", self._output.read_text(), re.MULTILINE)
            if found:
                self.base_url = found[1]
                return
            Event().wait(0.2)
        raise AssertionError(f"the demo did not start:\n{self._output.read_text()}")

    def said(self, pattern: str) -> str:
        """Return what the demo has said where a pattern has its group."""
        found = re.search(pattern, self._output.read_text(), re.MULTILINE)
        assert found, self._output.read_text()
        return found[1]

    def settings(self, installation: str = "") -> dict[str, str]:
        """Return the settings that the demo's parts run with; those of one installation, where there are several."""
        words = shlex.split((self.folder / installation / "env").read_text(), comments=True)
        return dict(word.split("=", 1) for word in words if "=" in word)

    @contextmanager
    def database(self, installation: str = "") -> Iterator[Database]:
        """Open the demo's database, for asking what cannot be seen on a page; that of one installation, where there are several."""
        settings = self.settings(installation)
        use_keyring(Keyring.parse(settings["PORTAL_DATA_KEYS"], settings["PORTAL_INDEX_KEY"]))
        database = Database(settings["DATABASE_URL"])
        try:
            yield database
        finally:
            database.dispose()

    def stop(self) -> None:
        """Stop it as Ctrl-C does."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)
        self._process.wait(30)


def member_of_staff(database: Database, name: str) -> Identity:
    """Return the identity that somebody of the demo's staff works with."""
    with database.session() as session:
        member = session.scalars(select(StaffMember).where(StaffMember.name == name)).one()
        commission = session.scalars(select(Commission).where(Commission.staff_id == member.id)).first()
        assert commission is not None
        found = find_commission(session, member.hsa_id, commission.hsa_id)
        assert found is not None
        return staff_identity(found)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class User:
    """Somebody at a browser of their own; every page they come to is checked."""

    def __init__(self, browser: Browser, demo: Reachable, language: str, size: tuple[int, int]) -> None:
        self.language = language
        self.problems: list[str] = []
        self.visited: set[str] = set()
        self._base_url = demo.base_url
        self._context = browser.new_context(
            locale=LOCALES[language],
            viewport={"width": size[0], "height": size[1]},
            timezone_id="Europe/Stockholm",
            base_url=demo.base_url,
            accept_downloads=True,
        )
        # The database and two workers share two cores with the browser.
        self._context.set_default_timeout(20_000)
        self.page: Page = self._context.new_page()
        self.page.on("console", lambda message: self._note(message.type, message.text))
        self.page.on("pageerror", lambda error: self.problems.append(f"script error: {error}"))
        self.page.on("response", self._note_response)

    def _note(self, kind: str, text: str) -> None:
        # A refused form is a 422, and Chromium calls that an error.
        if kind == "error" and "422" not in text:
            self.problems.append(f"console: {text} at {self.page.url}")

    def _note_response(self, response: Response) -> None:
        if response.status >= 500:
            self.problems.append(f"{response.status} at {response.url}")

    def text(self, swedish: str, english: str) -> str:
        """Return the words in this user's language."""
        return swedish if self.language == "sv" else english

    def go(self, path: str) -> None:
        """Open a page of the portal."""
        self.page.goto(path)
        self.look()

    def log_in(self, name: str) -> None:
        """Log in through the identity provider by picking a person."""
        self.go("/log-in")
        self.page.get_by_role("main").get_by_role("button").first.click()
        self.page.wait_for_url(re.compile(r"/interaction/"))
        self.look()
        self.page.get_by_role("button", name=re.compile(re.escape(name))).click()
        self.page.wait_for_url(re.compile(rf"^{re.escape(self._base_url)}(?!/log-in)"))
        self.look()
        self._switch_language()

    def _switch_language(self) -> None:
        if self.page.locator("html").get_attribute("lang") != self.language:
            self.page.locator(f"form.language button[lang={self.language}]").click()
            self.page.wait_for_load_state()
            self.look()
        # What is chosen is remembered: nobody in these tests reads two languages.
        assert self.page.locator("html").get_attribute("lang") == self.language

    def log_out(self) -> None:
        """Log out and forget everything."""
        self._context.clear_cookies()

    def press(self, name: str | re.Pattern[str]) -> None:
        """Press a button by its name and look at where it leads."""
        self.page.get_by_role("button", name=name).first.click()
        self.page.wait_for_load_state()
        self.look()

    def follow(self, name: str | re.Pattern[str]) -> None:
        """Follow a link by its name and look at where it leads."""
        self.page.get_by_role("link", name=name).first.click()
        self.page.wait_for_load_state()
        self.look()

    def sees(self, text: str | re.Pattern[str]) -> None:
        """Fail unless the page's content shows the text."""
        expect(self.page.get_by_role("main")).to_contain_text(text)

    def look(self) -> None:
        """Check the page as axe and a reader would: no finding, the right language, nothing wider than the screen."""
        page = self.page
        page.wait_for_load_state("load")
        self.visited.add(re.sub(r"\d+", "0", page.url.removeprefix(self._base_url).split("?")[0]))
        page.evaluate(AXE.read_text())
        found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
        for violation in found["violations"]:
            nodes = [node["html"][:160] for node in violation["nodes"][:2]]
            self.problems.append(f"axe: {violation['id']} at {page.url}: {json.dumps(nodes, ensure_ascii=False)}")
        if page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth + 1"):
            self.problems.append(f"wider than the screen: {page.url}")

    def until(self, condition: Callable[[], bool], seconds: float, what: str) -> None:
        """Fail with `what` unless the condition comes to hold while this user's page is open.

        The browser's driver runs routes and events only while it is asked something: a wait that only looks elsewhere starves them.
        """

        def holds() -> bool:
            self.page.wait_for_timeout(20)
            return condition()

        wait_until(holds, seconds, what)

    def close(self) -> None:
        """Leave, and fail with everything that was wrong on the way."""
        self._context.close()
        assert not self.problems, "\n".join(dict.fromkeys(self.problems))
