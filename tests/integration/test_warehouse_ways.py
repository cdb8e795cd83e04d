"""The two ways to a warehouse, each with a real one at the other end: HTTP both ways, and a folder."""

from __future__ import annotations

import base64
import os
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import requests
from flask import Flask
from requests import ReadTimeout

from core.clock import ManualClock
from core.db import Database
from delivery.ubl.names import MOST_BYTES
from delivery.warehouse_models import Outcome
from orders.models import RowStatus
from portal.adapters.warehouse import FolderWarehouse, HttpWarehouse, WarehouseAway
from portal.commands.warehouse import read_folder
from portal.signatures import check_signature
from tests.support.depot_work import World
from tests.support.elsewhere import Elsewhere
from tests.support.warehouse import (
    Sent,
    answer,
    despatch,
    elsewhere_policies,
    orders_out,
    read_order,
    work_outbox,
)
from tests.support.warehouse_servers import KEY, HttpDesk, http_desk, our_server, signed
from tests.support.web import make_app

# The same key for both regions would let one speak for the other.
OTHER_KEY = bytes(range(90, 130))


@pytest.fixture
def policies(tmp_path: Path) -> Path:
    folder = tmp_path / "policies"
    folder.mkdir()
    return elsewhere_policies(folder)


@pytest.fixture
def elsewhere(database: Database, policies: Path) -> Elsewhere:
    return Elsewhere(World(database))


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    path = tmp_path / "keys"
    lines = (f"{region} {base64.b64encode(key).decode()}" for region, key in (("vgr", KEY), ("other", OTHER_KEY)))
    path.write_text("\n".join(["# a comment", *lines, ""]))
    return path


@pytest.fixture
def app(elsewhere: Elsewhere, policies: Path, key_file: Path, tmp_path: Path) -> Flask:
    settings = {"policy_dir": policies, "warehouse_key_file": key_file, "warehouse_folder": tmp_path}
    return make_app(elsewhere.world.database, **settings)


@pytest.fixture
def address(app: Flask) -> Iterator[str]:
    with our_server(app) as url:
        yield f"{url}/api/warehouse/vgr/messages"


@pytest.fixture
def desk() -> Iterator[HttpDesk]:
    with http_desk() as running:
        yield running


def post(address: str, body: bytes, clock: ManualClock, key: bytes = KEY) -> tuple[int, dict[str, object]]:
    response = requests.post(address, data=body, headers=signed(body, clock, key), timeout=30)
    return response.status_code, response.json()


def test_round_trip_by_http_with_a_warehouse_that_is_late_partial_and_says_things_twice(
    elsewhere: Elsewhere, desk: HttpDesk, address: str, clock: ManualClock
) -> None:
    database = elsewhere.world.database
    elsewhere.world.order({elsewhere.world.article(): 4})
    port = HttpWarehouse(desk.url, {"vgr": KEY}, clock=clock)
    # The first time it breaks after reading, as servers do.
    desk.statuses = [503]
    with pytest.raises(WarehouseAway):
        work_outbox(database, port)
    assert orders_out(database)[0].outcome is Outcome.WAITING
    work_outbox(database, port)
    (body,) = desk.received.values()
    order = read_order(body)
    headers = {name.lower(): value for name, value in desk.headers[-1].items()}
    assert headers["idempotency-key"] == order.document_id
    check_signature(KEY, body, headers["x-signature-time"], headers["x-signature"], clock.now())
    later = answer(order, "CA", {order.line: {"status": "3", "packages": 3, "later": 1, "expected": "2026-12-20"}})
    half = despatch(order, [Sent(order.line, 3, outstanding=1)])
    rest = despatch(order, [Sent(order.line, 1)])
    # The advice overtakes the answer; then everything comes once more, days later.
    for message in (half, later, half, later):
        status, said = post(address, message, clock)
        assert (status, said["outcome"]) == (200, "TAKEN")
    assert said["repeated"] is True
    clock.advance(timedelta(days=4))
    assert post(address, rest, clock)[0] == 200
    assert post(address, rest, clock)[0] == 200
    assert elsewhere.statuses(order) == ["SHIPPED", "SHIPPED"]
    assert elsewhere.rows(order) == [RowStatus.SENT]
    assert elsewhere.lots() == {"L26A01": 4}
    assert len(elsewhere.told("order.sent")) == 2


def test_round_trip_by_a_folder(elsewhere: Elsewhere, tmp_path: Path) -> None:
    database, shared = elsewhere.world.database, tmp_path / "shared"
    folder = FolderWarehouse(shared)
    elsewhere.world.order({elsewhere.world.article(): 4})
    work_outbox(database, folder)
    work_outbox(database, folder)
    (written,) = (shared / "vgr" / "out").iterdir()
    order = read_order(written.read_bytes())
    assert written.name == f"{order.document_id}.xml"
    inbox = shared / "vgr" / "in"
    inbox.mkdir()
    half = despatch(order, [Sent(order.line, 3)])
    for place, raw in enumerate((answer(order), half, half, despatch(order, [Sent(order.line, 2)])), start=1):
        path = inbox / f"m{place}.xml"
        path.write_bytes(raw)
        os.utime(path, (place, place))
    (inbox / "m5.xml.unfinished").write_bytes(b"<half")
    assert read_folder(database, folder, "vgr") == 4
    assert sorted(path.name for path in (shared / "vgr" / "done").iterdir()) == ["m1.xml", "m2.xml", "m3.xml"]
    refused = sorted(path.name for path in (shared / "vgr" / "refused").iterdir())
    assert refused == ["m4.xml", "m4.xml.reason.txt"]
    assert "MORE_THAN_ORDERED" in (shared / "vgr" / "refused" / "m4.xml.reason.txt").read_text()
    assert [path.name for path in inbox.iterdir()] == ["m5.xml.unfinished"]
    assert elsewhere.lots() == {"L26A01": 3}
    # A name that is taken already does not hide what was there.
    (inbox / "m2.xml").write_bytes(despatch(order, [Sent(order.line, 1)]))
    assert read_folder(database, folder, "vgr") == 1
    assert (shared / "vgr" / "done" / "m2.xml").read_bytes() == half
    assert elsewhere.statuses(order) == ["SHIPPED", "SHIPPED"]


def test_odd_files_harm_nobody_and_hold_up_nothing(elsewhere: Elsewhere, tmp_path: Path) -> None:
    order = elsewhere.order({elsewhere.world.article(): 4})
    inbox = tmp_path / "vgr" / "in"
    inbox.mkdir(parents=True)
    secret = tmp_path / "secret"
    secret.write_bytes(despatch(order, [Sent(order.line, 2)]))
    (inbox / "a.xml").symlink_to(secret)
    (inbox / "b.xml").mkdir()
    os.mkfifo(inbox / "c.xml")
    with (inbox / "d.xml").open("wb") as large:
        large.truncate(50_000_000)
    (inbox / "e.xml").write_bytes(despatch(order, [Sent(order.line, 4)]))
    assert read_folder(elsewhere.world.database, FolderWarehouse(tmp_path), "vgr") == 5
    assert list(inbox.iterdir()) == []
    assert [path.name for path in (tmp_path / "vgr" / "done").iterdir()] == ["e.xml"]
    assert "TOO_LARGE" in (tmp_path / "vgr" / "refused" / "d.xml.reason.txt").read_text()
    assert elsewhere.lots() == {"L26A01": 4}


def test_a_file_that_cannot_be_taken_now_stays_and_holds_up_no_other(elsewhere: Elsewhere, tmp_path: Path) -> None:
    inbox = tmp_path / "vgr" / "in"
    inbox.mkdir(parents=True)
    for name in ("a.xml", "b.xml"):
        (inbox / name).write_bytes(b"<a/>")
    seen: list[bytes] = []

    def away(raw: bytes) -> None:
        seen.append(raw)
        raise ConnectionError

    assert FolderWarehouse(tmp_path).read("vgr", away) == 0  # type: ignore[arg-type]
    assert len(seen) == len(list(inbox.iterdir())) == 2


def test_a_warehouse_that_says_no_is_not_asked_again(elsewhere: Elsewhere, desk: HttpDesk, clock: ManualClock) -> None:
    elsewhere.world.order({elsewhere.world.article(): 4})
    desk.statuses = [422]
    port = HttpWarehouse(desk.url, {}, clock=clock)
    work_outbox(elsewhere.world.database, port)
    work_outbox(elsewhere.world.database, port)
    assert len(desk.headers) == 1
    (sent,) = orders_out(elsewhere.world.database)
    assert (sent.outcome, sent.detail) == (Outcome.NOT_TAKEN, "STATUS:422")


def test_a_warehouse_that_does_not_answer_is_asked_again(
    elsewhere: Elsewhere, desk: HttpDesk, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("portal.adapters.http.SECONDS", (1, 0.2))
    elsewhere.world.order({elsewhere.world.article(): 4})
    desk.seconds = 1
    port = HttpWarehouse(desk.url, {}, clock=clock)
    with pytest.raises(ReadTimeout):
        work_outbox(elsewhere.world.database, port)
    desk.seconds = 0
    work_outbox(elsewhere.world.database, port)
    assert orders_out(elsewhere.world.database)[0].outcome is Outcome.SENT
    assert len(desk.received) == 1


def test_refusals_are_precise_and_change_nothing(elsewhere: Elsewhere, address: str, clock: ManualClock) -> None:
    order = elsewhere.order({elsewhere.world.article(): 4})
    good = despatch(order, [Sent(order.line, 4)], number="DA-G")
    bomb = b'<!DOCTYPE a [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;">]><a>&b;</a>'
    for body, status, reason in (
        (b"", 400, "NOT_XML"),
        (bomb, 400, "NOT_XML"),
        (b"<!DOCTYPE a SYSTEM 'http://127.0.0.1:1/x'>" + good.partition(b"?>")[2], 400, "NOT_XML"),
        (good.replace(b"DespatchAdvice-2", b"DespatchAdvice-9"), 400, "NOT_OURS"),
        (good.replace(b"<cac:Shipment>", b" " * MOST_BYTES + b"<cac:Shipment>"), 413, "TOO_LARGE"),
        (good.replace(order.document_id.encode(), b"9999999-9"), 422, "UNKNOWN_ORDER"),
        (despatch(order, [Sent(order.line, 5)]), 422, "MORE_THAN_ORDERED"),
    ):
        answered, said = post(address, body, clock)
        assert (answered, said["reason"]) == (status, reason)
    assert elsewhere.lots() == {}
    assert post(address, good, clock)[0] == 200
    status, said = post(address, good.replace(b">4</cbc:Del", b">3</cbc:Del"), clock)
    assert (status, said["reason"]) == (409, "OTHER_CONTENT")


def test_fifty_megabytes_are_refused_without_being_read(address: str, clock: ManualClock) -> None:
    body = b"x" * 50_000_000
    try:
        response = requests.post(address, data=body, headers=signed(b"", clock), timeout=30)
    except requests.ConnectionError:
        # The server hangs up before the body has been sent: that is a refusal too.
        return
    assert response.status_code == 413


def test_what_is_odd_about_a_patient_is_not_told_to_the_sender(
    elsewhere: Elsewhere, address: str, clock: ManualClock
) -> None:
    order = elsewhere.order({elsewhere.world.article(): 4})
    status, said = post(address, despatch(order, [Sent(order.line, 4, lot_no="OLD", expires="2026-01-01")]), clock)
    assert status == 200
    assert set(said) == {"outcome", "document_id", "repeated"}
    assert elsewhere.messages()[-1].outcome is Outcome.EXCEPTION


def test_another_regions_warehouse_cannot_speak_of_our_orders(
    elsewhere: Elsewhere, address: str, clock: ManualClock
) -> None:
    order = elsewhere.order({elsewhere.world.article(): 4})
    body = despatch(order, [Sent(order.line, 4)])
    status, said = post(address, body, clock, OTHER_KEY)
    assert (status, said["reason"]) == (401, "BAD_SIGNATURE")
    status, said = post(address.replace("/vgr/", "/other/"), body, clock, OTHER_KEY)
    assert (status, said["reason"]) == (422, "UNKNOWN_ORDER")
    status, _said = post(address.replace("/vgr/", "/nowhere/"), body, clock)
    assert status == 404
    assert elsewhere.lots() == {}


def test_a_signature_is_for_this_body_and_for_now(elsewhere: Elsewhere, address: str, clock: ManualClock) -> None:
    order = elsewhere.order({elsewhere.world.article(): 4})
    body = despatch(order, [Sent(order.line, 4)])
    headers = signed(body, clock)
    changed = body.replace(b">4</cbc:Del", b">3</cbc:Del")
    assert requests.post(address, data=changed, headers=headers, timeout=30).status_code == 401
    assert requests.post(address, data=body, timeout=30).status_code == 401
    for name, value in (("X-Signature", "sha256=é"), ("X-Signature-Time", "٣"), ("X-Signature-Time", "9" * 40)):
        odd: dict[str, str | bytes] = {**headers, name: value.encode()}
        assert requests.post(address, data=body, headers=odd, timeout=30).status_code == 401
    clock.advance(timedelta(minutes=6))
    assert requests.post(address, data=body, headers=headers, timeout=30).status_code == 401
    assert elsewhere.lots() == {}
    clock.advance(timedelta(minutes=-6))
    assert requests.post(address, data=body, headers=headers, timeout=30).status_code == 200
    # A replay is the same message once more.
    assert requests.post(address, data=body, headers=headers, timeout=30).json()["repeated"] is True
    assert elsewhere.lots() == {"L26A01": 4}


def test_a_region_that_picks_itself_takes_no_messages(database: Database, key_file: Path, clock: ManualClock) -> None:
    app = make_app(database, warehouse_key_file=key_file)
    response = app.test_client().post("/api/warehouse/vgr/messages", data=b"<a/>", headers=signed(b"<a/>", clock))
    assert response.status_code == 404


def test_the_log_names_nobody(
    elsewhere: Elsewhere, address: str, clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    order = elsewhere.order({elsewhere.world.article(): 4})
    post(address, despatch(order, [Sent(order.line, 5)]), clock)
    post(address, despatch(order, [Sent(order.line, 4, lot_no="OLD", expires="2026-01-01")]), clock)
    assert "warehouse message" in caplog.text
    said = " ".join(str(vars(record)) for record in caplog.records if record.name.startswith(("delivery", "portal")))
    for secret in ("Testsson", "Provgatan", "Skövde"):
        assert secret not in said
