"""The pages of a recall: from the notice to the report, what the patient reads, whom to phone, what the picker is told."""

from __future__ import annotations

import re

import pytest
from flask import Flask
from sqlalchemy import select

from auth.identity import Role
from auth.models import Commission, Person
from core.db import Database
from delivery.complaints.recall_models import Recall, RecallRecipient, RecallStatus
from delivery.models import LotStatus
from delivery.picking import scan
from tests.support.builders import add_staff
from tests.support.depot_work import gs1
from tests.support.pages import check_page
from tests.support.picking import LATE
from tests.support.recalls import RecallWorld
from tests.support.web import make_app, sign_in, token_of

NOTICE = {
    "what": "BAD; NEVER-HERE",
    "article_no": "",
    "title": "Sensors that show too low values",
    "what_to_do": "STOP_AND_RETURN",
    "supplier_id": "",
    "notice_ref": "FSN-7",
}


@pytest.fixture
def world(database: Database) -> RecallWorld:
    return RecallWorld(database)


@pytest.fixture
def app(database: Database) -> Flask:
    return make_app(database)


def _staff(world: RecallWorld, role: Role) -> Commission:
    with world.database.unit_of_work() as session:
        found = add_staff(session, role)
        _ = found.unit, found.staff_member
        return found


def test_from_the_notice_to_the_report(world: RecallWorld, app: Flask) -> None:
    sensor = world.article()
    lot = world.stock(sensor, 9, "BAD")
    anna = world.person("Anna Ålund")
    world.sent({sensor: 2}, anna)
    client = sign_in(app.test_client(), _staff(world, Role.CONSULTANT))
    token = token_of(client, "/recalls/new")
    shown = client.post("/recalls/preview", data={**NOTICE, "csrf_token": token})
    check_page(shown)
    assert "NEVER-HERE" in shown.text
    assert "1 patient or unit is affected." in shown.text
    assert "Anna" not in shown.text
    assert world.lot_status(lot) is LotStatus.AVAILABLE
    key = re.search(r'name="idempotency_key" value="([^"]+)"', shown.text)
    assert key
    confirm = {**NOTICE, "csrf_token": token, "idempotency_key": key[1]}
    wrong = client.post("/recalls/open", data={**confirm, "typed": "1000"})
    assert wrong.status_code == 422
    check_page(wrong)
    assert "You typed 1000, but it is about 1." in wrong.text
    assert world.lot_status(lot) is LotStatus.AVAILABLE
    opened = client.post("/recalls/open", data={**confirm, "typed": "1"})
    assert opened.status_code == 303
    assert client.post("/recalls/open", data={**confirm, "typed": "1"}).location == opened.location
    assert world.lot_status(lot) is LotStatus.RECALLED
    page = client.get(opened.location)
    check_page(page)
    assert "nobody outside has been told" in page.text
    texts = client.get(f"{opened.location}/tell")
    check_page(texts)
    assert "Stop using it now" in texts.text
    sent = {"csrf_token": token, "text_sv": "Sluta använda den.", "text_en": "Stop using it."}
    assert client.post(f"{opened.location}/tell", data={**sent, "text_sv": " "}).status_code == 422
    assert client.post(f"{opened.location}/tell", data=sent).status_code == 303
    world.work()
    page = client.get(opened.location)
    check_page(page)
    assert "1 letter waits to be posted." in page.text
    letters = client.get(f"{opened.location}/letters")
    assert letters.mimetype == "application/pdf"
    client.post(f"{opened.location}/letters-posted", data={"csrf_token": token})
    assert "0 of 1 has answered, and 1 have been reached." in client.get(opened.location).text
    report = client.get(f"{opened.location}/report")
    assert (report.status_code, report.mimetype) == (200, "application/pdf")
    table = client.get(f"{opened.location}/report.csv")
    assert "Ålund" not in table.text
    client.post(f"{opened.location}/undo", data={"csrf_token": token})
    assert "can no longer be taken back" in client.get(opened.location).text
    client.post(f"{opened.location}/close", data={"csrf_token": token})
    with world.database.session() as session:
        assert session.scalars(select(Recall)).one().status is RecallStatus.CLOSED
    check_page(client.get("/recalls"))


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"what": "NEVER-HERE"}, "Nothing of this has ever been here."),
        ({"what": ""}, "Paste or write the lots"),
        ({"what": "A1-A99999999 A00000001–A99999999"}, "Divide it before"),
        ({"title": ""}, "Write what it is about"),
        ({"what_to_do": ""}, "Choose what they are to do."),
        ({"article_no": "12"}, "five digits"),
    ],
)
def test_a_notice_that_cannot_be_is_refused_in_words(
    world: RecallWorld, app: Flask, changed: dict[str, str], said: str
) -> None:
    world.stock(world.article(), 9, "BAD")
    client = sign_in(app.test_client(), _staff(world, Role.CONSULTANT))
    data = {**NOTICE, **changed, "csrf_token": token_of(client, "/recalls/new")}
    refused = client.post("/recalls/preview", data=data)
    assert refused.status_code == 422
    check_page(refused)
    assert said in refused.text


def test_the_patient_reads_it_first_and_answers_with_one_click(world: RecallWorld, app: Flask) -> None:
    sensor = world.article()
    world.stock(sensor, 9, "BAD")
    anna = world.person("Anna Ålund")
    world.sent({sensor: 2}, anna)
    recall = world.open("BAD", 1)
    client = sign_in(app.test_client(), anna)
    assert recall.title not in client.get("/my-products").text
    assert client.get(f"/my-products/recalls/{recall.recall_no}").status_code == 404
    world.tell(recall)
    home = client.get("/my-products")
    check_page(home)
    assert home.text.index(recall.title) < home.text.index(
        "can be ordered" if "can be ordered" in home.text else "</main>"
    )
    page = client.get(f"/my-products/recalls/{recall.recall_no}")
    check_page(page)
    assert "Stop using the sensor." in page.text
    assert "lot BAD" in page.text
    assert client.get("/inbox").text.count("A product that you have is called back") == 1
    token = token_of(client, f"/my-products/recalls/{recall.recall_no}")
    assert client.post(f"/my-products/recalls/{recall.recall_no}", data={"csrf_token": token}).status_code == 303
    assert recall.title not in client.get("/my-products").text
    other = sign_in(app.test_client(), world.person())
    assert other.get(f"/my-products/recalls/{recall.recall_no}").status_code == 404


def test_customer_service_phones_those_who_have_not_answered(world: RecallWorld, app: Flask) -> None:
    sensor = world.article()
    world.stock(sensor, 9, "BAD")
    anna = world.person("Anna Ålund")
    with world.database.unit_of_work() as session:
        session.get_one(Person, anna.id).phone = "0500-00 00 01"
    world.sent({sensor: 2}, anna)
    recall = world.open("BAD", 1)
    world.tell(recall)
    client = sign_in(app.test_client(), _staff(world, Role.CUSTOMER_SERVICE))
    lists = client.get("/recall-calls")
    check_page(lists)
    address = f"/recall-calls/{recall.recall_no}"
    page = client.get(address)
    check_page(page)
    assert "Anna Ålund" in page.text
    assert 'href="tel:0500000001"' in page.text
    assert client.get(f"/recalls/{recall.recall_no}").status_code == 403
    with world.database.session() as session:
        recipient_id = session.scalars(select(RecallRecipient.id)).one()
    token = token_of(client, address)
    refused = client.post(f"{address}/{recipient_id}", data={"csrf_token": token, "outcome": "answered", "note": ""})
    assert refused.status_code == 422
    check_page(refused)
    client.post(f"{address}/{recipient_id}", data={"csrf_token": token, "outcome": "nobody", "note": "Inget svar"})
    assert "Inget svar" in client.get(address).text
    client.post(f"{address}/{recipient_id}", data={"csrf_token": token, "outcome": "answered", "note": "Anna vet."})
    assert "Everybody has answered" in client.get(address).text


def test_the_picker_is_told_and_takes_it_out(world: RecallWorld, app: Flask) -> None:
    sensor = world.article()
    world.stock(sensor, 6, "BAD")
    order = world.order({sensor: 2})
    world.start(order)
    with world.database.unit_of_work() as session:
        scan(session, world.picker, order, gs1(sensor, "BAD", LATE))
    with world.database.session() as session:
        picker = session.scalars(select(Commission).where(Commission.staff_id == world.picker.staff_id)).one()
        _ = picker.unit, picker.staff_member
    client = sign_in(app.test_client(), picker)
    assert "Called back" not in client.get(f"/depot/picks/{order}").text
    world.open("BAD", 0)
    world.work()
    page = client.get(f"/depot/picks/{order}")
    check_page(page)
    assert "Called back: take it out of the box" in page.text
    today = client.get("/depot")
    check_page(today)
    assert "Stopped: called back" in today.text
    token = token_of(client, f"/depot/picks/{order}")
    data = {"csrf_token": token, "idempotency_key": "out-1"}
    assert client.post(f"/depot/picks/{order}/taken-out", data=data).status_code == 303
    after = client.get(f"/depot/picks/{order}")
    assert "1 package taken out." in after.text
    assert "Called back: take it out" not in after.text


def test_a_packed_parcel_says_that_it_must_not_be_sent(world: RecallWorld, app: Flask) -> None:
    sensor = world.article()
    world.stock(sensor, 6, "BAD")
    picked, packed = world.order({sensor: 2}), world.order({sensor: 2})
    world.pick_all(picked)
    parcel_id = world.packed(packed)
    world.open("BAD", 0)
    world.work()
    with world.database.session() as session:
        picker = session.scalars(select(Commission).where(Commission.staff_id == world.picker.staff_id)).one()
        _ = picker.unit, picker.staff_member
    client = sign_in(app.test_client(), picker)
    for address in (f"/depot/packing/{picked}", f"/depot/parcels/{parcel_id}"):
        page = client.get(address)
        check_page(page)
        assert "Called back: this must not be sent" in page.text
    token = token_of(client, "/depot")
    assert (
        "Lot BAD is recalled"
        in client.post(f"/depot/parcels/{parcel_id}/ship", data={"csrf_token": token, "tracking_no": "NEVER1"}).text
    )
    waiting = client.get("/depot/hand-over")
    check_page(waiting)
    assert "Something in it is called back." in waiting.text


def test_the_prescriber_sees_what_concerns_the_unit(world: RecallWorld, app: Flask) -> None:
    sensor = world.article()
    world.stock(sensor, 6, "BAD")
    anna = world.person()
    world.sent({sensor: 2}, anna)
    world.tell(world.open("BAD", 1))
    with world.database.unit_of_work() as session:
        from orders.models import Prescription

        unit = session.scalars(select(Prescription).where(Prescription.person_id == anna.id)).one().prescribing_unit
        member = add_staff(session, Role.PRESCRIBER, unit=unit)
        _ = member.unit, member.staff_member
    page = sign_in(app.test_client(), member).get("/prescriber")
    check_page(page)
    assert "1 of your patients has it, and 0 has answered." in page.text
