"""The two ways to carriers, each with a real one at the other end: HTTP, and a manifest in a folder."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from core.clock import ManualClock
from core.db import Database
from delivery.carrier_models import BookingStatus
from delivery.carriers import CarrierRefused, ParcelFacts, Place, slug_of
from delivery.models import TrackingKind
from delivery.put_back import put_back
from portal.adapters import carriers as adapters
from portal.adapters.carriers import CarrierAway, HttpCarriers, ManifestFolder, carrier_keys, carriers_of
from portal.carriers import use_carriers
from portal.config import Settings, SettingsProblem
from portal.signatures import SIGNATURE_HEADER, TIME_HEADER, check_signature
from tests.support.carriers import HttpOffice, booking_now, bookings_now, http_office, parcel_now, work_carriers
from tests.support.depot_work import World
from tests.support.hostile_server import answering, hostile_server, silent, trickling
from tests.support.settings import make_settings

KEY = bytes(range(40, 80))
DEPOT = Place("Depån i Skövde", "Depåvägen 1", "54139", "Skövde")
HOME = Place("Prov Provsson", "Storgatan 1", "54130", "Skövde", door_code="=1+1", comment="Ring på")
FACTS = ParcelFacts("DB Schenker", "073500000000000016", date(2026, 12, 1), 1200, DEPOT, HOME)


@pytest.fixture
def office() -> Iterator[HttpOffice]:
    with http_office() as running:
        yield running


@pytest.fixture
def world(database: Database) -> Iterator[World]:
    yield World(database)
    use_carriers(None)


def packed(world: World) -> tuple[int, int]:
    article = world.article()
    world.stock(article, 20)
    depot_order_id = world.order({article: 1})
    return depot_order_id, world.packed(depot_order_id)


def test_booked_late_and_cancelled_by_http(world: World, office: HttpOffice, clock: ManualClock) -> None:
    depot_order_id, parcel_id = packed(world)
    port = HttpCarriers(office.url, {"postnord": KEY}, clock=clock)
    # It books, then breaks, as servers do.
    office.statuses = [500, 503]
    assert work_carriers(world.database, port) == 1
    assert work_carriers(world.database, port) == 1
    assert work_carriers(world.database, port) == 0
    booking = booking_now(world.database, parcel_id)
    assert list(office.booked) == [booking.key]
    assert (booking.status, booking.label) == (BookingStatus.BOOKED, b"%PDF-1.4")
    assert parcel_now(world.database, parcel_id).tracking_no == "SE11"
    method, path, headers, body = office.requests[-1]
    assert (method, path) == ("POST", "/postnord/bookings")
    check_signature(KEY, body, headers[TIME_HEADER.lower()], headers[SIGNATURE_HEADER.lower()], clock.now())
    told = json.loads(body)
    assert told["receiver"]["name"] == "Test Testsson"
    assert set(told) == {"carrier", "sscc", "fetched_on", "weight_grams", "sender", "receiver"}
    with world.database.unit_of_work() as session:
        put_back(session, world.picker, depot_order_id)
    office.statuses = [404]
    assert work_carriers(world.database, port) == 0
    assert office.cancelled == [booking.key]
    assert bookings_now(world.database)[0].status is BookingStatus.CANCELLED


def test_a_refusal_says_why(office: HttpOffice) -> None:
    office.statuses = [422]
    with pytest.raises(CarrierRefused) as caught:
        HttpCarriers(office.url, {}).book(FACTS, "k1")
    assert (caught.value.problem, caught.value.status) == ("Postnumret finns inte", 422)
    assert office.requests[0][1] == "/db-schenker/bookings"


@pytest.mark.parametrize("status", [301, 401, 403, 429, 500, 502])
def test_what_is_about_us_or_about_now_is_tried_again(office: HttpOffice, status: int) -> None:
    office.statuses = [status]
    with pytest.raises(CarrierAway):
        HttpCarriers(office.url, {}).book(FACTS, "k1")


@pytest.mark.parametrize(
    "answer",
    [
        {"reference": ""},
        {"reference": 7},
        {"reference": "x" * 81},
        {"reference": "a\x00"},
        {"tracking_no": None},
        {"tracking_no": "<script>"},
        {"tracking_no": "9" * 41},
        {"tracking_no": " "},
    ],
)
def test_an_answer_that_cannot_be_used_is_asked_for_again(office: HttpOffice, answer: dict[str, Any]) -> None:
    office.answer = answer
    with pytest.raises(CarrierAway):
        HttpCarriers(office.url, {}).book(FACTS, "k1")


@pytest.mark.parametrize("label", [None, 7, "", "not base64!", base64.b64encode(b"<html>").decode()])
def test_a_label_that_is_no_pdf_is_left_out(office: HttpOffice, label: object) -> None:
    office.answer = {"label": label}
    assert HttpCarriers(office.url, {}).book(FACTS, "k1").label is None


def test_a_server_that_misbehaves_is_given_up_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(adapters, "SECONDS", (0.5, 0.5))
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n"
    with hostile_server() as server:
        for behave in (
            silent(3),
            trickling(head, b" ", seconds=5),
            answering(b"{}", length=50),
            answering(b"x" * (adapters.MOST_BYTES + 1)),
            answering(b"[" * 50_000),
            answering(b"\xff\xfe"),
            answering(b"", status="302 Found", Location="http://127.0.0.1:1/"),
            answering(b"\x1f\x8b", Content_Encoding="gzip"),
        ):
            server.behave = behave
            with pytest.raises(CarrierAway):
                HttpCarriers(server.url, {}).book(FACTS, "k1")


def test_a_carrier_that_keeps_failing_is_left_alone_and_the_others_are_not(
    office: HttpOffice, clock: ManualClock
) -> None:
    port = HttpCarriers(office.url, {}, clock=clock)
    office.statuses = [500] * 3
    for _ in range(5):
        with pytest.raises(CarrierAway):
            port.book(FACTS, "k1")
    assert len(office.requests) == 3
    assert port.book(replace(FACTS, carrier="DHL"), "k2").reference == "R/k2"
    clock.set(clock.now().replace(minute=clock.now().minute + 1))
    assert port.book(FACTS, "k1").reference == "R/k1"


def test_events_are_asked_for_and_read(office: HttpOffice) -> None:
    office.answer = {"events": [{"event_id": "1", "event": "IN_TRANSIT", "at": "2026-12-01T10:00:00+01:00"}]}
    (event,) = HttpCarriers(office.url, {}).track("PostNord", "R/1")
    assert event.kind is TrackingKind.IN_TRANSIT
    assert office.requests[0][:2] == ("GET", "/postnord/bookings/R%2F1/events")
    answers: list[Any] = [None, [7], [{"event": "LOST"}], [{}] * 51]
    for events in answers:
        office.answer = {"events": events}
        with pytest.raises(CarrierAway):
            HttpCarriers(office.url, {}).track("PostNord", "R/1")


def manifest(folder: Path, day: str = "2026-12-01") -> list[dict[str, Any]]:
    content = json.loads((folder / "db-schenker" / f"{day}.json").read_text(encoding="utf-8"))
    assert (content["carrier"], content["day"]) == ("DB Schenker", day)
    return list(content["parcels"])


def test_a_manifest_has_a_line_per_parcel_and_the_number_is_the_sscc(tmp_path: Path) -> None:
    folder = ManifestFolder(tmp_path)
    booked = folder.book(FACTS, "k1")
    assert folder.book(FACTS, "k1") == booked
    assert booked.tracking_no == FACTS.sscc
    folder.book(replace(FACTS, sscc="073500000000000023"), "k2")
    folder.book(replace(FACTS, fetched_on=date(2026, 12, 2)), "k3")
    assert [line["key"] for line in manifest(tmp_path)] == ["k1", "k2"]
    assert manifest(tmp_path)[0]["receiver"]["door_code"] == "=1+1"
    assert manifest(tmp_path)[0]["weight_grams"] == 1200
    for reference in (booked.reference, ""):
        folder.cancel("DB Schenker", reference, "k1")
        assert [line["key"] for line in manifest(tmp_path)] == ["k2"]
    folder.cancel("Nobody", "", "k1")
    assert folder.track("DB Schenker", "x") == []
    assert (tmp_path / "db-schenker").stat().st_mode & 0o077 == 0


def test_parcels_booked_at_once_are_all_in_the_manifest(tmp_path: Path) -> None:
    def book(number: int) -> None:
        ManifestFolder(tmp_path).book(replace(FACTS, sscc=f"{number:018d}"), f"k{number}")

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(book, range(40)))
    assert len(manifest(tmp_path)) == 40


def test_packed_and_unpacked_by_manifest(world: World, tmp_path: Path) -> None:
    depot_order_id, parcel_id = packed(world)
    port = ManifestFolder(tmp_path)
    assert work_carriers(world.database, port) == 0
    parcel = parcel_now(world.database, parcel_id)
    assert parcel.tracking_no == parcel.sscc
    (path,) = (tmp_path / "postnord").glob("*.json")
    assert len(json.loads(path.read_text())["parcels"]) == 1
    with world.database.unit_of_work() as session:
        put_back(session, world.picker, depot_order_id)
    assert work_carriers(world.database, port) == 0
    assert json.loads(path.read_text())["parcels"] == []


def problems(**environment: str) -> list[str]:
    with pytest.raises(SettingsProblem) as caught:
        Settings.from_environment(environment)
    return [problem for problem in caught.value.problems if problem.startswith("CARRIER")]


def test_the_settings_name_one_way(tmp_path: Path) -> None:
    assert carriers_of(make_settings()) is None
    assert isinstance(carriers_of(make_settings(carrier_folder=tmp_path)), ManifestFolder)
    keys = tmp_path / "keys"
    keys.write_text(f"postnord {base64.b64encode(KEY).decode()}\n")
    settings = make_settings(carrier_url="https://frakt.example.org", carrier_key_file=keys)
    assert isinstance(carriers_of(settings), HttpCarriers)
    assert carrier_keys(settings) == {"postnord": KEY}
    both = problems(CARRIER_URL="https://frakt.example.org", CARRIER_FOLDER=str(tmp_path))
    assert both == ["CARRIER_URL and CARRIER_FOLDER are both set: there is one way to the carriers"]
    keys.write_text("postnord c2hvcnQ=\n")
    (short,) = problems(CARRIER_KEY_FILE=str(keys))
    assert "shorter than 32 bytes" in short
    assert problems(CARRIER_URL="http://frakt.example.org")
    assert slug_of("DB Schenker") == "db-schenker"
