"""Goods in and stock as a browser without JavaScript uses them, on the whole application."""

from __future__ import annotations

import io
from datetime import date, timedelta
from urllib.parse import quote

import pytest
from flask import Flask
from flask.testing import FlaskClient
from pypdf import PdfReader
from sqlalchemy import select

from auth.identity import Identity
from auth.models import Commission
from core.clock import now, today
from core.db import Database
from delivery.adjusting import count_lot
from delivery.goods_models import GoodsReceipt, SerialisedUnit, SupplierOrder, SupplierOrderLine
from delivery.models import Lot, StockBalance
from delivery.receipts import open_receipt
from delivery.reordering import order_from_supplier
from orders.models import Article, ProductKind, Supplier
from tests.support.builders import REGION, add_article, add_depot, add_stock
from tests.support.depot_work import World, gs1
from tests.support.pages import check_page
from tests.support.statements import counted
from tests.support.web import make_app, sign_in, token_of

GOOD, SHORT_LIVED = date(2028, 6, 30), date(2027, 6, 30)


@pytest.fixture
def world(database: Database) -> World:
    return World(database)


@pytest.fixture
def app(database: Database) -> Flask:
    return make_app(database)


@pytest.fixture
def client(app: Flask, world: World) -> FlaskClient:
    return client_of(app, world, world.picker)


@pytest.fixture
def sensor(world: World) -> Article:
    article = world.article()
    with world.database.unit_of_work() as session:
        supplier = Supplier(region=REGION, supplier_no="S1", name="Provleverantören AB")
        session.add(supplier)
        session.flush()
        found = session.get_one(Article, article.id)
        found.shelf_life_days, found.supplier_id = 540, supplier.id
        return found


@pytest.fixture
def receipt_url(world: World) -> str:
    with world.database.unit_of_work() as session:
        return f"/depot/receiving/deliveries/{open_receipt(session, world.picker, None, 'FS-1').id}"


def client_of(app: Flask, world: World, who: Identity) -> FlaskClient:
    with world.database.session() as session:
        commission = session.scalars(select(Commission).where(Commission.staff_id == who.staff_id)).one()
    return sign_in(app.test_client(), commission, language="en")


def post(
    client: FlaskClient, url: str, more: dict[str, str] | None = None, *, expect: int = 200, **data: object
) -> str:
    answer = client.post(
        url, data={"csrf_token": token_of(client, "/depot"), **data, **(more or {})}, follow_redirects=True
    )
    assert answer.status_code == expect, answer.text
    check_page(answer)
    return answer.text


def pump(world: World, article: Article) -> None:
    with world.database.unit_of_work() as session:
        found = session.get_one(Article, article.id)
        found.is_serialised, found.kind = True, ProductKind.PUMP


def test_a_delivery_against_an_order_from_first_scan_to_the_list_for_the_supplier(
    client: FlaskClient, world: World, sensor: Article
) -> None:
    with world.database.unit_of_work() as session:
        order = order_from_supplier(session, world.picker, sensor.supplier_id or 0, {sensor.id: 20}, today(session))
        order.expected_on -= timedelta(days=1)
    shown = client.get("/depot/receiving").text
    assert "Late" in shown
    begun = post(client, "/depot/receiving/deliveries", supplier_order_id=order.id, idempotency_key="k1")
    assert "Scan the first package of a lot" in begun
    post(client, "/depot/receiving/deliveries", supplier_order_id=order.id, idempotency_key="k1")
    with world.database.session() as session:
        receipt = session.scalars(select(GoodsReceipt)).one()
    url = f"/depot/receiving/deliveries/{receipt.id}"
    code = gs1(sensor, "L1", GOOD)
    looked = client.get(f"{url}?code={quote(code)}")
    check_page(looked)
    assert sensor.display_name in looked.text
    assert "30 June 2028" in looked.text
    taken = post(client, f"{url}/receive", code=code, packages=12, location="A-99", idempotency_key="k2")
    assert "Taken in: 12 packages" in taken
    assert "8 too few" in taken
    post(client, f"{url}/receive", code=code, packages=12, location="A-99", idempotency_key="k2")
    short = gs1(sensor, "L2", SHORT_LIVED)
    assert "It will be refused" in client.get(f"{url}?code={quote(short)}").text
    refused = post(client, f"{url}/receive", code=short, packages=5, note="Pall 2")
    assert "The shelf life is too short: 211 days left, 360 required" in refused
    unknown = post(client, f"{url}/receive", code="04012345678901", packages=3)
    assert "The article is not ours" in unknown
    pdf = client.get(f"{url}/return-note")
    assert pdf.mimetype == "application/pdf"
    text = "".join(page.extract_text() for page in PdfReader(io.BytesIO(pdf.data)).pages)
    for wanted in (f"R{receipt.receipt_no}", "L2", "04012345678901", "211", "Pall 2", "Provleverantören AB"):
        assert wanted in text, wanted
    assert "The delivery is closed" in post(client, f"{url}/close")
    assert "Delivery" in client.get("/depot/receiving").text
    assert "Send back from delivery" in client.get("/depot/receiving").text
    assert f"Sent back with number R{receipt.receipt_no}" in post(client, f"{url}/send-back")
    assert "is closed" in post(client, f"{url}/receive", code=code, packages=1)
    with world.database.session() as session:
        balance = session.scalars(select(StockBalance)).one()
        assert (balance.on_hand, balance.location) == (12, "A-99")


def test_what_is_wrong_is_said_at_its_field_and_what_was_typed_is_kept(
    client: FlaskClient, world: World, sensor: Article, receipt_url: str
) -> None:
    assert "The code could not be read" in client.get(f"{receipt_url}?code=0107350000").text
    kept = post(
        client,
        f"{receipt_url}/receive",
        expect=422,
        code=sensor.article_no,
        packages="many",
        location="B-1",
        note="Våt",
    )
    assert "Write the number with digits" in kept
    assert 'value="B-1"' in kept
    assert 'value="Våt"' in kept
    assert "Which lot?" in post(client, f"{receipt_url}/receive", expect=422, code=sensor.article_no, packages=1)
    new = post(client, f"{receipt_url}/receive", expect=422, code=sensor.article_no, packages=1, lot_no="L1")
    assert "Lot L1 is new" in new
    taken = post(
        client, f"{receipt_url}/receive", code=sensor.article_no, packages=1, lot_no="L1", expires_on=GOOD.isoformat()
    )
    assert "Taken in: 1 package" in taken


def test_serials_are_scanned_as_a_range_and_one_by_one(
    client: FlaskClient, world: World, sensor: Article, receipt_url: str
) -> None:
    pump(world, sensor)
    code = gs1(sensor, "L1", GOOD)
    with_serial = f"{code}\x1d21P200"
    looked = client.get(f"{receipt_url}?code={quote(with_serial)}").text
    assert ">\r\nP200</textarea>" in looked or "P200</textarea>" in looked
    kept = post(client, f"{receipt_url}/receive", expect=422, code=code, packages=3, serials="P100–P101")
    assert "3 packages, but 2 serial numbers" in kept
    assert "P100–P101" in kept
    twice = post(client, f"{receipt_url}/receive", expect=422, code=code, packages=2, serials="P1 P1")
    assert "P1 is there twice" in twice
    scans = f"P100–P101\n{with_serial}"
    assert "Taken in: 3 packages" in post(client, f"{receipt_url}/receive", code=code, packages=3, serials=scans)
    known = post(client, f"{receipt_url}/receive", expect=422, code=code, packages=1, serials="P200")
    assert "Serial number P200 has come before" in known
    with world.database.session() as session:
        lot_id = session.scalars(select(Lot.id)).one()
        assert set(session.scalars(select(SerialisedUnit.serial_no))) == {"P100", "P101", "P200"}
    shown = client.get(f"/depot/stock/{lot_id}").text
    assert "P100" in shown
    wrong = post(client, f"/depot/stock/{lot_id}/scrap", expect=422, packages=1, serials="P999", note="Trasig")
    assert "Unknown serial number" in wrong
    post(client, f"/depot/stock/{lot_id}/scrap", packages=1, serials="P101", note="Trasig", idempotency_key="k")
    counted_page = post(client, f"/depot/stock/{lot_id}/count", counted=2, serials="P100 P200")
    assert "Counted. The stock list is right" in counted_page


def test_what_will_run_out_is_ordered_with_a_button(client: FlaskClient, world: World, sensor: Article) -> None:
    world.order({sensor: 6})
    shown = client.get("/depot/receiving").text
    assert "Order from Provleverantören AB" in shown
    url, supplier, packages = "/depot/receiving/orders", sensor.supplier_id, f"packages-{sensor.id}"
    kept = post(client, url, {packages: "x7"}, expect=422, supplier_id=supplier, expected_on="2026-12-01")
    assert "Write the packages with digits" in kept
    assert 'value="x7"' in kept
    late = post(client, url, {packages: "7"}, expect=422, supplier_id=supplier, expected_on="2026-11-01")
    assert "Choose today or a later day" in late
    none = post(client, url, {packages: "0"}, expect=422, supplier_id=supplier, expected_on="2026-12-01")
    assert "Nothing to order" in none
    for _time in range(2):
        done = post(
            client,
            url,
            {packages: "40"},
            supplier_id=supplier,
            expected_on="2026-12-01",
            idempotency_key="k1",
        )
    assert "Send the file to the supplier" in done
    with world.database.session() as session:
        order = session.scalars(select(SupplierOrder)).one()
        assert session.scalars(select(SupplierOrderLine.packages)).all() == [40]
    file = client.get(f"{url}/{order.id}/file")
    assert file.mimetype == "text/csv"
    assert f"{sensor.article_no};{sensor.gtin};" in file.data.decode("utf-8-sig")
    assert "Nothing needs to be ordered" in client.get("/depot/receiving").text


def test_what_is_not_there_and_what_is_another_regions(client: FlaskClient, world: World, sensor: Article) -> None:
    with world.database.unit_of_work() as session:
        depot = add_depot(session, region="norrbotten")
        lot = add_stock(session, depot, add_article(session, region="norrbotten"), 5)
        supplier = Supplier(region="norrbotten", supplier_no="S9", name="Annan AB")
        session.add(supplier)
        session.flush()
        receipt = GoodsReceipt(depot_id=depot.id, receipt_no="999", opened_at=now(session))
        order = SupplierOrder(
            region="norrbotten",
            depot_id=depot.id,
            supplier_id=supplier.id,
            order_no="9",
            ordered_at=now(session),
            expected_on=GOOD,
        )
        session.add_all([receipt, order])
        session.flush()
    for number in (lot.id, 999_999, 99_999_999_999_999_999_999):
        assert client.get(f"/depot/stock/{number}").status_code == 404
        assert client.get(f"/depot/stock/{number}/count").status_code == 404
    for number in (receipt.id, 999_999):
        assert client.get(f"/depot/receiving/deliveries/{number}").status_code == 404
    for number in (order.id, 999_999):
        assert client.get(f"/depot/receiving/orders/{number}").status_code == 404
        assert client.get(f"/depot/receiving/orders/{number}/file").status_code == 404


@pytest.mark.parametrize("page", ["/depot/receiving", "/depot/stock?show=all", "receipt", "lot"])
def test_a_page_takes_as_many_statements_for_much_as_for_little(
    client: FlaskClient, world: World, sensor: Article, receipt_url: str, page: str
) -> None:
    lot = world.stock(sensor, 5, "FIRST")
    url = {"receipt": receipt_url, "lot": f"/depot/stock/{lot.id}"}.get(page, page)
    client.get(url)
    counts = []
    for round_no in range(2):
        for serial in range(1 + 3 * round_no):
            name = f"L{round_no}{serial}"
            post(client, f"{receipt_url}/receive", code=gs1(sensor, name, GOOD), packages=2)
            post(client, f"{receipt_url}/receive", code=gs1(sensor, f"S{name}", SHORT_LIVED), packages=2)
            with world.database.unit_of_work() as session:
                order = order_from_supplier(
                    session, world.picker, sensor.supplier_id or 0, {sensor.id: 1}, today(session)
                )
                open_receipt(session, world.picker, order.id, name)
                count_lot(session, world.picker, session.scalars(select(Lot.id).where(Lot.lot_no == name)).one(), 1)
            post(client, f"/depot/stock/{lot.id}/scrap", packages=1, note="Prov") if serial == 0 else None
        with counted(world.database) as statements:
            assert client.get(url).status_code == 200
        counts.append(len(statements))
    assert counts[0] == counts[1]
    assert counts[0] <= 24
