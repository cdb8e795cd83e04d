"""Picking on a real database: claimed once, every package checked, the ledger always right."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import pytest
from sqlalchemy import select
from sqlalchemy.exc import DBAPIError

from core.audit import AccessLogEntry
from core.db import Database
from core.errors import DomainError
from delivery import errors
from delivery.models import (
    Lot,
    LotStatus,
    MovementReason,
    StockMovement,
)
from delivery.picking import scan, start_next, start_picking, tick
from orders.models import RowStatus
from tests.support.depot_work import World, gs1, lines_of, rows_of
from tests.support.picking import assert_ledger_is_right, picked, race, scan_in

LATE = date(2028, 12, 31)
SOONER = date(2028, 6, 30)


@pytest.fixture
def world(database: Database) -> World:
    return World(database)


def test_starting_claims_reserves_and_tells_the_patient(world: World) -> None:
    article = world.article()
    late, sooner = world.stock(article, 9, "LATE", LATE), world.stock(article, 4, "SOONER", SOONER)
    depot_order_id = world.order({article: 6})
    world.start(depot_order_id)
    world.start(depot_order_id)
    assert (world.balance(sooner), world.balance(late)) == ((4, 4), (9, 2))
    with world.database.session() as session:
        assert [row.status for row in rows_of(session, depot_order_id)] == [RowStatus.PICKING]
        acts = session.scalars(select(AccessLogEntry.action).where(AccessLogEntry.action == "pick.started")).all()
        assert len(acts) == 1


def test_of_two_pickers_one_wins_and_the_other_hears_who(world: World) -> None:
    article = world.article()
    lot = world.stock(article, 10)
    depot_order_id = world.order({article: 6})
    other = world.add_picker("Olle Andre")

    outcomes = race(2, lambda number: world.start(depot_order_id, (world.picker, other)[number]))
    assert sorted(map(str, outcomes)) == sorted(map(str, [None, errors.PickedBySomebodyElse]))
    assert world.balance(lot) == (10, 6)
    loser = (world.picker, other)[0 if outcomes[0] else 1]
    with pytest.raises(errors.PickedBySomebodyElse) as told, world.database.unit_of_work() as session:
        tick(session, loser, depot_order_id, lines_of(session, depot_order_id)[0].id, lot.id, 1)
    assert told.value.picker_name == ("Pia Plockare" if outcomes[0] is None else "Olle Andre")


def test_pickers_who_ask_for_the_next_order_get_one_each(world: World) -> None:
    article = world.article()
    world.stock(article, 100)
    ids = {world.order({article: 2}) for _ in range(4)}
    pickers = [world.add_picker(f"Plockare {number}") for number in range(4)]
    got: dict[int, int] = {}

    def take(number: int) -> None:
        with world.database.unit_of_work() as session:
            mine = start_next(session, pickers[number])
            assert mine is not None
            got[number] = mine.id

    assert race(4, take) == [None] * 4
    assert set(got.values()) == ids
    with world.database.unit_of_work() as session:
        again = start_next(session, pickers[0])
        assert again is not None
        assert again.id == got[0]
        assert start_next(session, world.picker) is None


def test_the_last_package_goes_to_one_order_and_stock_never_below_zero(world: World) -> None:
    article = world.article()
    lot = world.stock(article, 1)
    ids = [world.order({article: 1}) for _ in range(4)]
    pickers = [world.add_picker(f"Plockare {number}") for number in range(4)]

    def pick(number: int) -> None:
        with world.database.unit_of_work() as session:
            start_picking(session, pickers[number], ids[number])
        with world.database.unit_of_work() as session:
            scan(session, pickers[number], ids[number], gs1(article, "LOT1", LATE))

    outcomes = race(4, pick)
    assert outcomes.count(None) == 1
    # Whoever is not the oldest promise has left its share to the others.
    assert set(outcomes) <= {None, errors.ReservedForOthers, errors.NotOnHand, errors.NothingLeftToPick}
    assert world.balance(lot) == (0, 0)
    assert_ledger_is_right(world)


def test_the_database_itself_refuses_stock_below_zero(world: World) -> None:
    lot = world.stock(world.article(), 2)
    with pytest.raises(DBAPIError, match="on_hand"), world.database.unit_of_work() as session:
        session.add(
            StockMovement(
                depot_id=world.depot.id,
                lot_id=lot.id,
                packages=-3,
                reason=MovementReason.SCRAPPED,
                at=world.database.clock.now(),
            )
        )


def test_each_scan_puts_one_package_into_the_box(world: World) -> None:
    article = world.article()
    lot = world.stock(article, 5)
    depot_order_id = world.order({article: 2})
    world.start(depot_order_id)
    for _ in range(2):
        scan_in(world, depot_order_id, "]d2" + gs1(article, "LOT1", LATE))
    assert picked(world, depot_order_id) == {"LOT1": 2}
    assert world.balance(lot) == (3, 0)
    with pytest.raises(errors.NothingLeftToPick):
        scan_in(world, depot_order_id, gs1(article, "LOT1", LATE))
    with pytest.raises(errors.NothingLeftToPick), world.database.unit_of_work() as session:
        tick(session, world.picker, depot_order_id, lines_of(session, depot_order_id)[0].id, lot.id, 1)
    assert_ledger_is_right(world)


def test_a_form_sent_twice_picks_once(world: World) -> None:
    article = world.article()
    world.stock(article, 5)
    depot_order_id = world.order({article: 3})
    world.start(depot_order_id)
    for _ in range(3):
        scan_in(world, depot_order_id, gs1(article, "LOT1", LATE), key="one-form")
    assert picked(world, depot_order_id) == {"LOT1": 1}


def test_the_article_alone_is_enough_only_where_one_lot_is_on_the_shelf(world: World) -> None:
    article = world.article()
    world.stock(article, 5)
    depot_order_id = world.order({article: 3})
    world.start(depot_order_id)
    assert article.gtin is not None
    scan_in(world, depot_order_id, article.gtin[1:])
    scan_in(world, depot_order_id, f"{article.article_no} lot1")
    world.stock(article, 1, "LOT2")
    with pytest.raises(errors.LotNotStated):
        scan_in(world, depot_order_id, article.gtin)
    assert picked(world, depot_order_id) == {"LOT1": 2}


def test_another_lot_that_is_as_good_is_taken_and_the_reservation_follows(world: World) -> None:
    article = world.article()
    late, sooner = world.stock(article, 9, "LATE", LATE), world.stock(article, 4, "SOONER", SOONER)
    depot_order_id = world.order({article: 3})
    world.start(depot_order_id)
    scan_in(world, depot_order_id, gs1(article, "LATE", LATE), packages=2)
    assert (world.balance(late), world.balance(sooner)) == ((7, 0), (4, 1))
    scan_in(world, depot_order_id, gs1(article, "SOONER", SOONER))
    assert picked(world, depot_order_id) == {"LATE": 2, "SOONER": 1}
    assert (world.balance(late), world.balance(sooner)) == ((7, 0), (3, 0))
    assert_ledger_is_right(world)


def _wrong_article(world: World, _lot: Lot) -> str:
    return gs1(world.article("Annan produkt"), "LOT1", LATE)


def _unknown_article(_world: World, _lot: Lot) -> str:
    return "01095060000134351728123110X"


def _set(**values: object) -> Callable[[World, Lot], str]:
    def change(world: World, lot: Lot) -> str:
        with world.database.unit_of_work() as session:
            stored = session.get_one(Lot, lot.id)
            for name, value in values.items():
                setattr(stored, name, value)
            return f"{lot.article.article_no} {lot.lot_no}"

    return change


@pytest.mark.parametrize(
    ("prepare", "refusal"),
    [
        (lambda *_: "nonsense", errors.UnreadableCode),
        (_wrong_article, errors.NotOnOrder),
        (_unknown_article, errors.NotOnOrder),
        (lambda _world, lot: gs1(lot.article, "NEVER", LATE), errors.UnknownLot),
        (lambda _world, lot: gs1(lot.article, "LOT1", date(2029, 1, 31)), errors.ExpiryDiffers),
        (_set(expires_on=date(2026, 11, 30)), errors.LotExpired),
        (_set(expires_on=date(2027, 2, 1)), errors.ExpiresTooSoon),
        (_set(status=LotStatus.QUARANTINED), errors.LotQuarantined),
        (_set(status=LotStatus.RECALLED), errors.LotRecalled),
    ],
)
def test_a_wrong_package_is_refused_for_its_reason_and_changes_nothing(
    world: World, prepare: Callable[[World, Lot], str], refusal: type[DomainError]
) -> None:
    article = world.article()
    lot = world.stock(article, 5)
    lot.article = article
    depot_order_id = world.order({article: 2})
    world.start(depot_order_id)
    raw = prepare(world, lot)
    with pytest.raises(refusal):
        scan_in(world, depot_order_id, raw)
    if refusal in (errors.LotExpired, errors.ExpiresTooSoon, errors.LotQuarantined, errors.LotRecalled):
        with pytest.raises(refusal), world.database.unit_of_work() as session:
            tick(session, world.picker, depot_order_id, lines_of(session, depot_order_id)[0].id, lot.id, 1)
    assert picked(world, depot_order_id) == {}
    assert world.balance(lot) == (5, 2)


def test_a_replacement_never_comes_from_the_lot_that_failed(world: World) -> None:
    article = world.article()
    faulty, good = world.stock(article, 5, "FAULTY", SOONER), world.stock(article, 5, "GOOD", LATE)
    depot_order_id = world.order({article: 1})
    with world.database.unit_of_work() as session:
        lines_of(session, depot_order_id)[0].avoid_lot_id = faulty.id
    world.start(depot_order_id)
    assert (world.balance(faulty), world.balance(good)) == ((5, 0), (5, 1))
    with pytest.raises(errors.SameLotAsFaulty):
        scan_in(world, depot_order_id, gs1(article, "FAULTY", SOONER))


def test_what_is_promised_to_others_is_not_taken(world: World) -> None:
    article = world.article()
    world.stock(article, 2, "A", SOONER)
    world.stock(article, 2, "B", LATE)
    first, second = world.order({article: 2}), world.order({article: 2})
    world.start(first)
    world.start(second, world.add_picker("Olle Andre"))
    with pytest.raises(errors.ReservedForOthers):
        scan_in(world, first, gs1(article, "B", LATE))
