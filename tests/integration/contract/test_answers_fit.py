"""Every answer is what the contract's own schemas say, and clients built from the contract's own descriptions can ask."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from zeep import Client

from core.db import Database
from orders.contract.names import V1, V2, Service, Version
from tests.integration.contract.conftest import Scene
from tests.support.contract_calls import Caller
from tests.support.contract_client import AppTransport, call, path_of
from tests.support.rivta import problems_of, require_schemas, wsdl_of

BOTH = pytest.mark.parametrize("version", [V1, V2], ids=["1.0", "2.0"])


@BOTH
def test_answers_are_what_the_contracts_schemas_say(scene: Scene, database: Database, version: Version) -> None:
    require_schemas()
    caller = Caller(scene.caller.app, version)
    answers = [
        (Service.PRESCRIPTIONS, caller.prescriptions(scene.number)),
        (Service.PRESCRIPTIONS, caller.prescriptions("191212121212")),
        (Service.PRESCRIPTIONS, caller.prescriptions("19")),
        (Service.ORDER, caller.order(scene.number, scene.first, scene.second)),
        (Service.ORDER, caller.order(scene.number, scene.first, scene.first)),
        (Service.PRESCRIPTIONS, caller.prescriptions(scene.number)),
    ]
    for service, answer in answers:
        assert answer.status_code == 200
        assert problems_of(answer.data, service, version) == []


@BOTH
@pytest.mark.parametrize("service", list(Service))
def test_a_client_built_from_the_contracts_description_is_answered(
    scene: Scene, contract_app: Flask, version: Version, service: Service
) -> None:
    require_schemas()
    theirs: Any = Client(str(wsdl_of(service, version)), transport=AppTransport(contract_app))  # type: ignore[no-untyped-call]
    binding = next(iter(theirs.wsdl.bindings))
    at_ours = _At(theirs.create_service(binding, f"http://localhost:8000{path_of(service, version)}"))
    coded: Any = {"code": "INGEN"} if version.has_coded_values else "INGEN"
    asked: Any = {
        Service.PRESCRIPTIONS: {"SubjectOfCareId": scene.number},
        Service.POINTS: {"PostalCode": "541 30", "ServicePointProvider": coded},
        Service.ORDER: {
            "Order": {
                "SubjectOfCareId": scene.number,
                "Orderer": "Test",
                "OrderByDelegate": False,
                "OrderRow": [
                    {
                        "PrescriptionId": scene.first.prescription_id,
                        "PrescriptionItemId": scene.first.item_id,
                        "DeliveryChoice": {"DeliveryMethodId": "HOME", "DeliveryMethod": "HEMLEVERANS"},
                        "Article": {
                            "ArticleNo": scene.first.article_no,
                            "ArticleName": "Namn",
                            "PackageSize": 1,
                            "ProductArea": {"code": "DIABETES"} if version.has_coded_values else "DIABETES",
                            "IsOrderable": True,
                        },
                        "NoOfPackages": 6,
                        "NoOfPcs": 6,
                        "Source": "TEST",
                    }
                ],
            }
        },
    }[service]
    assert call(at_ours, service, **asked).ResultCode == "OK"


class _At:
    """A client's service under the name that `call` looks for."""

    def __init__(self, service: object) -> None:
        self.service = service
