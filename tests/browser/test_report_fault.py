"""Reporting a fault on a phone: with a photo, by the package's code before the camera, in a bad network, and when somebody is ill."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import zxingcpp
from PIL import Image
from playwright.sync_api import Browser, Page, expect
from sqlalchemy import delete, func, select

from core.db import Database
from delivery.complaints.draft_models import FaultDraft, Photo
from delivery.complaints.models import Complaint, FaultReport
from delivery.models import DepotOrder, Lot, PickedLot, PickLine
from orders.models import Article, Order, ProductKind
from tests.browser.support import BROWSER_FLAGS, PHONE, RunningDemo, User
from tests.conftest import give_keys_and_policies
from tests.support.chromium import find_chromium
from tests.support.photos import MAKER, taken_photo

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]

TARGET = 44
SAID = "[data-draft-said]"


@pytest.fixture
def database(demo: RunningDemo) -> Iterator[Database]:
    """The demo's database, without drafts."""
    give_keys_and_policies()
    with demo.database() as database:
        with database.unit_of_work() as session:
            session.execute(delete(Photo).where(Photo.draft_id.is_not(None)))
            session.execute(delete(FaultDraft))
        yield database


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    """A photo as a phone takes it: large, lying on its side, and telling where it was taken."""
    file = tmp_path / "IMG_2041.jpg"
    file.write_bytes(taken_photo(size=(4032, 3024), orientation=6))
    return file


def _sent_to_ingrid(database: Database, kind: ProductKind) -> tuple[int, str, str]:
    """Return a picked lot that Ingrid was sent, with its GTIN and lot number."""
    with database.session() as session:
        row = session.execute(
            select(PickedLot.id, Article.gtin, Lot.lot_no)
            .join(PickLine, PickedLot.pick_line_id == PickLine.id)
            .join(DepotOrder, PickLine.depot_order_id == DepotOrder.id)
            .join(Order, DepotOrder.order_id == Order.id)
            .join(Lot, PickedLot.lot_id == Lot.id)
            .join(Article, Lot.article_id == Article.id)
            .where(Order.orderer_name.contains("Ingrid"), Article.kind == kind)
            .order_by(PickedLot.id)
            .limit(1)
        ).one()
        return row[0], row[1] or "", row[2]


def _johan(browser: Browser, demo: RunningDemo, language: str) -> User:
    """Log in as the relative who may only report faults."""
    user = User(browser, demo, language, PHONE)
    user.log_in("Johan Wallhage")
    if user.page.locator(".acting").count() == 0:
        user.page.locator("details.person summary").click()
        user.page.locator("details.person button").filter(has_text="Ingrid").click()
        user.page.wait_for_load_state()
    return user


def _choose(page: Page, name: str, value: str) -> None:
    page.locator(f"input[name={name}][value={value}]").check()


def _assert_for_thumbs(page: Page) -> None:
    for target in page.locator(
        "main :is(.ds-button, button, .choice-card, .choice-product, summary, input.ds-input:not([type=radio])):visible"
    ).all():
        box = target.bounding_box()
        assert box is not None
        if box["width"] > 1:
            assert box["height"] >= TARGET, target.evaluate("element => element.outerHTML")


def _newest_case(database: Database) -> tuple[Complaint, FaultReport, list[Photo]]:
    with database.session() as session:
        case = session.scalars(select(Complaint).order_by(Complaint.id.desc()).limit(1)).one()
        photos = session.scalars(select(Photo).where(Photo.complaint_id == case.id).order_by(Photo.id)).all()
        for one in photos:
            assert MAKER not in one.content
        return case, case.report, list(photos)


def _drafts(database: Database) -> list[dict[str, str]]:
    with database.session() as session:
        return list(session.scalars(select(FaultDraft.form)))


def test_a_relative_reports_with_a_photo_and_loses_nothing_when_the_connection_does(
    browser: Browser, demo: RunningDemo, database: Database, photo: Path
) -> None:
    picked_lot_id, _gtin, lot_no = _sent_to_ingrid(database, ProductKind.SENSOR)
    user = _johan(browser, demo, "sv")
    page = user.page
    user.go("/fault-reports/new")
    user.sees(lot_no)
    _assert_for_thumbs(page)
    page.locator(f"a[href='/fault-reports/new/{picked_lot_id}']").click()
    page.wait_for_load_state()
    user.look()

    # The questions fit: two values only when it shows wrong.
    expect(page.locator("input[name=about-finger_value]")).to_be_hidden()
    _choose(page, "kind", "WRONG_READING")
    page.locator("input[name=about-shown_value]").fill("3,2")
    page.locator("input[name=about-finger_value]").fill("11,4")
    _choose(page, "about-body_site", "upper_arm")
    _assert_for_thumbs(page)
    page.locator("input[type=file]").set_input_files(photo)
    page.locator(".photo-list img").wait_for()
    user.until(lambda: any("3,2" in draft.values() for draft in _drafts(database)), 20, "what was typed is not kept")
    user.look()

    # The connection goes; what is typed stays, also when the page is loaded anew.
    page.context.set_offline(True)
    page.locator("textarea[name=description]").fill("Den visade lågt hela natten. Mamma åt tre smörgåsar.")
    expect(page.locator(SAID)).to_contain_text(re.compile("Ingen uppkoppling|No connection"))
    page.wait_for_timeout(2000)
    page.context.set_offline(False)
    page.reload()
    expect(page.locator("textarea[name=description]")).to_have_value(re.compile("tre smörgåsar"))
    expect(page.locator("input[name=about-shown_value]")).to_have_value("3,2")
    expect(page.locator(".photo-list img")).to_have_count(1)
    user.look()

    # Begun on the first page too.
    user.go("/fault-reports/new")
    page.locator(".fault-begun a.ds-button").click()
    page.wait_for_load_state()
    for name in ("has_danger_sign", "was_harmed"):
        _choose(page, name, "no")
    _choose(page, "is_kept", "yes")
    before = _newest_case(database)[0].id

    # Sent without a connection: it waits, and goes by itself, once.
    page.context.set_offline(True)
    page.locator("form[data-draft] .actions button").click()
    expect(page.locator(SAID)).to_contain_text(re.compile("skickas av sig själv|sent by itself"))
    assert _newest_case(database)[0].id == before
    page.wait_for_timeout(3500)
    page.context.set_offline(False)
    page.wait_for_url(re.compile(r"/fault-reports/\d+/received"))
    user.look()
    case, report, (taken,) = _newest_case(database)
    assert case.id > before
    assert report.answers == {"shown_value": "3.2", "finger_value": "11.4", "body_site": "upper_arm"}
    assert "tre smörgåsar" in report.description
    assert taken.width < taken.height, "it lies on its side"
    assert _drafts(database) == []
    page.locator("main .actions a").first.click()
    page.wait_for_load_state()
    user.look()
    expect(page.locator(".photo-list img")).to_have_js_property("complete", True)
    assert page.locator(".photo-list img").evaluate("image => image.naturalWidth") > 0
    page.goto(f"/fault-reports/new/{picked_lot_id}")
    expect(page.locator("textarea[name=description]")).to_have_value("")

    # And something more a while later.
    page.goto(f"/fault-reports/{case.case_no}")
    page.locator(".fault-add summary").click()
    page.locator("textarea[name=text]").fill("Nu har den lossnat också.")
    page.locator("input[type=file]").set_input_files(photo)
    page.locator(".fault-add button").click()
    page.wait_for_load_state()
    user.look()
    expect(page.locator(".timeline")).to_contain_text("Nu har den lossnat också.")
    expect(page.locator(".photo-list img")).to_have_count(2)
    user.problems[:] = [problem for problem in user.problems if "net::ERR" not in problem]
    user.close()


def test_the_answer_that_is_lost_does_not_make_two_cases(
    browser: Browser, demo: RunningDemo, database: Database
) -> None:
    picked_lot_id, _gtin, _lot_no = _sent_to_ingrid(database, ProductKind.TEST_STRIP)
    user = _johan(browser, demo, "en")
    page = user.page
    user.go(f"/fault-reports/new/{picked_lot_id}")
    _choose(page, "kind", "BROKEN_PACKAGE")
    _choose(page, "was_harmed", "no")
    _choose(page, "is_kept", "yes")
    page.wait_for_timeout(2500)
    lost = 0

    def lose_once(route: object) -> None:
        nonlocal lost
        if lost or 'name="do"' in (route.request.post_data or ""):  # type: ignore[attr-defined]
            route.continue_()  # type: ignore[attr-defined]
            return
        lost += 1
        route.fetch()  # type: ignore[attr-defined]
        route.abort()  # type: ignore[attr-defined]

    with database.session() as session:
        before = session.scalars(select(func.count(Complaint.id))).one()
    page.route(f"**/fault-reports/new/{picked_lot_id}", lose_once)
    page.locator("form[data-draft] .actions button").click()
    page.wait_for_url(re.compile(r"/fault-reports/\d+/received"))
    assert lost == 1
    with database.session() as session:
        assert session.scalars(select(func.count(Complaint.id))).one() == before + 1
    user.problems[:] = [problem for problem in user.problems if "net::ERR" not in problem]
    user.close()


def test_signs_of_danger_show_whom_to_call_at_once(browser: Browser, demo: RunningDemo, database: Database) -> None:
    picked_lot_id, _gtin, _lot_no = _sent_to_ingrid(database, ProductKind.SENSOR)
    user = _johan(browser, demo, "en")
    page = user.page
    user.go(f"/fault-reports/new/{picked_lot_id}")
    expect(page.locator(".fault-alert")).to_be_hidden()
    _choose(page, "has_danger_sign", "yes")
    expect(page.locator(".fault-alert")).to_be_visible()
    expect(page.locator(".fault-alert a[href='tel:112']")).to_be_visible()
    user.look()
    # What is left out is said with everything that was chosen kept.
    page.locator("form[data-draft] .actions button").click()
    page.locator("[data-error-summary]").wait_for()
    expect(page.locator(".red-flag a[href='tel:112']").first).to_be_visible()
    expect(page.locator("input[name=has_danger_sign][value=yes]")).to_be_checked()
    user.look()
    _choose(page, "kind", "STOPPED_WORKING")
    _choose(page, "was_harmed", "no")
    _choose(page, "is_kept", "yes")
    page.locator("form[data-draft] .actions button").click()
    page.wait_for_url(re.compile(r"/fault-reports/\d+/received"))
    expect(page.locator(".red-flag a[href='tel:1177']")).to_be_visible()
    user.look()
    assert _newest_case(database)[0].has_red_flag
    user.close()


def test_the_camera_reads_the_package_and_leads_straight_to_its_product(
    browser: Browser, demo: RunningDemo, database: Database, tmp_path: Path
) -> None:
    picked_lot_id, gtin, lot_no = _sent_to_ingrid(database, ProductKind.SENSOR)
    gs1 = f"(01){gtin.rjust(14, '0')}(17)280630(10){lot_no}"
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
        user = _johan(filming, demo, "en")
        user.go("/fault-reports/new")
        user.page.context.grant_permissions(["camera"])
        user.page.get_by_role("button", name="Read the code on the package").click()
        user.page.wait_for_url(re.compile(rf"/fault-reports/new/{picked_lot_id}$"))
        user.look()
        user.sees(lot_no)

        # Typed, with a lot that we never sent.
        user.go("/fault-reports/new")
        user.page.locator(".fault-type summary").click()
        user.page.locator("#scan").fill(f"(01){gtin.rjust(14, '0')}(10)NEVERSENT")
        user.press("Find the product")
        user.sees("We have not sent lot NEVERSENT")
        user.follow("Go on with lot NEVERSENT")
        user.sees("Not among what we have sent here")
        user.close()
