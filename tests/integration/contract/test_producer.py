"""1177's side of the contract: standard clients built from our own descriptions ask, and the database says what became of it."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select

from core.audit import AccessLogEntry
from core.db import Database
from orders.contract.names import V1, V2, Service, Version
from orders.models import Order, OrderRow, PrescriptionItem
from tests.support.builders import add_article, add_item, add_person
from tests.support.contract_client import CALLER, call, client_of

BOTH = pytest.mark.parametrize("version", [V1, V2], ids=["1.0", "2.0"])


def _coded(version: Version, word: str) -> Any:
    return {"code": word} if version.has_coded_values else word


def _article(version: Version, article_no: str) -> dict[str, Any]:
    return {
        "ArticleNo": article_no,
        "ArticleName": "Namn",
        "PackageSize": 1,
        "ProductArea": _coded(version, "DIABETES"),
        "IsOrderable": True,
    }


@BOTH
def test_a_client_reads_orders_and_reads_again(contract_app: Flask, database: Database, version: Version) -> None:
    with database.unit_of_work() as session:
        person = add_person(session)
        item = add_item(session, person, add_article(session))
        number, item_id, article_no = person.number, item.external_id, item.article.article_no
        remaining, packages = item.orders_remaining, item.packages_per_order
        size = item.article.package_size
    asking = client_of(contract_app, Service.PRESCRIPTIONS, version)
    found = call(asking, Service.PRESCRIPTIONS, SubjectOfCareId=number)
    assert found.ResultCode == "OK"
    [told] = found.SubjectOfCareType.PrescriptionItem
    assert (told.PrescriptionItemId, told.NoOfRemainingOrders) == (item_id, remaining)
    way = told.DeliveryAlternative[0]

    ordering = client_of(contract_app, Service.ORDER, version)
    order = {
        "SubjectOfCareId": number,
        "Orderer": "Test Testsson",
        "OrderByDelegate": False,
        "OrderRow": [
            {
                "PrescriptionId": told.PrescriptionId,
                "PrescriptionItemId": item_id,
                "DeliveryChoice": {"DeliveryMethodId": way.DeliveryMethodId, "DeliveryMethod": way.DeliveryMethod},
                "Article": _article(version, article_no),
                "NoOfPackages": 0,
                "NoOfPcs": packages * size,
                "Source": told.Source,
            }
        ],
    }
    answered = call(ordering, Service.ORDER, Order=order)
    assert answered.ResultCode == "OK", answered.comment
    again = call(ordering, Service.ORDER, Order=order)
    assert again.Order[0].OrderItemId == answered.Order[0].OrderItemId

    with database.unit_of_work() as session:
        assert session.scalar(select(func.count()).select_from(Order)) == 1
        row = session.scalars(select(OrderRow)).one()
        assert row.packages == packages
        assert session.get_one(PrescriptionItem, item.id).orders_remaining == remaining - 1
        assert {entry.actor_label for entry in session.scalars(select(AccessLogEntry))} == {CALLER}
    told_again = call(asking, Service.PRESCRIPTIONS, SubjectOfCareId=number).SubjectOfCareType
    assert [past.OrderItemId for past in told_again.OrderItem] == [answered.Order[0].OrderItemId]
    assert told_again.PrescriptionItem[0].NoOfRemainingOrders == remaining - 1
