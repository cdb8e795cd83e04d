"""Eight pickers, five hundred orders, a few products that everybody wants: each row is picked once, nobody waits for ever."""

from __future__ import annotations

import os
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from itertools import count
from random import Random
from threading import Barrier, Event
from time import monotonic

import pytest
from sqlalchemy import func, select, text

from auth.identity import Identity
from auth.models import Person
from core import outbox
from core.clock import ManualClock
from core.db import Database
from core.errors import DomainError
from core.outbox import OutboxMessage
from delivery.models import (
    DepotOrder,
    DepotOrderStatus,
    MovementReason,
    Parcel,
    PickedLot,
    PickLine,
    Reservation,
    ShortReason,
    StockBalance,
    StockMovement,
)
from delivery.picking import start_next, tick
from delivery.round_acts import short_in_round, tick_in_round
from delivery.rounds import finish_round, round_page, start_round
from delivery.shipping import pack, ship
from delivery.shortage import finish, short_pick
from delivery.waves import plan_wave
from orders.models import (
    Channel,
    DeliveryChoice,
    DeliveryMethod,
    Order,
    OrderRow,
    RowStatus,
    Withdrawal,
)
from portal.jobs import HANDLERS
from tests.support.builders import add_item, add_person
from tests.support.depot_work import World, lines_of
from tests.support.store import Store

PICKERS, ORDERS = 8, 500
# On a calm machine; where others are at work too, as many times longer as there are of them to a core.
MOST_SECONDS = 60
GIVES_UP_AFTER = 240
HOT, COLD = 3, 5
_serial = count(1)


class Floor:
    """A depot where three products are hot and scarce, five are not, and half of the orders are planned in waves."""

    def __init__(self, database: Database, clock: ManualClock) -> None:
        self.database, self.clock, self.world = database, clock, World(database)
        self.store = Store(self.world)
        self.articles = [self.store.article(f"Artikel {number}") for number in range(HOT + COLD)]
        for number, article in enumerate(self.articles):
            for lot_no in ("A", "B"):
                self.world.stock(article, 130 if number < HOT else 500, lot_no=lot_no)
        self.pickers = [self.world.add_picker(f"Plockare {number}") for number in range(PICKERS)]
        self.started, self.done = Counter[str](), Event()
        self.ends = monotonic() + GIVES_UP_AFTER

    def place(self) -> None:
        """Let patients order, and a unit now and then, and the depot get to know of it."""
        luck = Random(500)
        with self.database.unit_of_work() as session:
            patients = [add_person(session) for _number in range(20)]
            items = {
                patient.id: [add_item(session, patient, article, allowed=100, packages=3) for article in self.articles]
                for patient in patients
            }
            chosen = {
                # Everybody wants a hot one, and half of them something else too.
                self._order(number, patient, luck): [
                    luck.choice(items[patient.id][:HOT]),
                    *luck.sample(items[patient.id][HOT:], number % 2),
                ]
                for number, patient in enumerate(luck.choices(patients, k=ORDERS))
            }
            orders = list(chosen)
            session.add_all(orders)
            session.flush()
            withdrawals = [
                Withdrawal(
                    order_id=order.id,
                    prescription_item_id=item.id,
                    packages=luck.randint(1, 3),
                    limit_packages=3,
                    withdrawn_on=order.placed_at.date(),
                    prescription_item=item,
                )
                for order, wanted in chosen.items()
                for item in wanted
            ]
            session.add_all(withdrawals)
            session.flush()
            choices = {order.id: order.delivery_choices[0].id for order in orders}
            session.add_all(
                OrderRow(
                    order_id=withdrawal.order_id,
                    delivery_choice_id=choices[withdrawal.order_id],
                    withdrawal_id=withdrawal.id,
                    article_id=withdrawal.prescription_item.article_id,
                    packages=withdrawal.packages,
                    status_at=self.clock.now(),
                )
                for withdrawal in withdrawals
            )
            session.flush()
            for order in orders:
                outbox.publish(session, "order.placed", order_id=order.id)
        for _number in range(5):
            self.store.order({luck.choice(self.articles): 5})
        self.work()
        with self.database.engine.begin() as connection:
            # As the server does by itself in a depot that has been open for more than a minute.
            connection.execute(text("ANALYZE"))
        self.ends = monotonic() + GIVES_UP_AFTER

    def _order(self, number: int, patient: Person, luck: Random) -> Order:
        """An order as `place_order` writes it, home to the patient."""
        instant = self.clock.now()
        return Order(
            order_no=f"8{number:06d}",
            region=patient.region,
            person_id=patient.id,
            placed_at=instant,
            channel=Channel.WEB,
            orderer_person_id=patient.id,
            orderer_name=patient.full_name,
            promised_date=instant.date() + timedelta(days=luck.randint(3, 7)),
            delivery_choices=[
                DeliveryChoice(
                    method_id="HOME",
                    method=DeliveryMethod.HOME_DELIVERY,
                    receiver=patient.full_name,
                    street="Provgatan 1",
                    postal_code="54130",
                    city="Skövde",
                )
            ],
        )

    def work(self) -> int:
        """Handle the messages that wait; return how many did."""
        with self.database.session() as session:
            waiting = session.scalars(
                select(OutboxMessage.id).where(OutboxMessage.done_at.is_(None)).order_by(OutboxMessage.id)
            ).all()
        for message_id in waiting:
            with self.database.unit_of_work() as session:
                outbox.handle(session, message_id, HANDLERS)
        return len(waiting)

    def walk(self, picker: Identity, luck: Random) -> None:
        """Pick until nothing is left: rounds of what is planned, single orders of what is not."""
        nothing = 0
        while nothing < 3 and monotonic() < self.ends:
            try:
                if luck.random() < 0.1:
                    with self.database.unit_of_work() as session:
                        plan_wave(session, picker, "PostNord")
                found = self.round(picker) if luck.random() < 0.5 else self.single(picker, luck)
            except DomainError as problem:
                # Somebody else had it first: said in words, and nothing happened.
                self.started[type(problem).__name__] += 1
                continue
            nothing = 0 if found else nothing + 1

    def round(self, picker: Identity) -> bool:
        with self.database.unit_of_work() as session:
            begun = start_round(session, picker)
            if begun is None:
                return False
            round_id = begun.id
            stops = round_page(session, picker, round_id, is_first_look=False).stops
        for stop in stops:
            with self.database.unit_of_work() as session:
                if stop.lot is None:
                    short_in_round(session, picker, round_id, stop.line.id, ShortReason.NOT_IN_STOCK)
                else:
                    tick_in_round(session, picker, round_id, stop.line.id, stop.lot.id, stop.packages)
        with self.database.unit_of_work() as session:
            picked = [one.id for one in finish_round(session, picker, round_id)]
        self.started["round"] += 1
        for depot_order_id in picked:
            self.send(picker, depot_order_id)
        return True

    def single(self, picker: Identity, luck: Random) -> bool:
        with self.database.unit_of_work() as session:
            begun = start_next(session, picker)
            if begun is None:
                return False
            lines = lines_of(session, begun.id)
            luck.shuffle(lines)
            wanted = [(line.id, [(one.lot_id, one.packages) for one in line.reservations]) for line in lines]
        for line_id, reservations in wanted:
            with self.database.unit_of_work() as session:
                for lot_id, packages in reservations:
                    tick(session, picker, begun.id, line_id, lot_id, packages)
                short_pick(session, picker, begun.id, line_id, ShortReason.NOT_IN_STOCK)
        with self.database.unit_of_work() as session:
            finish(session, picker, begun.id)
        self.started["single"] += 1
        self.send(picker, begun.id)
        return True

    def send(self, picker: Identity, depot_order_id: int) -> None:
        with self.database.unit_of_work() as session:
            if session.get_one(DepotOrder, depot_order_id).status is not DepotOrderStatus.PICKED:
                return
            parcel_id = pack(session, picker, depot_order_id).id
        with self.database.unit_of_work() as session:
            ship(session, picker, parcel_id, f"T{next(_serial)}")

    def goods(self) -> None:
        """Some of the hot ones come while everybody picks, and the messages are worked off all the time."""
        came = False
        while not self.done.is_set() and monotonic() < self.ends:
            if not came and self.started["single"] + self.started["round"] > 40:
                came = True
                with self.database.unit_of_work() as session:
                    lot = session.scalars(select(StockBalance.lot_id).order_by(StockBalance.lot_id)).first()
                    session.add(
                        StockMovement(
                            depot_id=self.world.depot.id,
                            lot_id=lot,
                            packages=50,
                            reason=MovementReason.RECEIVED,
                            at=self.clock.now(),
                        )
                    )
                    outbox.publish(session, "stock.received", depot_id=self.world.depot.id)
            if not self.work():
                self.done.wait(0.05)


@pytest.mark.timeout(360)
def test_eight_pickers_send_five_hundred_orders(database: Database, clock: ManualClock) -> None:
    floor = Floor(database, clock)
    floor.place()
    start, began = Barrier(PICKERS), monotonic()

    def walk(number: int) -> None:
        start.wait()
        floor.walk(floor.pickers[number], Random(number))

    with ThreadPoolExecutor(PICKERS + 1) as pool:
        beside = pool.submit(floor.goods)
        try:
            problems = [run.exception() for run in [pool.submit(walk, number) for number in range(PICKERS)]]
        finally:
            floor.done.set()
        # A deadlock, or a lock not had in time, is an OperationalError.
        assert [*problems, beside.exception()] == [None] * (PICKERS + 1)
    seconds, crowd = monotonic() - began, max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))
    assert monotonic() < floor.ends, floor.started
    assert seconds < MOST_SECONDS * crowd, floor.started
    # What was released or put off in the last moments.
    while floor.work() or floor.single(floor.pickers[0], Random(0)) or floor.round(floor.pickers[0]):
        pass
    _everything_is_accounted_for(floor)


def _everything_is_accounted_for(floor: Floor) -> None:
    with floor.database.session() as session:
        statuses = Counter(session.scalars(select(DepotOrder.status)))
        assert set(statuses) == {DepotOrderStatus.SHIPPED, DepotOrderStatus.BACK_ORDERED}, statuses
        assert statuses[DepotOrderStatus.SHIPPED] > ORDERS / 2
        assert {"single", "round"} <= set(floor.started), floor.started
        # Every order was sent in as many parcels as it has parts that left, and no part in two.
        sent = session.execute(
            select(Parcel.depot_order_id, func.count()).group_by(Parcel.depot_order_id).having(func.count() > 1)
        ).all()
        assert sent == []
        assert session.scalar(select(func.count()).select_from(Parcel)) == statuses[DepotOrderStatus.SHIPPED]
        # Each row: what was picked and what still waits are what was ordered.
        waits = DepotOrder.status == DepotOrderStatus.BACK_ORDERED
        rows = session.execute(
            select(
                OrderRow.packages,
                OrderRow.status,
                func.sum(PickLine.picked),
                func.sum(PickLine.packages).filter(waits),
            )
            .join(PickLine, PickLine.order_row_id == OrderRow.id)
            .join(DepotOrder, PickLine.depot_order_id == DepotOrder.id)
            .group_by(OrderRow.id)
        ).all()
        assert len(rows) == session.scalar(select(func.count()).select_from(OrderRow))
        for ordered, status, picked, waiting in rows:
            assert picked + (waiting or 0) == ordered
            assert status is (RowStatus.SENT if picked else RowStatus.BACK_ORDERED)
        # One picker put everything into a box, and nobody else.
        shared = session.execute(
            select(PickLine.depot_order_id)
            .join(PickedLot, PickedLot.pick_line_id == PickLine.id)
            .group_by(PickLine.depot_order_id)
            .having(func.count(PickedLot.picker_id.distinct()) > 1)
        ).all()
        assert shared == []
        # Nothing was sent that was not there, and the hot ones are all gone.
        for balance in session.scalars(select(StockBalance)):
            moved = session.scalar(
                select(func.sum(StockMovement.packages)).where(StockMovement.lot_id == balance.lot_id)
            )
            assert (balance.on_hand, balance.reserved) == (moved, 0)
        assert session.scalars(select(Reservation.id)).all() == []
        in_boxes = session.scalar(select(func.sum(PickedLot.packages)))
        booked = session.scalar(
            select(-func.sum(StockMovement.packages)).where(StockMovement.reason == MovementReason.PICKED)
        )
        assert in_boxes == booked
        hot = [article.id for article in floor.articles[:HOT]]
        still_wanted = session.scalars(
            select(PickLine.article_id).distinct().join(PickLine.depot_order).where(waits)
        ).all()
        assert set(still_wanted) <= set(hot)
