"""A back order's day comes from what suppliers have been asked for, and moves with it; the patient is told."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from sqlalchemy import select

from auth.identity import Role
from auth.models import InboxMessage, Person
from auth.persons import staff_identity
from core.clock import ManualClock, today
from core.db import Database
from core.errors import NotFound, NotPermitted
from core.outbox import Message, OutboxMessage, publish
from core.workdays import add_working_days
from delivery import errors
from delivery.expected import update_expected
from delivery.goods_models import SupplierOrder
from delivery.models import DepotOrder, DepotOrderStatus, PickLine, ShortReason
from delivery.picking import start_picking, tick
from delivery.receipts import close_receipt, open_receipt
from delivery.receiving import ReceiveGoods, receive_goods
from delivery.reordering import order_from_supplier
from delivery.shortage import finish, short_pick
from delivery.supplier_orders import close_supplier_order, move_supplier_order
from orders.models import Article, Order, RowStatus, Supplier
from portal.duties import DUTIES
from portal.jobs import HANDLERS
from tests.support.builders import add_person, add_staff
from tests.support.depot_work import World, gs1
from tests.support.statements import counted


@pytest.fixture
def world(database: Database) -> World:
    return World(database)


@pytest.fixture
def sensor(world: World) -> Article:
    article = world.article("Sensor")
    with world.database.unit_of_work() as session:
        supplier = Supplier(region="vgr", supplier_no="S1", name="Provleverantören AB")
        session.add(supplier)
        session.flush()
        session.get_one(Article, article.id).supplier_id = supplier.id
    return article


def _day(world: World) -> date:
    with world.database.session() as session:
        return today(session)


def _bought(world: World, article: Article, packages: int, expected_on: date) -> int:
    with world.database.unit_of_work() as session:
        supplier = session.scalars(select(Supplier)).one()
        return order_from_supplier(session, world.picker, supplier.id, {article.id: packages}, expected_on).id


def _short(world: World, depot_order_id: int) -> None:
    """Pick what there is and note the rest as missing."""
    with world.database.unit_of_work() as session:
        depot_order = start_picking(session, world.picker, depot_order_id)
        for line in depot_order.lines:
            for reservation in list(line.reservations):
                tick(session, world.picker, depot_order_id, line.id, reservation.lot_id, reservation.packages)
            if line.packages > line.picked:
                short_pick(session, world.picker, depot_order_id, line.id, ShortReason.NOT_IN_STOCK)
        finish(session, world.picker, depot_order_id)


def _update(world: World) -> None:
    with world.database.unit_of_work() as session:
        update_expected(session, Message(1, "back_orders.expected", {"region": "vgr"}))


def _promised(world: World, depot_order_id: int) -> date:
    with world.database.session() as session:
        return session.get_one(DepotOrder, depot_order_id).promised_date


def _told(world: World, kind: str) -> list[tuple[int, str]]:
    with world.database.session() as session:
        found = session.scalars(select(InboxMessage).where(InboxMessage.kind == kind).order_by(InboxMessage.id))
        return [(one.receiver_id, one.facts["expected"]) for one in found]


def _person(world: World) -> Person:
    with world.database.unit_of_work() as session:
        return add_person(session)


def test_the_day_is_the_suppliers_and_a_few_working_days(world: World, sensor: Article) -> None:
    goods_on = _day(world) + timedelta(days=20)
    _bought(world, sensor, 5, goods_on)
    patient = _person(world)
    first = world.order({sensor: 5}, patient)
    _short(world, first)
    expected = add_working_days(goods_on, 3)
    assert (_promised(world, first), world.status(first)) == (expected, DepotOrderStatus.BACK_ORDERED)
    assert _told(world, "order.short") == [(patient.id, expected.isoformat())]
    # All five are promised: the next one does not get them too.
    second = world.order({sensor: 1})
    _short(world, second)
    assert _promised(world, second) == add_working_days(_day(world), 10)


def test_what_is_left_of_a_part_is_expected_like_a_whole_order(world: World, sensor: Article) -> None:
    goods_on = _day(world) + timedelta(days=14)
    _bought(world, sensor, 9, goods_on)
    world.stock(sensor, 2)
    first = world.order({sensor: 5})
    _short(world, first)
    with world.database.session() as session:
        later = session.scalars(select(DepotOrder).where(DepotOrder.part == 1)).one()
        assert later.promised_date == add_working_days(goods_on, 3)
        original = session.get_one(DepotOrder, first)
        use_until = session.scalars(select(PickLine.use_until).where(PickLine.depot_order_id == later.id)).one()
        before = session.scalars(select(PickLine.use_until).where(PickLine.depot_order_id == first)).one()
        # The patient begins to use it as much later as it comes later.
        assert use_until - before == later.promised_date - original.promised_date


def test_ordering_moving_and_closing_move_the_promise_and_tell(world: World, sensor: Article) -> None:
    patient = _person(world)
    waiting = world.order({sensor: 4}, patient)
    _short(world, waiting)
    guessed = add_working_days(_day(world), 10)
    assert _promised(world, waiting) == guessed
    goods_on = _day(world) + timedelta(days=2)
    order_id = _bought(world, sensor, 4, goods_on)
    _update(world)
    soon = add_working_days(goods_on, 3)
    assert _promised(world, waiting) == soon
    later = goods_on + timedelta(days=30)
    with world.database.unit_of_work() as session:
        move_supplier_order(session, world.picker, order_id, later)
    _update(world)
    assert _promised(world, waiting) == add_working_days(later, 3)
    with world.database.unit_of_work() as session:
        close_supplier_order(session, world.picker, order_id)
    _update(world)
    # What was said can still be kept if somebody orders now.
    assert _promised(world, waiting) == add_working_days(later, 3)
    assert _told(world, "order.expected") == [
        (patient.id, soon.isoformat()),
        (patient.id, add_working_days(later, 3).isoformat()),
    ]
    _update(world)
    assert len(_told(world, "order.expected")) == 2


def test_a_late_supplier_is_not_believed_and_the_patient_hears_of_it(
    world: World, sensor: Article, clock: ManualClock
) -> None:
    goods_on = _day(world) + timedelta(days=2)
    _bought(world, sensor, 4, goods_on)
    waiting = world.order({sensor: 4})
    _short(world, waiting)
    soon = add_working_days(goods_on, 3)
    while _day(world) <= goods_on:
        _update(world)
        clock.advance(timedelta(days=1))
    _update(world)
    # Had it come today it could still be there in time only if today counts; else a new day is promised.
    while _day(world) < soon:
        clock.advance(timedelta(days=1))
        _update(world)
    assert _promised(world, waiting) > soon
    told = _told(world, "order.expected")
    assert len(told) == 1
    assert _promised(world, waiting).isoformat() == told[0][1]


def test_the_oldest_promise_gets_the_first_goods(world: World, sensor: Article, clock: ManualClock) -> None:
    old = world.order({sensor: 3})
    clock.advance(timedelta(days=7))
    young = world.order({sensor: 3})
    # The younger one is found short first.
    _short(world, young)
    first, second = _day(world) + timedelta(days=7), _day(world) + timedelta(days=21)
    _bought(world, sensor, 3, first)
    _bought(world, sensor, 3, second)
    _update(world)
    assert _promised(world, young) == add_working_days(first, 3)
    _short(world, old)
    assert _promised(world, old) == add_working_days(first, 3)
    _update(world)
    assert _promised(world, young) == add_working_days(second, 3)
    world.stock(sensor, 3)
    with world.database.unit_of_work() as session:
        publish(session, "stock.received", depot_id=world.depot.id)
    world.handle("stock.received")
    assert (world.status(old), world.status(young)) == (DepotOrderStatus.WAITING, DepotOrderStatus.BACK_ORDERED)


def test_goods_that_come_are_no_longer_expected(world: World, sensor: Article) -> None:
    goods_on = _day(world) + timedelta(days=30)
    order_id = _bought(world, sensor, 6, goods_on)
    first, second = world.order({sensor: 4}), world.order({sensor: 4})
    for one in (first, second):
        _short(world, one)
    assert _promised(world, second) == add_working_days(_day(world), 10)
    with world.database.unit_of_work() as session:
        receipt = open_receipt(session, world.picker, order_id, "FS1")
        receive_goods(session, world.picker, ReceiveGoods(receipt.id, gs1(sensor, "L9", date(2028, 12, 31)), 4))
        close_receipt(session, world.picker, receipt.id)
    world.handle("stock.received")
    assert world.status(first) is DepotOrderStatus.WAITING
    _update(world)
    # Two are still to come and four are wanted.
    assert _promised(world, second) == add_working_days(_day(world), 10)
    _bought(world, sensor, 2, goods_on)
    _update(world)
    assert _promised(world, second) == add_working_days(goods_on, 3)


def test_nobody_is_told_of_the_dead_and_of_what_was_cancelled(world: World, sensor: Article) -> None:
    patient, other = _person(world), _person(world)
    of_dead, cancelled = world.order({sensor: 1}, patient), world.order({sensor: 1}, other)
    for one in (of_dead, cancelled):
        _short(world, one)
    with world.database.unit_of_work() as session:
        session.get_one(Person, patient.id).deceased_on = today(session)
        for row in session.get_one(Order, session.get_one(DepotOrder, cancelled).order_id).rows:
            row.status = RowStatus.CANCELLED
    _bought(world, sensor, 9, _day(world) + timedelta(days=60))
    _update(world)
    assert _told(world, "order.expected") == []


def test_only_the_own_regions_depot_moves_an_open_order_to_a_day_to_come(world: World, sensor: Article) -> None:
    order_id = _bought(world, sensor, 1, _day(world))
    with world.database.unit_of_work() as session:
        consultant = staff_identity(add_staff(session, Role.CONSULTANT))
        stranger = staff_identity(add_staff(session, Role.DEPOT, region="norrbotten"))
        with pytest.raises(NotPermitted):
            move_supplier_order(session, consultant, order_id, today(session))
        with pytest.raises(NotPermitted):
            close_supplier_order(session, consultant, order_id)
        with pytest.raises(NotFound):
            move_supplier_order(session, stranger, order_id, today(session))
        with pytest.raises(NotFound):
            close_supplier_order(session, stranger, order_id)
        with pytest.raises(errors.DayHasPassed):
            move_supplier_order(session, world.picker, order_id, today(session) - timedelta(days=1))
        close_supplier_order(session, world.picker, order_id)
        with pytest.raises(errors.SupplierOrderClosed):
            close_supplier_order(session, world.picker, order_id)
        assert session.scalars(select(SupplierOrder.closed_at)).one() is not None
        assert {row.kind for row in session.scalars(select(OutboxMessage))} == {"back_orders.expected"}


def test_the_clock_asks_every_morning_and_somebody_handles_it() -> None:
    assert "back_orders.expected" in {duty.kind for duty in DUTIES}
    assert HANDLERS["back_orders.expected"] is update_expected


def test_many_back_orders_ask_as_much_as_one_while_nothing_moves(world: World, sensor: Article) -> None:
    _short(world, world.order({sensor: 1}))
    with counted(world.database) as few:
        _update(world)
    for _number in range(6):
        _short(world, world.order({sensor: 1}))
    with counted(world.database) as many:
        _update(world)
    assert len(many) == len(few)
