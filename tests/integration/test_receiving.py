"""Goods in: what is accepted is in the ledger, what is refused is listed for the supplier, nothing is booked twice. Handbook §6."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date
from threading import Barrier

import pytest
from sqlalchemy import select

from auth.identity import Identity, Role
from auth.models import Unit
from auth.persons import staff_identity
from core.db import Database
from core.errors import NotFound, NotPermitted
from core.outbox import OutboxMessage
from delivery import errors
from delivery.goods_models import GoodsReceipt, ReceiptLine, SerialisedUnit, SupplierOrderLine, UnitStatus
from delivery.goods_rules import Refusal
from delivery.models import LotStatus, StockBalance, StockMovement
from delivery.receipts import close_receipt, open_receipt, send_back
from delivery.receiving import ReceiveGoods, receive_goods
from delivery.reordering import order_from_supplier, proposals
from orders.models import Article, ProductKind, Supplier
from tests.support.builders import REGION, add_staff
from tests.support.depot_work import World, gs1

GOOD, SHORT_LIVED = date(2028, 6, 30), date(2027, 6, 30)


@pytest.fixture
def world(database: Database) -> World:
    """A depot."""
    return World(database)


@pytest.fixture
def sensor(world: World) -> Article:
    """A sensor with a shelf life of 540 days, from a supplier."""
    article = world.article()
    with world.database.unit_of_work() as session:
        supplier = Supplier(region=REGION, supplier_no="S1", name="Provleverantören AB")
        session.add(supplier)
        session.flush()
        found = session.get_one(Article, article.id)
        found.shelf_life_days, found.supplier_id = 540, supplier.id
        return found


@pytest.fixture
def receipt(world: World) -> int:
    """An open delivery without a supplier order."""
    return opened(world)


def opened(world: World, supplier_order_id: int | None = None) -> int:
    with world.database.unit_of_work() as session:
        return open_receipt(session, world.picker, supplier_order_id, "FS-1").id


def receive(world: World, command: ReceiveGoods, identity: Identity | None = None) -> ReceiptLine | None:
    with world.database.unit_of_work() as session:
        return receive_goods(session, identity or world.picker, command)


def stock(world: World, article: Article) -> int:
    with world.database.session() as session:
        balances = session.scalars(select(StockBalance)).all()
        return sum(one.on_hand for one in balances if one.lot.article_id == article.id)


def test_a_scan_says_it_all_and_the_goods_are_in_the_ledger_where_they_were_put(
    world: World, sensor: Article, receipt: int
) -> None:
    line = receive(world, ReceiveGoods(receipt, gs1(sensor, "L1", GOOD), 12, location="A-07"))
    assert line is not None
    assert line.refusal is None
    with world.database.session() as session:
        balance = session.scalars(select(StockBalance)).one()
        assert (balance.on_hand, balance.location, balance.lot.expires_on) == (12, "A-07", GOOD)
        movement = session.scalars(select(StockMovement)).one()
        assert movement.source_ref == f"receipt_line:{line.id}"
        assert session.scalars(select(OutboxMessage.kind)).all() == ["stock.received"]


def test_what_the_code_does_not_ask_for_is_kept(world: World, sensor: Article, receipt: int) -> None:
    code = f"]d2{gs1(sensor, 'L1', GOOD)}\x1d3712\x1d2401234"
    line = receive(world, ReceiveGoods(receipt, code, 1))
    assert line is not None
    assert line.other_identifiers == {"37": "12", "240": "1234"}


def test_a_typed_article_needs_lot_and_expiry(world: World, sensor: Article, receipt: int) -> None:
    typed = ReceiveGoods(receipt, sensor.article_no, 3)
    with pytest.raises(errors.LotMissing):
        receive(world, typed)
    with pytest.raises(errors.ExpiryMissing):
        receive(world, replace(typed, lot_no="L1"))
    assert receive(world, replace(typed, lot_no="L1", expires_on=GOOD))
    assert receive(world, replace(typed, lot_no="L1")), "a known lot has its expiry"
    assert stock(world, sensor) == 6


@pytest.mark.parametrize("code", ["", "]", "0107350000", "not a code", "0107350000210018"])
def test_half_a_code_is_refused_and_nothing_is_booked(world: World, sensor: Article, receipt: int, code: str) -> None:
    with pytest.raises(errors.UnreadableCode):
        receive(world, ReceiveGoods(receipt, code, 1))
    assert stock(world, sensor) == 0


def test_refused_goods_are_listed_and_sent_back_under_one_number(world: World, sensor: Article, receipt: int) -> None:
    first = receive(world, ReceiveGoods(receipt, gs1(sensor, "L1", SHORT_LIVED), 5))
    second = receive(world, ReceiveGoods(receipt, gs1(sensor, "L2", GOOD), 2, is_damaged=True, note="Våt låda"))
    assert first is not None
    assert second is not None
    assert (first.refusal, second.refusal) == (Refusal.SHELF_LIFE, Refusal.DAMAGED)
    assert stock(world, sensor) == 0
    with world.database.unit_of_work() as session:
        close_receipt(session, world.picker, receipt)
    for _time in range(2):
        with world.database.unit_of_work() as session:
            sent = send_back(session, world.picker, receipt)
    assert {line.return_no for line in sent} == {f"R{_receipt_no(world, receipt)}"}
    assert all(line.returned_at for line in sent)


def test_an_unknown_article_is_put_aside(world: World, receipt: int) -> None:
    line = receive(world, ReceiveGoods(receipt, "04012345678901", 4, note="Okänd"))
    assert line is not None
    assert (line.refusal, line.gtin, line.article_id) == (Refusal.UNKNOWN_ARTICLE, "04012345678901", None)


def test_a_recalled_lot_does_not_come_in_again(world: World, sensor: Article, receipt: int) -> None:
    lot = world.stock(sensor, 1, "L1", GOOD)
    with world.database.unit_of_work() as session:
        session.merge(lot).status = LotStatus.RECALLED
    line = receive(world, ReceiveGoods(receipt, gs1(sensor, "L1", GOOD), 5))
    assert line is not None
    assert line.refusal is Refusal.RECALLED
    assert stock(world, sensor) == 1


def test_another_expiry_than_the_lot_has_is_an_error_not_a_guess(world: World, sensor: Article, receipt: int) -> None:
    receive(world, ReceiveGoods(receipt, gs1(sensor, "L1", GOOD), 1))
    with pytest.raises(errors.ExpiryDiffers):
        receive(world, ReceiveGoods(receipt, gs1(sensor, "L1", date(2028, 7, 31)), 1))


def test_the_same_scan_sent_twice_is_booked_once(world: World, sensor: Article, receipt: int) -> None:
    command = ReceiveGoods(receipt, gs1(sensor, "L1", GOOD), 5, idempotency_key="k1")
    together = Barrier(2)

    def once(_number: int) -> bool:
        together.wait(30)
        return receive(world, command) is not None

    with ThreadPoolExecutor(2) as threads:
        assert sorted(threads.map(once, range(2))) == [False, True]
    assert stock(world, sensor) == 5


def test_a_supplier_order_counts_what_came_and_closes_when_all_has(world: World, sensor: Article) -> None:
    with world.database.unit_of_work() as session:
        order = order_from_supplier(session, world.picker, sensor.supplier_id or 0, {sensor.id: 10}, GOOD)
    receipt = opened(world, order.id)
    receive(world, ReceiveGoods(receipt, gs1(sensor, "L1", GOOD), 6))
    receive(world, ReceiveGoods(receipt, gs1(sensor, "L2", SHORT_LIVED), 4))
    other = world.article("Annan")
    refused = receive(world, ReceiveGoods(receipt, gs1(other, "L1", GOOD), 1))
    assert refused is not None
    assert refused.refusal is Refusal.NOT_ORDERED
    with world.database.unit_of_work() as session:
        close_receipt(session, world.picker, receipt)
        line = session.scalars(select(SupplierOrderLine)).one()
        assert (line.received, line.refused, line.order.closed_at) == (6, 4, None)
    with world.database.unit_of_work() as session, pytest.raises(errors.ReceiptClosed):
        receive_goods(session, world.picker, ReceiveGoods(receipt, gs1(sensor, "L3", GOOD), 4))
    again = opened(world, order.id)
    receive(world, ReceiveGoods(again, gs1(sensor, "L3", GOOD), 4))
    with world.database.unit_of_work() as session:
        close_receipt(session, world.picker, again)
    with world.database.unit_of_work() as session, pytest.raises(errors.SupplierOrderClosed):
        open_receipt(session, world.picker, order.id, "FS-3")


def test_each_serialised_unit_has_its_number_and_comes_once(world: World, sensor: Article, receipt: int) -> None:
    with world.database.unit_of_work() as session:
        pump = session.get_one(Article, sensor.id)
        pump.is_serialised, pump.kind = True, ProductKind.PUMP
    command = ReceiveGoods(receipt, gs1(sensor, "L1", GOOD), 2)
    with pytest.raises(errors.SerialsDiffer):
        receive(world, replace(command, serials=("P1",)))
    receive(world, replace(command, serials=("P1", "P2")))
    with pytest.raises(errors.SerialKnown):
        receive(world, replace(command, serials=("P2", "P3")))
    with world.database.session() as session:
        units = session.scalars(select(SerialisedUnit).order_by(SerialisedUnit.serial_no)).all()
        assert [(one.serial_no, one.status) for one in units] == [
            ("P1", UnitStatus.IN_STOCK),
            ("P2", UnitStatus.IN_STOCK),
        ]
    assert stock(world, sensor) == 2


def test_what_is_used_and_owed_is_proposed_and_what_is_coming_is_not(world: World, sensor: Article) -> None:
    lot = world.stock(sensor, 90, "L1", GOOD)
    order = world.order({sensor: 90})
    world.pick_all(order)
    world.order({sensor: 6})
    with world.database.session() as session:
        (found,) = proposals(session, world.picker)
        # One a day for 7 days' lead, 7 until the next review and 7 of safety, and six owed.
        assert (found.article.id, found.packages, found.flow.owed) == (sensor.id, 27, 6)
        assert world.balance(lot) == (0, 0)
    with world.database.unit_of_work() as session:
        order_from_supplier(session, world.picker, sensor.supplier_id or 0, {sensor.id: 27}, GOOD)
    with world.database.session() as session:
        assert proposals(session, world.picker) == []


def test_only_the_regions_depot_receives(world: World, sensor: Article, receipt: int) -> None:
    with world.database.unit_of_work() as session:
        consultant = staff_identity(add_staff(session, Role.CONSULTANT))
        elsewhere = Unit(region="norrbotten", hsa_id="SE2321000131-E00000000NB01", name="Depå norr")
        session.add(elsewhere)
        session.flush()
    with pytest.raises(NotPermitted):
        receive(world, ReceiveGoods(receipt, gs1(sensor, "L1", GOOD), 1), consultant)
    with pytest.raises(NotFound):
        receive(world, ReceiveGoods(receipt, gs1(sensor, "L1", GOOD), 1), replace(world.picker, region="norrbotten"))


def _receipt_no(world: World, receipt: int) -> str:
    with world.database.session() as session:
        return session.get_one(GoodsReceipt, receipt).receipt_no
