"""Service points from a region's source: asked in both versions' words, kept as any provider's, and away without harm."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from core.clock import ManualClock
from core.db import Database
from orders.contract.names import V1, V2, Service, Version
from orders.service_points import FoundPoint, ProviderDown
from portal.adapters import contract_source_points as adapter
from portal.adapters.contract_source_points import ContractPoints, contract_points_of
from portal.adapters.postnord_points import HttpPoints
from portal.adapters.service_points import FilePoints, service_points_of
from portal.config import Settings
from tests.support.hostile_server import answering, silent
from tests.support.settings import make_settings
from tests.support.source import policies_elsewhere
from tests.support.source_servers import Behaviour, SourceServer, answer_of, fault, source_server


def told(**changes: object) -> dict[str, Any]:
    """A point as a source tells it."""
    return {
        "DeliveryPointId": "1234",
        "DeliveryPointName": " Kiosken \n vid torget ",
        "DeliveryPointAddress": "Storgatan 1",
        "DeliveryPointPostalCode": "541 30",
        "DeliveryPointCity": "Skövde",
        "CountryCode": "SE",
        **changes,
    }


KIOSK = FoundPoint("POSTNORD", "1234", "Kiosken vid torget", "Storgatan 1", "54130", "Skövde")


def points(*listed: dict[str, Any], result: str = "OK", version: Version = V2) -> Behaviour:
    """Answer with points."""
    return answer_of(Service.POINTS, version, {"DeliveryPoint": list(listed), "ResultCode": result})


@pytest.fixture(autouse=True)
def _plenty_of_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(adapter, "SECONDS", 20)


@pytest.fixture
def server() -> Iterator[SourceServer]:
    with source_server() as running:
        yield running


@pytest.fixture
def source(server: SourceServer, clock: ManualClock, tmp_path: Path) -> ContractPoints:
    policies_elsewhere(tmp_path)
    return ContractPoints("vgr", server.addresses(), clock)


def settings_of(server: SourceServer, folder: Path, **changes: Any) -> Settings:
    """Settings whose file of sources names the server."""
    file = folder / "sources.toml"
    known = server.addresses()
    file.write_text(
        f'[vgr]\nprescriptions = "{known.prescriptions}"\norders = "{known.orders}"\npoints = "{known.points}"\n'
    )
    return make_settings(contract_sources_file=file, **changes)


@pytest.mark.parametrize("version", [V1, V2], ids=["1.0", "2.0"])
def test_points_are_asked_for_in_the_versions_words(
    server: SourceServer, clock: ManualClock, tmp_path: Path, version: Version
) -> None:
    policies_elsewhere(tmp_path, more=f'version = "{version.major}.0"\n')
    server.behave = points(told(), version=version)
    assert ContractPoints("vgr", server.addresses(), clock).nearest("POSTNORD", "54130") == (KIOSK,)
    [asked] = server.asked
    assert asked.line == "POST /source/points HTTP/1.1"
    assert (b":code>POSTNORD<" in asked.body) is version.has_coded_values
    assert (b":ServicePointProvider>POSTNORD<" in asked.body) is not version.has_coded_values
    assert b":PostalCode>54130<" in asked.body


def test_points_that_lack_something_are_left_out_and_ten_are_enough(
    server: SourceServer, source: ContractPoints
) -> None:
    lacking: list[dict[str, Any]] = [
        told(DeliveryPointId=""),
        told(DeliveryPointId="9" * 41),
        told(DeliveryPointName=""),
        told(DeliveryPointAddress="x" * 201),
        told(DeliveryPointPostalCode="5413"),
        told(DeliveryPointCity=None),
    ]
    many = [told(DeliveryPointId=str(number)) for number in range(12)]
    server.behave = points(*lacking, told(), told(), result="INFO")
    assert source.nearest("POSTNORD", "54130") == (KIOSK,)
    server.behave = points(*many)
    assert [point.point_id for point in source.nearest("POSTNORD", "54130")] == [str(number) for number in range(10)]
    server.behave = points(*lacking)
    with pytest.raises(ProviderDown, match="no usable"):
        source.nearest("POSTNORD", "54130")
    server.behave = points()
    assert source.nearest("POSTNORD", "54130") == ()


def test_a_source_that_fails_is_down_and_left_alone(
    server: SourceServer, source: ContractPoints, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    for turned_away in (points(result="ERROR"), fault("soap:Client"), answering(b"", status="403 Forbidden")):
        server.behave = turned_away
        with pytest.raises(ProviderDown):
            source.nearest("POSTNORD", "54130")
    for trouble in (fault("soap:Server"), answering(b"<html>")):
        server.behave = trouble
        with pytest.raises(ProviderDown):
            source.nearest("POSTNORD", "54130")
    monkeypatch.setattr(adapter, "SECONDS", 0.4)
    server.behave = silent(1)
    with pytest.raises(ProviderDown):
        source.nearest("POSTNORD", "54130")
    monkeypatch.setattr(adapter, "SECONDS", 20)
    server.behave = points(told())
    with pytest.raises(ProviderDown, match="left alone"):
        source.nearest("POSTNORD", "54130")
    assert server.connections == 6
    clock.advance(timedelta(seconds=31))
    assert source.nearest("POSTNORD", "54130") == (KIOSK,)


def test_pages_get_them_from_the_source_and_from_what_was_kept(
    server: SourceServer, database: Database, tmp_path: Path
) -> None:
    policies_elsewhere(tmp_path)
    known = service_points_of(settings_of(server, tmp_path), database)
    server.behave = points(told())
    for _ in range(2):
        answer = known.near("POSTNORD", "54130")
        assert [point.point_id for point in answer.points] == ["1234"]
    assert len(server.asked) == 1
    server.behave = answering(b"", status="503 Busy")
    assert known.near("POSTNORD", "41101").is_down


def test_another_way_that_is_set_goes_first(server: SourceServer, database: Database, tmp_path: Path) -> None:
    policies_elsewhere(tmp_path)
    key = tmp_path / "key"
    key.write_text("key")
    asked = service_points_of(
        settings_of(server, tmp_path, service_points_url=server.url, service_points_key_file=key), database
    )
    assert isinstance(asked._sources["POSTNORD"], HttpPoints)
    assert "DHL" not in asked._sources
    listed = tmp_path / "points.csv"
    listed.write_text("id,provider,name,street,postal_code,city\n1,DHL,Kiosken,Storgatan 1,54130,Skövde\n")
    read = service_points_of(settings_of(server, tmp_path, service_points_file=listed), database)
    assert isinstance(read._sources["DHL"], FilePoints)


def test_a_region_whose_prescriptions_are_here_asks_nobody(
    server: SourceServer, clock: ManualClock, tmp_path: Path
) -> None:
    settings = settings_of(server, tmp_path)
    assert contract_points_of(settings, clock) == {}
    assert contract_points_of(make_settings(), clock) == {}
    policies_elsewhere(tmp_path)
    assert set(contract_points_of(settings, clock)) == {"POSTNORD", "DHL", "SCHENKER"}
