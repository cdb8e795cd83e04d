"""An order is changed by phone until somebody begins to pick it, on the patient's own page."""

from __future__ import annotations

from sqlalchemy import update

from core.db import Database
from orders.models import OrderRow, RowStatus
from tests.integration.test_change_pages import HOME, Pages
from tests.support.calls import Desk
from tests.support.pages import check_page


def test_an_address_is_changed_by_phone_before_the_pick(database: Database) -> None:
    pages = Pages(database)
    desk = Desk(database, pages.app)
    answer = desk.search(pages.order_no, "Har flyttat")
    assert answer.location == f"/orders/{pages.order_no}"
    order = desk.client.get(answer.location)
    check_page(order)
    assert f'href="{pages.path}' in order.text
    page = desk.client.get(pages.path)
    check_page(page)
    assert "Call about Anna Provsson" in page.text
    assert pages.send_as(desk.client, "delivery", **HOME).status_code == 303
    choice = pages.choice()
    assert (choice.street, choice.postal_code) == ("Nya gatan 7", "54130")
    (entry,) = desk.entries("order.changed")
    assert (entry.reason, entry.actor_label, entry.subject_person_id) == (
        "Har flyttat",
        "Siv Kundtjänst",
        pages.patient.id,
    )


def test_amounts_too_and_nothing_once_it_is_being_picked(database: Database) -> None:
    pages = Pages(database)
    desk = Desk(database, pages.app)
    client = desk.take_call(pages.patient, "Vill ha färre")
    fields = {pages.amount(pages.sensor.id, pages.item): "2"}
    assert pages.send_as(client, "amounts", **fields).status_code == 303
    assert pages.rows()[pages.sensor.id] == 2
    late = {**pages.fields(client, "delivery"), **HOME}
    with database.unit_of_work() as session:
        session.execute(update(OrderRow).values(status=RowStatus.PICKING))
    answer = client.post(pages.path, data=late)
    assert (answer.status_code, answer.location) == (303, f"/orders/{pages.order_no}")
    assert "can no longer be changed" in client.get(answer.location).text
    assert pages.choice().street == "Provgatan 1"
