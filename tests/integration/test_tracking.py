"""What carriers tell us by HTTP: signed, taken once, never backwards, and nothing lost that comes too early."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select
from werkzeug.test import TestResponse

from auth.models import InboxMessage
from core.clock import ManualClock
from core.db import Database
from delivery.booking_desk import ask_carrier
from delivery.carrier_models import CallbackOutcome, CarrierCallback
from delivery.carriers import CarrierEvent
from delivery.models import TrackingKind
from delivery.put_back import put_back
from delivery.shipping import ship
from delivery.tracking import MOST_BYTES
from orders.models import RowStatus
from portal.carriers import use_carriers
from portal.signatures import SIGNATURE_HEADER, TIME_HEADER, signature_headers
from tests.support.carriers import KEY, Carrier, Office, booking_now, parcel_now, work_carriers
from tests.support.depot_work import World, rows_of
from tests.support.web import make_app

OTHER_KEY = bytes(range(90, 130))
TRANSIT, POINT, RETURNED, DELIVERED = "IN_TRANSIT", "AT_SERVICE_POINT", "RETURNED", "DELIVERED"


@pytest.fixture
def world(database: Database) -> World:
    return World(database)


@pytest.fixture
def carrier(world: World, tmp_path: Path, clock: ManualClock) -> Carrier:
    keys = tmp_path / "keys"
    lines = (f"{slug} {base64.b64encode(key).decode()}" for slug, key in (("postnord", KEY), ("dhl", OTHER_KEY)))
    keys.write_text("\n".join(lines))
    return Carrier(make_app(world.database, carrier_key_file=keys), clock)


@pytest.fixture
def office() -> Iterator[Office]:
    yield Office()
    use_carriers(None)


def packed(world: World) -> tuple[int, int, str]:
    """A packed parcel: its order, its id, its SSCC."""
    article = world.article()
    world.stock(article, 20)
    depot_order_id = world.order({article: 1})
    parcel_id = world.packed(depot_order_id)
    return depot_order_id, parcel_id, parcel_now(world.database, parcel_id).sscc


def sent(world: World) -> tuple[int, int, str]:
    """A parcel that is on its way."""
    depot_order_id, parcel_id, sscc = packed(world)
    with world.database.unit_of_work() as session:
        ship(session, world.picker, parcel_id, f"T{parcel_id}")
    return depot_order_id, parcel_id, sscc


def kinds(world: World, parcel_id: int) -> list[str]:
    return [event.kind.value for event in parcel_now(world.database, parcel_id).events]


def kept(world: World) -> list[CallbackOutcome]:
    with world.database.session() as session:
        return list(session.scalars(select(CarrierCallback.outcome).order_by(CarrierCallback.id)))


def said(response: TestResponse) -> tuple[int, dict[str, Any]]:
    assert response.json is not None
    return response.status_code, dict(response.json)


def test_a_parcel_s_way_is_told_step_by_step(world: World, carrier: Carrier, clock: ManualClock) -> None:
    depot_order_id, parcel_id, sscc = sent(world)
    for number, event in enumerate((TRANSIT, POINT, DELIVERED)):
        clock.advance(timedelta(hours=1))
        assert said(carrier.tell(event, f"e{number}", sscc=sscc)) == (200, {"outcome": "TAKEN", "repeated": False})
    assert kinds(world, parcel_id) == ["HANDED_OVER", TRANSIT, POINT, DELIVERED]
    assert parcel_now(world.database, parcel_id).delivered_at == clock.now()
    with world.database.session() as session:
        assert [row.status for row in rows_of(session, depot_order_id)] == [RowStatus.DELIVERED]
        told = select(func.count()).select_from(InboxMessage).where(InboxMessage.kind == "order.delivered")
        assert session.scalar(told) == 1


def test_a_replay_is_known_and_changes_nothing(world: World, carrier: Carrier, clock: ManualClock) -> None:
    _, parcel_id, sscc = sent(world)
    body = json.dumps({"event_id": "e1", "event": TRANSIT, "at": clock.now().isoformat(), "sscc": sscc}).encode()
    assert said(carrier.send(body))[1]["repeated"] is False
    before = kinds(world, parcel_id)
    assert said(carrier.send(body)) == (200, {"outcome": "TAKEN", "repeated": True})
    assert (kinds(world, parcel_id), len(kept(world))) == (before, 1)
    status, answer = said(carrier.send(body.replace(TRANSIT.encode(), DELIVERED.encode())))
    assert (status, answer["reason"]) == (409, "OTHER_CONTENT")
    assert kinds(world, parcel_id) == before


@pytest.mark.parametrize(
    ("first", "then", "outcome"),
    [
        (DELIVERED, TRANSIT, "BACKWARDS"),
        (DELIVERED, RETURNED, "BACKWARDS"),
        (DELIVERED, DELIVERED, "KNOWN_ALREADY"),
        (POINT, TRANSIT, "BACKWARDS"),
        (RETURNED, POINT, "BACKWARDS"),
        # Sent back and then "delivered": to us, not to the patient.
        (RETURNED, DELIVERED, "BACKWARDS"),
        (TRANSIT, "HANDED_OVER", "KNOWN_ALREADY"),
    ],
)
def test_tracking_never_goes_backwards(
    world: World, carrier: Carrier, clock: ManualClock, first: str, then: str, outcome: str
) -> None:
    depot_order_id, parcel_id, sscc = sent(world)
    carrier.tell(first, "a", sscc=sscc)
    before, status = kinds(world, parcel_id), world.status(depot_order_id)
    clock.advance(timedelta(hours=2))
    assert said(carrier.tell(then, "b", sscc=sscc)) == (200, {"outcome": outcome, "repeated": False})
    assert (kinds(world, parcel_id), world.status(depot_order_id)) == (before, status)
    # It is kept all the same.
    assert [one.value for one in kept(world)] == ["TAKEN", outcome]


def test_the_times_of_events_never_go_backwards_nor_into_the_future(
    world: World, carrier: Carrier, clock: ManualClock
) -> None:
    _, parcel_id, sscc = sent(world)
    early, late = clock.now() - timedelta(days=2), clock.now() + timedelta(days=2)
    for event, event_id, at in ((TRANSIT, "a", early), (POINT, "b", late)):
        body = {"event_id": event_id, "event": event, "at": at.isoformat(), "sscc": sscc}
        assert carrier.send(json.dumps(body).encode()).status_code == 200
    events = parcel_now(world.database, parcel_id).events
    assert [event.at for event in events] == [clock.now()] * 3


def test_the_same_call_eight_times_at_once_is_taken_once(world: World, carrier: Carrier, clock: ManualClock) -> None:
    _, parcel_id, sscc = sent(world)
    body = json.dumps({"event_id": "e1", "event": DELIVERED, "at": clock.now().isoformat(), "sscc": sscc}).encode()
    with ThreadPoolExecutor(8) as pool:
        answers = [said(run.result()) for run in [pool.submit(carrier.send, body) for _ in range(8)]]
    assert {status for status, _ in answers} == {200}
    assert sorted(answer["repeated"] for _, answer in answers) == [False] + [True] * 7
    assert kinds(world, parcel_id) == ["HANDED_OVER", DELIVERED]


def test_different_calls_about_one_parcel_at_once_leave_it_where_the_last_says(world: World, carrier: Carrier) -> None:
    _, parcel_id, sscc = sent(world)
    with ThreadPoolExecutor(6) as pool:
        events = [TRANSIT, POINT, DELIVERED] * 2
        runs = [pool.submit(carrier.tell, event, f"e{number}", sscc=sscc) for number, event in enumerate(events)]
        assert {run.result().status_code for run in runs} == {200}
    found = kinds(world, parcel_id)
    assert found[-1] == DELIVERED
    assert found == sorted(found, key=[*TrackingKind].index)
    assert len(kept(world)) == 6


def test_what_is_not_signed_just_now_with_this_carrier_s_key_is_refused(
    world: World, carrier: Carrier, clock: ManualClock
) -> None:
    _, parcel_id, sscc = sent(world)
    body = json.dumps({"event_id": "e1", "event": DELIVERED, "at": clock.now().isoformat(), "sscc": sscc}).encode()
    old = {TIME_HEADER: str(int(clock.now().timestamp()) - 301)}
    headers = signature_headers(KEY, body, clock.now())
    for response in (
        carrier.send(body, key=OTHER_KEY),
        carrier.send(body + b" ", headers=headers),
        carrier.send(body, headers=old),
        carrier.send(body, headers=signature_headers(KEY, body, clock.now() - timedelta(minutes=6))),
        carrier.send(body, headers={SIGNATURE_HEADER: ""}),
        carrier.send(body, headers={TIME_HEADER: "now"}),
    ):
        status, answer = said(response)
        assert (status, answer["reason"]) == (401, "BAD_SIGNATURE")
    assert (kinds(world, parcel_id), kept(world)) == (["HANDED_OVER"], [])
    assert carrier.send(body).status_code == 200


def test_one_carrier_says_nothing_of_another_s_parcels(world: World, carrier: Carrier) -> None:
    _, parcel_id, sscc = sent(world)
    status, answer = said(carrier.tell(DELIVERED, "e1", key=OTHER_KEY, carrier="dhl", sscc=sscc))
    assert (status, answer["reason"]) == (404, "UNKNOWN_PARCEL")
    status, answer = said(carrier.tell(DELIVERED, "e1", carrier="nobody", sscc=sscc))
    assert (status, answer["reason"]) == (404, "UNKNOWN_CARRIER")
    assert kinds(world, parcel_id) == ["HANDED_OVER"]


def test_what_names_a_parcel_must_agree(world: World, carrier: Carrier) -> None:
    (_, first, sscc), (_, second, _) = sent(world), sent(world)
    wrong: list[dict[str, Any]] = [
        {"sscc": "0" * 18},
        {"tracking_no": "NONE"},
        {"reference": "NONE"},
        {"sscc": sscc, "tracking_no": f"T{second}"},
    ]
    for facts in wrong:
        status, answer = said(carrier.tell(TRANSIT, "e1", **facts))
        assert (status, answer["reason"]) == (404, "UNKNOWN_PARCEL")
        assert all(name in answer["detail"] for name in facts)
    assert kept(world) == []
    # Nothing of it is kept, so the same number is judged anew.
    assert carrier.tell(TRANSIT, "e1", sscc=sscc, tracking_no=f"T{first}").status_code == 200


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\xff",
        b"null",
        b"[" * 100_00,
        b"[]",
        b'{"event_id": 1}',
        b'{"event_id": "a\\u0000", "event": "DELIVERED", "at": "2026-12-01T10:00:00Z", "sscc": "1"}',
        b'{"event_id": "a", "event": "LOST", "at": "2026-12-01T10:00:00Z", "sscc": "1"}',
        b'{"event_id": "a", "event": ["DELIVERED"], "at": "2026-12-01T10:00:00Z", "sscc": "1"}',
        b'{"event_id": "a", "event": "DELIVERED", "at": "2026-12-01T10:00:00", "sscc": "1"}',
        b'{"event_id": "a", "event": "DELIVERED", "at": 17, "sscc": "1"}',
        b'{"event_id": "a", "event": "DELIVERED", "at": "2026-12-01T10:00:00Z"}',
        b'{"event_id": "a", "event": "DELIVERED", "at": "2026-12-01T10:00:00Z", "sscc": "1111111111111111111"}',
    ],
)
def test_what_cannot_be_read_is_refused_in_words(carrier: Carrier, body: bytes) -> None:
    status, answer = said(carrier.send(body))
    assert (status, answer["reason"]) == (400, "INVALID")
    assert answer["detail"]


def test_a_large_body_is_refused(carrier: Carrier) -> None:
    for size in (MOST_BYTES + 1, 1_000_000):
        status, answer = said(carrier.send(b" " * size))
        assert (status, answer["reason"]) == (413, "TOO_LARGE")


def test_a_call_before_the_hand_over_counts_once_the_parcel_is_handed_over(
    world: World, carrier: Carrier, office: Office
) -> None:
    _, parcel_id, sscc = packed(world)
    assert said(carrier.tell(DELIVERED, "b", sscc=sscc))[1]["outcome"] == "TOO_EARLY"
    assert said(carrier.tell(TRANSIT, "a", sscc=sscc))[1]["outcome"] == "TOO_EARLY"
    assert kinds(world, parcel_id) == []
    with world.database.unit_of_work() as session:
        ship(session, world.picker, parcel_id, "LATE1")
    assert work_carriers(world.database, office) == 0
    assert kinds(world, parcel_id) == ["HANDED_OVER", TRANSIT, DELIVERED]
    assert kept(world) == [CallbackOutcome.TAKEN] * 2
    assert said(carrier.tell(DELIVERED, "b", sscc=sscc))[0] == 200


def test_a_call_before_the_booking_is_stored_finds_the_parcel_by_its_sscc(
    world: World, carrier: Carrier, office: Office
) -> None:
    _, parcel_id, sscc = packed(world)
    answers: list[tuple[int, dict[str, Any]]] = []

    def call_at_once() -> None:
        answers.append(said(carrier.tell(TRANSIT, "a", reference="REF-booking-1")))
        answers.append(said(carrier.tell(TRANSIT, "b", sscc=sscc)))

    office.meanwhile = call_at_once
    assert work_carriers(world.database, office) == 0
    assert [status for status, _ in answers] == [404, 200]
    assert answers[1][1]["outcome"] == "TOO_EARLY"
    reference = booking_now(world.database, parcel_id).reference
    assert carrier.tell(TRANSIT, "a", reference=reference).status_code == 200


def test_a_call_about_a_parcel_that_was_unpacked_harms_nothing(world: World, carrier: Carrier, office: Office) -> None:
    depot_order_id, _, sscc = packed(world)
    carrier.tell(TRANSIT, "a", sscc=sscc)
    with world.database.unit_of_work() as session:
        put_back(session, world.picker, depot_order_id)
    assert work_carriers(world.database, office) == 0
    assert carrier.tell(TRANSIT, "b", sscc=sscc).status_code == 404


def test_a_carrier_that_is_asked_says_what_it_had_not_told(world: World, carrier: Carrier, office: Office) -> None:
    _, parcel_id, sscc = packed(world)
    work_carriers(world.database, office)
    tracking_no = parcel_now(world.database, parcel_id).tracking_no or ""
    with world.database.unit_of_work() as session:
        ship(session, world.picker, parcel_id, tracking_no)
    at = datetime(2026, 12, 1, 8, tzinfo=UTC)
    carrier.tell(TRANSIT, "a", sscc=sscc)
    office.events = [CarrierEvent("a", TrackingKind.IN_TRANSIT, at), CarrierEvent("b", TrackingKind.DELIVERED, at)]
    for _ in range(2):
        with world.database.unit_of_work() as session:
            ask_carrier(session, world.picker, parcel_id)
        assert work_carriers(world.database, office) == 0
    assert kinds(world, parcel_id) == ["HANDED_OVER", TRANSIT, DELIVERED]


def test_the_patient_is_told_where_to_fetch_it_once_and_until_when(
    world: World, carrier: Carrier, clock: ManualClock
) -> None:
    _, parcel_id, sscc = sent(world)
    event = {"event_id": "p1", "event": POINT, "at": clock.now().isoformat(), "sscc": sscc, "fetch_by": "2026-12-09"}
    for wrong in ("soon", 7, "2026-13-01"):
        refused = carrier.send(json.dumps({**event, "fetch_by": wrong}).encode())
        assert said(refused)[1]["reason"] == "INVALID"
    body = json.dumps(event).encode()
    assert said(carrier.send(body))[0] == 200
    assert said(carrier.send(body))[0] == 200
    with world.database.session() as session:
        (told,) = session.scalars(select(InboxMessage).where(InboxMessage.kind == "order.at_point"))
        # Home deliveries that nobody opened for end at a point too: then it is the carrier's.
        assert (told.facts["place"], told.facts["until"]) == ("PostNord", "2026-12-09")
    assert kinds(world, parcel_id) == ["HANDED_OVER", POINT]
