"""Everything that locks, at the same time, on the same patients and the same shelf: some are refused, none waits for ever."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from itertools import count
from random import Random
from threading import Barrier
from time import monotonic

from sqlalchemy import func, select

from auth.identity import Role
from auth.importing.persons import import_persons
from auth.persons import staff_identity
from core import outbox
from core.clock import ManualClock
from core.db import Database
from core.errors import DomainError
from core.outbox import OutboxMessage
from delivery.complaints.decisions import ReplaceProduct, replace_product
from delivery.complaints.services import report_fault
from delivery.importing import import_stock
from delivery.models import DepotOrder, DepotOrderStatus, Parcel, Reservation, ShortReason, StockBalance, StockMovement
from delivery.picking import start_next, tick
from delivery.put_back import put_back
from delivery.shipping import pack, register_delivery, ship
from delivery.shortage import finish, short_pick
from orders.cancelling import cancel_order
from orders.importing.prescriptions import import_prescriptions
from orders.models import Channel, Order, OrderRow, Prescription, PrescriptionItem, RowStatus, Withdrawal
from orders.services import OrderLine, PlaceOrder, place_order
from orders.wishes import DeliveryWish
from portal.jobs import HANDLERS
from tests.integration.test_fault_reports import REPORT
from tests.support.builders import add_item, add_person, add_staff, patient_identity
from tests.support.deliveries import add_delivered
from tests.support.depot_work import ADDRESS, World, lines_of
from tests.support.imports import run

THREADS, ROUNDS = 6, 40
MOST_SECONDS = 60
_serial = count(1)
_PERSONS = "number,given_name,family_name,street,postal_code,city,phone,county_code"
_TABLE = (
    "number,source,prescription_id,item_id,article_no,orders_allowed,orders_remaining,packages_per_order,days_per_order,"
    "last_valid_date,prescriber_id,prescriber_name,unit_id"
)


class Fair:
    """Three patients with three products each, three pickers, and whatever anybody may do to them."""

    def __init__(self, database: Database, clock: ManualClock) -> None:
        self.database, self.clock = database, clock
        world = World(database)
        self.articles = [world.article(f"Glukossensor {number}") for number in range(3)]
        for article in self.articles:
            for lot_no in ("B", "A"):
                world.stock(article, 20, lot_no=lot_no)
        self.pickers = [world.add_picker(f"Plockare {number}") for number in range(3)]
        with database.unit_of_work() as session:
            self.people = [add_person(session) for _number in range(3)]
            for person in self.people:
                for article in self.articles:
                    add_item(session, person, article, allowed=500, packages=2, days=15)
            self.consultant = staff_identity(add_staff(session, Role.CONSULTANT))
            picked = add_delivered(session, self.people[0], article=self.articles[0])
            reporter = patient_identity(self.people[0])
            self.cases = [
                report_fault(
                    session, reporter, replace(REPORT, picked_lot_id=picked.id, idempotency_key=f"case-{number}")
                ).case_no
                for number in range(10)
            ]
            self.table = [
                f"{person.number},{prescription.source},{prescription.external_id},{item.external_id},{article.article_no}"
                f",{{allowed}},{{allowed}},2,15,2027-06-30,P1,Prov,{prescription.prescribing_unit.hsa_id}"
                for person in self.people
                for item, prescription, article in (
                    (item, item.prescription, item.article)
                    for item in session.scalars(
                        select(PrescriptionItem).join(Prescription).where(Prescription.person_id == person.id)
                    )
                )
            ]
        self.acts: list[Callable[[Random], None]] = [
            *[self.order] * 4,
            *[self.cancel] * 2,
            *[self.pick] * 3,
            self.give_up,
            *[self.ship] * 2,
            self.deliver,
            self.replace,
            self.import_persons,
            *[self.import_prescriptions] * 2,
            self.import_stock,
            *[self.work] * 4,
        ]

    def order(self, luck: Random) -> None:
        # A new day, or the next withdrawal would not be due.
        self.clock.advance(timedelta(days=1))
        person = luck.choice(self.people)
        with self.database.unit_of_work() as session:
            items = session.scalars(
                select(PrescriptionItem).join(Prescription).where(Prescription.person_id == person.id)
            ).all()
            chosen = luck.sample(items, luck.randint(1, len(items)))
            lines = tuple(OrderLine(item.id, {item.article_id: 2}, item.orders_remaining) for item in chosen)
            place_order(
                session,
                patient_identity(person),
                PlaceOrder(lines, (DeliveryWish(address=ADDRESS),), idempotency_key=f"key-{next(_serial)}"),
            )

    def cancel(self, luck: Random) -> None:
        # Of any patient: one of the few orders that nobody has begun to pick.
        with self.database.unit_of_work() as session:
            untouched = select(OrderRow.order_id).where(OrderRow.status == RowStatus.RECEIVED)
            order = luck.choice(
                session.scalars(
                    select(Order).where(Order.id.in_(untouched), Order.channel == Channel.WEB).order_by(Order.id)
                ).all()
            )
            person = next(person for person in self.people if person.id == order.person_id)
            cancel_order(session, patient_identity(person), order.order_no)

    def pick(self, luck: Random) -> None:
        picker = luck.choice(self.pickers)
        with self.database.unit_of_work() as session:
            begun = start_next(session, picker)
            if begun is None:
                return
        with self.database.unit_of_work() as session:
            lines = [
                (line.id, [(r.lot_id, r.packages) for r in line.reservations]) for line in lines_of(session, begun.id)
            ]
        for line_id, reservations in lines:
            with self.database.unit_of_work() as session:
                for lot_id, packages in reservations:
                    tick(session, picker, begun.id, line_id, lot_id, packages)
                short_pick(session, picker, begun.id, line_id, ShortReason.NOT_FOUND)
        with self.database.unit_of_work() as session:
            finish(session, picker, begun.id)
        with self.database.unit_of_work() as session:
            pack(session, picker, begun.id)

    def give_up(self, luck: Random) -> None:
        statuses = (DepotOrderStatus.PICKING, DepotOrderStatus.PICKED, DepotOrderStatus.PACKED)
        with self.database.unit_of_work() as session:
            ids = session.scalars(select(DepotOrder.id).where(DepotOrder.status.in_(statuses))).all()
            put_back(session, luck.choice(self.pickers), luck.choice(ids))

    def ship(self, luck: Random) -> None:
        with self.database.unit_of_work() as session:
            ids = session.scalars(select(Parcel.id).where(Parcel.shipped_at.is_(None))).all()
            ship(session, self.pickers[0], luck.choice(ids), f"T{next(_serial)}")

    def deliver(self, luck: Random) -> None:
        with self.database.unit_of_work() as session:
            sent = Parcel.shipped_at.is_not(None) & Parcel.delivered_at.is_(None)
            register_delivery(
                session, self.pickers[0], luck.choice(session.scalars(select(Parcel.id).where(sent)).all()), "test"
            )

    def replace(self, luck: Random) -> None:
        with self.database.unit_of_work() as session:
            command = ReplaceProduct(luck.choice(self.cases), 1, f"key-{next(_serial)}")
            replace_product(session, self.consultant, command)

    def import_persons(self, luck: Random) -> None:
        rows = [f"{person.number},A,B,Gatan {next(_serial)},54130,Skövde,,14" for person in luck.sample(self.people, 3)]
        run(self.database, import_persons, "\n".join((_PERSONS, *rows)))

    def import_prescriptions(self, luck: Random) -> None:
        # What is left out is cancelled, and comes back with a later file.
        rows = luck.sample(self.table, luck.randint(6, 9))
        text = "\n".join((_TABLE, *rows)).format(allowed=500 + next(_serial))
        run(self.database, import_prescriptions, text, is_full=True)

    def import_stock(self, luck: Random) -> None:
        rows = [
            f"{article.article_no},{lot_no},2028-12-31,3,ref-{next(_serial)}"
            for article in luck.sample(self.articles, 3)
            for lot_no in ("A", "B")
        ]
        run(self.database, import_stock, "\n".join(("article_no,lot,expiry,packages,source_ref", *rows)))

    def work(self, luck: Random) -> None:
        with self.database.session() as session:
            waiting = session.scalars(select(OutboxMessage.id).where(OutboxMessage.done_at.is_(None)).limit(20)).all()
        for message_id in luck.sample(waiting, min(4, len(waiting))):
            with self.database.unit_of_work() as session:
                outbox.handle(session, message_id, HANDLERS)


def test_nobody_waits_for_ever(database: Database, clock: ManualClock) -> None:
    fair, done = Fair(database, clock), Counter[str]()
    start, began = Barrier(THREADS), monotonic()

    def walk(number: int) -> None:
        luck = Random(number)
        start.wait()
        for _round in range(ROUNDS):
            act = luck.choice(fair.acts)
            try:
                act(luck)
            except (DomainError, IndexError):
                # Refused, or nothing there to do it to. A deadlock or a lock not had in time is an OperationalError.
                continue
            done[act.__name__] += 1

    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(walk, range(THREADS)))
    assert monotonic() - began < MOST_SECONDS
    assert set(done) == {act.__name__ for act in fair.acts}, done
    _everything_adds_up(database)


def _everything_adds_up(database: Database) -> None:
    with database.session() as session:
        for balance in session.scalars(select(StockBalance)):
            moved = select(func.sum(StockMovement.packages)).where(StockMovement.lot_id == balance.lot_id)
            reserved = select(func.coalesce(func.sum(Reservation.packages), 0)).where(
                Reservation.lot_id == balance.lot_id
            )
            assert (balance.on_hand, balance.reserved) == (session.scalar(moved), session.scalar(reserved))
        # The delivery that the cases are about was never ordered: its number begins with a 9.
        made_of_rows = select(Order.id).where(Order.order_no.startswith("9"))
        for item in session.scalars(select(PrescriptionItem)):
            standing = select(func.count()).where(
                Withdrawal.prescription_item_id == item.id,
                Withdrawal.cancelled_at.is_(None),
                Withdrawal.order_id.not_in(made_of_rows),
            )
            assert item.orders_used_here == session.scalar(standing)
