"""A round on the hand-held, driven as a keyboard-wedge scanner types, with a network that comes and goes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest
import zxingcpp
from PIL import Image
from playwright.sync_api import Browser, Error, Page, Route, expect
from sqlalchemy import func, select, update

from core.clock import today
from core.db import Database
from delivery.leaving_rounds import leave_round
from delivery.models import DepotOrder, DepotOrderStatus, Lot, LotStatus, PickedLot, PickLine, StockBalance
from delivery.rounds import begun_round
from orders.models import Article, Order
from orders.services import OrderLine, PlaceOrder, place_order
from orders.wishes import DeliveryWish
from tests.browser.support import BROWSER_FLAGS, HAND_HELD, RunningDemo, User, member_of_staff
from tests.conftest import give_keys_and_policies
from tests.support.builders import add_item, add_person, patient_identity
from tests.support.chromium import find_chromium
from tests.support.depot_work import ADDRESS
from tests.support.processes import wait_until

GLOVE = 56
PICKER = "Kim Rosenhede"
_keys = count(1)


@pytest.fixture
def work(demo: RunningDemo) -> Iterator[tuple[Database, list[int], str]]:
    """Three orders of two packages of an article that is in stock; with the code on its packages."""
    give_keys_and_policies()
    with demo.database() as database:
        yield database, *_orders(database)
        _leave_what_is_begun(database)


def _orders(database: Database) -> tuple[list[int], str]:
    order_nos = []
    with database.unit_of_work() as session:
        article, lot = session.execute(
            select(Article, Lot)
            .join(Lot, Lot.article_id == Article.id)
            .join(StockBalance, StockBalance.lot_id == Lot.id)
            .where(
                Article.gtin.is_not(None),
                Article.is_serialised.is_(False),
                Lot.status == LotStatus.AVAILABLE,
                Lot.expires_on > today(session).replace(year=today(session).year + 1),
                StockBalance.on_hand - StockBalance.reserved >= 20,
            )
            .order_by(StockBalance.on_hand.desc())
            .limit(1)
        ).one()
        assert article.gtin is not None
        code = f"01{article.gtin.rjust(14, '0')}17{lot.expires_on:%y%m%d}10{lot.lot_no}"
        for _one in range(3):
            person = add_person(session)
            item = add_item(session, person, article, packages=2, days=28)
            lines = (OrderLine(item.id, {article.id: 2}, item.orders_remaining),)
            command = PlaceOrder(lines, (DeliveryWish(address=ADDRESS),), idempotency_key=f"round-{next(_keys)}")
            order_nos.append(place_order(session, patient_identity(person), command).order_no)

    def routed() -> list[int]:
        with database.session() as session:
            chosen = select(DepotOrder.id).join(Order).where(Order.order_no.in_(order_nos)).order_by(DepotOrder.id)
            return list(session.scalars(chosen))

    wait_until(lambda: len(routed()) == len(order_nos), 20, "the orders did not reach the depot")
    mine = routed()
    with database.unit_of_work() as session:
        # What other tests have left waiting would lie on the same trolley.
        session.execute(
            update(DepotOrder)
            .where(DepotOrder.status == DepotOrderStatus.WAITING, DepotOrder.id.not_in(mine))
            .values(status=DepotOrderStatus.BACK_ORDERED)
        )
    return mine, code


def _leave_what_is_begun(database: Database) -> None:
    """End the round that a test which failed has left its picker in: the next test would go on with it."""
    picker = member_of_staff(database, PICKER)
    with database.unit_of_work() as session:
        begun = begun_round(session, picker)
        if begun is not None:
            leave_round(session, picker, begun.id, everything_is_back=True)


def _picked(database: Database, depot_order_ids: list[int]) -> int:
    with database.session() as session:
        picked = select(func.coalesce(func.sum(PickLine.picked), 0)).where(PickLine.depot_order_id.in_(depot_order_ids))
        return int(session.scalars(picked).one())


def _scan(page: Page, code: str) -> None:
    """Type as a scanner does: without a pause, wherever the focus is, and Enter."""
    page.keyboard.type(code)
    page.keyboard.press("Enter")


def _kept(page: Page) -> int:
    return int(
        page.evaluate(
            "JSON.parse(localStorage.getItem(`scans-${document.querySelector('[data-round]').dataset.round}`) ?? '[]').length"
        )
    )


def _assert_for_gloves(page: Page) -> None:
    for target in page.locator("main :is(a, button, input:not([type=hidden]), summary):visible").all():
        box = target.bounding_box()
        assert box is not None
        assert box["height"] >= GLOVE, target.evaluate("element => element.outerHTML")


@pytest.mark.timeout(240)
def test_a_round_survives_a_lost_network(
    browser: Browser, demo: RunningDemo, work: tuple[Database, list[int], str]
) -> None:
    database, orders, code = work
    user = User(browser, demo, "en", HAND_HELD)
    page = user.page
    user.log_in(PICKER)
    user.go("/depot")
    page.locator("form[action$='/depot/waves'] button").filter(has_text="PostNord").first.click()
    expect(page.locator(".flashes")).to_contain_text("planned")
    user.look()
    user.press("Start the next round")
    page.wait_for_url(re.compile(r"/depot/rounds/\d+"))
    user.look()
    _assert_for_gloves(page)
    assert _picked(database, orders) == 0
    page.locator(".pick-article").first.wait_for()
    _until_article(page, code, database)

    _scan(page, code)
    expect(page.locator("[data-scan-result=ok]")).to_be_visible()
    user.look()
    assert _picked(database, orders) == 1
    page.evaluate("document.activeElement.blur()")
    _scan(page, code)
    user.until(lambda: _picked(database, orders) == 2, 10, "a scan without focus is lost")
    _scan(page, "0107350000999992")
    expect(page.locator("[data-scan-result=wrong]")).to_be_visible()
    user.look()

    # No network: kept, also when the page cannot even be loaded again, and sent once.
    page.context.set_offline(True)
    _scan(page, code)
    expect(page.locator("[data-waiting]")).to_contain_text("1 scan waits for the network")
    assert _kept(page) == 1
    url = page.url
    with pytest.raises(Error):
        page.reload()
    page.context.set_offline(False)
    page.goto(url)
    user.until(lambda: _picked(database, orders) == 3, 20, "the scan that was kept did not arrive")
    user.until(lambda: _kept(page) == 0, 10, "the scan is kept though it has arrived")
    page.reload()
    page.wait_for_timeout(1500)
    assert _picked(database, orders) == 3

    # The server has picked, but its answer is lost: sent again, counted once.
    lost: list[Route] = []

    def lose_once(route: Route) -> None:
        if lost:
            route.continue_()
            return
        lost.append(route)
        route.fetch()
        route.abort()

    page.route("**/scan", lose_once)
    _scan(page, code)
    user.until(lambda: bool(lost) and _kept(page) == 0, 20, "the scan was not sent again")
    page.unroute("**/scan")
    assert _picked(database, orders) == 4

    # Refused long after it lay in the box: told until somebody has seen it, and nothing else is done meanwhile.
    page.context.set_offline(True)
    _scan(page, "0107350000999992")
    expect(page.locator("[data-waiting]")).to_contain_text("1 scan waits")
    page.locator("form[action$='/undo'] button").first.click()
    expect(page.locator("[data-waiting]")).to_contain_text("First the scans that wait must arrive")
    page.wait_for_timeout(4500)
    page.context.set_offline(False)
    expect(page.locator("[data-refused]")).to_contain_text("The code could not be read")
    page.reload()
    expect(page.locator("[data-refused]")).to_contain_text("The code could not be read")
    user.look()
    page.get_by_role("button", name="I have put it aside").click()
    expect(page.locator("[data-refused]")).to_be_empty()
    assert _picked(database, orders) == 4

    while page.locator("form[action$='/finish']").count() == 0:
        page.locator("form[action$='/tick'] button").click()
        page.wait_for_load_state()
    user.look()
    page.locator("form[action$='/finish'] button").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Boxes to pack")
    user.look()
    with database.session() as session:
        statuses = set(session.scalars(select(DepotOrder.status).where(DepotOrder.id.in_(orders))))
        assert statuses == {DepotOrderStatus.PICKED}
        assert session.scalars(select(PickedLot).join(PickLine).where(PickLine.depot_order_id.in_(orders))).all()
    user.problems[:] = [problem for problem in user.problems if "net::ERR" not in problem]
    user.close()


@pytest.mark.timeout(120)
def test_a_camera_reads_what_a_scanner_would(
    browser: Browser, demo: RunningDemo, work: tuple[Database, list[int], str], tmp_path: Path
) -> None:
    """The reader is our own file in a worker, and sends a code once however long the package is held up."""
    database, orders, code = work
    gs1 = f"(01){code[2:16]}(17){code[18:24]}(10){code[26:]}"
    drawn = zxingcpp.write_barcode_to_image(
        zxingcpp.create_barcode(gs1, zxingcpp.BarcodeFormat.DataMatrix, gs1=True), scale=10
    )
    picture = Image.new("RGB", (640, 480), "white")
    picture.paste(Image.fromarray(drawn).convert("RGB").resize((280, 280)), (180, 100))
    # Chromium plays a film of one JPEG as its camera.
    film = tmp_path / "camera.mjpeg"
    picture.save(film, "JPEG", quality=95)
    camera = [
        "--use-fake-device-for-media-stream",
        "--use-fake-ui-for-media-stream",
        f"--use-file-for-fake-video-capture={film}",
    ]
    chromium = find_chromium()
    assert chromium is not None
    with browser.browser_type.launch(executable_path=chromium, args=[*BROWSER_FLAGS, *camera]) as filming:
        user = User(filming, demo, "en", HAND_HELD)
        user.log_in(PICKER)
        user.go("/depot")
        user.page.locator("form[action$='/depot/waves'] button").filter(has_text="PostNord").first.click()
        user.press("Start the next round")
        user.page.context.grant_permissions(["camera"])
        user.press("Use the camera")
        user.until(lambda: _picked(database, orders) == 1, 30, "the camera read nothing")
        expect(user.page.locator("[data-scan-result=ok]")).to_be_visible()
        user.page.wait_for_timeout(1500)
        assert _picked(database, orders) == 1
        user.look()
        user.press("Close the camera")
        user.page.get_by_text("Leave this round").click()
        user.press("I have put everything back")
        user.close()
    assert _picked(database, orders) == 0


def _until_article(page: Page, code: str, database: Database) -> None:
    """Tick what other orders of the round want, until one stands where the code's article lies."""
    with database.session() as session:
        article_no = session.scalars(select(Article.article_no).where(Article.gtin == code[2:16])).one()
    while page.locator(".pick-no").first.inner_text() != article_no:
        page.locator("form[action$='/tick'] button").click()
        page.wait_for_load_state()
