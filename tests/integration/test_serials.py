"""Each pump by its number: in the box, out of it, to its patient with a warranty, and never twice. Handbook §6."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import date
from threading import Barrier

import pytest
from sqlalchemy import func, select

from auth.identity import Identity
from auth.models import Person
from core.clock import now
from core.db import Database
from delivery import errors
from delivery.adjusting import TakeBack, count_lot, scrap, set_lot_status, take_back
from delivery.goods_models import SerialisedUnit, UnitStatus
from delivery.models import DepotOrder, Lot, LotStatus, PickedLot
from delivery.picking import scan, tick
from delivery.put_back import put_back, undo_pick
from delivery.queries import depot_order_page
from delivery.receipts import open_receipt
from delivery.receiving import ReceiveGoods, receive_goods
from delivery.shipping import pack, ship
from delivery.shortage import finish
from orders.models import Article, ProductKind
from tests.support.depot_work import World, gs1

GOOD = date(2030, 6, 30)


@pytest.fixture
def world(database: Database) -> World:
    return World(database)


@pytest.fixture
def pump(world: World) -> Article:
    """A pump of which P1 to P4 are on the shelf, in two lots."""
    article = world.article("Insulinpump")
    with world.database.unit_of_work() as session:
        found = session.get_one(Article, article.id)
        found.is_serialised, found.kind = True, ProductKind.PUMP
        receipt = open_receipt(session, world.picker, None, "FS-1")
        for lot_no, serials in (("L1", ("P1", "P2", "P3")), ("L2", ("P4",))):
            receive_goods(
                session, world.picker, ReceiveGoods(receipt.id, gs1(found, lot_no, GOOD), len(serials), serials=serials)
            )
        return found


def code(pump: Article, serial_no: str, lot_no: str = "L1") -> str:
    return f"{gs1(pump, lot_no, GOOD)}\x1d21{serial_no}"


def pick(world: World, order: int, raw: str, who: Identity | None = None, **more: str) -> PickedLot:
    with world.database.unit_of_work() as session:
        picked = scan(session, who or world.picker, order, raw, **more)  # type: ignore[arg-type]
        assert picked is not None
        return picked


def unit(world: World, serial_no: str) -> SerialisedUnit:
    with world.database.session() as session:
        return session.scalars(select(SerialisedUnit).where(SerialisedUnit.serial_no == serial_no)).one()


def begun(world: World, pump: Article, packages: int = 1, person: Person | None = None) -> int:
    order = world.order({pump: packages}, person)
    world.start(order)
    return order


def sent(world: World, order: int, raw: str) -> PickedLot:
    picked = pick(world, order, raw)
    with world.database.unit_of_work() as session:
        finish(session, world.picker, order)
        ship(session, world.picker, pack(session, world.picker, order).id, f"T{order}")
    return picked


def stock_agrees(world: World) -> None:
    """As many units are on the shelf as the ledger has packages of them."""
    with world.database.session() as session:
        units = session.execute(
            select(SerialisedUnit.lot_id, func.count().label("packages"))
            .where(SerialisedUnit.status == UnitStatus.IN_STOCK)
            .group_by(SerialisedUnit.lot_id)
        )
        on_shelf = {row.lot_id: row.packages for row in units}
        for lot in session.scalars(select(Lot)):
            assert world.balance(lot)[0] == on_shelf.get(lot.id, 0), lot.lot_no


def test_a_pump_is_bound_to_its_patient_when_it_leaves(world: World, pump: Article) -> None:
    order = begun(world, pump)
    picked = pick(world, order, code(pump, "P2"))
    assert (unit(world, "P2").status, unit(world, "P2").picked_lot_id) == (UnitStatus.PICKED, picked.id)
    assert unit(world, "P2").person_id is None
    with world.database.unit_of_work() as session:
        finish(session, world.picker, order)
        parcel = pack(session, world.picker, order)
        ship(session, world.picker, parcel.id, "T1")
        person_id = session.get_one(DepotOrder, order).order.person_id
        day = now(session).date()
    found = unit(world, "P2")
    assert (found.status, found.person_id, found.shipped_on) == (UnitStatus.SHIPPED, person_id, day)
    assert (day, found.warranty_until) == (date(2026, 12, 1), date(2030, 11, 30))
    stock_agrees(world)


@pytest.mark.parametrize(
    ("raw", "refusal"),
    [
        ("unknown", errors.UnknownSerial),
        ("without", errors.SerialNotStated),
        ("other lot", errors.SerialOfOtherLot),
        ("sent", errors.SerialSent),
        ("in a box", errors.SerialInABox),
        ("scrapped", errors.SerialScrapped),
    ],
)
def test_a_number_that_may_not_go_is_refused_and_nothing_moves(
    world: World, pump: Article, raw: str, refusal: type[errors.ScanRefused]
) -> None:
    sent(world, begun(world, pump), code(pump, "P1"))
    pick(world, begun(world, pump), code(pump, "P2"))
    with world.database.unit_of_work() as session:
        scrap(session, world.picker, unit(world, "P4").lot_id, 1, "Tappad", serials=["P4"])
    order = begun(world, pump)
    scans = {
        "unknown": code(pump, "P9"),
        "without": gs1(pump, "L1", GOOD),
        "other lot": code(pump, "P3", "L2"),
        "sent": code(pump, "P1"),
        "in a box": code(pump, "P2"),
        "scrapped": code(pump, "P4", "L2"),
    }
    if raw == "other lot":
        with world.database.unit_of_work() as session:
            receipt = open_receipt(session, world.picker, None, "FS-2")
            receive_goods(session, world.picker, ReceiveGoods(receipt.id, gs1(pump, "L2", GOOD), 1, serials=("P5",)))
    with pytest.raises(refusal):
        pick(world, order, scans[raw])
    stock_agrees(world)


def test_a_typed_number_is_as_good_and_one_package_at_a_time(world: World, pump: Article) -> None:
    order = begun(world, pump, 2)
    typed = f"{pump.article_no} L1"
    with world.database.unit_of_work() as session, pytest.raises(errors.SerialsDiffer):
        scan(session, world.picker, order, typed, packages=2, serial_no="P1")
    pick(world, order, typed, serial_no="P1")
    # A code without a lot says it by its number.
    pick(world, order, f"01{pump.gtin}21P2")
    with world.database.session() as session:
        page = depot_order_page(session, world.picker, order)
        assert list(page.serials.values()) == [("P1", "P2")]


def test_a_pump_is_not_ticked_without_its_number(world: World, pump: Article) -> None:
    order = begun(world, pump)
    with world.database.session() as session:
        line_id = session.get_one(DepotOrder, order).lines[0].id
    with world.database.unit_of_work() as session, pytest.raises(errors.SerialNotStated):
        tick(session, world.picker, order, line_id, unit(world, "P1").lot_id, 1)


def test_the_one_put_back_is_the_one_named(world: World, pump: Article) -> None:
    order = begun(world, pump, 2)
    pick(world, order, code(pump, "P1"))
    picked = pick(world, order, code(pump, "P2"))
    with world.database.unit_of_work() as session, pytest.raises(errors.SerialNotStated):
        undo_pick(session, world.picker, order, picked.id)
    with world.database.unit_of_work() as session, pytest.raises(errors.PickNotFound):
        undo_pick(session, world.picker, order, picked.id, serial_no="P3")
    with world.database.unit_of_work() as session:
        undo_pick(session, world.picker, order, picked.id, serial_no="P1")
    assert [unit(world, one).status for one in ("P1", "P2")] == [UnitStatus.IN_STOCK, UnitStatus.PICKED]
    stock_agrees(world)
    with world.database.unit_of_work() as session:
        undo_pick(session, world.picker, order, picked.id)
    pick(world, order, code(pump, "P1"))
    with world.database.unit_of_work() as session:
        put_back(session, world.picker, order)
    assert unit(world, "P1").picked_lot_id is None
    stock_agrees(world)


def test_two_pickers_scan_the_same_pump_and_one_gets_it(world: World, pump: Article) -> None:
    other = world.add_picker("Olle Andre")
    first, second = begun(world, pump), world.order({pump: 1})
    world.start(second, other)
    together = Barrier(2)

    def one(args: tuple[int, Identity]) -> str:
        together.wait(30)
        try:
            pick(world, args[0], code(pump, "P1"), args[1])
        except errors.SerialInABox:
            return "refused"
        return "picked"

    with ThreadPoolExecutor(2) as threads:
        assert sorted(threads.map(one, ((first, world.picker), (second, other)))) == ["picked", "refused"]
    stock_agrees(world)


def test_two_who_receive_the_same_number_and_one_does(world: World, pump: Article) -> None:
    with world.database.unit_of_work() as session:
        receipts = [open_receipt(session, world.picker, None, f"FS-{number}").id for number in range(2)]
    together = Barrier(2)

    def one(receipt_id: int) -> str:
        together.wait(30)
        try:
            with world.database.unit_of_work() as session:
                command = ReceiveGoods(receipt_id, gs1(pump, f"N{receipt_id}", GOOD), 1, serials=("P77",))
                receive_goods(session, world.picker, command)
        except errors.SerialKnown:
            return "refused"
        return "taken in"

    with ThreadPoolExecutor(2) as threads:
        assert sorted(threads.map(one, receipts)) == ["refused", "taken in"]
    stock_agrees(world)


def test_a_box_whose_lot_was_recalled_after_the_pick_does_not_leave(world: World, pump: Article) -> None:
    order = begun(world, pump)
    pick(world, order, code(pump, "P1"))
    with world.database.unit_of_work() as session:
        finish(session, world.picker, order)
        parcel_id = pack(session, world.picker, order).id
    with world.database.unit_of_work() as session:
        set_lot_status(session, world.picker, unit(world, "P1").lot_id, LotStatus.ON_HOLD, "Fukt")
    with world.database.unit_of_work() as session, pytest.raises(errors.LotOnHold):
        ship(session, world.picker, parcel_id, "T1")
    with world.database.unit_of_work() as session:
        session.get_one(Lot, unit(world, "P1").lot_id).status = LotStatus.RECALLED
    with world.database.unit_of_work() as session, pytest.raises(errors.LotRecalled):
        ship(session, world.picker, parcel_id, "T1")
    assert unit(world, "P1").status is UnitStatus.PICKED


def test_what_comes_back_is_scrapped_and_never_sent_again(world: World, pump: Article) -> None:
    picked = sent(world, begun(world, pump), code(pump, "P1"))
    with world.database.unit_of_work() as session, pytest.raises(errors.UnknownSerial):
        take_back(session, world.picker, TakeBack(picked.id, 1, "Trasig", serials=("P2",)))
    with world.database.unit_of_work() as session, pytest.raises(errors.SerialsDiffer):
        take_back(session, world.picker, TakeBack(picked.id, 1, "Trasig"))
    with world.database.unit_of_work() as session:
        take_back(session, world.picker, TakeBack(picked.id, 1, "Trasig", serials=("P1",)))
    found = unit(world, "P1")
    assert found.status is UnitStatus.SCRAPPED
    assert found.person_id is not None, "whose it was is still known"
    with pytest.raises(errors.SerialScrapped):
        pick(world, begun(world, pump), code(pump, "P1"))
    stock_agrees(world)


def test_pumps_are_counted_by_their_numbers_and_a_lost_one_is_scrapped(world: World, pump: Article) -> None:
    other, lot_id = world.add_picker("Bo Räknare"), unit(world, "P1").lot_id
    with world.database.unit_of_work() as session, pytest.raises(errors.UnknownSerial):
        count_lot(session, world.picker, lot_id, 1, serials=["P4"])
    for who in (world.picker, other):
        with world.database.unit_of_work() as session:
            count_lot(session, who, lot_id, 2, serials=["P1", "P3"])
    assert unit(world, "P2").status is UnitStatus.SCRAPPED
    stock_agrees(world)
