"""Handing over to carriers, on the pages: all that are in order in one click, and what is not says why."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pypdfium2
import pytest
from flask import Flask
from flask.testing import FlaskClient
from pypdf import PdfReader
from sqlalchemy import select

from auth.models import Commission, Person
from core.db import Database
from delivery.carriers import CarrierRefused
from delivery.models import DepotOrder, Parcel
from delivery.put_back import put_back
from delivery.shipping import ship
from orders.models import Article, RowStatus
from portal.adapters.carriers import ManifestFolder
from portal.carriers import use_carriers
from tests.support.builders import add_person
from tests.support.carriers import Office, parcel_now, work_carriers
from tests.support.depot_work import World, rows_of
from tests.support.pages import check_page
from tests.support.statements import counted
from tests.support.web import make_app, sign_in, token_of
from tests.support.zbar import read_codes

PAGE = "/depot/hand-over"


@pytest.fixture
def world(database: Database) -> World:
    return World(database)


@pytest.fixture
def app(world: World, tmp_path: Path) -> Flask:
    return make_app(world.database, carrier_folder=tmp_path)


@pytest.fixture
def client(app: Flask, world: World) -> FlaskClient:
    with world.database.session() as session:
        commission = session.scalars(select(Commission).where(Commission.staff_id == world.picker.staff_id)).one()
    return sign_in(app.test_client(), commission)


@pytest.fixture
def office() -> Iterator[Office]:
    yield Office()
    use_carriers(None)


def packed(world: World, person: Person | None = None, grams: int | None = 600) -> int:
    article = world.article()
    world.stock(article, 20)
    with world.database.unit_of_work() as session:
        session.get_one(Article, article.id).weight_grams = grams
    return world.packed(world.order({article: 2}, person))


def post(client: FlaskClient, url: str, **data: object) -> str:
    answer = client.post(url, data={"csrf_token": token_of(client, PAGE), **data}, follow_redirects=True)
    assert answer.status_code == 200
    return answer.text


def ticked(html: str) -> list[str]:
    return re.findall(r'name="parcel" value="(\d+)" checked', html)


def test_all_that_are_in_order_go_in_one_click(world: World, client: FlaskClient, office: Office) -> None:
    parcels = [packed(world) for _ in range(3)]
    work_carriers(world.database, office)
    response = client.get(PAGE)
    check_page(response)
    assert ticked(response.text) == [str(parcel) for parcel in parcels]
    for words in ("PostNord", "3 parcels", "6 packages", "3,6 kg", "Hand over all 3"):
        assert words in response.text
    html = post(client, PAGE, parcel=ticked(response.text))
    assert "3 parcels are handed over" in html
    assert "No parcel is waiting" in html
    for parcel in parcels:
        assert parcel_now(world.database, parcel).shipped_at is not None
    # Pressed again in another tab.
    assert "The parcel has already been handed over" in post(client, PAGE, parcel=[str(parcels[0])])


def test_what_cannot_go_stays_and_says_why(world: World, client: FlaskClient, office: Office) -> None:
    with world.database.unit_of_work() as session:
        dead = add_person(session)
    good, deceased, cancelled, unticked = packed(world), packed(world, dead), packed(world), packed(world)
    work_carriers(world.database, office)
    office.problem = CarrierRefused("Okänt postnummer", 422)
    refused = packed(world)
    work_carriers(world.database, office)
    unbooked = packed(world, grams=None)
    with world.database.unit_of_work() as session:
        session.get_one(Person, dead.id).deceased_on = world.database.clock.now().date()
        rows_of(session, session.get_one(Parcel, cancelled).depot_order_id)[0].status = RowStatus.CANCELLED
    html = client.get(PAGE).text
    assert ticked(html) == [str(good), str(unticked)]
    for words in (
        "Must not be sent",
        "Something in it was cancelled",
        "The carrier said no",
        "No tracking number",
        "not all weighed",
    ):
        assert words in html
    assert "Hand over all 2" in html
    every = [str(one) for one in (good, deceased, cancelled, refused, unbooked)]
    html = post(client, PAGE, parcel=every)
    assert "1 parcel is handed over" in html
    for words in ("This order must not be sent", "The order has been changed", "The parcel has no tracking number"):
        assert words in html
    for parcel in (deceased, cancelled, refused, unbooked, unticked):
        assert parcel_now(world.database, parcel).shipped_at is None


def test_nothing_ticked_and_nonsense_hand_over_nothing(world: World, client: FlaskClient, office: Office) -> None:
    parcel = packed(world)
    work_carriers(world.database, office)
    assert "Nothing was chosen" in post(client, PAGE)
    assert "Nothing was chosen" in post(client, PAGE, parcel=["x", "-1", "9" * 30, "٣"])
    assert client.post(PAGE, data={"csrf_token": token_of(client, PAGE), "parcel": "987654"}).status_code == 303
    assert parcel_now(world.database, parcel).shipped_at is None


def test_the_page_takes_the_same_statements_however_much_waits(
    world: World, client: FlaskClient, office: Office
) -> None:
    packed(world)
    work_carriers(world.database, office)
    # The first visit writes the session.
    client.get(PAGE)
    with counted(world.database) as few:
        client.get(PAGE)
    for _ in range(3):
        packed(world)
    work_carriers(world.database, office)
    with counted(world.database) as more:
        client.get(PAGE)
    assert len(more) == len(few)


def test_the_driver_s_list_has_numbers_and_no_names(world: World, client: FlaskClient, office: Office) -> None:
    waiting, gone, stuck = packed(world), packed(world), packed(world)
    work_carriers(world.database, office)
    with world.database.unit_of_work() as session:
        ship(session, world.picker, gone, parcel_now(world.database, gone).tracking_no or "")
        rows_of(session, session.get_one(Parcel, stuck).depot_order_id)[0].status = RowStatus.CANCELLED
    response = client.get(f"{PAGE}/postnord/list")
    assert response.mimetype == "application/pdf"
    text = " ".join(page.extract_text() for page in PdfReader(io.BytesIO(response.data)).pages)
    for parcel in (waiting, gone):
        assert parcel_now(world.database, parcel).sscc in text
    assert parcel_now(world.database, stuck).sscc not in text
    assert "2,4 kg" in text
    for secret in ("Testsson", "Provgatan", "Glukossensor"):
        assert secret not in text
    assert client.get(f"{PAGE}/dhl/list").status_code == 404


def test_the_parcel_s_page_shows_the_booking_and_needs_no_typing(
    world: World, client: FlaskClient, tmp_path: Path, office: Office
) -> None:
    parcel = packed(world)
    url = f"/depot/parcels/{parcel}"
    assert "Book the transport" in client.get(url).text
    office.problem = CarrierRefused("<b>Okänt</b> postnummer", 422)
    work_carriers(world.database, office)
    html = client.get(url).text
    assert "The carrier said no" in html
    assert "It says: &lt;b&gt;Okänt&lt;/b&gt; postnummer" in html
    assert "The transport is being booked" in post(client, f"{url}/book-again")
    work_carriers(world.database, ManifestFolder(tmp_path))
    response = client.get(url)
    check_page(response)
    sscc = parcel_now(world.database, parcel).sscc
    assert "The transport is booked" in response.text
    assert re.search(rf'name="tracking_no"[^>]*value="{sscc}"', response.text)
    assert "1,2 kg" in response.text
    assert "is handed over" in post(client, f"{url}/ship", tracking_no=sscc)
    assert "already been handed over" in post(client, f"{url}/book-again")
    assert "The carrier is being asked" in post(client, f"{url}/ask")


def test_the_carrier_s_own_label_is_shown_until_the_parcel_has_left(
    world: World, client: FlaskClient, office: Office
) -> None:
    parcel = packed(world)
    url = f"/depot/parcels/{parcel}/carrier-label"
    assert client.get(url).status_code == 404
    work_carriers(world.database, office)
    assert client.get(url).data == b"%PDF-label"
    assert url in client.get(f"/depot/parcels/{parcel}").text
    with world.database.unit_of_work() as session:
        ship(session, world.picker, parcel, "X1")
    assert client.get(url).status_code == 404


def test_the_weight_is_asked_for_when_packing_and_filled_in_where_it_is_known(
    world: World, client: FlaskClient
) -> None:
    article = world.article()
    world.stock(article, 20)
    with world.database.unit_of_work() as session:
        session.get_one(Article, article.id).weight_grams = 250
    order = world.order({article: 3})
    world.pick_all(order)
    url = f"/depot/packing/{order}"
    assert 'value="750"' in client.get(url).text
    for wrong in ("0", "35001", "heavy", "-3"):
        answer = client.post(url, data={"csrf_token": token_of(client, PAGE), "weight_grams": wrong})
        assert answer.status_code == 422
        assert f'value="{wrong}"' in answer.text
    html = post(client, url, weight_grams="810")
    assert "810 g" in html


def test_a_transport_that_the_carrier_will_not_cancel_is_called_about(
    world: World, client: FlaskClient, office: Office
) -> None:
    parcel = packed(world)
    work_carriers(world.database, office)
    with world.database.unit_of_work() as session:
        put_back(session, world.picker, session.get_one(Parcel, parcel).depot_order_id)
    office.problem = CarrierRefused("Redan hämtad", 409)
    work_carriers(world.database, office)
    html = client.get(PAGE).text
    assert "Redan hämtad" in html
    (called,) = re.findall(rf'action="({PAGE}/\d+/called)"', html)
    assert "Redan hämtad" not in post(client, called)


def test_the_code_on_the_delivery_note_opens_the_fault_report_for_these_lots(
    world: World, app: Flask, client: FlaskClient
) -> None:
    with world.database.unit_of_work() as session:
        person = add_person(session)
    parcel, other = packed(world, person), packed(world, person)
    for one in (parcel, other):
        with world.database.unit_of_work() as session:
            ship(session, world.picker, one, f"T{one}")
    note = pypdfium2.PdfDocument(client.get(f"/depot/parcels/{parcel}/delivery-note").data)
    (code,) = read_codes(note[0].render(scale=3).to_pil())
    note.close()
    address = urlsplit(code.text)
    page = sign_in(app.test_client(), person).get(f"{address.path}?{address.query}").text

    def report_of(one: int) -> str:
        with world.database.session() as session:
            order = session.get_one(DepotOrder, session.get_one(Parcel, one).depot_order_id)
            return f"/fault-reports/new/{order.lines[0].picked_lots[0].id}"

    assert f'{report_of(parcel)}"' in page
    assert f'{report_of(other)}"' not in page
