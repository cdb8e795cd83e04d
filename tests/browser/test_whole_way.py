"""The whole way, once, in both languages: order → worker → pick → ship → delivered → fault report → consultant → replacement picked.

Everything is real: PostgreSQL, Valkey, relay, workers, the certified identity provider, the web server and the browser.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date

import pytest
from playwright.sync_api import Browser, expect
from sqlalchemy import select

from core.db import Database
from delivery.complaints.models import Complaint
from delivery.models import DepotOrder, PickedLot, PickLine, Reservation
from orders.models import Order, OrderRow, PrescriptionItem
from tests.browser.support import DESKTOP, HAND_HELD, PHONE, RunningDemo, User
from tests.support.processes import wait_until

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]


@dataclass(frozen=True)
class Cast:
    """Who does what in one language."""

    language: str
    orderer: str
    child: str
    reporter: str
    reporter_for: str


CASTS = (
    Cast("sv", orderer="Sara Sommarström", child="Alva", reporter="Sara Sommarström", reporter_for="Alva"),
    Cast("en", orderer="Anna Lindvik", child="", reporter="Johan Wallhage", reporter_for="Ingrid"),
)


@pytest.mark.parametrize("cast", CASTS, ids=lambda cast: str(cast.language))
def test_the_whole_way(demo: RunningDemo, browser: Browser, cast: Cast) -> None:
    def user(size: tuple[int, int]) -> User:
        return User(browser, demo, cast.language, size)

    orderer, picker, consultant = user(PHONE), user(HAND_HELD), user(DESKTOP)
    reporter = user(PHONE)
    with demo.database() as database:
        order_no = _order(orderer, cast)
        depot_order_id = _arrives_at_depot(database, order_no)

        picker.log_in("Kim Rosenhede")
        _pick(picker, database, order_no, depot_order_id)
        tracking_no = f"TEST{cast.language.upper()}0001"
        _pack_and_ship(picker, tracking_no)

        orderer.go(f"/orders/{order_no}")
        orderer.sees(tracking_no)
        orderer.sees(orderer.text("Skickat", "Sent"))
        picker.press(picker.text("Notera som levererat", "Note as delivered"))
        orderer.go(f"/orders/{order_no}")
        orderer.sees(orderer.text("Levererat", "Delivered"))

        case_no, faulty_lot_id = _report_fault(reporter, database, cast)
        remaining = _remaining(database)
        _consultant_replaces(consultant, database, case_no)

        reporter.go(f"/fault-reports/{case_no}")
        reporter.sees(reporter.text("Du får en ny", "You get a new one"))
        reporter.go("/inbox")
        reporter.follow(reporter.text("Du får en ny produkt", "You get a replacement"))

        replacement_no = _replacement_of(database, case_no)
        replacement_id = _arrives_at_depot(database, replacement_no)
        _pick(picker, database, replacement_no, replacement_id)
        with database.session() as session:
            lots = session.scalars(
                select(PickedLot.lot_id).join(PickLine).where(PickLine.depot_order_id == replacement_id)
            ).all()
        assert lots
        assert faulty_lot_id not in lots
        assert _remaining(database) == remaining
    for somebody in (orderer, picker, consultant, reporter):
        somebody.close()


def _order(user: User, cast: Cast) -> str:
    user.log_in(cast.orderer)
    if cast.child:
        _switch(user, cast.child)
    user.go("/my-products")
    user.page.locator("form.order button[type=submit]").click()
    user.page.wait_for_url(re.compile(r"/order/review"))
    user.look()
    user.press(user.text("Bekräfta beställningen", "Confirm the order"))
    user.page.wait_for_url(re.compile(r"/orders/\d+"))
    found = re.search(r"/orders/(\d+)", user.page.url)
    assert found
    # Back and again: the page is made anew, and says that it is done.
    user.page.go_back()
    user.look()
    user.sees(user.text("Det här är redan beställt", "This is already ordered"))
    user.go("/inbox")
    user.go("/orders")
    return found[1]


def _switch(user: User, name: str) -> None:
    user.page.locator("details.person > summary").click()
    user.page.locator("details.person").get_by_role("button", name=re.compile(name)).click()
    user.page.wait_for_load_state()
    expect(user.page.get_by_role("banner").or_(user.page.locator(".acting")).last).to_contain_text(name)
    user.look()


def _arrives_at_depot(database: Database, order_no: str) -> int:
    def look_up() -> int | None:
        with database.session() as session:
            return session.scalar(select(DepotOrder.id).join(Order).where(Order.order_no == order_no))

    wait_until(lambda: look_up() is not None, 20, "the order did not reach the depot")
    found = look_up()
    assert found is not None
    return found


def _remaining(database: Database) -> list[tuple[int, int]]:
    with database.session() as session:
        statement = select(PrescriptionItem.id, PrescriptionItem.orders_remaining).order_by(PrescriptionItem.id)
        return [(item_id, count) for item_id, count in session.execute(statement)]


def _pick(user: User, database: Database, order_no: str, depot_order_id: int) -> None:
    user.go("/depot")
    user.go("/depot/pick-list")
    user.page.locator(f"a[href$='/depot/picks/{depot_order_id}']").click()
    user.page.wait_for_url(re.compile(rf"/depot/picks/{depot_order_id}"))
    user.look()
    user.page.locator("form[action$='/start'] button").click()
    user.page.locator("form[action$='/scan']").wait_for()
    user.look()
    _scan_something_else(user)
    _scan(user, _code_of_wanted(database, depot_order_id))
    expect(user.page.locator("[data-scan-result=ok]")).to_be_visible()
    while user.page.locator("form[action$='/finish']").count() == 0:
        before = user.page.locator(".meter-line, main").first.inner_text()
        user.page.locator("form[action$='/tick'] button").click()
        user.page.wait_for_load_state()
        assert user.page.locator(".meter-line, main").first.inner_text() != before
    user.look()
    user.page.locator("form[action$='/finish'] button").click()
    user.page.wait_for_url(re.compile(r"/depot/packing/"))
    user.look()


def _scan(user: User, code: str) -> None:
    """Scan as a hand scanner does: it types into whatever has focus, and presses Enter."""
    with user.page.expect_navigation():
        user.page.keyboard.insert_text(code)
        user.page.keyboard.press("Enter")


def _scan_something_else(user: User) -> None:
    _scan(user, "0107350000999992")
    expect(user.page.locator("[data-scan-result=wrong]")).to_be_visible()
    user.look()


def _code_of_wanted(database: Database, depot_order_id: int) -> str:
    with database.session() as session:
        reservation = session.scalars(
            select(Reservation)
            .join(PickLine, Reservation.pick_line_id == PickLine.id)
            .where(PickLine.depot_order_id == depot_order_id)
            .order_by(PickLine.id, Reservation.id)
        ).all()
        lots = sorted(
            (item.lot for item in reservation), key=lambda lot: (lot.article.location, lot.expires_on, lot.lot_no)
        )
        lot = lots[0]
        return f"01{lot.article.gtin}17{lot.expires_on:%y%m%d}10{lot.lot_no}"


def _pack_and_ship(user: User, tracking_no: str) -> None:
    user.page.locator("form[action*='/depot/packing/'] button[type=submit]").first.click()
    user.page.wait_for_url(re.compile(r"/depot/parcels/\d+"))
    user.look()
    for link in user.page.locator("a[target=_blank]").all():
        response = user.page.request.get(link.get_attribute("href") or "")
        assert response.ok
        assert response.headers["content-type"] == "application/pdf"
        assert response.body().startswith(b"%PDF")
    user.page.locator("form[action$='/ship'] input[type=text]").fill(tracking_no)
    user.page.locator("form[action$='/ship'] button").click()
    user.page.wait_for_load_state()
    user.sees(tracking_no)
    user.look()


def _report_fault(user: User, database: Database, cast: Cast) -> tuple[str, int]:
    user.log_in(cast.reporter)
    if user.page.locator(".acting").count() == 0:
        _switch(user, cast.reporter_for)
    user.go("/fault-reports/new")
    user.page.get_by_role("main").locator("a[href*='/fault-reports/new/']").first.click()
    user.page.wait_for_url(re.compile(r"/fault-reports/new/\d+"))
    user.look()
    user.page.get_by_role("button", name=user.text("Anmäl felet", "Report the fault")).click()
    user.page.locator("[data-error-summary]").wait_for()
    user.look()
    _choose(user, "kind", None)
    for name, value in (
        ("has_danger_sign", "no"),
        ("was_harmed", "no"),
        ("is_kept", "yes"),
        ("wants_replacement", "yes"),
    ):
        _choose(user, name, value)
    user.page.locator("input[name=failed_on]").fill(date.today().isoformat())  # noqa: DTZ011
    user.page.locator("textarea[name=description]").fill("Den lossnade på natten. <b>'ö'</b> 🙂")
    user.page.get_by_role("button", name=user.text("Anmäl felet", "Report the fault")).click()
    user.page.wait_for_url(re.compile(r"/fault-reports/\d+/received"))
    user.look()
    user.sees(user.text("Släng inte produkten", "Do not throw the product away"))
    found = re.search(r"/fault-reports/(\d+)", user.page.url)
    assert found
    with database.session() as session:
        complaint = session.scalars(select(Complaint).where(Complaint.case_no == found[1])).one()
        assert complaint.lot_id is not None
        return found[1], complaint.lot_id


def _choose(user: User, name: str, value: str | None) -> None:
    radios = user.page.locator(f"input[type=radio][name={name}]")
    if radios.count():
        (radios.first if value is None else user.page.locator(f"input[name={name}][value={value}]")).check(force=True)


def _consultant_replaces(user: User, database: Database, case_no: str) -> None:
    def is_routed() -> bool:
        with database.session() as session:
            complaint = session.scalars(select(Complaint).where(Complaint.case_no == case_no)).one()
            return complaint.routed_at is not None

    wait_until(is_routed, 20, "the report did not reach the consultant's queue")
    user.log_in("Birgitta Ekelöv")
    user.go(f"/complaints?find={case_no}")
    user.page.locator(f"a[href*='/complaints/{case_no}']").first.click()
    user.page.wait_for_url(re.compile(rf"/complaints/{case_no}"))
    user.look()
    # The depot has replaced it at once, unless a person is to look first.
    decision = user.page.locator("form[action$='/replace'] button[type=submit]")
    if decision.count():
        decision.click()
        user.page.wait_for_load_state()
    user.sees(user.text("Ersatt", "Replaced"))
    user.look()


def _replacement_of(database: Database, case_no: str) -> str:
    with database.session() as session:
        statement = (
            select(Order.order_no)
            .join(OrderRow, OrderRow.order_id == Order.id)
            .join(Complaint, Complaint.id == OrderRow.complaint_ref)
            .where(Complaint.case_no == case_no)
        )
        return session.scalars(statement).one()
