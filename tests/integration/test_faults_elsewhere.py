"""Fault reports of what came from elsewhere: nobody told us the lot, no depot of ours replaces it, and two minutes are enough."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from auth.identity import Role, Task
from auth.models import ProxyAppointment
from auth.persons import staff_identity
from core.clock import ManualClock
from core.db import Database
from core.idempotency import new_key
from core.outbox import Message, OutboxMessage
from delivery.complaints.decisions import ReplaceProduct, replace_product
from delivery.complaints.errors import SentFromElsewhere
from delivery.complaints.models import Complaint, FaultReport, LookFirst
from delivery.complaints.policy import ComplaintRoute
from delivery.complaints.routing import route_fault_report
from orders.models import Article, Order, ProductKind
from tests.support.builders import NOON, add_depot, add_person, add_staff
from tests.support.pages import check_page
from tests.support.pages_elsewhere import PagesElsewhere
from tests.support.web import token_of

ANSWERS = {
    "kind": "STOPPED_WORKING",
    "failed_on": "2026-12-04",
    "was_harmed": "no",
    "is_kept": "yes",
    "wants_replacement": "yes",
    "description": "Den slutade.",
}
GTIN = "07350000000016"


class Grandmother:
    """Somebody who may only report faults, for a patient who has had a parcel from elsewhere."""

    def __init__(self, pages: PagesElsewhere) -> None:
        self.pages, self.database = pages, pages.database
        pages.order()
        pages.let_it_arrive()
        with self.database.unit_of_work() as session:
            self.proxy = add_person(session, name="Gun Provsson")
            session.add(
                ProxyAppointment(
                    patient_id=pages.person.id,
                    proxy_id=self.proxy.id,
                    tasks=[Task.REPORT_FAULTS.value],
                    valid_from=NOON.date(),
                    valid_until=NOON.date().replace(year=2027),
                    accepted_at=NOON,
                )
            )
        self.client: FlaskClient = pages.browser_of(self.proxy, acting_for=pages.person)
        self.article = pages.article()
        self.lot_page = f"/fault-reports/new?article={self.article.id}"
        self.form_page = f"/fault-reports/new/articles/{self.article.id}"

    def read(self, code: str, page: str = "") -> TestResponse:
        """Send a code as the camera does."""
        page = page or self.lot_page
        return self.client.post(page, data={"csrf_token": token_of(self.client, page), "scan": code})

    def file(self, query: str = "", **changes: str) -> TestResponse:
        """Fill in the form and send it."""
        page = self.form_page + query
        fields = {**ANSWERS, **changes, "csrf_token": token_of(self.client, page), "idempotency_key": new_key()}
        return self.client.post(page, data=fields)

    def route(self) -> Complaint:
        """Let the worker route the case."""
        with self.database.unit_of_work() as session:
            complaint = session.scalars(select(Complaint)).one()
            route_fault_report(session, Message(1, "fault.reported", {"complaint_id": complaint.id}))
            return complaint


@pytest.fixture
def pages(database: Database, clock: ManualClock, tmp_path: Path) -> PagesElsewhere:
    return PagesElsewhere(database, clock, tmp_path)


@pytest.fixture
def grandmother(pages: PagesElsewhere) -> Grandmother:
    return Grandmother(pages)


def test_what_came_is_in_the_list_and_reported_in_three_pages(grandmother: Grandmother) -> None:
    chosen = grandmother.client.get("/fault-reports/new")
    check_page(chosen)
    assert f'href="{grandmother.lot_page}"' in chosen.text
    assert "Came on Friday 4 December · read the lot on the package" in chosen.text
    assert "Nothing has been sent yet" not in chosen.text
    asked = grandmother.client.get(grandmother.lot_page)
    check_page(asked)
    assert f'action="{grandmother.form_page}"' in asked.text
    form = grandmother.client.get(f"{grandmother.form_page}?lot=L24A88")
    check_page(form)
    assert "Came on Friday 4 December" in form.text
    assert "lot L24A88" in form.text
    assert "Not among what we have sent here" not in form.text
    answer = grandmother.file("?lot=L24A88")
    assert answer.status_code == 303, answer.text
    check_page(grandmother.client.get(answer.location))
    with grandmother.database.session() as session:
        report = session.scalars(select(FaultReport)).one()
    assert (report.stated_lot_no, report.picked_lot_id, report.reporter_person_id) == (
        "L24A88",
        None,
        grandmother.proxy.id,
    )


def test_without_the_package_it_is_reported_without_a_lot(grandmother: Grandmother) -> None:
    assert "I do not have the package any more" in grandmother.client.get(grandmother.lot_page).text
    assert grandmother.file(is_kept="no").status_code == 303


@pytest.mark.parametrize(("gtin", "ends"), [(None, "?lot=L24A88"), (GTIN, "?lot=L24A88")])
def test_a_read_code_leads_to_the_form_with_its_lot(grandmother: Grandmother, gtin: str | None, ends: str) -> None:
    with grandmother.database.unit_of_work() as session:
        session.get_one(Article, grandmother.article.id).gtin = gtin
    answer = grandmother.read(f"(01){GTIN}(10)L24A88")
    assert (answer.status_code, answer.location) == (303, grandmother.form_page + ends)


def test_a_code_without_a_lot_asks_for_it(grandmother: Grandmother) -> None:
    with grandmother.database.unit_of_work() as session:
        session.get_one(Article, grandmother.article.id).gtin = GTIN
    answer = grandmother.read(GTIN, "/fault-reports/new")
    assert (answer.status_code, answer.location) == (303, grandmother.lot_page)


def test_a_code_that_nothing_has_is_not_taken_for_just_anything(grandmother: Grandmother) -> None:
    assert grandmother.read(f"(01){GTIN}(10)L24A88", "/fault-reports/new").status_code == 422
    other = f"/fault-reports/new?article={grandmother.article.id + 99}"
    assert grandmother.read(f"(01){GTIN}(10)L24A88", other).status_code == 422
    with grandmother.database.unit_of_work() as session:
        session.get_one(Article, grandmother.article.id).gtin = "07350000000023"
    assert grandmother.read(f"(01){GTIN}(10)L24A88").status_code == 422


def test_a_pump_has_a_serial_number_too(grandmother: Grandmother) -> None:
    assert 'name="serial"' not in grandmother.client.get(grandmother.lot_page).text
    with grandmother.database.unit_of_work() as session:
        session.get_one(Article, grandmother.article.id).kind = ProductKind.PUMP
    asked = grandmother.client.get(grandmother.lot_page)
    check_page(asked)
    assert 'name="serial"' in asked.text


def test_what_was_withdrawn_outside_the_portal_is_in_the_list_once_it_has_come(grandmother: Grandmother) -> None:
    pages = grandmother.pages
    past = {
        "OrderItemId": "K-outside",
        "PrescriptionItemId": "R1",
        "DeliveryChoice": pages.source.history[pages.person.number][0]["DeliveryChoice"],
        "Article": {**pages.source.history[pages.person.number][0]["Article"]},
        "NoOfPcs": 2,
        "OrderDate": pages.clock.now().date().replace(day=1),
    }
    pages.source.history[pages.person.number] = [past]
    pages.later(minutes=6)
    pages.source.deliver(pages.person.number, pages.clock.now().date())
    assert f'href="{grandmother.lot_page}"' in grandmother.client.get("/fault-reports/new").text


def test_the_case_waits_for_a_consultant_who_is_told_where_a_new_one_is_ordered(grandmother: Grandmother) -> None:
    grandmother.file("?lot=L24A88")
    case = grandmother.route()
    assert case.look_first is LookFirst.SENT_FROM_ELSEWHERE
    assert case.route is ComplaintRoute.CUSTOMER_SERVICE
    told = grandmother.client.get(f"/fault-reports/{case.case_no}")
    check_page(told)
    assert "They help you to a new one." in told.text
    with grandmother.database.unit_of_work() as session:
        eva = add_staff(session, Role.CONSULTANT, name="Eva Konsulent")
        identity = staff_identity(eva)
    consultant = grandmother.pages.browser_of(eva)
    page = consultant.get(f"/complaints/{case.case_no}")
    check_page(page)
    assert "order the replacement there" in page.text
    assert "Order the replacement</span>" not in page.text
    with pytest.raises(SentFromElsewhere), grandmother.database.unit_of_work() as session:
        replace_product(session, identity, ReplaceProduct(case.case_no, 1, "replace-1"))
    posted = consultant.post(
        f"/complaints/{case.case_no}/replace",
        data={
            "csrf_token": token_of(consultant, f"/complaints/{case.case_no}"),
            "packages": "1",
            "idempotency_key": "k",
        },
    )
    check_page(posted)
    assert posted.status_code == 422
    with grandmother.database.session() as session:
        assert len(session.scalars(select(Order)).all()) == 1
        assert session.scalar(select(OutboxMessage.id).where(OutboxMessage.kind == "order.placed")) is None


def test_a_region_with_a_depot_of_its_own_here_replaces_from_it(grandmother: Grandmother) -> None:
    with grandmother.database.unit_of_work() as session:
        add_depot(session)
        identity = staff_identity(add_staff(session, Role.CONSULTANT))
    grandmother.file("?lot=L24A88")
    case = grandmother.route()
    assert case.look_first is LookFirst.LOT_UNKNOWN
    with grandmother.database.unit_of_work() as session:
        replaced = replace_product(session, replace(identity), ReplaceProduct(case.case_no, 1, "replace-1"))
        assert replaced.replacement_order is not None
        assert replaced.replacement_order.is_ours
