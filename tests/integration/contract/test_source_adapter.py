"""A source that answers, and one that fails in every way: what it certainly has not registered, and what it may have."""

from __future__ import annotations

import logging
import socket
import threading
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import pytest
from lxml import etree

from core.clock import ManualClock
from orders.contract.names import V1, V2, Service, Version
from orders.importing.contract import parse_responses
from orders.source.ports import AnswerLost, Refused, Registered, SourceDown
from orders.source.rules import StatedRow
from portal.adapters import contract_source as adapter
from portal.adapters.contract_source import ContractSource
from portal.adapters.contract_source_calls import _Way
from portal.adapters.contract_source_file import SourceAddresses
from tests.support.hostile_server import answering, trickling
from tests.support.source import SOURCE_ADDRESS, policies_elsewhere
from tests.support.source_answers import ENDLESS, FAILURES, NUMBER, ORDER, order_item, prescriptions, taken
from tests.support.source_servers import (
    Behaviour,
    SourceServer,
    answer_of,
    fault,
    hanging_up,
    source_server,
)


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    policies_elsewhere(tmp_path)
    # Whatever is not about time has plenty, however busy the machine is.
    allow(monkeypatch, 20)


def allow(monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    """Let every question take so long."""
    monkeypatch.setattr(adapter, "READ_SECONDS", seconds)
    monkeypatch.setattr(adapter, "REGISTER_SECONDS", seconds)


@pytest.fixture
def server() -> Iterator[SourceServer]:
    with source_server() as running:
        yield running


@pytest.fixture
def source(server: SourceServer, clock: ManualClock) -> ContractSource:
    return ContractSource({"vgr": server.addresses()}, clock=clock)


@pytest.mark.parametrize("version", [V1, V2], ids=["1.0", "2.0"])
def test_a_source_is_read_and_takes_an_order(server: SourceServer, tmp_path: Path, version: Version) -> None:
    policies_elsewhere(tmp_path / "again", more=f'version = "{version.major}.0"\n')
    source = ContractSource({"vgr": server.addresses()})
    server.script = [prescriptions(version), taken(version)]
    [subject] = parse_responses(source.read("vgr", NUMBER), date(2026, 12, 1)).subjects
    assert [item.key.item_id for item in subject.items] == ["I1"]
    assert source.register("vgr", ORDER) == Registered((StatedRow("K1", "I1", "21001", 2),))
    for asked, service, path in zip(
        server.asked, (Service.PRESCRIPTIONS, Service.ORDER), ("prescriptions", "orders"), strict=True
    ):
        assert asked.line == f"POST /source/{path} HTTP/1.1"
        assert asked.headers["soapaction"] == f'"{version.action(service)}"'
        assert asked.headers["content-type"] == "text/xml; charset=utf-8"
        header, body = etree.fromstring(asked.body)
        assert (etree.QName(header[0]).localname, header[0].text) == ("LogicalAddress", SOURCE_ADDRESS)
        assert body[0].tag == f"{{{version.responder(service)}}}{service}"
        assert NUMBER in asked.body.decode()


def test_a_reservation_is_an_order_and_an_error_is_none(server: SourceServer, source: ContractSource) -> None:
    server.behave = taken(result="INFO", comment="Levereras senare")
    assert source.register("vgr", ORDER) == Registered((StatedRow("K1", "I1", "21001", 2),))
    server.behave = answer_of(Service.ORDER, V2, {"ResultCode": "ERROR", "comment": " Uttaget är\n redan gjort. "})
    assert source.register("vgr", ORDER) == Refused("Uttaget är redan gjort.")
    server.behave = answer_of(Service.ORDER, V2, {"ResultCode": "ERROR"})
    assert source.register("vgr", ORDER) == Refused("")
    assert "redan" not in repr(Refused("Uttaget är redan gjort."))


EACH_FAILURE = pytest.mark.parametrize(
    ("behave", "asked", "may_be_taken"), [case[1:] for case in FAILURES], ids=[case[0] for case in FAILURES]
)


@EACH_FAILURE
def test_reading_is_tried_again_where_that_helps_and_never_more(
    server: SourceServer, source: ContractSource, behave: Behaviour, asked: int, may_be_taken: bool
) -> None:
    server.behave = behave
    with pytest.raises(SourceDown) as caught:
        source.read("vgr", NUMBER)
    assert len(server.asked) == asked
    assert NUMBER not in str(caught.value)


@EACH_FAILURE
def test_an_order_is_asked_once_whatever_comes(
    server: SourceServer, source: ContractSource, behave: Behaviour, asked: int, may_be_taken: bool
) -> None:
    server.behave = behave
    with pytest.raises(AnswerLost if may_be_taken else SourceDown) as caught:
        source.register("vgr", ORDER)
    assert len(server.asked) == 1
    assert NUMBER not in str(caught.value)


@pytest.mark.parametrize("behave", [case[1] for case in ENDLESS], ids=[case[0] for case in ENDLESS])
def test_a_source_that_never_ends_holds_nobody(
    server: SourceServer, source: ContractSource, monkeypatch: pytest.MonkeyPatch, behave: Behaviour
) -> None:
    allow(monkeypatch, 0.7)
    server.behave = behave
    began = monotonic()
    with pytest.raises(SourceDown):
        source.read("vgr", NUMBER)
    assert 1.4 <= monotonic() - began < 4
    assert server.connections == 2
    with pytest.raises(AnswerLost):
        source.register("vgr", ORDER)
    assert monotonic() - began < 6
    assert server.connections == 3


def test_the_second_answer_is_as_good_as_the_first(server: SourceServer, source: ContractSource) -> None:
    for trouble in (hanging_up, answering(b"", status="503 Busy"), fault("soap:Server")):
        server.script = [trouble, prescriptions()]
        assert b"PrescriptionItemId" in source.read("vgr", NUMBER)
    assert len(server.asked) == 6


@pytest.mark.parametrize(
    "values",
    [
        {"Order": [order_item()]},
        {"ResultCode": "FINE", "Order": [order_item()]},
        {"ResultCode": "", "comment": "Beställningen är registrerad"},
    ],
)
def test_an_order_whose_answer_does_not_say_how_it_went_may_be_taken(
    server: SourceServer, source: ContractSource, values: dict[str, object]
) -> None:
    server.behave = answer_of(Service.ORDER, V2, values)
    with pytest.raises(AnswerLost, match="ResultCode"):
        source.register("vgr", ORDER)


def test_rows_that_cannot_be_read_are_registered_all_the_same(server: SourceServer, source: ContractSource) -> None:
    nameless, uncounted = {**order_item(), "OrderItemId": ""}, {**order_item("K2"), "NoOfPcs": ""}
    server.behave = answer_of(Service.ORDER, V2, {"Order": [nameless, uncounted], "ResultCode": "ok "})
    assert source.register("vgr", ORDER) == Registered((StatedRow("K2", "I1", "21001", 0),))
    server.behave = answer_of(Service.ORDER, V2, {"ResultCode": "OK"})
    assert source.register("vgr", ORDER) == Registered(())


def test_nobody_there_has_taken_nothing(clock: ManualClock) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        nobody = f"http://127.0.0.1:{free.getsockname()[1]}/"
    source = ContractSource({"vgr": SourceAddresses(nobody, nobody)}, clock=clock)
    with pytest.raises(SourceDown, match="ConnectionError"):
        source.register("vgr", ORDER)
    with pytest.raises(SourceDown, match="ConnectionError"):
        source.read("vgr", NUMBER)
    with pytest.raises(SourceDown, match="no source is configured"):
        source.register("jonkoping", ORDER)


def test_who_is_given_up_while_looking_up_a_name_sends_nothing_afterwards(
    server: SourceServer, source: ContractSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    look_up = socket.getaddrinfo

    def slowly(*arguments: Any, **options: Any) -> Any:
        sleep(0.8)
        return look_up(*arguments, **options)

    monkeypatch.setattr(socket, "getaddrinfo", slowly)
    allow(monkeypatch, 0.3)
    server.behave = taken()
    with pytest.raises(SourceDown, match="too slow"):
        source.register("vgr", ORDER)
    _wait_for_threads()
    sleep(0.2)
    assert server.asked == []


def test_who_is_given_up_leaves_nothing_running(
    server: SourceServer, source: ContractSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    allow(monkeypatch, 0.7)
    server.behave = trickling(b"HTTP/1.1 200 OK\r\nX-Long: ", b"x", seconds=6)
    with pytest.raises(AnswerLost):
        source.register("vgr", ORDER)
    began = monotonic()
    _wait_for_threads()
    assert monotonic() - began < 2


def _wait_for_threads() -> None:
    for thread in threading.enumerate():
        if thread.name == "contract-source":
            thread.join(3)
            assert not thread.is_alive()


def test_a_source_that_fails_is_left_alone_for_a_while(
    server: SourceServer, source: ContractSource, clock: ManualClock
) -> None:
    server.behave = answering(b"", status="503 Busy")
    with pytest.raises(SourceDown):
        source.read("vgr", NUMBER)
    with pytest.raises(AnswerLost):
        source.register("vgr", ORDER)
    server.behave = taken()
    with pytest.raises(SourceDown, match="left alone"):
        source.register("vgr", ORDER)
    with pytest.raises(SourceDown, match="left alone"):
        source.read("vgr", NUMBER)
    assert len(server.asked) == 3
    clock.advance(timedelta(seconds=31))
    assert isinstance(source.register("vgr", ORDER), Registered)
    assert isinstance(source.register("vgr", ORDER), Registered)


def test_what_is_turned_away_says_nothing_of_the_next_request(server: SourceServer, source: ContractSource) -> None:
    server.behave = answering(b"", status="400 Bad Request")
    for _ in range(5):
        with pytest.raises(SourceDown, match="status 400"):
            source.read("vgr", NUMBER)
    assert len(server.asked) == 5


def test_one_regions_source_does_not_close_anothers(server: SourceServer, tmp_path: Path, clock: ManualClock) -> None:
    policies_elsewhere(tmp_path / "again", "jonkoping")
    source = ContractSource({"vgr": SourceAddresses("http://127.0.0.1:9/", "http://127.0.0.1:9/")}, clock=clock)
    both = ContractSource({"vgr": source._sources["vgr"], "jonkoping": server.addresses()}, clock=clock)
    for _ in range(3):
        with pytest.raises(SourceDown):
            both.register("vgr", ORDER)
    server.behave = taken()
    assert isinstance(both.register("jonkoping", ORDER), Registered)


def test_the_machines_proxies_are_not_asked(
    server: SourceServer, source: ContractSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    with source_server() as proxy:
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.url)
        monkeypatch.delenv("no_proxy", raising=False)
        monkeypatch.delenv("NO_PROXY", raising=False)
        server.behave = taken()
        assert isinstance(source.register("vgr", ORDER), Registered)
        assert proxy.connections == 0


def test_the_log_says_why_and_names_nobody(
    server: SourceServer, source: ContractSource, caplog: pytest.LogCaptureFixture
) -> None:
    server.behave = fault("soap:Server")
    with caplog.at_level(logging.DEBUG), pytest.raises(SourceDown):
        source.read("vgr", NUMBER)
    assert [(record.region, record.reason) for record in caplog.records if record.name == "portal.contract_source"] == [  # type: ignore[attr-defined]
        ("vgr", "a fault")
    ] * 2
    assert not any(NUMBER in str(vars(record)) for record in caplog.records)


def test_a_way_that_is_given_up_lets_nothing_more_leave() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        way = _Way()
        way.opened(ours)
        way.give_up()
        with pytest.raises(TimeoutError):
            way.taken()
        assert not way.was_taken
        assert theirs.recv(1) == b"", "whoever reads is woken"
        way.close()
    late = _Way()
    late.give_up()
    another = socket.socket()
    with pytest.raises(TimeoutError):
        late.opened(another)
    assert another.fileno() == -1
