"""Service points: asked of a provider that misbehaves, kept, told again when it is down. Handbook §5."""

from __future__ import annotations

import json
import logging
import socket
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from threading import Barrier, Event, Thread
from time import monotonic, sleep
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from sqlalchemy import func, select, text

from core.clock import ManualClock
from core.db import Database
from core.importing import FileRefused, one_at_a_time
from orders.nearest_points import nearest_of
from orders.service_points import (
    IMPORT_KIND,
    FoundPoint,
    ProviderDown,
    ServicePoint,
    ServicePointSearch,
    keep_points,
    known_points,
)
from portal.adapters.breaker import CircuitBreaker
from portal.adapters.postnord_points import MOST_AT_ONCE, HttpPoints, read_answer
from portal.adapters.service_points import FilePoints, PointsAnswer, ServicePoints, service_points_of
from portal.demo.environment import SERVICE_POINTS
from tests.support.hostile_server import HostileServer, answering, hostile_server, silent, trickling
from tests.support.settings import make_settings

KEY = "the-key-that-nobody-may-see"


def _told(number: int = 1, **changes: Any) -> dict[str, Any]:
    point: dict[str, Any] = {
        "name": f"Matboden {number}",
        "servicePointId": f"73{number:04d}",
        "visitingAddress": {
            "countryCode": "SE",
            "city": "SKÖVDE",
            "streetName": "Torget",
            "streetNumber": str(number),
            "postalCode": "54130",
        },
        "coordinates": [{"countryCode": "SE", "northing": 58.39, "easting": 13.84, "srId": "EPSG:4326"}],
        "openingHours": {"postalServices": []},
    }
    return {**point, **changes}


def _answer(*points: object) -> bytes:
    return json.dumps({"servicePointInformationResponse": {"customerSupports": [], "servicePoints": points}}).encode()


POINT = FoundPoint(
    "POSTNORD", "730001", "Matboden 1", "Torget 1", "54130", "SKÖVDE", Decimal("58.39"), Decimal("13.84")
)
FAULT = json.dumps(
    {"servicePointInformationResponse": {"compositeFault": {"faults": [{"faultCode": "X", "explanationText": "no"}]}}}
).encode()


@pytest.fixture
def server() -> Iterator[HostileServer]:
    with hostile_server() as server:
        yield server


@pytest.fixture
def provider(server: HostileServer, clock: ManualClock) -> HttpPoints:
    return HttpPoints(server.url, KEY, clock, seconds=0.6)


def test_it_asks_as_postnord_is_asked_and_understands_the_answer(server: HostileServer, provider: HttpPoints) -> None:
    server.behave = answering(_answer(_told(1), _told(2)))
    found = provider.nearest("POSTNORD", "54130")
    assert [point.point_id for point in found] == ["730001", "730002"]
    assert found[0] == POINT
    asked = urlsplit(server.requests[0].split()[1])
    assert asked.path == "/rest/businesslocation/v5/servicepoints/nearest/byaddress"
    values = {name: value[0] for name, value in parse_qs(asked.query).items()}
    assert (
        values.items()
        >= {
            "apikey": KEY,
            "returnType": "json",
            "countryCode": "SE",
            "postalCode": "54130",
            "numberOfServicePoints": "10",
        }.items()
    )


BODY_HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n"
MISBEHAVIOUR = {
    "slow": silent(3),
    "trickling body": trickling(BODY_HEAD, b" ", seconds=3),
    "trickling head": trickling(b"HTTP/1.1 200 OK\r\nX-A: ", b"a", seconds=3),
    "error": answering(b"oops", status="500 Internal Server Error"),
    "unavailable": answering(_answer(_told()), status="503 Service Unavailable"),
    "bad key": answering(b"{}", status="403 Forbidden"),
    "garbage": answering(b"<html>not json</html>"),
    "no text": answering(b"\xff\xfe\x00"),
    "nothing": answering(b""),
    "deep": answering(b"[" * 200_000),
    "long number": answering(b'{"servicePointInformationResponse":' + b"1" * 9000 + b"}"),
    "list": answering(b"[]"),
    "other shape": answering(b'{"servicePointInformationResponse": {"servicePoints": {"a": 1}}}'),
    "no points": answering(b'{"servicePointInformationResponse": {}}'),
    "unusable points": answering(_answer(_told(name=""), 7, None)),
    "huge": answering(b" " * 300_000 + _answer(_told())),
    "endless": trickling(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n", b" " * 65_536, seconds=3, pause=0),
    "packed": answering(b"\x1f\x8b\x08\x00garbage", Content_Encoding="gzip"),
    "truncated": answering(_answer(_told())[:60], length=5000),
    "redirect": answering(b"", status="302 Found", Location="http://127.0.0.1:1/elsewhere"),
    "no http": lambda connection: connection.sendall(b"HELO\r\n\r\n"),
    "hanging up": lambda connection: connection.shutdown(socket.SHUT_RDWR),
    "refusal of nothing": answering(b"{}", status="400 Bad Request"),
}


@pytest.mark.parametrize("manner", MISBEHAVIOUR)
def test_a_provider_that_misbehaves_is_down_and_nothing_worse(
    server: HostileServer, provider: HttpPoints, manner: str, caplog: pytest.LogCaptureFixture
) -> None:
    server.behave = MISBEHAVIOUR[manner]
    began = monotonic()
    with caplog.at_level(logging.DEBUG), pytest.raises(ProviderDown):
        provider.nearest("POSTNORD", "54130")
    assert monotonic() - began < 2.5
    [told] = [record for record in caplog.records if record.name == "portal.service_points"]
    for secret in (KEY, "54130"):
        assert secret not in str(vars(told))


def test_a_server_that_cannot_be_reached_is_down_and_its_error_is_not_quoted(
    clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as unheard:
        port = unheard.getsockname()[1]
    with pytest.raises(ProviderDown):
        HttpPoints(f"http://127.0.0.1:{port}", KEY, clock).nearest("POSTNORD", "54130")
    [told] = [record for record in caplog.records if record.name == "portal.service_points"]
    for secret in (KEY, "54130"):
        assert secret not in str(vars(told))


def test_a_redirect_is_not_followed(server: HostileServer, provider: HttpPoints) -> None:
    with hostile_server() as elsewhere:
        elsewhere.behave = answering(_answer(_told()))
        server.behave = answering(b"", status="307 Temporary Redirect", Location=elsewhere.url)
        with pytest.raises(ProviderDown):
            provider.nearest("POSTNORD", "54130")
        assert elsewhere.requests == []


def test_an_unknown_postal_code_has_no_points_and_is_no_failure(server: HostileServer, provider: HttpPoints) -> None:
    server.behave = answering(FAULT, status="400 Bad Request")
    for _ in range(5):
        assert provider.nearest("POSTNORD", "99999") == ()
    assert len(server.requests) == 5


def test_points_that_cannot_be_used_are_left_out_and_never_more_than_ten_are_given() -> None:
    odd = [
        _told(2, name="x" * 101),
        _told(3, visitingAddress={**_told()["visitingAddress"], "postalCode": "1234"}),
        _told(4, visitingAddress=None),
        _told(5, servicePointId=True),
        _told(1),
    ]
    assert [point.point_id for point in read_answer(_answer(_told(1), *odd))] == ["730001"]
    assert len(read_answer(_answer(*(_told(n) for n in range(40))))) == 10


@pytest.mark.parametrize("northing", [None, "58.4", True, 91, -1e400, "NaN"])
def test_a_place_that_is_no_place_is_none(northing: object) -> None:
    [point] = read_answer(_answer(_told(coordinates=[{"northing": northing, "easting": 13.0}])))
    assert (point.latitude, point.longitude) == (None, None)


def test_names_lose_what_no_database_can_hold() -> None:
    [point] = read_answer(_answer(_told(name="Mat\x00boden \ud800 Čeč ☕", servicePointId=730001)))
    assert (point.name, point.point_id) == ("Mat boden Čeč ☕", "730001")


def test_the_breaker_leaves_it_alone_for_half_a_minute(
    server: HostileServer, provider: HttpPoints, clock: ManualClock
) -> None:
    server.behave = MISBEHAVIOUR["error"]

    def ask() -> bool:
        try:
            return bool(provider.nearest("POSTNORD", "54130"))
        except ProviderDown:
            return False

    assert [ask() for _ in range(5)] == [False] * 5
    assert len(server.requests) == 3
    clock.advance(timedelta(seconds=29))
    assert not ask()
    assert len(server.requests) == 3
    clock.advance(timedelta(seconds=1))
    assert not ask()
    assert not ask()
    assert len(server.requests) == 4
    clock.advance(timedelta(seconds=30))
    server.behave = answering(_answer(_told()))
    assert ask()
    assert ask()
    assert len(server.requests) == 6


def test_two_failures_and_a_success_begin_anew(clock: ManualClock) -> None:
    breaker = CircuitBreaker(clock)
    for _ in range(3):
        breaker.failed()
        breaker.failed()
        assert breaker.lets_through()
        breaker.succeeded()


def test_half_open_lets_one_through_at_a_time(clock: ManualClock) -> None:
    breaker = CircuitBreaker(clock)
    for _ in range(3):
        breaker.failed()
    clock.advance(timedelta(seconds=30))
    assert [breaker.lets_through() for _ in range(3)] == [True, False, False]
    clock.advance(timedelta(seconds=30))
    assert breaker.lets_through()


def test_so_many_questions_at_once_and_not_more(server: HostileServer, clock: ManualClock) -> None:
    provider = HttpPoints(server.url, KEY, clock, seconds=20)
    may_answer = Event()

    def wait(_connection: socket.socket) -> None:
        may_answer.wait(20)

    server.behave = wait
    with ThreadPoolExecutor(MOST_AT_ONCE) as pool:
        asked = [pool.submit(provider.nearest, "POSTNORD", "54130") for _ in range(MOST_AT_ONCE)]
        until = monotonic() + 15
        while len(server.requests) < MOST_AT_ONCE and monotonic() < until:
            sleep(0.02)
        with pytest.raises(ProviderDown, match="too many"):
            provider.nearest("POSTNORD", "54130")
        may_answer.set()
        assert all(isinstance(one.exception(), ProviderDown) for one in asked)
    assert len(server.requests) == MOST_AT_ONCE


class Told:
    """A provider that answers what it is told to, or not, and counts."""

    def __init__(self, *points: FoundPoint) -> None:
        self.points: Sequence[FoundPoint] = points
        self.is_down = False
        self.asked = 0

    def nearest(self, provider: str, postal_code: str, limit: int = 10) -> Sequence[FoundPoint]:
        self.asked += 1
        if self.is_down:
            raise ProviderDown("told to be")
        return self.points


def test_an_answer_is_kept_for_a_week_and_told_for_two_months_when_the_provider_is_down(
    database: Database, clock: ManualClock
) -> None:
    source = Told(POINT)
    points = ServicePoints(database, {"POSTNORD": source})
    fresh = PointsAnswer((POINT,))
    assert points.near("POSTNORD", "54130") == fresh
    source.is_down = True
    clock.advance(timedelta(days=7))
    assert points.near("POSTNORD", "54130") == fresh
    assert source.asked == 1
    clock.advance(timedelta(seconds=1))
    stale = PointsAnswer((POINT,), is_stale=True, is_down=True)
    assert points.near("POSTNORD", "54130") == stale
    clock.advance(timedelta(days=53) - timedelta(seconds=1))
    assert points.near("POSTNORD", "54130") == stale
    clock.advance(timedelta(seconds=1))
    assert points.near("POSTNORD", "54130") == PointsAnswer(is_down=True)
    source.is_down = False
    assert points.near("POSTNORD", "54130") == fresh


def test_a_changed_point_is_kept_changed_and_in_the_order_of_the_answer(database: Database, clock: ManualClock) -> None:
    other = replace(POINT, point_id="730000")
    points = ServicePoints(database, {"POSTNORD": (source := Told(POINT, other))})
    points.near("POSTNORD", "54130")
    clock.advance(timedelta(days=8))
    source.points = (other, replace(POINT, name="Nytt namn", latitude=None, longitude=None))
    points.near("POSTNORD", "54130")
    source.is_down = True
    kept = points.near("POSTNORD", "54130").points
    # Where a point lies is not forgotten because it was not told again.
    assert kept == (other, replace(POINT, name="Nytt namn"))


def test_the_provider_is_asked_while_no_transaction_is_open(database: Database) -> None:
    open_ones = text(
        "SELECT count(*) FROM pg_stat_activity WHERE state LIKE 'idle in transaction%' AND datname = current_database()"
    )

    class Watching(Told):
        def nearest(self, provider: str, postal_code: str, limit: int = 10) -> Sequence[FoundPoint]:
            with database.session() as session:
                assert session.scalar(open_ones) == 0
            return super().nearest(provider, postal_code, limit)

    assert ServicePoints(database, {"POSTNORD": Watching(POINT)}).near("POSTNORD", "54130").points


def test_never_more_than_ten_whatever_a_source_says(database: Database) -> None:
    many = [replace(POINT, point_id=f"{n}") for n in range(30)]
    points = ServicePoints(database, {"POSTNORD": Told(*many)})
    assert len(points.near("POSTNORD", "54130").points) == 10
    assert len(points.near("POSTNORD", "54130").points) == 10


@pytest.mark.parametrize(
    ("provider", "postal_code"), [("INGEN", "54130"), ("POSTNORD", "541 30"), ("X", "1"), ("DHL", "")]
)
def test_what_is_no_question_is_not_asked(database: Database, provider: str, postal_code: str) -> None:
    source = Told(POINT)
    assert (
        ServicePoints(database, dict.fromkeys(("POSTNORD", "DHL"), source)).near(provider, postal_code)
        == PointsAnswer()
    )
    assert source.asked == 0


def test_nothing_found_is_not_kept(database: Database) -> None:
    points = ServicePoints(database, {"POSTNORD": (source := Told())})
    assert points.near("POSTNORD", "54130") == PointsAnswer()
    points.near("POSTNORD", "54130")
    assert source.asked == 2


def test_without_anybody_to_ask_what_was_imported_is_known(database: Database) -> None:
    with database.unit_of_work() as session:
        keep_points(
            session, "DHL", "99999", [replace(POINT, provider="DHL"), replace(POINT, provider="DHL", point_id="2")]
        )
    points = ServicePoints(database, {})
    assert [point.point_id for point in points.near("DHL", "54190").points] == ["2", "730001"]
    assert points.near("DHL", "11122") == PointsAnswer()


def test_several_keep_answers_with_the_same_points_at_once(database: Database) -> None:
    many = [replace(POINT, point_id=f"{n:03d}", name=f"Namn {n}") for n in range(40)]
    start = Barrier(8)

    def keep(worker: int) -> None:
        start.wait()
        for turn in range(5):
            # Each tells them in another order and under another name.
            told = [replace(point, name=f"{worker} {turn}") for point in (many if worker % 2 else reversed(many))]
            with database.unit_of_work() as session:
                keep_points(session, "POSTNORD", f"5413{worker % 3}", told)

    with ThreadPoolExecutor(8) as pool:
        for done in [pool.submit(keep, worker) for worker in range(8)]:
            done.result()
    with database.session() as session:
        assert session.scalar(select(func.count()).select_from(ServicePoint)) == 40
        assert session.scalar(select(func.count()).select_from(ServicePointSearch)) == 3
        known = known_points(session, "POSTNORD", "54130")
        assert known is not None
        assert len(known.points) == 40


def test_an_answer_waits_for_an_import(database: Database) -> None:
    source = Told(POINT)
    answers: list[PointsAnswer] = []
    asking = Thread(
        target=lambda: answers.append(ServicePoints(database, {"POSTNORD": source}).near("POSTNORD", "54130"))
    )
    with database.unit_of_work() as session:
        one_at_a_time(session, IMPORT_KIND)
        asking.start()
        asking.join(0.5)
        assert answers == []
    asking.join(10)
    assert answers == [PointsAnswer((POINT,))]


def test_what_cannot_be_kept_cannot_be_chosen(database: Database) -> None:
    unkeepable = replace(POINT, name="x" * 101)
    assert ServicePoints(database, {"POSTNORD": Told(unkeepable)}).near("POSTNORD", "54130") == PointsAnswer(
        is_down=True
    )


def test_the_same_postal_code_comes_before_what_is_nearer_to_its_middle() -> None:
    far = replace(POINT, point_id="far", latitude=Decimal("58.60"))
    same = replace(POINT, point_id="same", latitude=Decimal("58.20"))
    between = replace(POINT, point_id="between", postal_code="54131", latitude=Decimal("58.40"))
    nowhere = replace(POINT, point_id="nowhere", postal_code="54132", latitude=None, longitude=None)
    found = nearest_of(
        [nowhere, between, far, same, replace(between, point_id="other", latitude=Decimal("59"))], "54130"
    )
    assert {point.point_id for point in found[:2]} == {"far", "same"}
    assert [point.point_id for point in found[2:4]] in (["between", "nowhere"], ["nowhere", "between"])
    assert len(nearest_of(found, "54130", 2)) == 2


def test_the_demos_file_has_ten_points_near_its_people() -> None:
    points = FilePoints(SERVICE_POINTS)
    found = points.nearest("POSTNORD", "54132")
    assert len(found) == 10
    assert found[0].city == "Skövde"
    assert {point.city for point in found} <= {"Skövde", "Skultorp", "Stöpen", "Värsås", "Tibro", "Skara"}
    assert [point.city for point in points.nearest("POSTNORD", "97231")][:1] == ["Luleå"]
    assert points.nearest("DHL", "00100") == ()
    assert {point.provider for point in points.nearest("DHL", "54132")} == {"DHL"}


def test_a_file_without_points_stops_the_program_at_start(tmp_path: Path, database: Database) -> None:
    empty = tmp_path / "points.csv"
    empty.write_text("id,provider,name,street,postal_code,city\n1,UGGLA,Boden,Gatan 1,54130,Skövde\n")
    with pytest.raises(ValueError, match="no usable service point"):
        FilePoints(empty)
    empty.write_text("nothing\n")
    with pytest.raises(FileRefused):
        FilePoints(empty)


def test_the_settings_say_who_is_asked(tmp_path: Path, database: Database, server: HostileServer) -> None:
    key = tmp_path / "key"
    key.write_text(f"{KEY}\n")
    server.behave = answering(_answer(_told()))
    asked = service_points_of(make_settings(service_points_url=server.url, service_points_key_file=key), database)
    assert asked.near("POSTNORD", "54130").points == (POINT,)
    assert f"apikey={KEY}&" in server.requests[0]
    assert asked.near("DHL", "54130") == PointsAnswer()
    assert len(server.requests) == 1
    of_file = service_points_of(make_settings(service_points_file=SERVICE_POINTS), database)
    assert of_file.near("SCHENKER", "54130").points[0].name == "Lagershopen"
    assert service_points_of(make_settings(), database).near("POSTNORD", "54130").points
