"""Orders reach the depot once, stop when cancelled, and wake when goods come."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta

import pytest
from sqlalchemy import func, select

from auth.identity import system_identity
from core.audit import AccessLogEntry
from core.db import Database
from core.errors import NotFound, NotPermitted
from core.outbox import OutboxMessage
from delivery.complaints.models import Complaint
from delivery.errors import ExpiryDiffers
from delivery.models import DepotOrder, DepotOrderStatus, Lot, PickLine, StockBalance, StockMovement
from delivery.stock import ReceiveStock, receive_stock
from orders.cancelling import cancel_order
from orders.models import Article, Order, OrderRow, RowStatus
from orders.replacements import place_replacement
from orders.services import OrderLine, PlaceOrder, place_order
from tests.support.builders import add_article, add_item, add_person, patient_identity
from tests.support.deliveries import add_delivered
from tests.support.depot_work import World, lines_of, rows_of

IMPORT = system_identity("vgr", "import")


@pytest.fixture
def world(database: Database) -> World:
    return World(database)


def receive(world: World, article: Article, packages: int, ref: str, lot_no: str = "LOT1") -> bool:
    command = ReceiveStock(world.depot.id, article.id, lot_no, date(2028, 12, 31), packages, ref)
    with world.database.unit_of_work() as session:
        return receive_stock(session, IMPORT, command)


def test_an_order_becomes_one_depot_order_however_often_it_is_told(world: World) -> None:
    article = world.article()
    depot_order_id = world.order({article: 6}, days=84)
    world.handle("order.placed")
    with world.database.session() as session:
        depot_order = session.scalars(select(DepotOrder)).one()
        assert (depot_order.id, depot_order.part, depot_order.status) == (depot_order_id, 0, DepotOrderStatus.WAITING)
        assert depot_order.promised_date == date(2026, 12, 8)
        (line,) = lines_of(session, depot_order_id)
        assert (line.packages, line.use_until, line.avoid_lot_id) == (6, date(2026, 12, 8) + timedelta(days=84), None)
        assert session.scalars(select(AccessLogEntry.action).where(AccessLogEntry.action == "order.routed")).all() == [
            "order.routed"
        ]


def test_two_workers_at_once_route_an_order_once(world: World) -> None:
    world.order({world.article(): 2})
    with world.database.unit_of_work() as session:
        person = add_person(session)
        item = add_item(session, person, add_article(session), packages=2)
        command = PlaceOrder((OrderLine(item.id, {item.article_id: 2}, 4),), idempotency_key="race")
        order = place_order(session, patient_identity(person), command)
    with ThreadPoolExecutor(4) as pool:
        for outcome in [pool.submit(world.handle, "order.placed") for _ in range(4)]:
            outcome.result()
    with world.database.session() as session:
        found = session.scalars(select(DepotOrder).where(DepotOrder.order_id == order.id)).all()
        assert len(found) == 1


def test_part_of_a_withdrawal_lasts_its_share_of_the_time(world: World) -> None:
    with world.database.unit_of_work() as session:
        person = add_person(session)
        item = add_item(session, person, add_article(session), packages=6, days=84)
        command = PlaceOrder((OrderLine(item.id, {item.article_id: 2}, 4),), idempotency_key="part")
        place_order(session, patient_identity(person), command)
    world.handle("order.placed")
    with world.database.session() as session:
        assert session.scalars(select(PickLine.use_until)).one() == date(2026, 12, 8) + timedelta(days=28)


@pytest.mark.parametrize(("packages", "days"), [(1, 14), (3, 42)])
def test_a_replacement_avoids_the_faulty_lot_and_lasts_its_wear(world: World, packages: int, days: int) -> None:
    with world.database.unit_of_work() as session:
        person = add_person(session)
        faulty = add_delivered(session, person, packages=6)
        complaint = Complaint(
            case_no="100016",
            region="vgr",
            person_id=person.id,
            article_id=faulty.lot.article_id,
            lot_id=faulty.lot_id,
            received_at=world.database.clock.now(),
        )
        session.add(complaint)
        session.flush()
        order = place_replacement(
            session,
            IMPORT,
            person_id=person.id,
            complaint_id=complaint.id,
            article_id=faulty.lot.article_id,
            packages=packages,
        )
    world.handle("order.placed")
    with world.database.session() as session:
        statement = select(PickLine).join(DepotOrder).where(DepotOrder.order_id == order.id)
        line = session.scalars(statement).one()
        assert (line.avoid_lot_id, line.packages) == (faulty.lot_id, packages)
        assert line.use_until == order.promised_date + timedelta(days=days)


def test_a_cancelled_order_is_dropped_whether_routed_before_or_after(world: World) -> None:
    article = world.article()
    first = world.order({article: 1})
    with world.database.unit_of_work() as session:
        order = session.scalars(select(Order)).one()
        person = add_person(session)
        identity = patient_identity(person)
        cancel_order(session, patient_identity(session.get_one(type(person), order.person_id)), order.order_no)
        item = add_item(session, person, article, packages=1)
        later = place_order(
            session, identity, PlaceOrder((OrderLine(item.id, {article.id: 1}, 4),), idempotency_key="x")
        )
        cancel_order(session, identity, later.order_no)
    for _ in range(2):
        world.handle("order.cancelled")
        world.handle("order.placed")
    assert world.status(first) is DepotOrderStatus.CANCELLED
    with world.database.session() as session:
        assert session.scalar(select(func.count()).select_from(DepotOrder)) == 1


def test_what_is_picked_of_a_cancelled_row_goes_back_to_the_ledger(world: World) -> None:
    kept, dropped = world.article("Lansett"), world.article("Testremsa")
    lots = world.stock(kept, 5, "K"), world.stock(dropped, 5, "D")
    depot_order_id = world.order({kept: 2, dropped: 3})
    world.pick_all(depot_order_id)
    assert [world.balance(lot) for lot in lots] == [(3, 0), (2, 0)]
    with world.database.unit_of_work() as session:
        row = next(row for row in rows_of(session, depot_order_id) if row.article_id == dropped.id)
        session.get_one(OrderRow, row.id).status = RowStatus.CANCELLED
        session.add(
            OutboxMessage(
                kind="order.cancelled",
                payload={"order_id": row.order_id},
                created_at=row.status_at,
                available_at=row.status_at,
            )
        )
    world.handle("order.cancelled")
    world.handle("order.cancelled")
    assert [world.balance(lot) for lot in lots] == [(3, 0), (5, 0)]
    assert world.status(depot_order_id) is DepotOrderStatus.PICKED


def test_received_goods_release_back_orders_the_oldest_promise_first(world: World) -> None:
    article = world.article()
    ids = [world.order({article: 2}) for _ in range(3)]
    with world.database.unit_of_work() as session:
        for days, depot_order_id in zip((5, 0, 2), ids, strict=True):
            depot_order = session.get_one(DepotOrder, depot_order_id)
            depot_order.status = DepotOrderStatus.BACK_ORDERED
            # What counts is what was promised when it was ordered, not the day that is expected now.
            depot_order.order.promised_date += timedelta(days=days)
            depot_order.promised_date -= timedelta(days=days)
    assert receive(world, article, 5, "delivery-1")
    world.handle("stock.received")
    assert [world.status(depot_order_id) for depot_order_id in ids] == [
        DepotOrderStatus.BACK_ORDERED,
        DepotOrderStatus.WAITING,
        DepotOrderStatus.WAITING,
    ]


def test_goods_that_expire_too_soon_release_nothing(world: World) -> None:
    article = world.article()
    depot_order_id = world.order({article: 2})
    with world.database.unit_of_work() as session:
        session.get_one(DepotOrder, depot_order_id).status = DepotOrderStatus.BACK_ORDERED
        soon = ReceiveStock(world.depot.id, article.id, "SOON", date(2027, 1, 15), 9, "soon")
        assert receive_stock(session, IMPORT, soon)
    world.handle("stock.received")
    assert world.status(depot_order_id) is DepotOrderStatus.BACK_ORDERED


def test_the_same_delivery_is_booked_once(world: World) -> None:
    article = world.article()
    assert receive(world, article, 5, "line-1")
    assert not receive(world, article, 5, "line-1")
    assert receive(world, article, 2, "line-2")
    with world.database.session() as session:
        assert session.scalars(select(StockBalance.on_hand)).all() == [7]
        assert session.scalars(select(Lot.lot_no)).all() == ["LOT1"]
        assert session.scalars(select(StockMovement.packages).order_by(StockMovement.id)).all() == [5, 2]


def test_a_lot_has_one_expiry_and_goods_belong_to_the_region(world: World) -> None:
    article = world.article()
    receive(world, article, 1, "a")
    other = ReceiveStock(world.depot.id, article.id, "LOT1", date(2028, 11, 30), 1, "b")
    with pytest.raises(ExpiryDiffers), world.database.unit_of_work() as session:
        receive_stock(session, IMPORT, other)
    with pytest.raises(NotPermitted), world.database.unit_of_work() as session:
        receive_stock(session, system_identity("elsewhere", "import"), other)
    with pytest.raises(NotPermitted), world.database.unit_of_work() as session:
        receive_stock(session, world.picker, other)
    unknown = ReceiveStock(world.depot.id, 10**9, "LOT1", date(2028, 11, 30), 1, "c")
    with pytest.raises(NotFound), world.database.unit_of_work() as session:
        receive_stock(session, IMPORT, unknown)
