"""A recall stops everything at once, finds whoever has something of it, and can be undone until they are told."""

from __future__ import annotations

from contextlib import suppress
from datetime import date

import pytest
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from core.db import Database
from core.errors import NotFound, NotPermitted
from delivery import errors
from delivery.complaints import recall_errors
from delivery.complaints.recall_answers import acknowledge
from delivery.complaints.recall_models import RecallItem, RecallRecipient, RecallStatus
from delivery.complaints.recalls import close_recall, undo_recall
from delivery.goods_models import Refusal
from delivery.hand_over import Obstacle, loads
from delivery.models import DepotOrder, DepotOrderStatus, Lot, LotStatus, Parcel, Reservation
from delivery.picking import scan, tick
from delivery.put_back import put_back
from delivery.recalled import recalled_in_boxes, stopped_by_recalls, take_out_recalled
from delivery.receipts import open_receipt
from delivery.receiving import ReceiveGoods, receive_goods
from delivery.shipping import pack, ship
from delivery.shortage import finish
from tests.support.builders import patient_identity
from tests.support.depot_work import gs1, lines_of
from tests.support.picking import LATE, SOONER, assert_ledger_is_right, race
from tests.support.recalls import RecallWorld


@pytest.fixture
def world(database: Database) -> RecallWorld:
    return RecallWorld(database)


def test_everybody_who_has_it_is_found_and_nobody_else(world: RecallWorld) -> None:
    sensor, other = world.article(), world.article("Annan sensor")
    bad = world.stock(sensor, 6, "BAD", SOONER)
    world.stock(sensor, 20, "GOOD")
    world.stock(other, 9, "BAD2")
    anna, bo, cia = world.person(), world.person(), world.person()
    world.sent({sensor: 4}, anna)
    # Two of the bad lot and three of the good one.
    world.sent({sensor: 5}, bo)
    world.sent({other: 3}, cia)
    recall = world.open("bad", 2)
    assert world.recipients(recall) == {anna.id: 4, bo.id: 2}
    assert world.lot_status(bad) is LotStatus.RECALLED


def test_what_came_back_before_is_not_with_anybody(world: RecallWorld) -> None:
    sensor = world.article()
    world.stock(sensor, 9, "BAD")
    anna, bo = world.person(), world.person()
    (annas,) = world.picked_of(world.sent({sensor: 2}, anna))
    (bos,) = world.picked_of(world.sent({sensor: 3}, bo))
    world.returned(annas.id, 2)
    world.returned(bos.id, 1)
    assert world.recipients(world.open("BAD", 1)) == {bo.id: 2}


def test_a_wrong_count_recalls_nothing(world: RecallWorld) -> None:
    sensor = world.article()
    lots = [world.stock(sensor, 5, f"L{number}") for number in range(3)]
    world.sent({sensor: 2})
    with pytest.raises(recall_errors.CountDiffers) as refused:
        world.open("L0 L1 L2", 1000)
    assert refused.value.affected == 1
    assert [world.lot_status(lot) for lot in lots] == [LotStatus.AVAILABLE] * 3
    with pytest.raises(recall_errors.NothingNamed):
        world.open("NEVER-HERE", 0)


def test_the_same_form_twice_is_one_recall(world: RecallWorld) -> None:
    world.stock(world.article(), 5, "BAD")
    assert world.open("BAD", 0, key="form").id == world.open("BAD", 0, key="form").id


def test_reservations_are_moved_to_other_lots_and_the_pick_goes_on(world: RecallWorld) -> None:
    sensor = world.article()
    bad, good = world.stock(sensor, 6, "BAD", SOONER), world.stock(sensor, 20, "GOOD")
    order = world.order({sensor: 4})
    world.start(order)
    assert world.balance(bad) == (6, 4)
    recall = world.open("BAD", 0)
    world.work()
    assert world.balance(bad) == (6, 0)
    assert world.balance(good) == (20, 4)
    with world.database.session() as session:
        (line,) = lines_of(session, order)
        assert [one.lot_id for one in line.reservations] == [good.id]
    with pytest.raises(errors.LotRecalled), world.database.unit_of_work() as session:
        scan(session, world.picker, order, gs1(sensor, "BAD", SOONER))
    with pytest.raises(errors.LotRecalled), world.database.unit_of_work() as session:
        tick(session, world.picker, order, line.id, bad.id, 1)
    with world.database.unit_of_work() as session:
        scan(session, world.picker, order, gs1(sensor, "GOOD", LATE), packages=4)
        finish(session, world.picker, order)
    assert recall.status is RecallStatus.OPEN
    assert_ledger_is_right(world)


def test_what_lies_in_the_box_is_taken_out_before_the_pick_can_end(world: RecallWorld) -> None:
    sensor = world.article()
    bad, good = world.stock(sensor, 6, "BAD", SOONER), world.stock(sensor, 20, "GOOD")
    order = world.order({sensor: 4})
    world.start(order)
    with world.database.unit_of_work() as session:
        scan(session, world.picker, order, gs1(sensor, "BAD", SOONER), packages=4)
    world.open("BAD", 0)
    world.work()
    with pytest.raises(errors.LotRecalled), world.database.unit_of_work() as session:
        finish(session, world.picker, order)
    with world.database.session() as session:
        (told,) = recalled_in_boxes(session, [order])
        assert (told.lot_no, told.packages) == ("BAD", 4)
        (stopped,) = stopped_by_recalls(session, world.picker)
        assert stopped.depot_order_id == order
    with world.database.unit_of_work() as session:
        assert take_out_recalled(session, world.picker, order, key="out") == 4
    with world.database.unit_of_work() as session:
        assert take_out_recalled(session, world.picker, order, key="out") == 0
    assert world.balance(bad) == (6, 0)
    assert world.balance(good) == (20, 4)
    with world.database.unit_of_work() as session:
        scan(session, world.picker, order, gs1(sensor, "GOOD", LATE), packages=4)
        finish(session, world.picker, order)
    assert world.status(order) is DepotOrderStatus.PICKED
    assert_ledger_is_right(world)


def test_a_picked_and_a_packed_box_go_nowhere_and_are_packed_anew(world: RecallWorld) -> None:
    sensor = world.article()
    bad, good = world.stock(sensor, 8, "BAD", SOONER), world.stock(sensor, 20, "GOOD")
    picked, packed = world.order({sensor: 4}), world.order({sensor: 4})
    world.pick_all(picked)
    parcel_id = world.packed(packed)
    recall = world.open("BAD", 0)
    world.work()
    with pytest.raises(errors.LotRecalled), world.database.unit_of_work() as session:
        pack(session, world.picker, picked)
    with pytest.raises(errors.LotRecalled), world.database.unit_of_work() as session:
        ship(session, world.picker, parcel_id, "NEVER0001")
    with world.database.session() as session:
        (load,) = loads(session, world.picker)
        assert load.parcels[0].obstacle is Obstacle.RECALLED
        assert {one.depot_order_id for one in stopped_by_recalls(session, world.picker)} == {picked, packed}
    for order in (picked, packed):
        with world.database.unit_of_work() as session:
            put_back(session, world.picker, order)
        world.ship(world.packed(order))
    assert world.balance(bad) == (8, 0)
    assert world.balance(good) == (12, 0)
    assert world.recipients(recall) == {}
    assert_ledger_is_right(world)


def test_the_database_keeps_it_in_when_every_service_forgets(world: RecallWorld) -> None:
    sensor = world.article()
    world.stock(sensor, 8, "BAD")
    parcel_id = world.packed(world.order({sensor: 4}))
    world.open("BAD", 0)
    with pytest.raises(IntegrityError, match="does not leave the depot"), world.database.unit_of_work() as session:
        session.get_one(Parcel, parcel_id).shipped_at = world.database.clock.now()


def test_a_recalled_lot_is_refused_at_the_gate(world: RecallWorld) -> None:
    sensor = world.article()
    world.stock(sensor, 5, "BAD")
    world.open("BAD", 0)
    with world.database.unit_of_work() as session:
        receipt = open_receipt(session, world.picker, None, "FS-1")
        line = receive_goods(session, world.picker, ReceiveGoods(receipt.id, gs1(sensor, "BAD", LATE), 3))
        assert line is not None
        assert line.refusal is Refusal.RECALLED


def test_a_new_order_is_never_given_it(world: RecallWorld) -> None:
    sensor = world.article()
    bad = world.stock(sensor, 8, "BAD", SOONER)
    world.open("BAD", 0)
    order = world.order({sensor: 2})
    world.start(order)
    assert world.balance(bad) == (8, 0)
    with world.database.session() as session:
        assert session.scalars(select(Reservation)).all() == []


def test_units_are_called_back_by_number_and_the_others_of_the_lot_go_on(world: RecallWorld) -> None:
    pump = world.article("Pump")
    lot = world.stock(pump, 4, "P-LOT")
    world.pumps(lot, "A1000", "A1001", "A1002", "A1003")
    anna, bo = world.person(), world.person()
    for person, serial in ((anna, "A1000"), (bo, "A1003")):
        order = world.order({pump: 1}, person)
        world.start(order)
        with world.database.unit_of_work() as session:
            scan(session, world.picker, order, gs1(pump, "P-LOT", LATE), serial_no=serial)
            finish(session, world.picker, order)
            parcel_id = pack(session, world.picker, order).id
        world.ship(parcel_id)
    # A1002 lies in a box when it is called back.
    boxed, waiting = world.order({pump: 1}), world.order({pump: 1})
    world.start(boxed)
    with world.database.unit_of_work() as session:
        scan(session, world.picker, boxed, gs1(pump, "P-LOT", LATE), serial_no="A1002")
        finish(session, world.picker, boxed)
        parcel_id = pack(session, world.picker, boxed).id
    recall = world.open("A1000–A1002", 1)
    world.work()
    assert world.recipients(recall) == {anna.id: 1}
    assert world.lot_status(lot) is LotStatus.AVAILABLE
    with pytest.raises(errors.SerialRecalled), world.database.unit_of_work() as session:
        ship(session, world.picker, parcel_id, "NEVER0002")
    with world.database.unit_of_work() as session:
        put_back(session, world.picker, boxed)
    # Both of what is on hand are called back: nothing is promised to the next one.
    world.start(waiting)
    assert world.balance(lot) == (2, 0)
    with pytest.raises(errors.SerialRecalled), world.database.unit_of_work() as session:
        scan(session, world.picker, waiting, gs1(pump, "P-LOT", LATE), serial_no="A1001")
    with world.database.session() as session:
        (line,) = lines_of(session, waiting)
    with pytest.raises(errors.SerialNotStated), world.database.unit_of_work() as session:
        tick(session, world.picker, waiting, line.id, lot.id, 1)


def test_a_unit_in_the_hand_is_taken_out_and_another_is_reserved(world: RecallWorld) -> None:
    pump = world.article("Pump")
    lot = world.stock(pump, 3, "P-LOT")
    world.pumps(lot, "B1", "B2", "B3")
    order = world.order({pump: 2})
    world.start(order)
    with world.database.unit_of_work() as session:
        for serial in ("B1", "B2"):
            scan(session, world.picker, order, gs1(pump, "P-LOT", LATE), serial_no=serial)
    world.open("B2", 0)
    world.work()
    with pytest.raises(errors.SerialRecalled), world.database.unit_of_work() as session:
        finish(session, world.picker, order)
    with world.database.unit_of_work() as session:
        assert take_out_recalled(session, world.picker, order) == 1
    with world.database.unit_of_work() as session:
        scan(session, world.picker, order, gs1(pump, "P-LOT", LATE), serial_no="B3")
        finish(session, world.picker, order)
    assert world.status(order) is DepotOrderStatus.PICKED
    assert_ledger_is_right(world)


def test_undoing_gives_back_what_was_and_keeps_the_history(world: RecallWorld) -> None:
    sensor = world.article()
    bad, held = world.stock(sensor, 9, "BAD"), world.stock(sensor, 9, "HELD")
    with world.database.unit_of_work() as session:
        session.get_one(Lot, held.id).status = LotStatus.ON_HOLD
    world.sent({sensor: 2})
    packed = world.order({sensor: 2})
    parcel_id = world.packed(packed)
    recall = world.open("BAD HELD", 1)
    world.work()
    with world.database.unit_of_work() as session:
        undo_recall(session, world.consultant, recall.recall_no)
    world.work()
    assert world.lot_status(bad) is LotStatus.AVAILABLE
    assert world.lot_status(held) is LotStatus.ON_HOLD
    assert len(world.recipients(recall)) == 1
    world.ship(parcel_id)
    with pytest.raises(recall_errors.WrongRecallStep), world.database.unit_of_work() as session:
        undo_recall(session, world.consultant, recall.recall_no)


@pytest.mark.parametrize("first", [0, 1, 2])
@pytest.mark.parametrize("second", [0, 1])
def test_a_lot_of_several_recalls_is_free_when_the_last_is_undone(world: RecallWorld, first: int, second: int) -> None:
    lot = world.stock(world.article(), 9, "BAD")
    recalls = [world.open("BAD", 0) for _each in range(3)]
    order = [recalls.pop(first), recalls.pop(second), *recalls]
    for number, recall in enumerate(order):
        assert world.lot_status(lot) is LotStatus.RECALLED, number
        with world.database.unit_of_work() as session:
            undo_recall(session, world.consultant, recall.recall_no)
    assert world.lot_status(lot) is LotStatus.AVAILABLE


def test_once_told_it_is_not_undone_and_closing_lets_nothing_out(world: RecallWorld) -> None:
    lot = world.stock(world.article(), 9, "BAD")
    recall = world.open("BAD", 0)
    with pytest.raises(recall_errors.WrongRecallStep), world.database.unit_of_work() as session:
        close_recall(session, world.consultant, recall.recall_no)
    world.tell(recall)
    with pytest.raises(recall_errors.AlreadyTold), world.database.unit_of_work() as session:
        undo_recall(session, world.consultant, recall.recall_no)
    with world.database.unit_of_work() as session:
        close_recall(session, world.consultant, recall.recall_no)
    assert world.lot_status(lot) is LotStatus.RECALLED


def test_what_comes_back_is_counted_once_and_never_sold_again(world: RecallWorld) -> None:
    sensor = world.article()
    lot = world.stock(sensor, 9, "BAD")
    anna = world.person()
    (picked,) = world.picked_of(world.sent({sensor: 4}, anna))
    recall = world.open("BAD", 1)
    world.tell(recall)
    world.returned(picked.id, 3)
    with world.database.session() as session:
        item = session.scalars(select(RecallItem)).one()
        assert (item.packages, item.returned) == (4, 3)
        recipient = session.scalars(select(RecallRecipient)).one()
        assert recipient.answer == "RETURN"
    assert world.balance(lot) == (5, 0)
    # A click afterwards changes nothing: the parcel had answered.
    with world.database.unit_of_work() as session:
        acknowledge(session, patient_identity(anna), recall.recall_no)
    with world.database.session() as session:
        assert session.scalars(select(RecallRecipient)).one().answer == "RETURN"


def test_only_a_consultant_recalls_and_only_in_the_own_region(world: RecallWorld) -> None:
    world.stock(world.article(), 9, "BAD")
    recall = world.open("BAD", 0)
    with pytest.raises(NotPermitted), world.database.unit_of_work() as session:
        undo_recall(session, world.picker, recall.recall_no)
    with pytest.raises(NotFound), world.database.unit_of_work() as session:
        undo_recall(session, world.consultant, "999999")


def test_a_parcel_is_either_sent_and_traced_or_stopped(world: RecallWorld) -> None:
    """Shipping and opening at once, again and again: never both, never neither."""
    sensor = world.article()
    outcomes = set()
    for number in range(8):
        lot_no = f"RACE{number}"
        lot = world.stock(sensor, 2, lot_no, date(2028, 1, 1 + number))
        person = world.person()
        order = world.order({sensor: 2}, person)
        parcel_id = world.packed(order)

        def act(which: int, lot_no: str = lot_no, parcel_id: int = parcel_id) -> None:
            if which == 0:
                world.ship(parcel_id)
                return
            # Whoever types what the preview said types again what it says now.
            with suppress(recall_errors.CountDiffers):
                world.open(lot_no, 0)
                return
            world.open(lot_no, 1)

        shipping, opening = race(2, act)
        assert opening is None
        assert shipping in (None, errors.LotRecalled)
        assert world.lot_status(lot) is LotStatus.RECALLED
        with world.database.session() as session:
            was_sent = session.get_one(DepotOrder, order).status is DepotOrderStatus.SHIPPED
            traced = session.scalar(select(RecallRecipient.id).where(RecallRecipient.person_id == person.id))
        assert was_sent == (shipping is None) == (traced is not None)
        outcomes.add(was_sent)
    assert outcomes


def test_a_package_is_either_picked_before_and_found_or_refused(world: RecallWorld) -> None:
    for number in range(6):
        sensor, lot_no = world.article(), f"PICK{number}"
        world.stock(sensor, 2, lot_no, date(2028, 2, 1 + number))
        order = world.order({sensor: 2})
        world.start(order)
        code = gs1(sensor, lot_no, date(2028, 2, 1 + number))

        def act(which: int, lot_no: str = lot_no, order: int = order, code: str = code) -> None:
            if which == 1:
                world.open(lot_no, 0)
                return
            with world.database.unit_of_work() as session:
                scan(session, world.picker, order, code)

        picking, opening = race(2, act)
        assert opening is None
        world.work()
        with world.database.session() as session:
            assert bool(recalled_in_boxes(session, [order])) == (picking is None)
        assert picking in (None, errors.LotRecalled)
        with world.database.unit_of_work() as session:
            take_out_recalled(session, world.picker, order)
            put_back(session, world.picker, order)
    assert_ledger_is_right(world)
