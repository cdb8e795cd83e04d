"""What the source is told of an order: everything it needs, and of a protected identity nothing but the number. Handbook §§4 and 13."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from sqlalchemy import select

from auth.models import Person, Protection
from orders.contract.names import V1, V2, Service, Version
from orders.contract.writing import Values, write_request
from orders.models import DeliveryAlternative, DeliveryMethod, Notification, Order, PrescriptionItem
from orders.service_points import ServicePoint
from orders.services import OrderLine, PlaceOrder
from orders.source.registering import submit_order
from orders.source.requests import order_values
from orders.wishes import DeliveryWish, InvoiceAddress, Way
from tests.support.builders import patient_identity
from tests.support.rivta import require_schemas, schema_of
from tests.support.source import SourceItem
from tests.support.source_world import ADDRESS, SourceWorld, new_key

VERSIONS = pytest.mark.parametrize("version", [V1, V2], ids=["1.0", "2.0"])


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, Mapping):
        for one in value.values():
            yield from _texts(one)
    elif isinstance(value, (list, tuple)):
        for one in value:
            yield from _texts(one)
    else:
        yield str(value)


def _values(world: SourceWorld, version: Version) -> Values:
    with world.database.session() as session:
        return order_values(session, session.scalars(select(Order)).one(), version)


def _submit(world: SourceWorld, command: PlaceOrder, person: Person | None = None) -> None:
    with world.database.unit_of_work() as session:
        assert submit_order(session, patient_identity(person or world.person), command, ()).request is not None


def _assert_valid(values: Values, version: Version) -> None:
    schema: Any = schema_of(Service.ORDER, version)
    schema.validate(write_request(Service.ORDER, version, {"Order": values}))
    assert [str(problem) for problem in schema.error_log] == []


@VERSIONS
def test_everything_of_a_delivery_is_told(world: SourceWorld, version: Version) -> None:
    world.source.prescribe(world.person.number, SourceItem("R2", "20002", package_size=50))
    world.refresh()
    with world.database.unit_of_work() as session:
        point = ServicePoint(
            provider="POSTNORD", point_id="4711", name="Ombudet", street="Torget 1", postal_code="54130", city="Skövde"
        )
        session.add(point)
        home, other = session.scalars(select(PrescriptionItem).order_by(PrescriptionItem.external_id)).all()
        home.allow_other_invoice_address = True
        other.delivery_alternatives[:] = [
            DeliveryAlternative(
                method_id="PN-7",
                name="Ombud",
                method=DeliveryMethod.SERVICE_POINT,
                provider="POSTNORD",
                allow_choice_of_delivery_points=True,
                notifications=["SMS"],
                allow_delivery_comment=True,
                allow_contact_person=True,
            )
        ]
    invoice = InvoiceAddress("Kommunen", "Torget 2", "54131", "Skövde")
    lines = tuple(
        OrderLine(item.id, {item.article_id: item.packages_per_order}, item.orders_remaining, place)
        for place, item in enumerate(world.items())
    )
    wishes = (
        DeliveryWish(address=ADDRESS, comment="Ring på", invoice=invoice),
        DeliveryWish(
            way=Way(DeliveryMethod.SERVICE_POINT, "POSTNORD"),
            point_id="4711",
            notification=Notification.SMS,
            notify_to="070-174 06 05",
            contact_person="Prov Provsson",
            comment="Efter fyra",
        ),
    )
    _submit(world, PlaceOrder(lines, wishes, idempotency_key=new_key()))
    values = _values(world, version)
    told = list(_texts(values))
    for word in (
        *("Provgatan 1", "54130", "1234", "Ring på", "Kommunen", "Torget 2", "4711", "Ombudet", "Prov Provsson"),
        *("Efter fyra", "HEM-1", "PN-7", world.person.number, "Test Testsson", "KÄLLAN", "F1", "R1", "R2"),
    ):
        assert word in told
    rows: Any = values["OrderRow"]
    assert [(row["NoOfPackages"], row["NoOfPcs"]) for row in rows] == [(2, 2), (2, 100)]
    require_schemas()
    _assert_valid(values, version)


@VERSIONS
def test_of_a_protected_identity_only_the_number_is_told(world: SourceWorld, version: Version) -> None:
    person = world.add_person(protection=Protection.CONFIDENTIALITY_FLAG)
    with world.database.unit_of_work() as session:
        # What should never be there does not get out either.
        session.get_one(Person, person.id).alias = "Lila Kanin"
    world.source.prescribe(person.number, SourceItem("R1", "20001"))
    world.refresh(person)
    command = PlaceOrder(
        world.command(person=person).lines,
        (DeliveryWish(address=ADDRESS, comment="Hemliga gatan"),),
        idempotency_key=new_key(),
        orderer="Hemlig Testsson",
    )
    _submit(world, command, person)
    values = _values(world, version)
    told = " ".join(_texts(values))
    for word in ("Provgatan", "Testsson", "0500", "1234", "54130", "Skövde", "Hemlig", "Lila", "Ring på"):
        assert word not in told
    rows: Any = values["OrderRow"]
    assert [set(row["DeliveryChoice"]) for row in rows] == [{"DeliveryMethodId", "DeliveryMethod"}]
    assert values["SubjectOfCareId"] == person.number
    assert values["Orderer"] == ""
    require_schemas()
    _assert_valid(values, version)


@VERSIONS
def test_a_source_that_names_no_way_is_sent_the_regions(world: SourceWorld, version: Version) -> None:
    world.refresh()
    with world.database.unit_of_work() as session:
        item = session.scalars(select(PrescriptionItem)).one()
        item.delivery_alternatives.clear()
    _submit(world, world.command())
    values = _values(world, version)
    rows: Any = values["OrderRow"]
    assert [row["DeliveryChoice"]["DeliveryMethod"] for row in rows] == ["HEMLEVERANS"]
    require_schemas()
    _assert_valid(values, version)
