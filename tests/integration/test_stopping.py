"""What is stopped on its way: a cancelled prescription item, and the orders of somebody who has died."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import date
from threading import Barrier

import pytest
from sqlalchemy import select

from auth.identity import system_identity
from auth.importing.persons import import_persons
from auth.models import InboxMessage, Person
from core.audit import AccessLogEntry
from core.clock import today
from core.db import Database
from core.errors import DomainError
from core.outbox import Message, OutboxMessage
from delivery import errors
from delivery.models import DepotOrder, DepotOrderStatus, PickLine, ShortReason
from delivery.picking import scan, start_picking, tick
from delivery.shipping import pack, register_delivery, ship
from delivery.shortage import finish, short_pick
from orders.importing.items import cancel_item
from orders.models import Article, Order, PrescriptionItem, RowStatus, Withdrawal
from orders.stopping import stop_orders_of_deceased
from portal.jobs import HANDLERS
from tests.support.builders import add_person
from tests.support.depot_work import World, gs1, item_of, lines_of, rows_of
from tests.support.imports import run

IMPORT = system_identity("vgr", "import")


@pytest.fixture
def world(database: Database) -> World:
    return World(database)


def _cancel(world: World, article: Article) -> bool:
    with world.database.unit_of_work() as session:
        item = item_of(session, article)
        return cancel_item(session, IMPORT, item.prescription.person_id, item.id)


def _item(world: World, article: Article) -> PrescriptionItem:
    with world.database.session() as session:
        return item_of(session, article)


def _row_statuses(world: World, depot_order_id: int) -> list[RowStatus]:
    with world.database.session() as session:
        return [row.status for row in rows_of(session, depot_order_id)]


def _parts(world: World) -> list[tuple[int, DepotOrderStatus, int]]:
    with world.database.session() as session:
        found = session.scalars(select(DepotOrder).order_by(DepotOrder.part))
        return [(one.part, one.status, len(one.lines)) for one in found]


def test_a_cancelled_item_stops_what_nobody_has_begun_to_pick(world: World) -> None:
    article, other = world.article("Glukossensor"), world.article("Lansett")
    depot_order_id = world.order({article: 2, other: 1})
    assert _item(world, article).orders_remaining == 3
    assert _cancel(world, article)
    assert _row_statuses(world, depot_order_id) == [RowStatus.CANCELLED, RowStatus.RECEIVED]
    stopped = _item(world, article)
    assert (stopped.orders_used_here, stopped.orders_remaining) == (0, 4)
    assert _item(world, other).orders_remaining == 3
    world.handle("order.cancelled")
    assert world.status(depot_order_id) is DepotOrderStatus.WAITING
    with world.database.session() as session:
        order = session.scalars(select(Order)).one()
        told = session.scalars(select(InboxMessage).where(InboxMessage.kind == "order.stopped")).one()
        assert (told.receiver_id, told.facts) == (
            order.person_id,
            {"order_no": order.order_no, "article": "Glukossensor"},
        )
        logged = session.scalars(select(AccessLogEntry).where(AccessLogEntry.action == "order.stopped")).one()
        assert logged.subject_person_id == order.person_id
    world.stock(other, 1)
    world.pick_all(depot_order_id)
    assert world.status(depot_order_id) is DepotOrderStatus.PICKED


def test_an_order_of_nothing_but_the_cancelled_item_leaves_the_pick_list(world: World) -> None:
    article = world.article()
    depot_order_id = world.order({article: 2})
    _cancel(world, article)
    assert not _cancel(world, article)
    world.handle("order.cancelled")
    world.handle("order.cancelled")
    assert world.status(depot_order_id) is DepotOrderStatus.CANCELLED
    with world.database.session() as session:
        assert session.scalars(select(Withdrawal.cancelled_at)).one() is not None


def test_what_lies_open_on_the_hand_held_stops_unless_it_is_in_the_box(world: World) -> None:
    stopped, kept = world.article("Glukossensor"), world.article("Lansett")
    lots = [world.stock(article, 5) for article in (stopped, kept)]
    depot_order_id = world.order({stopped: 2, kept: 2})
    world.start(depot_order_id)
    with world.database.unit_of_work() as session:
        line = next(one for one in lines_of(session, depot_order_id) if one.article_id == kept.id)
        tick(session, world.picker, depot_order_id, line.id, lots[1].id, 1)
    _cancel(world, stopped)
    _cancel(world, kept)
    for _time in range(2):
        world.handle("order.cancelled")
    assert _row_statuses(world, depot_order_id) == [RowStatus.CANCELLED, RowStatus.PICKING]
    assert world.balance(lots[0]) == (5, 0)
    assert world.status(depot_order_id) is DepotOrderStatus.PICKING
    with world.database.unit_of_work() as session, pytest.raises(errors.RowCancelled):
        scan(session, world.picker, depot_order_id, gs1(stopped, lots[0].lot_no, lots[0].expires_on))
    with world.database.session() as session:
        told = session.scalars(select(InboxMessage).where(InboxMessage.kind == "order.stopped")).all()
        assert [message.facts["article"] for message in told] == ["Glukossensor"]


def test_what_is_in_the_box_goes_on_but_its_back_order_stops(world: World) -> None:
    article = world.article()
    lot = world.stock(article, 1)
    depot_order_id = world.order({article: 3})
    world.start(depot_order_id)
    with world.database.unit_of_work() as session:
        line = lines_of(session, depot_order_id)[0]
        tick(session, world.picker, depot_order_id, line.id, lot.id, 1)
        short_pick(session, world.picker, depot_order_id, line.id, ShortReason.NOT_FOUND)
        finish(session, world.picker, depot_order_id)
    assert [part[1] for part in _parts(world)] == [DepotOrderStatus.PICKED, DepotOrderStatus.BACK_ORDERED]
    _cancel(world, article)
    world.handle("order.cancelled")
    assert _row_statuses(world, depot_order_id) == [RowStatus.PICKING]
    assert [part[1] for part in _parts(world)] == [DepotOrderStatus.PICKED, DepotOrderStatus.CANCELLED]
    assert _item(world, article).orders_used_here == 1
    with world.database.unit_of_work() as session:
        parcel = pack(session, world.picker, depot_order_id)
        ship(session, world.picker, parcel.id, "T1")
        register_delivery(session, world.picker, parcel.id, "test")
    assert _row_statuses(world, depot_order_id) == [RowStatus.DELIVERED]


def test_only_the_cancelled_item_leaves_a_back_order_of_two(world: World) -> None:
    articles = [world.article("Glukossensor"), world.article("Lansett")]
    lots = [world.stock(article, 1) for article in articles]
    depot_order_id = world.order(dict.fromkeys(articles, 2))
    world.start(depot_order_id)
    with world.database.unit_of_work() as session:
        for line, lot in zip(lines_of(session, depot_order_id), lots, strict=True):
            tick(session, world.picker, depot_order_id, line.id, lot.id, 1)
            short_pick(session, world.picker, depot_order_id, line.id, ShortReason.NOT_FOUND)
        finish(session, world.picker, depot_order_id)
    _cancel(world, articles[0])
    world.handle("order.cancelled")
    assert _parts(world) == [(0, DepotOrderStatus.PICKED, 2), (1, DepotOrderStatus.BACK_ORDERED, 1)]
    with world.database.session() as session:
        left = session.scalars(select(PickLine).join(PickLine.depot_order).where(DepotOrder.part == 1)).one()
        assert left.article_id == articles[1].id


@pytest.mark.parametrize("attempt", range(5))
def test_a_row_is_either_picked_or_stopped_never_both(world: World, attempt: int) -> None:
    article = world.article(f"Glukossensor {attempt}")
    lot = world.stock(article, 5)
    depot_order_id = world.order({article: 2})
    start = Barrier(2)

    def stop() -> None:
        start.wait()
        _cancel(world, article)

    def begin() -> bool:
        start.wait()
        try:
            with world.database.unit_of_work() as session:
                return start_picking(session, world.picker, depot_order_id).status is DepotOrderStatus.PICKING
        except DomainError:
            return False

    with ThreadPoolExecutor(2) as pool:
        stopping, picking = pool.submit(stop), pool.submit(begin)
        stopping.result()
        is_picking = picking.result()
    world.handle("order.cancelled")
    # Begun or not, nothing was in the box yet.
    assert _row_statuses(world, depot_order_id) == [RowStatus.CANCELLED]
    assert world.balance(lot) == (5, 0)
    assert world.status(depot_order_id) is DepotOrderStatus.CANCELLED
    assert _item(world, article).orders_used_here == (1 if is_picking else 0)


def _died(world: World, person: Person) -> None:
    with world.database.unit_of_work() as session:
        session.get_one(Person, person.id).deceased_on = today(session)
        stop_orders_of_deceased(session, Message(1, "person.died", {"person_id": person.id}))
    world.handle("order.cancelled")


def test_a_death_stops_everything_not_yet_sent(world: World) -> None:
    article, other = world.article(), world.article("Lansett")
    lot = world.stock(article, 5)
    with world.database.unit_of_work() as session:
        person = add_person(session)
    being_picked, waiting = world.order({article: 2}, person), world.order({other: 1}, person)
    world.start(being_picked)
    _died(world, person)
    assert _row_statuses(world, being_picked) == _row_statuses(world, waiting) == [RowStatus.CANCELLED]
    assert world.status(being_picked) is world.status(waiting) is DepotOrderStatus.CANCELLED
    assert world.balance(lot) == (5, 0)
    _died(world, person)
    with world.database.session() as session:
        assert len(session.scalars(select(AccessLogEntry).where(AccessLogEntry.action == "order.stopped")).all()) == 2


def test_a_death_leaves_what_has_been_sent(world: World) -> None:
    article = world.article()
    world.stock(article, 5)
    with world.database.unit_of_work() as session:
        person = add_person(session)
    depot_order_id = world.order({article: 2}, person)
    parcel_id = world.packed(depot_order_id)
    with world.database.unit_of_work() as session:
        ship(session, world.picker, parcel_id, "T2")
    _died(world, person)
    assert _row_statuses(world, depot_order_id) == [RowStatus.SENT]
    assert world.status(depot_order_id) is DepotOrderStatus.SHIPPED


def test_a_death_that_was_taken_back_stops_nothing(world: World) -> None:
    article = world.article()
    depot_order_id = world.order({article: 2})
    with world.database.unit_of_work() as session:
        person_id = session.scalars(select(Order.person_id)).one()
        stop_orders_of_deceased(session, Message(1, "person.died", {"person_id": person_id}))
    assert _row_statuses(world, depot_order_id) == [RowStatus.RECEIVED]


def test_an_import_tells_of_a_death_and_of_a_flag_once(world: World) -> None:
    with world.database.unit_of_work() as session:
        people = [add_person(session, born=date(1950, 1, day)) for day in (1, 2)]
        numbers = [person.number for person in people]
    file = f"number,county_code,protection,deceased_on\n{numbers[0]},14,NONE,2026-11-30\n{numbers[1]},14,01003,\n"
    run(world.database, import_persons, file)
    run(world.database, import_persons, file)
    with world.database.session() as session:
        told = session.execute(select(OutboxMessage.kind, OutboxMessage.payload).order_by(OutboxMessage.id)).all()
    assert [tuple(one) for one in told] == [
        ("person.died", {"person_id": people[0].id}),
        ("person.protected", {"person_id": people[1].id}),
    ]
    assert {kind for kind, _payload in told} <= HANDLERS.keys()
