"""Everybody else who reads orders: what a source sends is nobody's here to pick, stop, bill or turn. Handbook §§3, 4 and 8."""

from __future__ import annotations

from datetime import date

import pytest
from sqlalchemy import func, select

from auth.identity import system_identity
from auth.models import Person, Protection
from core.audit import AccessLogEntry
from core.clock import swedish_date
from core.outbox import Message, OutboxMessage
from delivery.models import DepotOrder, PickLine
from delivery.payer_basis import basis_of_region
from delivery.protection import hide_person
from orders.importing.items import lock_item
from orders.models import DeliveryChoice, DeliveryMethod, Order, PrescriptionStatus, Registration, RowStatus
from orders.open_orders import can_be_changed
from orders.queries import order_of, orders_of, products_of
from orders.source.registering import register_order
from orders.stopping import stop_item, stop_orders_of_deceased
from portal.prescriptions import State
from tests.support.source_world import SourceWorld

SECRETS = ("Provgatan", "Testsson", "0500", "1234", "54130", "Skövde")
SYSTEM = system_identity("vgr", "test")


@pytest.fixture(params=["awaited", "at the source"])
def order(world: SourceWorld, request: pytest.FixtureRequest) -> Order:
    """An order that is not ours."""
    world.refresh()
    world.source.drops = request.param == "awaited"
    return world.place()


def _statuses(world: SourceWorld) -> list[RowStatus]:
    return [row.status for row in world.rows()]


def _change(world: SourceWorld, kind: str, **values: object) -> None:
    with world.database.unit_of_work() as session:
        person = session.get_one(Person, world.person.id)
        for name, value in values.items():
            setattr(person, name, value)
        session.flush()
        handler = {"person.died": stop_orders_of_deceased, "person.protected": hide_person}[kind]
        handler(session, Message(1, kind, {"person_id": person.id}))


def test_a_death_does_not_pretend_to_stop_what_the_source_sends(world: SourceWorld, order: Order) -> None:
    _change(world, "person.died", deceased_on=swedish_date(world.clock.now()))
    assert _statuses(world) == [RowStatus.RECEIVED]
    with world.database.session() as session:
        assert session.scalars(select(OutboxMessage.kind).where(OutboxMessage.kind.like("order.%"))).all() == []
        assert "order.stopped" not in session.scalars(select(AccessLogEntry.action)).all()
    # Reading goes on, and the awaited order is settled.
    world.end_patience()
    assert world.refresh() is State.FRESH
    assert world.awaited() == []


def test_stopping_a_product_leaves_what_the_source_sends(world: SourceWorld, order: Order) -> None:
    with world.database.unit_of_work() as session:
        item = lock_item(session, world.person.id, world.item().id)
        item.status = PrescriptionStatus.CANCELLED
        stop_item(session, SYSTEM, item)
    assert _statuses(world) == [RowStatus.RECEIVED]
    assert (world.item().orders_used_here, world.item().orders_remaining) == (1, 3)
    assert "order.stopped" not in world.inbox()
    with world.database.session() as session:
        assert session.scalars(select(OutboxMessage.kind).where(OutboxMessage.kind.like("order.%"))).all() == []


def test_a_product_that_the_source_cancels_leaves_the_order(world: SourceWorld) -> None:
    world.refresh()
    world.place()
    world.source.items[world.person.number] = []
    world.refresh()
    assert world.item().status is PrescriptionStatus.CANCELLED
    assert _statuses(world) == [RowStatus.RECEIVED]
    world.source.deliver(world.person.number, swedish_date(world.clock.now()))
    world.refresh()
    assert _statuses(world) == [RowStatus.DELIVERED]


def test_a_protected_identity_leaves_no_address_and_turns_nothing(world: SourceWorld, order: Order) -> None:
    nothing = dict.fromkeys(("given_name", "family_name", "street", "postal_code", "city", "door_code"), "")
    _change(world, "person.protected", protection=Protection.CONFIDENTIALITY_FLAG, **nothing)
    with world.database.session() as session:
        (choice,) = session.scalars(select(DeliveryChoice)).all()
        # Nobody here sends it to a unit: the copy does not say so.
        assert choice.method is DeliveryMethod.HOME_DELIVERY
        told = " ".join(str(getattr(choice, column.key)) for column in DeliveryChoice.__mapper__.column_attrs)
        assert not [secret for secret in SECRETS if secret in told]
        assert session.get_one(Order, order.id).orderer_name == ""
    world.end_patience()
    assert world.refresh() is State.FRESH


def test_neither_depot_nor_payer_has_it(world: SourceWorld, order: Order) -> None:
    world.work()
    with world.database.session() as session:
        assert session.scalar(select(func.count()).select_from(DepotOrder)) == 0
        assert session.scalar(select(func.count()).select_from(PickLine)) == 0
    with world.database.unit_of_work() as session:
        assert basis_of_region(session, SYSTEM, date(2026, 12, 1)).lines == ()


def test_the_patient_sees_it_and_cannot_change_it(world: SourceWorld, order: Order) -> None:
    with world.database.unit_of_work() as session:
        assert [one.order_no for one in orders_of(session, world.identity)] == [order.order_no]
        assert not can_be_changed(order_of(session, world.identity, order.order_no))


def test_what_a_source_never_tells_of_arriving_is_used_from_the_promised_day(world: SourceWorld) -> None:
    world.refresh()
    order = world.place()
    lasts = []
    for _month in range(3):
        with world.database.unit_of_work() as session:
            shown = products_of(session, world.identity)
            lasts += [product.lasts_until for product in (*shown.orderable, *shown.later)]
        world.later(days=30)
    assert len(set(lasts)) == 1
    assert lasts[0] is not None
    assert lasts[0] > order.promised_date


def test_what_is_settled_is_settled_once(world: SourceWorld, order: Order) -> None:
    for _time in range(2):
        with world.database.unit_of_work() as session:
            register_order(session, SYSTEM, order.id, [])
    assert world.orders()[0].registration is Registration.AT_SOURCE
    assert world.inbox() == ["order.confirmed"]
