"""What we ask a source is what we ourselves would answer as one, and what the contract's own schemas allow."""

from __future__ import annotations

import socket
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select

from core.clock import ManualClock
from core.db import Database
from core.policy import Policies, use_policies
from orders.contract.names import V1, V2, Service, Version
from orders.contract.writing import Values, coded
from orders.importing.contract import parse_responses
from orders.importing.parsed import ParsedItem
from orders.models import Order, OrderRow
from orders.source.ports import Refused, Registered
from portal.adapters.contract_source import ContractSource
from portal.adapters.contract_source_points import ContractPoints
from tests.integration.contract.conftest import Scene
from tests.support.contract_calls import Caller
from tests.support.contract_client import ADDRESS
from tests.support.rivta import problems_of, require_schemas
from tests.support.source import SOURCE_ADDRESS, policies_elsewhere
from tests.support.source_answers import NUMBER, ORDER, prescriptions, taken
from tests.support.source_servers import SourceServer, answer_of, soap, source_server

# Another region than the scene's, asking the scene's by its logical address.
ASKING = "jonkoping"
BOTH = pytest.mark.parametrize("version", [V1, V2], ids=["1.0", "2.0"])
SERVICES = {"prescriptions": Service.PRESCRIPTIONS, "orders": Service.ORDER, "points": Service.POINTS}


@pytest.fixture
def server() -> Iterator[SourceServer]:
    with source_server() as running:
        yield running


def live_elsewhere(folder: Path, version: Version) -> None:
    """Let the asking region's prescriptions live at the scene's region, and keep the scene's where they are."""
    policies = policies_elsewhere(folder, ASKING, f'version = "{version.major}.0"\n')
    path = policies / f"{ASKING}.toml"
    path.write_text(path.read_text(encoding="utf-8").replace(SOURCE_ADDRESS, ADDRESS), encoding="utf-8")
    use_policies(Policies.load(policies))


def carrying(server: SourceServer, app: Flask, version: Version) -> None:
    """Let the server carry what it is asked to our own producer, as the proxy in front of it would."""
    caller = Caller(app, version)

    def carry(connection: socket.socket) -> None:
        asked = server.asked[-1]
        service = SERVICES[asked.line.split()[1].rpartition("/")[2]]
        answer = caller.post(
            service, asked.body, SOAPAction=asked.headers["soapaction"], Content_Type=asked.headers["content-type"]
        )
        soap(answer.data, answer.status)(connection)

    server.behave = carry


def order_of(number: str, item: ParsedItem, version: Version, packages: int) -> Values:
    """An order of an item as it was read."""
    article, way = item.articles[0], item.alternatives[0]
    return {
        "SubjectOfCareId": number,
        "Orderer": "Test <Testsson> & Co 🙂",
        "OrderByDelegate": False,
        "OrderRow": [
            {
                "PrescriptionId": item.key.prescription_id,
                "PrescriptionItemId": item.key.item_id,
                "DeliveryChoice": {"DeliveryMethodId": way.method_id, "DeliveryMethod": "HEMLEVERANS"},
                "Article": {
                    "ArticleNo": article.article_no,
                    "ArticleName": article.name,
                    "PackageSize": article.package_size,
                    "ProductArea": coded(version, "DIABETES"),
                    "IsOrderable": True,
                },
                "NoOfPackages": packages,
                "NoOfPcs": packages * article.package_size,
                "Source": item.key.source,
            }
        ],
    }


@BOTH
def test_our_own_producer_is_a_source(
    scene: Scene,
    contract_app: Flask,
    database: Database,
    server: SourceServer,
    clock: ManualClock,
    tmp_path: Path,
    version: Version,
) -> None:
    live_elsewhere(tmp_path, version)
    carrying(server, contract_app, version)
    source = ContractSource({ASKING: server.addresses()}, clock=clock)
    [subject] = parse_responses(source.read(ASKING, scene.number), clock.now().date()).subjects
    first, second = sorted(subject.items, key=lambda item: item.key.item_id)
    assert {first.key.item_id, second.key.item_id} == {scene.first.item_id, scene.second.item_id}

    refused = source.register(ASKING, order_of(scene.number, second, version, 99))
    assert isinstance(refused, Refused)
    assert "högst" in refused.comment
    registered = source.register(ASKING, order_of(scene.number, second, version, 1))
    assert isinstance(registered, Registered)
    [row] = registered.rows
    assert (row.item_id, row.article_no) == (second.key.item_id, second.article_no)
    with database.unit_of_work() as session:
        assert session.scalar(select(func.count()).select_from(Order)) == 1
        assert session.scalars(select(OrderRow)).one().packages == 1
    [again] = parse_responses(source.read(ASKING, scene.number), clock.now().date()).subjects
    assert [past.order_item_id for past in again.history] == [row.order_item_id]


@BOTH
def test_our_own_producer_knows_service_points(
    contract_app: Flask, server: SourceServer, clock: ManualClock, tmp_path: Path, version: Version
) -> None:
    live_elsewhere(tmp_path, version)
    carrying(server, contract_app, version)
    points = ContractPoints(ASKING, server.addresses(), clock)
    assert points.nearest("POSTNORD", "54130") == ()
    assert len(server.asked) == 1


@BOTH
def test_what_we_ask_is_what_the_contracts_schemas_allow(
    server: SourceServer, clock: ManualClock, tmp_path: Path, version: Version
) -> None:
    require_schemas()
    policies_elsewhere(tmp_path, more=f'version = "{version.major}.0"\n')
    source = ContractSource({"vgr": server.addresses()}, clock=clock)
    server.script = [prescriptions(version), taken(version), answer_of(Service.POINTS, version, {"ResultCode": "OK"})]
    source.read("vgr", NUMBER)
    source.register("vgr", _whole_order(version))
    ContractPoints("vgr", server.addresses(), clock).nearest("POSTNORD", "54130")
    for asked, service in zip(server.asked, SERVICES.values(), strict=True):
        assert problems_of(asked.body, service, version) == []
    broken = server.asked[1].body.replace(b"HEMLEVERANS", b"BREVDUVA")
    assert problems_of(broken, Service.ORDER, version)


def _whole_order(version: Version) -> Values:
    """An order with everything that the contract can carry."""
    row: Mapping[str, Any] = ORDER["OrderRow"][0]
    article = {**row["Article"], "ProductArea": coded(version, "DIABETES"), "PackageSizeUnit": "st", "Variety": "blå"}
    address = {
        "Receiver": "Tolvan",
        "Street": "Gatan 1",
        "PostalCode": "54130",
        "City": "Skövde",
        "Phone": "0701234567",
    }
    point = {
        "DeliveryPointId": "1",
        "DeliveryPointName": "Kiosken",
        "DeliveryPointAddress": "Gatan 2",
        "DeliveryPointPostalCode": "54130",
        "DeliveryPointCity": "Skövde",
        "CountryCode": "SE",
    }
    home = {
        **row["DeliveryChoice"],
        "HomeDeliveryAddress": {**address, "CareOfAddress": "c/o Elvan", "DoorCode": "1234"},
        "DeliveryNotificationMethod": "E-POST",
        "DeliveryNotificationReceiver": "tolvan@example.org",
        "DeliveryComment": "Ring på",
        "InvoiceAddress": address,
        "ContactPerson": "Elvan",
    }
    collected = {"DeliveryMethodId": "OMBUD", "DeliveryMethod": "UTLÄMNINGSSTÄLLE", "DeliveryPoint": point}
    rows = [{**row, "Article": article, "DeliveryChoice": choice} for choice in (home, collected)]
    return {**ORDER, "OrderRow": rows}
