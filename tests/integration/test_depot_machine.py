"""Whatever happens at the depot, in whatever order: stock is conserved, nothing is promised twice, nothing bad leaves. Handbook §6."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import count

import pytest
from hypothesis import HealthCheck, settings, strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import func, select, text

from core.clock import ManualClock, swedish_date
from core.db import Database
from core.errors import DomainError
from delivery.adjusting import TakeBack, count_lot, scrap, set_lot_status, take_back
from delivery.models import (
    DepotOrder,
    DepotOrderStatus,
    Lot,
    LotStatus,
    MovementReason,
    Parcel,
    PickedLot,
    PickLine,
    Reservation,
    ShortReason,
    StockBalance,
    StockMovement,
)
from delivery.picking import scan
from delivery.put_back import put_back, undo_pick
from delivery.receipts import open_receipt
from delivery.receiving import ReceiveGoods, receive_goods
from delivery.rounds import finish_round, round_page, scan_in_round, start_round
from delivery.shipping import pack, ship
from delivery.shortage import finish, short_pick
from delivery.waves import plan_wave
from orders.models import Order, OrderRow
from tests.support.depot_work import World, gs1, lines_of

START = datetime(2026, 12, 1, 9, tzinfo=UTC)
_numbers = count(1)


class DepotMachine(RuleBasedStateMachine):
    """A depot with two articles, and everything that can be done in it by hand."""

    database: Database
    clock: ManualClock

    @initialize()
    def begin(self) -> None:
        self.clock.set(START)
        with self.database.unit_of_work() as session:
            session.execute(text("TRUNCATE unit, article, person, staff_member, outbox_message CASCADE"))
        self.world = World(self.database)
        self.other = self.world.add_picker("Bo Plockare")
        self.articles = [self.world.article(f"Artikel {number}") for number in range(2)]
        with self.database.unit_of_work() as session:
            self.receipt = open_receipt(session, self.world.picker, None, "FS").id

    @property
    def today(self) -> date:
        return swedish_date(self.clock.now())

    def attempt(self, act: str, *arguments: object) -> None:
        """Do something that may be refused with a reason, in a transaction of its own."""
        try:
            with self.database.unit_of_work() as session:
                getattr(self, f"_{act}")(session, *arguments)
        except DomainError:
            pass

    @rule(article=st.integers(0, 1), packages=st.integers(1, 6), lot=st.integers(1, 4), days=st.integers(5, 400))
    def goods_come(self, article: int, packages: int, lot: int, days: int) -> None:
        chosen, name = self.articles[article], f"L{lot}"
        with self.database.session() as session:
            known = session.scalar(select(Lot).where(Lot.article_id == chosen.id, Lot.lot_no == name))
        expires = known.expires_on if known else self.today + timedelta(days=days)
        code = gs1(chosen, name, expires)
        self.attempt("receive", ReceiveGoods(self.receipt, code, packages, idempotency_key=f"r{next(_numbers)}"))

    def _receive(self, session, command) -> None:  # type: ignore[no-untyped-def]
        receive_goods(session, self.world.picker, command)

    @rule(first=st.integers(0, 4), second=st.integers(0, 4), days=st.integers(10, 100))
    def somebody_orders(self, first: int, second: int, days: int) -> None:
        wanted = {
            article: packages for article, packages in zip(self.articles, (first, second), strict=True) if packages
        }
        if wanted:
            self.world.order(wanted, days=days)

    @rule()
    def a_wave_is_planned(self) -> None:
        self.attempt("plan")

    def _plan(self, session) -> None:  # type: ignore[no-untyped-def]
        plan_wave(session, self.world.picker, "PostNord")

    @rule(data=st.data(), wrong=st.booleans())
    def a_round_is_walked(self, data: st.DataObject, wrong: bool) -> None:
        with self.database.unit_of_work() as session:
            begun = start_round(session, self.world.picker)
            page = round_page(session, self.world.picker, begun.id) if begun else None
        if page is None:
            return
        for stop in page.stops[: data.draw(st.integers(0, 4))]:
            lot_no = "L9" if wrong or stop.lot is None else stop.lot.lot_no
            expires = stop.lot.expires_on if stop.lot else self.today
            self.attempt("scan_stop", page.round.id, gs1(stop.line.article, lot_no, expires))
        if data.draw(st.booleans()):
            for stop in page.stops:
                self.attempt("short", stop.depot_order_id, stop.line.id)
            self.attempt("finish_round", page.round.id)

    def _scan_stop(self, session, round_id, code) -> None:  # type: ignore[no-untyped-def]
        scan_in_round(session, self.world.picker, round_id, code)

    def _short(self, session, depot_order_id, line_id) -> None:  # type: ignore[no-untyped-def]
        short_pick(session, self.world.picker, depot_order_id, line_id, ShortReason.NOT_FOUND)

    def _finish_round(self, session, round_id) -> None:  # type: ignore[no-untyped-def]
        finish_round(session, self.world.picker, round_id)

    @rule(data=st.data())
    def one_order_is_picked_alone(self, data: st.DataObject) -> None:
        found = self._some(DepotOrder.id, DepotOrder.status == DepotOrderStatus.WAITING)
        if not found:
            return
        chosen = data.draw(st.sampled_from(found))
        try:
            self.world.start(chosen, self.other)
        except DomainError:
            return
        with self.database.session() as session:
            lines = lines_of(session, chosen)
            codes = [
                (line.id, gs1(line.article, reserved.lot.lot_no, reserved.lot.expires_on))
                for line in lines
                for reserved in line.reservations
            ]
        for _line_id, code in codes:
            self.attempt("scan", chosen, code)
        for line in lines:
            self.attempt("short_other", chosen, line.id)
        self.attempt("finish", chosen)

    def _scan(self, session, depot_order_id, code) -> None:  # type: ignore[no-untyped-def]
        scan(session, self.other, depot_order_id, code)

    def _short_other(self, session, depot_order_id, line_id) -> None:  # type: ignore[no-untyped-def]
        short_pick(session, self.other, depot_order_id, line_id, ShortReason.DAMAGED)

    def _finish(self, session, depot_order_id) -> None:  # type: ignore[no-untyped-def]
        finish(session, self.other, depot_order_id)

    @precondition(lambda self: self._some(PickedLot.id))
    @rule(data=st.data(), whole=st.booleans())
    def something_goes_back_on_the_shelf(self, data: st.DataObject, whole: bool) -> None:
        picked = data.draw(st.sampled_from(self._some(PickedLot.id)))
        self.attempt("back", picked, whole)

    def _back(self, session, picked_lot_id, whole) -> None:  # type: ignore[no-untyped-def]
        depot_order = session.get_one(PickedLot, picked_lot_id).line.depot_order
        picker = self.other if depot_order.picker_id == self.other.staff_id else self.world.picker
        if whole:
            put_back(session, picker, depot_order.id)
        else:
            undo_pick(session, picker, depot_order.id, picked_lot_id)

    @rule()
    def everything_picked_is_packed_and_handed_over(self) -> None:
        for depot_order_id in self._some(DepotOrder.id, DepotOrder.status == DepotOrderStatus.PICKED):
            self.attempt("pack", depot_order_id)
        for parcel_id in self._some(Parcel.id, Parcel.shipped_at.is_(None)):
            self.attempt("ship", parcel_id)

    def _pack(self, session, depot_order_id) -> None:  # type: ignore[no-untyped-def]
        pack(session, self.other, depot_order_id)

    def _ship(self, session, parcel_id) -> None:  # type: ignore[no-untyped-def]
        # What must not leave: looked at in the moment of leaving.
        lots = session.scalars(
            select(Lot)
            .join(PickedLot, PickedLot.lot_id == Lot.id)
            .join(PickLine, PickedLot.pick_line_id == PickLine.id)
            .join(Parcel, Parcel.depot_order_id == PickLine.depot_order_id)
            .where(Parcel.id == parcel_id)
        ).all()
        ship(session, self.other, parcel_id, f"T{next(_numbers)}")
        assert all(lot.status is LotStatus.AVAILABLE and lot.expires_on >= self.today for lot in lots)

    @precondition(lambda self: self._some(PickedLot.id))
    @rule(data=st.data(), packages=st.integers(1, 4))
    def a_patient_sends_something_back(self, data: st.DataObject, packages: int) -> None:
        picked = data.draw(st.sampled_from(self._some(PickedLot.id)))
        self.attempt("take_back", TakeBack(picked, packages, "Fel storlek"))

    def _take_back(self, session, command) -> None:  # type: ignore[no-untyped-def]
        shipped = session.get_one(PickedLot, command.picked_lot_id).line.depot_order.status
        if shipped is DepotOrderStatus.SHIPPED:
            take_back(session, self.world.picker, command)

    @precondition(lambda self: self._some(StockBalance.lot_id))
    @rule(data=st.data(), counted=st.integers(0, 12), by_other=st.booleans())
    def a_lot_is_counted(self, data: st.DataObject, counted: int, by_other: bool) -> None:
        lot = data.draw(st.sampled_from(self._some(StockBalance.lot_id)))
        self.attempt("count", lot, counted, by_other)

    def _count(self, session, lot_id, counted, by_other) -> None:  # type: ignore[no-untyped-def]
        count_lot(session, self.other if by_other else self.world.picker, lot_id, counted)

    @precondition(lambda self: self._some(StockBalance.lot_id))
    @rule(data=st.data(), packages=st.integers(1, 3))
    def something_is_scrapped(self, data: st.DataObject, packages: int) -> None:
        self.attempt("scrap", data.draw(st.sampled_from(self._some(StockBalance.lot_id))), packages)

    def _scrap(self, session, lot_id, packages) -> None:  # type: ignore[no-untyped-def]
        scrap(session, self.world.picker, lot_id, packages, "Trasig")

    @precondition(lambda self: self._some(StockBalance.lot_id))
    @rule(data=st.data(), status=st.sampled_from((LotStatus.ON_HOLD, LotStatus.QUARANTINED, LotStatus.AVAILABLE)))
    def a_lot_is_held_or_let_go(self, data: st.DataObject, status: LotStatus) -> None:
        self.attempt("hold", data.draw(st.sampled_from(self._some(StockBalance.lot_id))), status)

    def _hold(self, session, lot_id, status) -> None:  # type: ignore[no-untyped-def]
        set_lot_status(session, self.world.picker, lot_id, status, "Ser konstig ut")

    @precondition(lambda self: self._some(StockBalance.lot_id))
    @rule(data=st.data())
    def a_lot_is_recalled(self, data: st.DataObject) -> None:
        lot = data.draw(st.sampled_from(self._some(StockBalance.lot_id)))
        with self.database.unit_of_work() as session:
            session.get_one(Lot, lot).status = LotStatus.RECALLED

    @rule(days=st.integers(1, 40))
    def time_passes(self, days: int) -> None:
        self.clock.advance(timedelta(days=days))
        self.world.handle("stock.received")

    @invariant()
    def the_ledger_and_the_shelf_agree_and_nothing_is_promised_twice(self) -> None:
        if not hasattr(self, "world"):
            return
        with self.database.session() as session:
            ledger = {
                row[0]: row[1]
                for row in session.execute(
                    select(StockMovement.lot_id, func.sum(StockMovement.packages)).group_by(StockMovement.lot_id)
                )
            }
            promised = {
                row[0]: row[1]
                for row in session.execute(
                    select(Reservation.lot_id, func.sum(Reservation.packages)).group_by(Reservation.lot_id)
                )
            }
            for balance in session.scalars(select(StockBalance)):
                assert balance.on_hand == ledger[balance.lot_id] >= 0
                assert balance.reserved == promised.get(balance.lot_id, 0) <= balance.on_hand

    @invariant()
    def what_left_the_shelf_is_in_a_box_and_what_is_in_a_box_left_the_shelf(self) -> None:
        if not hasattr(self, "world"):
            return
        with self.database.session() as session:
            out = -(
                session.scalar(
                    select(func.coalesce(func.sum(StockMovement.packages), 0)).where(
                        StockMovement.reason.in_((MovementReason.PICKED, MovementReason.PICK_UNDONE))
                    )
                )
                or 0
            )
            assert out == session.scalar(select(func.coalesce(func.sum(PickedLot.packages), 0)))
            for line in session.scalars(select(PickLine)):
                assert line.picked == sum(one.packages for one in line.picked_lots)

    @invariant()
    def everything_sent_is_traced_to_its_delivery_and_its_patient(self) -> None:
        if not hasattr(self, "world"):
            return
        with self.database.session() as session:
            sent = session.scalars(
                select(PickedLot)
                .join(PickLine, PickedLot.pick_line_id == PickLine.id)
                .join(Parcel, Parcel.depot_order_id == PickLine.depot_order_id)
                .where(Parcel.shipped_at.is_not(None))
            ).all()
            for picked in sent:
                received = session.scalar(
                    select(func.count()).where(
                        StockMovement.lot_id == picked.lot_id,
                        StockMovement.reason == MovementReason.RECEIVED,
                        StockMovement.source_ref.like("receipt_line:%"),
                    )
                )
                assert received
                person = session.scalar(
                    select(Order.person_id)
                    .join(OrderRow, OrderRow.order_id == Order.id)
                    .where(OrderRow.id == picked.line.order_row_id)
                )
                assert person is not None

    def _some(self, column, *conditions) -> list[int]:  # type: ignore[no-untyped-def]
        with self.database.session() as session:
            return list(session.scalars(select(column).where(*conditions).order_by(column)))


@pytest.fixture
def machine(database: Database, clock: ManualClock) -> type[DepotMachine]:
    """The machine on this test's database."""
    DepotMachine.database, DepotMachine.clock = database, clock
    return DepotMachine


@pytest.mark.timeout(400)
def test_no_sequence_of_events_loses_or_doubles_a_package(machine: type[DepotMachine]) -> None:
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=25, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )
