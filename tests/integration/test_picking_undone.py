"""Picks undone, short and put back, and orders that change while they are picked."""

from __future__ import annotations

from datetime import date

import pytest
from sqlalchemy import func, select

from auth.identity import Identity, Role
from auth.models import InboxMessage
from auth.persons import staff_identity
from core.audit import AccessLogEntry
from core.db import Database
from core.errors import NotFound, NotPermitted
from delivery import errors
from delivery.models import (
    DepotOrder,
    DepotOrderStatus,
    PickedLot,
    ShortReason,
    StockMovement,
)
from delivery.picking import start_next, start_picking
from delivery.put_back import put_back, undo_pick, undo_short
from delivery.queries import depot_order_page, numbers_of_today, pick_list
from delivery.shelves import stock_overview
from delivery.shortage import finish, pick_again, short_pick
from orders.cancelling import cancel_order
from orders.models import Order, OrderRow, RowStatus
from tests.support.builders import add_person, add_staff, patient_identity
from tests.support.depot_work import World, gs1, lines_of, rows_of
from tests.support.picking import assert_ledger_is_right, picked, race, scan_in
from tests.support.statements import counted

LATE = date(2028, 12, 31)
SOONER = date(2028, 6, 30)


@pytest.fixture
def world(database: Database) -> World:
    return World(database)


def test_a_pick_is_undone_in_the_ledger_and_reserved_again(world: World) -> None:
    article = world.article()
    lot = world.stock(article, 5)
    depot_order_id = world.order({article: 3})
    world.start(depot_order_id)
    scan_in(world, depot_order_id, gs1(article, "LOT1", LATE), packages=3)
    with world.database.session() as session:
        pick_id = session.scalars(select(PickedLot.id)).one()
    with world.database.unit_of_work() as session:
        undo_pick(session, world.picker, depot_order_id, pick_id)
    assert (world.balance(lot), picked(world, depot_order_id)) == ((3, 1), {"LOT1": 2})
    with world.database.unit_of_work() as session:
        undo_pick(session, world.picker, depot_order_id, pick_id, packages=2)
    assert (world.balance(lot), picked(world, depot_order_id)) == ((5, 3), {})
    with pytest.raises(errors.PickNotFound), world.database.unit_of_work() as session:
        undo_pick(session, world.picker, depot_order_id, pick_id)
    with world.database.session() as session:
        booked = session.scalars(select(StockMovement.packages).order_by(StockMovement.id)).all()
        assert booked == [5, -3, 1, 2]


def test_what_is_short_is_back_ordered_and_the_patient_is_told(world: World) -> None:
    article, other = world.article("Glukossensor"), world.article("Lansett")
    lot = world.stock(article, 4)
    depot_order_id = world.order({article: 6, other: 2})
    world.start(depot_order_id)
    scan_in(world, depot_order_id, gs1(article, "LOT1", LATE), packages=4)
    with pytest.raises(errors.LinesLeft) as left, world.database.unit_of_work() as session:
        finish(session, world.picker, depot_order_id)
    assert left.value.count == 2
    with world.database.unit_of_work() as session:
        for line in lines_of(session, depot_order_id):
            short_pick(session, world.picker, depot_order_id, line.id, ShortReason.NOT_IN_STOCK)
    with world.database.unit_of_work() as session:
        assert finish(session, world.picker, depot_order_id).status is DepotOrderStatus.PICKED
    with world.database.session() as session:
        later = session.scalars(select(DepotOrder).where(DepotOrder.part == 1)).one()
        assert (later.status, later.promised_date) == (DepotOrderStatus.BACK_ORDERED, date(2026, 12, 15))
        assert [(line.article_id, line.packages) for line in later.lines] == [(article.id, 2), (other.id, 2)]
        statuses = {row.article_id: row.status for row in rows_of(session, depot_order_id)}
        assert statuses == {article.id: RowStatus.PICKING, other.id: RowStatus.BACK_ORDERED}
        told = session.scalars(select(InboxMessage.facts).where(InboxMessage.kind == "order.short")).all()
        assert [(facts["article"], facts["packages"], facts["expected"]) for facts in told] == [
            ("Glukossensor", 2, "2026-12-15"),
            ("Lansett", 2, "2026-12-15"),
        ]
    assert world.balance(lot) == (0, 0)


def test_nothing_picked_makes_no_parcel_but_a_back_order(world: World) -> None:
    depot_order_id = world.order({world.article(): 2})
    world.start(depot_order_id)
    with world.database.unit_of_work() as session:
        line = lines_of(session, depot_order_id)[0]
        short_pick(session, world.picker, depot_order_id, line.id, ShortReason.NOT_FOUND)
        undo_short(session, world.picker, depot_order_id, line.id)
        short_pick(session, world.picker, depot_order_id, line.id, ShortReason.NOT_IN_STOCK)
    with world.database.unit_of_work() as session:
        finish(session, world.picker, depot_order_id)
    assert world.status(depot_order_id) is DepotOrderStatus.BACK_ORDERED
    with world.database.unit_of_work() as session:
        assert session.scalar(select(func.count()).select_from(DepotOrder)) == 1
        assert [row.status for row in rows_of(session, depot_order_id)] == [RowStatus.BACK_ORDERED]
        (line,) = lines_of(session, depot_order_id)
        assert (line.picked, line.short, line.use_until) == (
            0,
            0,
            date(2026, 12, 15) + (date(2027, 3, 2) - date(2026, 12, 8)),
        )
        assert pick_again(session, world.picker, depot_order_id).status is DepotOrderStatus.WAITING


def test_a_picker_who_walks_away_puts_everything_back(world: World) -> None:
    article = world.article()
    lot = world.stock(article, 5)
    depot_order_id = world.order({article: 3})
    world.start(depot_order_id)
    scan_in(world, depot_order_id, gs1(article, "LOT1", LATE), packages=2)
    with pytest.raises(errors.PickedBySomebodyElse), world.database.unit_of_work() as session:
        put_back(session, world.add_picker("Olle Andre"), depot_order_id)
    with world.database.unit_of_work() as session:
        put_back(session, world.picker, depot_order_id)
    assert (world.balance(lot), picked(world, depot_order_id)) == ((5, 0), {})
    assert world.status(depot_order_id) is DepotOrderStatus.WAITING
    with world.database.unit_of_work() as session:
        assert [row.status for row in rows_of(session, depot_order_id)] == [RowStatus.RECEIVED]
        start_picking(session, world.add_picker("Nästa"), depot_order_id)
    assert_ledger_is_right(world)


def test_a_cancellation_and_a_start_at_once_never_both_happen(world: World) -> None:
    article = world.article()
    world.stock(article, 50)
    for _ in range(4):
        with world.database.unit_of_work() as session:
            person = add_person(session)
        depot_order_id = world.order({article: 2}, person)
        with world.database.session() as session:
            order_no = session.scalars(select(Order.order_no).order_by(Order.id.desc()).limit(1)).one()

        def act(
            number: int, ids: tuple[int, str, Identity] = (depot_order_id, order_no, patient_identity(person))
        ) -> None:
            with world.database.unit_of_work() as session:
                if number:
                    cancel_order(session, ids[2], ids[1])
                else:
                    start_picking(session, world.picker, ids[0])

        race(2, act)
        with world.database.session() as session:
            row = rows_of(session, depot_order_id)[0]
            being_picked = session.get_one(DepotOrder, depot_order_id).status is DepotOrderStatus.PICKING
            assert being_picked == (row.status is RowStatus.PICKING)
            assert being_picked or row.status is RowStatus.CANCELLED


def test_rows_cancelled_meanwhile_are_left_out(world: World) -> None:
    one, two = world.article("Ett"), world.article("Två")
    lots = world.stock(one, 5, "A"), world.stock(two, 5, "B")
    depot_order_id = world.order({one: 1, two: 1})
    with world.database.unit_of_work() as session:
        rows_of(session, depot_order_id)[0].status = RowStatus.CANCELLED
    world.start(depot_order_id)
    assert [world.balance(lot)[1] for lot in lots] == [0, 1]
    with pytest.raises(errors.RowCancelled):
        scan_in(world, depot_order_id, gs1(one, "A", LATE))
    scan_in(world, depot_order_id, gs1(two, "B", LATE))
    with world.database.unit_of_work() as session:
        assert finish(session, world.picker, depot_order_id).status is DepotOrderStatus.PICKED
    alone = world.order({one: 1})
    with world.database.unit_of_work() as session:
        rows_of(session, alone)[0].status = RowStatus.CANCELLED
    assert world.start(alone).status is DepotOrderStatus.CANCELLED
    assert world.status(alone) is DepotOrderStatus.CANCELLED


def test_only_depot_staff_of_the_region_may(world: World) -> None:
    article = world.article()
    world.stock(article, 5)
    depot_order_id = world.order({article: 1})
    with world.database.unit_of_work() as session:
        consultant = staff_identity(add_staff(session, Role.CONSULTANT))
    elsewhere = Identity(role=Role.DEPOT, region="elsewhere", staff_id=world.picker.staff_id)
    for identity, refusal in ((consultant, NotPermitted), (elsewhere, NotFound)):
        for act in (start_picking, depot_order_page, put_back, finish):
            with pytest.raises(refusal), world.database.unit_of_work() as session:
                act(session, identity, depot_order_id)
    with world.database.unit_of_work() as session:
        assert pick_list(session, elsewhere) == []
        assert stock_overview(session, elsewhere) == []
        assert start_next(session, elsewhere) is None


def test_the_pages_take_a_fixed_number_of_statements_and_log_the_look(world: World) -> None:
    articles = [world.article(f"Produkt {number}") for number in range(5)]
    for article in articles:
        world.stock(article, 50)
    big = world.order(dict.fromkeys(articles, 2))
    small = world.order({articles[0]: 1})
    world.start(big)
    world.start(small, world.add_picker("Olle Andre"))
    counts = []
    for depot_order_id in (big, small):
        with world.database.unit_of_work() as session, counted(world.database) as statements:
            page = depot_order_page(session, world.picker, depot_order_id)
            assert page.current is not None
            assert page.wanted is not None
            assert page.wanted.lot.lot_no == "LOT1"
        counts.append(len(statements))
    assert counts[0] == counts[1] <= 9
    with world.database.unit_of_work() as session:
        with counted(world.database) as statements:
            items = pick_list(session, world.picker)
        assert len(statements) == 1
        assert [(item.id, item.lines, item.packages, item.picker_name) for item in items] == [
            (big, 5, 10, "Pia Plockare"),
            (small, 1, 1, "Olle Andre"),
        ]
        assert numbers_of_today(session, world.picker).being_picked == 2
        looks = session.scalars(select(AccessLogEntry).where(AccessLogEntry.manner == "LOOK")).all()
        assert {look.action for look in looks} == {"depot_order.seen"}
        assert all(look.subject_person_id for look in looks)
        rows = session.scalars(select(OrderRow)).all()
        assert all(row.status is RowStatus.PICKING for row in rows)
