"""A recall from the supplier's notice to the effectiveness report: consultant, picker, patient, customer service and depot."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Browser, expect
from sqlalchemy import select

from auth.identity import Identity
from auth.models import Person, Unit
from core.db import Database
from core.outbox import Message
from delivery.models import Depot, DepotOrder, DepotOrderStatus, Lot
from delivery.picking import start_picking, tick
from delivery.routing import route_order
from delivery.shipping import pack, ship
from delivery.shortage import finish
from orders.services import OrderLine, PlaceOrder, place_order
from tests.browser.support import DESKTOP, HAND_HELD, PHONE, RunningDemo, User, member_of_staff
from tests.support.builders import add_article, add_item, add_stock, patient_identity

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]

LANGUAGE = "sv"
CALLED_BACK = "[data-called-back]"
LOT, TITLE = "RC77", "Provsensorer som visar fel"


def _order(database: Database, person_id: int, item_id: int, article_id: int, key: str) -> int:
    """Order two packages and have the depot get the order; return the depot order's id."""
    with database.unit_of_work() as session:
        person = session.get_one(Person, person_id)
        line = OrderLine(item_id, {article_id: 2}, 4)
        order = place_order(session, patient_identity(person), PlaceOrder((line,), idempotency_key=key))
        order_id = order.id
    with database.unit_of_work() as session:
        # The demo's workers may have been quicker: again changes nothing.
        route_order(session, Message(0, "order.placed", {"order_id": order_id}))
        return session.scalars(select(DepotOrder.id).where(DepotOrder.order_id == order_id)).one()


def _begun(database: Database) -> tuple[int, str]:
    """One order of the lot with the patient, another with a package of it in the picker's box; return that and the first's number."""
    kim = member_of_staff(database, "Kim Rosenhede")
    with database.unit_of_work() as session:
        person = session.scalars(select(Person).where(Person.given_name == "Tomasz")).one()
        unit = session.scalars(select(Unit).order_by(Unit.id)).first()
        article = add_article(session, name="Provsensor")
        depot = session.scalars(select(Depot)).one()
        add_stock(session, depot, article, 6, lot_no=LOT)
        items = [add_item(session, person, article, packages=2, unit=unit).id for _each in range(2)]
        person_id, article_id = person.id, article.id
    sent = _order(database, person_id, items[0], article_id, "recall-sent")
    _pick(database, kim, sent)
    with database.unit_of_work() as session:
        ship(session, kim, pack(session, kim, sent).id, "RECALL77000001")
        order = session.get_one(DepotOrder, sent).order
        order_no = order.order_no
    begun = _order(database, person_id, items[1], article_id, "recall-begun")
    with database.unit_of_work() as session:
        start_picking(session, kim, begun)
    with database.unit_of_work() as session:
        line = session.get_one(DepotOrder, begun).lines[0]
        tick(session, kim, begun, line.id, line.reservations[0].lot_id, 1)
    return begun, order_no


def _pick(database: Database, kim: Identity, depot_order_id: int) -> None:
    with database.unit_of_work() as session:
        start_picking(session, kim, depot_order_id)
    with database.unit_of_work() as session:
        line = session.get_one(DepotOrder, depot_order_id).lines[0]
        tick(session, kim, depot_order_id, line.id, line.reservations[0].lot_id, 2)
        finish(session, kim, depot_order_id)


def test_from_the_notice_to_the_report(demo: RunningDemo, browser: Browser) -> None:
    with demo.database() as database:
        begun, order_no = _begun(database)

    # The picker has the page open all the while.
    kim = User(browser, demo, LANGUAGE, HAND_HELD)
    kim.log_in("Kim Rosenhede")
    kim.go(f"/depot/picks/{begun}")
    expect(kim.page.locator(CALLED_BACK)).to_be_empty()
    kim.page.evaluate(
        "document.addEventListener('scan-outcome', (event) => document.body.dataset.heard = event.detail)"
    )

    birgitta = User(browser, demo, LANGUAGE, DESKTOP)
    birgitta.log_in("Birgitta Ekelöv")
    birgitta.go("/recalls/new")
    birgitta.look()
    page = birgitta.page
    page.locator("#what").fill(f"{LOT}; FINNS-INTE")
    page.locator("#title").fill(TITLE)
    page.locator("input[name=what_to_do][value=STOP_AND_RETURN]").check()
    birgitta.press("Se vad det gäller")
    birgitta.look()
    birgitta.sees("FINNS-INTE")
    birgitta.sees("1 patient eller enhet berörs.")
    page.locator("#typed").fill("100")
    birgitta.press("Återkalla")
    birgitta.sees("Du skrev 100, men det gäller 1.")
    page.locator("#typed").fill("1")
    birgitta.press("Återkalla")
    page.wait_for_url(re.compile(r"/recalls/\d+$"))
    address = re.sub(r"^https?://[^/]+", "", page.url)
    birgitta.sees("Allt är stoppat på depån")
    birgitta.look()

    # Nobody has touched the hand-held: it asks by itself, four times a minute.
    told = kim.page.locator(CALLED_BACK)
    expect(told).to_contain_text("Återkallat: ta ut det ur lådan", timeout=30_000)
    expect(kim.page.locator("body[data-heard=wrong]")).to_be_attached()
    kim.look()
    kim.press("Jag har lagt undan den")
    kim.sees("1 förpackning är uttagen.")
    with demo.database() as database, database.session() as session:
        assert session.scalars(select(Lot.status).where(Lot.lot_no == LOT)).one() == "RECALLED"
        assert session.get_one(DepotOrder, begun).status is DepotOrderStatus.PICKING

    birgitta.follow("Berätta för alla")
    birgitta.look()
    expect(page.locator("#text_sv")).to_have_value(re.compile("Sluta använda den nu"))
    birgitta.press("Berätta för 1")
    page.wait_for_url(re.compile(r"/recalls/\d+$"))

    tomasz = User(browser, demo, LANGUAGE, PHONE)
    tomasz.log_in("Tomasz Brzezik")
    for _try in range(20):
        tomasz.go("/my-products")
        if tomasz.page.get_by_text(TITLE).count():
            break
        tomasz.page.wait_for_timeout(500)
    tomasz.sees(TITLE)
    tomasz.look()
    asa = User(browser, demo, LANGUAGE, DESKTOP)
    asa.log_in("Åsa Tallhage")
    asa.go(f"/recall-calls/{address.rsplit('/', 1)[1]}")
    asa.sees("Tomasz Brzezik")
    asa.look()
    tomasz.follow("Läs vad du ska göra")
    tomasz.look()
    tomasz.press("Jag har läst detta")
    tomasz.sees("vet vi att du vet")
    asa.go(f"/recall-calls/{address.rsplit('/', 1)[1]}")
    asa.sees("Alla har svarat")

    kim.go(f"/depot/returns?find={order_no}")
    kim.page.locator("input[id^=note]").first.fill("Återkallad")
    kim.page.get_by_role("button", name="Notera").first.click()
    birgitta.go(address)
    birgitta.sees("Alla har svarat.")
    birgitta.look()
    expect(page.get_by_text(re.compile("^2$")).first).to_be_visible()
    report = page.request.get(f"{page.url}/report")
    assert report.headers["content-type"] == "application/pdf"
    assert report.body().startswith(b"%PDF")
    for user in (birgitta, kim, tomasz, asa):
        user.close()
