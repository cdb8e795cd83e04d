"""Scrapping, holding, counting, returns: the ledger only grows, and what is promised stays promised. Handbook §6."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from sqlalchemy import func, select

from auth.identity import Identity
from core.audit import AccessLogEntry
from core.db import Database
from core.errors import NotFound
from core.policy import Policies, Policy, use_policies
from delivery import errors
from delivery.adjusting import TakeBack, count_lot, move_lot, scrap, set_lot_status, take_back
from delivery.count_models import CountStatus, StockCount
from delivery.models import Lot, LotStatus, MovementReason, PickedLot, StockMovement
from delivery.picking import scan
from delivery.shipping import ship
from delivery.waves import plan_wave
from orders.models import Article
from portal.config import PACKAGED_POLICIES
from tests.support.depot_work import World, gs1


@pytest.fixture
def world(database: Database) -> World:
    """A depot."""
    return World(database)


@pytest.fixture
def article(world: World) -> Article:
    """A sensor."""
    return world.article()


@pytest.fixture
def lot(world: World, article: Article) -> Lot:
    """Ten packages on the shelf."""
    return world.stock(article, 10)


@pytest.fixture
def other(world: World) -> Identity:
    """Somebody else at the depot."""
    return world.add_picker("Bo Räknare")


def movements(world: World, lot: Lot) -> list[tuple[MovementReason, int]]:
    with world.database.session() as session:
        found = session.scalars(select(StockMovement).where(StockMovement.lot_id == lot.id).order_by(StockMovement.id))
        return [(one.reason, one.packages) for one in found]


def count(world: World, identity: Identity, lot: Lot, counted: int) -> CountStatus:
    with world.database.unit_of_work() as session:
        found = count_lot(session, identity, lot.id, counted)
        assert found is not None
        return found.status


def test_scrapping_is_booked_with_its_reason_and_once(world: World, lot: Lot, article: Article) -> None:
    for _time in range(2):
        with world.database.unit_of_work() as session:
            scrap(session, world.picker, lot.id, 3, " Tappad på golvet ", key="k1")
    assert world.balance(lot) == (7, 0)
    with world.database.session() as session:
        assert session.scalars(select(StockMovement.note).where(StockMovement.packages == -3)).all() == [
            "Tappad på golvet"
        ]


def test_what_is_promised_to_an_order_cannot_be_scrapped(world: World, lot: Lot, article: Article) -> None:
    world.order({article: 8})
    with world.database.unit_of_work() as session:
        plan_wave(session, world.picker, "PostNord")
    with world.database.unit_of_work() as session, pytest.raises(errors.NotThatMany) as refused:
        scrap(session, world.picker, lot.id, 3, "Skadad")
    assert refused.value.most == 2
    with world.database.unit_of_work() as session, pytest.raises(errors.NoteMissing):
        scrap(session, world.picker, lot.id, 1, "  ")


def test_a_lot_on_hold_does_not_leave_until_it_is_let_go(world: World, lot: Lot, article: Article) -> None:
    order = world.order({article: 2})
    with world.database.unit_of_work() as session:
        set_lot_status(session, world.picker, lot.id, LotStatus.ON_HOLD, "Fukt i lådan")
    world.start(order)
    code = gs1(article, lot.lot_no, lot.expires_on)
    with world.database.unit_of_work() as session, pytest.raises(errors.LotOnHold):
        scan(session, world.picker, order, code)
    with world.database.unit_of_work() as session:
        set_lot_status(session, world.picker, lot.id, LotStatus.AVAILABLE, "Torr")
    with world.database.unit_of_work() as session:
        assert scan(session, world.picker, order, code)
        assert session.scalar(select(func.count()).where(AccessLogEntry.action == "lot.status_set")) == 2


def test_a_recalled_lot_is_not_let_go_by_hand(world: World, lot: Lot) -> None:
    with world.database.unit_of_work() as session:
        session.get_one(Lot, lot.id).status = LotStatus.RECALLED
    with world.database.unit_of_work() as session, pytest.raises(errors.LotIsRecalled):
        set_lot_status(session, world.picker, lot.id, LotStatus.AVAILABLE, "Ser bra ut")


def test_a_count_that_agrees_is_settled_at_once(world: World, lot: Lot) -> None:
    assert count(world, world.picker, lot, 10) is CountStatus.SETTLED
    assert movements(world, lot) == [(MovementReason.RECEIVED, 10)]


def test_a_count_that_differs_is_made_again_by_somebody_else_and_then_booked(
    world: World, lot: Lot, other: Identity
) -> None:
    assert count(world, world.picker, lot, 8) is CountStatus.RECOUNT
    assert world.balance(lot) == (10, 0)
    with world.database.unit_of_work() as session, pytest.raises(errors.CountAgainByAnother):
        count_lot(session, world.picker, lot.id, 8)
    assert count(world, other, lot, 9) is CountStatus.SETTLED
    assert movements(world, lot) == [(MovementReason.RECEIVED, 10), (MovementReason.COUNTED, -1)]
    with world.database.session() as session:
        settled = session.scalars(select(StockCount)).one()
        assert (settled.expected, settled.counted, settled.recounted) == (10, 8, 9)


def test_picks_between_the_counts_are_not_booked_away_again(
    world: World, lot: Lot, other: Identity, article: Article
) -> None:
    count(world, world.picker, lot, 9)
    world.pick_all(world.order({article: 4}))
    assert count(world, other, lot, 5) is CountStatus.SETTLED
    assert world.balance(lot) == (5, 0)
    assert movements(world, lot)[-1] == (MovementReason.COUNTED, -1)


def test_a_count_below_what_is_promised_says_so_and_keeps_the_first(
    world: World, lot: Lot, other: Identity, article: Article
) -> None:
    world.order({article: 8})
    with world.database.unit_of_work() as session:
        plan_wave(session, world.picker, "PostNord")
    count(world, world.picker, lot, 5)
    with world.database.unit_of_work() as session, pytest.raises(errors.CountBelowReserved) as refused:
        count_lot(session, other, lot.id, 5)
    assert refused.value.reserved == 8
    with world.database.session() as session:
        assert session.scalars(select(StockCount.status)).all() == [CountStatus.RECOUNT]


def test_two_first_counts_at_once_are_a_first_and_a_second(world: World, lot: Lot, other: Identity) -> None:
    together = Barrier(2)

    def one_counter(identity: Identity) -> CountStatus:
        together.wait(30)
        return count(world, identity, lot, 7)

    with ThreadPoolExecutor(2) as threads:
        assert sorted(threads.map(one_counter, (world.picker, other))) == [CountStatus.RECOUNT, CountStatus.SETTLED]
    assert world.balance(lot) == (7, 0)


def _sent_back(world: World, lot: Lot, article: Article) -> PickedLot:
    parcel_id = world.packed(world.order({article: 4}))
    with world.database.unit_of_work() as session:
        ship(session, world.picker, parcel_id, "A1")
    with world.database.session() as session:
        return session.scalars(select(PickedLot)).one()


def test_what_has_not_left_does_not_come_back(world: World, lot: Lot, article: Article) -> None:
    world.packed(world.order({article: 4}))
    with world.database.session() as session:
        picked = session.scalars(select(PickedLot)).one()
    with world.database.unit_of_work() as session, pytest.raises(errors.NotYetSent):
        take_back(session, world.picker, TakeBack(picked.id, 1, "Fel storlek"))
    assert world.balance(lot) == (6, 0)


def test_what_a_patient_sends_back_is_scrapped_and_never_more_than_was_sent(
    world: World, lot: Lot, article: Article
) -> None:
    picked = _sent_back(world, lot, article)
    with world.database.unit_of_work() as session:
        take_back(session, world.picker, TakeBack(picked.id, 3, "Fel storlek", "k1"))
    assert world.balance(lot) == (6, 0)
    assert movements(world, lot)[-2:] == [(MovementReason.RETURNED, 3), (MovementReason.SCRAPPED, -3)]
    with world.database.unit_of_work() as session, pytest.raises(errors.NotThatMany) as refused:
        take_back(session, world.picker, TakeBack(picked.id, 2, "Fel storlek"))
    assert refused.value.most == 1


def test_a_policy_may_let_returns_back_on_the_shelf(world: World, lot: Lot, article: Article) -> None:
    picked = _sent_back(world, lot, article)
    policy = Policies.load(PACKAGED_POLICIES).of("vgr")
    sections = {**policy._sections}
    sections["delivery"] = {**sections["delivery"], "returns_go_back_to_stock": ["DIABETES"]}
    use_policies(Policies({"vgr": Policy("vgr", "test", sections)}))
    with world.database.unit_of_work() as session:
        take_back(session, world.picker, TakeBack(picked.id, 3, "Oöppnad"))
    assert world.balance(lot) == (9, 0)


def test_a_lot_is_moved_and_found_where_it_stands(world: World, lot: Lot) -> None:
    with world.database.unit_of_work() as session:
        move_lot(session, world.picker, lot.id, " C-12 ")
    with world.database.unit_of_work() as session, pytest.raises(NotFound):
        move_lot(session, world.picker, 999_999, "C-1")
