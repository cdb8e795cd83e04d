"""A wave: waiting orders planned together, scarce goods shared, what gets nothing told. Handbook §6."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from random import Random
from threading import Barrier

import pytest
from sqlalchemy import func, select

from auth.identity import Role
from auth.models import InboxMessage
from auth.persons import staff_identity
from core.clock import STOCKHOLM, ManualClock, today
from core.db import Database
from core.errors import NotPermitted
from core.outbox import Message, OutboxMessage, publish
from delivery.demand import free_lots, share_and_lock
from delivery.models import (
    DepotOrder,
    DepotOrderStatus,
    Lot,
    LotStatus,
    PickLine,
    Reservation,
    ShortReason,
    StockBalance,
)
from delivery.picking import tick
from delivery.policy import DeliveryPolicy
from delivery.put_back import put_back
from delivery.sharing import Wanted, share
from delivery.shortage import back_order_unserved, finish
from delivery.waves import WavePlan, carriers_waiting, next_cut_off, plan_wave
from orders.models import OrderRow, RowStatus
from tests.support.builders import add_staff
from tests.support.depot_work import World, lines_of, rows_of

CARRIER = "PostNord"


@pytest.fixture
def world(database: Database) -> World:
    """A depot."""
    return World(database)


def plan(world: World) -> WavePlan | None:
    with world.database.unit_of_work() as session:
        return plan_wave(session, world.picker, CARRIER)


def tell(world: World) -> None:
    """Let the worker handle what the wave could give nothing."""
    with world.database.unit_of_work() as session:
        for row in session.scalars(select(OutboxMessage).where(OutboxMessage.kind == "depot_order.unserved")):
            back_order_unserved(session, Message(row.id, row.kind, row.payload))


def reserved(world: World, depot_order_id: int) -> dict[str, int]:
    with world.database.session() as session:
        rows = session.scalars(
            select(Reservation)
            .join(PickLine, Reservation.pick_line_id == PickLine.id)
            .where(PickLine.depot_order_id == depot_order_id)
        )
        return {one.lot.lot_no: one.packages for one in rows}


def test_a_wave_reserves_the_soonest_expiry_for_the_oldest_promise(world: World, clock: ManualClock) -> None:
    sensor = world.article()
    world.stock(sensor, 6, "LATE", date(2028, 12, 31))
    world.stock(sensor, 6, "SOON", date(2027, 12, 31))
    older = world.order({sensor: 6})
    clock.advance(timedelta(days=1))
    younger = world.order({sensor: 6})
    done = plan(world)
    assert done is not None
    assert (done.orders, done.lines, done.short_lines, done.waiting_orders) == (2, 2, 0, 0)
    assert reserved(world, older) == {"SOON": 6}
    assert reserved(world, younger) == {"LATE": 6}
    assert plan(world) is None


def test_scarce_goods_bridge_everybody_and_the_rest_is_back_ordered_and_told(world: World) -> None:
    sensor = world.article()
    world.stock(sensor, 8)
    # Six for 84 days: one lasts fourteen, the region's bridge.
    orders = [world.order({sensor: 6}) for _one in range(3)]
    done = plan(world)
    assert done is not None
    assert (done.orders, done.short_lines, done.waiting_orders) == (3, 2, 0)
    assert [reserved(world, one) for one in orders] == [{"LOT1": 6}, {"LOT1": 1}, {"LOT1": 1}]
    with world.database.session() as session:
        assert {line.short_reason for line in lines_of(session, orders[1])} == {ShortReason.SHARED}
    world.start(orders[1])
    with world.database.unit_of_work() as session:
        (line,) = lines_of(session, orders[1])
        tick(session, world.picker, orders[1], line.id, line.reservations[0].lot_id, 1)
        finish(session, world.picker, orders[1])
    with world.database.session() as session:
        parts = session.scalars(
            select(DepotOrder)
            .join(PickLine, PickLine.depot_order_id == DepotOrder.id)
            .where(PickLine.order_row_id == rows_of(session, orders[1])[0].id)
            .order_by(DepotOrder.part)
        ).all()
        assert [part.status for part in parts] == [DepotOrderStatus.PICKED, DepotOrderStatus.BACK_ORDERED]
        told = session.scalars(select(InboxMessage).where(InboxMessage.kind == "order.short")).one()
        assert told.facts["packages"] == 5


def test_what_gets_nothing_becomes_a_back_order_and_ships_when_goods_arrive(world: World) -> None:
    sensor = world.article()
    world.stock(sensor, 1)
    first, second = world.order({sensor: 1}), world.order({sensor: 1})
    done = plan(world)
    assert done is not None
    assert (done.orders, done.waiting_orders) == (1, 1)
    tell(world)
    tell(world)
    assert (world.status(first), world.status(second)) == (DepotOrderStatus.WAITING, DepotOrderStatus.BACK_ORDERED)
    with world.database.session() as session:
        assert rows_of(session, second)[0].status is RowStatus.BACK_ORDERED
        assert session.scalar(select(func.count()).where(InboxMessage.kind == "order.short")) == 1
    world.stock(sensor, 5, "NEW")
    with world.database.unit_of_work() as session:
        publish(session, "stock.received", depot_id=world.depot.id)
    world.handle("stock.received")
    assert world.status(second) is DepotOrderStatus.WAITING
    again = plan(world)
    assert again is not None
    assert reserved(world, second) == {"NEW": 1}


def test_an_order_that_is_put_back_is_planned_anew(world: World) -> None:
    sensor = world.article()
    lot = world.stock(sensor, 6)
    order = world.order({sensor: 6})
    plan(world)
    world.start(order)
    with world.database.unit_of_work() as session:
        put_back(session, world.picker, order)
    assert world.balance(lot) == (6, 0)
    again = plan(world)
    assert again is not None
    assert reserved(world, order) == {"LOT1": 6}


def test_an_order_outside_a_wave_leaves_the_others_their_share(world: World) -> None:
    sensor = world.article()
    world.stock(sensor, 6)
    world.order({sensor: 6})
    younger = world.order({sensor: 6})
    world.start(younger)
    assert reserved(world, younger) == {"LOT1": 1}
    with world.database.session() as session:
        (line,) = lines_of(session, younger)
        assert (line.short, line.short_reason) == (5, ShortReason.SHARED)


def test_cancelled_rows_are_not_planned(world: World) -> None:
    sensor, strips = world.article("Sensor"), world.article("Strips")
    world.stock(sensor, 6)
    world.stock(strips, 6, "S1")
    order = world.order({sensor: 6, strips: 2})
    with world.database.unit_of_work() as session:
        row = next(one for one in rows_of(session, order) if one.article_id == strips.id)
        session.get_one(OrderRow, row.id).status = RowStatus.CANCELLED
    plan(world)
    assert reserved(world, order) == {"LOT1": 6}


def test_two_planners_at_once_plan_each_order_once(world: World) -> None:
    sensor = world.article()
    lot = world.stock(sensor, 100)
    orders = [world.order({sensor: 2}) for _one in range(8)]
    together = Barrier(4)

    def one_planner(_number: int) -> int:
        together.wait(30)
        done = plan(world)
        return done.orders if done else 0

    with ThreadPoolExecutor(4) as threads:
        planned = list(threads.map(one_planner, range(4)))
    assert sum(planned) == len(orders)
    assert world.balance(lot) == (100, 16)
    with world.database.session() as session:
        assert session.scalar(select(func.sum(Reservation.packages))) == 16
        assert session.scalar(select(func.count()).where(StockBalance.reserved > StockBalance.on_hand)) == 0


def test_the_waiting_orders_are_counted_by_carrier(world: World) -> None:
    sensor = world.article()
    world.stock(sensor, 10)
    world.order({sensor: 2})
    with world.database.session() as session:
        assert carriers_waiting(session, world.picker) == {CARRIER: 1}
    plan(world)
    with world.database.session() as session:
        assert carriers_waiting(session, world.picker) == {}


def test_only_the_depot_plans(world: World) -> None:
    with world.database.unit_of_work() as session:
        consultant = staff_identity(add_staff(session, Role.CONSULTANT))
        with pytest.raises(NotPermitted):
            plan_wave(session, consultant, CARRIER)


@pytest.mark.parametrize(
    ("instant", "expected"),
    [
        (datetime(2026, 12, 1, 13, 59, tzinfo=UTC), datetime(2026, 12, 1, 15, tzinfo=STOCKHOLM)),
        (datetime(2026, 12, 1, 14, 0, tzinfo=UTC), datetime(2026, 12, 2, 15, tzinfo=STOCKHOLM)),
        # A Friday evening, then a holiday: Epiphany is a Wednesday in 2027.
        (datetime(2026, 12, 4, 18, 0, tzinfo=UTC), datetime(2026, 12, 7, 15, tzinfo=STOCKHOLM)),
        (datetime(2027, 1, 6, 8, 0, tzinfo=UTC), datetime(2027, 1, 7, 15, tzinfo=STOCKHOLM)),
    ],
)
def test_the_cut_off_is_the_next_one_on_a_working_day(instant: datetime, expected: datetime) -> None:
    assert next_cut_off(DeliveryPolicy(depot_hsa_id="X"), CARRIER, instant) == expected


def test_a_carrier_has_its_own_cut_off() -> None:
    policy = DeliveryPolicy(depot_hsa_id="X", cut_offs=("PostNord 15:00", "DHL 10:30"))
    cut_off = next_cut_off(policy, "DHL", datetime(2026, 12, 1, 9, 0, tzinfo=UTC))
    assert cut_off == datetime(2026, 12, 1, 10, 30, tzinfo=STOCKHOLM)


def test_looking_only_at_the_soonest_lots_shares_as_looking_at_all(world: World) -> None:
    luck = Random(7)
    articles = [world.article(f"Artikel {number}") for number in range(3)]
    for article in articles:
        for number in range(10):
            expires = date(2026, 11, 15) + timedelta(days=luck.randint(0, 300))
            world.stock(article, luck.randint(1, 9), f"L{number}", expires)
    with world.database.unit_of_work() as session:
        session.scalars(select(Lot).limit(1)).one().status = LotStatus.ON_HOLD
    with world.database.session() as session, session.begin():
        lots = free_lots(session, world.depot.id, {article.id for article in articles})
        for _time in range(200):
            wanted = [_some_wanted(luck, number, luck.choice(articles).id) for number in range(luck.randint(1, 12))]
            assert share_and_lock(session, world.depot.id, wanted) == share(wanted, lots, today(session))


def _some_wanted(luck: Random, line_id: int, article_id: int) -> Wanted:
    packages = luck.randint(1, 9)
    until = date(2026, 12, 1) + timedelta(days=luck.randint(0, 250))
    return Wanted(
        line_id=line_id,
        article_id=article_id,
        packages=packages,
        use_until=until + timedelta(days=luck.randint(0, 60)),
        bridge=luck.randint(1, packages),
        bridge_until=until,
        promised_date=date(2026, 12, 1) + timedelta(days=luck.randint(0, 5)),
        avoid_lot_id=luck.choice((None, None, 3)),
    )
