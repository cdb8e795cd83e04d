"""Two installations as people meet them: a patient orders at the one, the depot of the other sends it, and what happens when it is away."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import psutil
import pytest
from playwright.sync_api import Browser, Response, expect
from sqlalchemy import select

from auth.models import Person
from core.db import Database
from delivery.models import DepotOrder, PickLine, Reservation
from delivery.picking import start_picking, tick
from delivery.shipping import pack, register_delivery, ship
from delivery.shortage import finish
from orders.kinds import Channel
from orders.models import Order, Registration
from portal.demo.pair import DOWN
from tests.browser.support import DESKTOP, PHONE, Reachable, RunningDemo, User, member_of_staff
from tests.support.processes import wait_until

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]

TYPED = "Grannen har nyckeln, ring på hos Öberg"


@dataclass
class Source:
    """The pages of the installation that has the prescriptions."""

    base_url: str


class Patient(User):
    """Somebody who may be told that the source is away: such a page has a status of its own, and is looked at all the same."""

    def _note(self, kind: str, text: str) -> None:
        if "503" not in text:
            super()._note(kind, text)

    def _note_response(self, response: Response) -> None:
        if response.status != 503:
            super()._note_response(response)


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDemo]:
    """Both installations, for the tests of this file."""
    running = RunningDemo(tmp_path_factory.mktemp("pair"), "demo-pair")
    try:
        running.wait_until_ready()
        yield running
    finally:
        running.stop()


@pytest.fixture
def source(pair: RunningDemo) -> Reachable:
    """Where the source is."""
    return Source(pair.said(r"^The source, (\S+):"))


def test_a_patient_orders_at_the_one_and_the_depot_of_the_other_sends_it(
    pair: RunningDemo, source: Reachable, browser: Browser
) -> None:
    anna = User(browser, pair, "sv", PHONE)
    anna.log_in("Anna Lindvik")
    expect(anna.page).to_have_url(re.compile(r"/my-products$"))
    anna.page.get_by_role("button", name=re.compile(r"^Beställ \d+ produkt")).click()
    anna.page.wait_for_url(re.compile(r"/order/review"))
    anna.look()
    anna.page.get_by_role("button", name="Bekräfta beställningen").click()
    anna.page.wait_for_url(re.compile(r"/orders/\d+\?placed=1"))
    anna.look()
    found = re.search(r"/orders/(\d+)", anna.page.url)
    assert found
    with pair.database("portal") as database, database.session() as session:
        order = session.scalars(select(Order).where(Order.order_no == found[1])).one()
        assert order.registration is Registration.AT_SOURCE

    with pair.database("source") as database:
        number, depot_order_id = _at_depot(database)
        kim = User(browser, source, "sv", DESKTOP)
        kim.log_in("Kim Rosenhede")
        kim.go(f"/depot/picks/{depot_order_id}")
        kim.sees(f"Beställning {number[:-3]}\N{NO-BREAK SPACE}{number[-3:]}")
        kim.close()
        _send(database, depot_order_id)

    anna.go(f"/orders/{found[1]}")
    anna.sees("Levererat")
    anna.go("/my-products")
    anna.close()


def test_nothing_that_was_typed_is_lost_while_the_source_is_away(pair: RunningDemo, browser: Browser) -> None:
    sara = Patient(browser, pair, "en", PHONE)
    sara.log_in("Sara Sommarström")
    page = sara.page
    if page.locator(".acting").count() == 0:
        page.locator("details.person > summary").click()
        page.locator("details.person").get_by_role("button", name=re.compile("Alva")).click()
        page.wait_for_load_state()
    sara.go("/my-products")
    page.locator("form.order button[type=submit]").click()
    page.wait_for_url(re.compile(r"/order/review"))
    _type(sara)
    away = pair.folder / DOWN
    away.touch()
    sara.press("Confirm the order")
    sara.sees("Nothing has been ordered")
    assert TYPED in page.content()

    assert _orders(pair) == []

    away.unlink()
    sara.press("Confirm the order")
    page.wait_for_url(re.compile(r"/orders/\d+\?placed=1"))
    assert [order.registration for order in _orders(pair)] == [Registration.AT_SOURCE]

    # One that hangs is waited for a little, and said of as calmly.
    with _hanging(int(pair.said(r"^The source, \S+:(\d+):"))):
        sara.go("/my-products")
        sara.sees("does not answer right now")
    sara.close()


def _orders(pair: RunningDemo) -> list[Order]:
    """What the portal has of orders for Sara's child."""
    with pair.database("portal") as database, database.session() as session:
        return list(session.scalars(select(Order).where(Order.person_id == Person.id, Person.given_name == "Alva")))


def _type(user: User) -> None:
    box = user.page.locator("textarea[name$=comment], input[name$=comment]").first
    for fold in user.page.locator("main details:not([open]) > summary").all():
        if fold.is_visible() and not box.is_visible():
            fold.click()
    box.fill(TYPED)


def _at_depot(database: Database) -> tuple[str, int]:
    """Wait until the source's own workers have routed what the portal ordered there."""

    def look() -> tuple[str, int] | None:
        with database.session() as session:
            found = session.execute(
                select(Order.order_no, DepotOrder.id)
                .join(DepotOrder, DepotOrder.order_id == Order.id)
                .where(Order.channel == Channel.CONTRACT_1177)
                .order_by(Order.id.desc())
            ).first()
            return (found[0], found[1]) if found else None

    wait_until(lambda: look() is not None, 20, "the order did not reach the source's depot")
    found = look()
    assert found is not None
    return found


def _send(database: Database, depot_order_id: int) -> None:
    """Pick everything, pack it, send it, and have it delivered."""
    kim = member_of_staff(database, "Kim Rosenhede")
    with database.unit_of_work() as session:
        start_picking(session, kim, depot_order_id)
    with database.unit_of_work() as session:
        reserved = session.execute(
            select(PickLine.id, Reservation.lot_id, Reservation.packages)
            .join(Reservation, Reservation.pick_line_id == PickLine.id)
            .where(PickLine.depot_order_id == depot_order_id)
            .order_by(PickLine.id, Reservation.lot_id)
        ).all()
        for line_id, lot_id, packages in reserved:
            tick(session, kim, depot_order_id, line_id, lot_id, packages)
        finish(session, kim, depot_order_id)
    with database.unit_of_work() as session:
        parcel_id = ship(session, kim, pack(session, kim, depot_order_id).id, "PAIR00000001").id
    with database.unit_of_work() as session:
        register_delivery(session, kim, parcel_id, "TEST")


@contextmanager
def _hanging(source_port: int) -> Iterator[None]:
    """Stop the source's web server, without ending it, within the block."""
    words = ("granian", f"--port {source_port} ")
    processes = [one for one in psutil.process_iter() if all(word in f"{_command(one)} " for word in words)]
    family = {child for one in processes for child in (one, *one.children(recursive=True))}
    assert family
    try:
        for one in family:
            os.kill(one.pid, signal.SIGSTOP)
        yield
    finally:
        for one in family:
            os.kill(one.pid, signal.SIGCONT)


def _command(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except psutil.Error:
        return ""
