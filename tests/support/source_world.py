"""A region whose prescriptions live elsewhere: its source, its patients, and what they see of it here."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from itertools import count
from pathlib import Path
from threading import Barrier, Event
from typing import Any

from sqlalchemy import select

from auth.identity import Identity
from auth.models import InboxMessage, Person
from core import outbox
from core.clock import ManualClock, swedish_date
from core.db import Database
from core.errors import DomainError
from core.outbox import OutboxMessage
from orders.models import ExternalWithdrawal, Order, OrderRow, Prescription, PrescriptionItem, Withdrawal
from orders.services import OrderLine, PlaceOrder
from orders.source.models import AwaitedOrder
from orders.wishes import DeliveryWish, HomeAddress
from portal.jobs import HANDLERS, run_message
from portal.prescriptions import Prescriptions, State
from tests.support.builders import add_person, patient_identity
from tests.support.source import FakeSource, SourceItem, policies_elsewhere

REGION = "vgr"
ADDRESS = HomeAddress("Test Testsson", "Provgatan 1", "54130", "Skövde", door_code="1234", phone="0500-123456")
_keys = count(1)


def new_key() -> str:
    """Return the key of a new form."""
    return f"form-{next(_keys)}"


class SourceWorld:
    """One source, and a patient with one product."""

    def __init__(self, database: Database, clock: ManualClock, folder: Path) -> None:
        policies_elsewhere(folder)
        self.database, self.clock = database, clock
        self.source = FakeSource(day=lambda: swedish_date(clock.now()))
        self.prescriptions = Prescriptions(database, self.source)
        self.person = self.add_person()
        self.source.prescribe(self.person.number, SourceItem("R1", "20001"))

    def add_person(self, **options: Any) -> Person:
        """Add a patient."""
        with self.database.unit_of_work() as session:
            return add_person(session, **options)

    @property
    def identity(self) -> Identity:
        """The patient."""
        return patient_identity(self.person)

    def refresh(self, person: Person | None = None) -> State:
        """Read the patient's prescriptions, whatever was read before; a moment later than whatever was done before."""
        self.later(minutes=6)
        return self.prescriptions.refresh(REGION, (person or self.person).id)

    def later(self, **by: float) -> None:
        """Let time pass."""
        self.clock.advance(timedelta(**by))

    def items(self, person: Person | None = None) -> list[PrescriptionItem]:
        """Return what we know of the patient's items, in the order of their names."""
        with self.database.session() as session:
            found = session.scalars(
                select(PrescriptionItem)
                .join(Prescription)
                .where(Prescription.person_id == (person or self.person).id)
                .order_by(PrescriptionItem.external_id)
            )
            return list(found)

    def item(self) -> PrescriptionItem:
        """Return the only item."""
        (one,) = self.items()
        return one

    def command(self, *names: str, key: str | None = None, person: Person | None = None) -> PlaceOrder:
        """Return an order of one package of each named item, the only one by default, as a page shows it now."""
        items = [item for item in self.items(person) if item.external_id in names or not names]
        lines = tuple(OrderLine(item.id, {item.article_id: 1}, item.orders_remaining) for item in items)
        return PlaceOrder(lines, (DeliveryWish(address=ADDRESS),), idempotency_key=key or new_key())

    def place(self, command: PlaceOrder | None = None, identity: Identity | None = None) -> Order:
        """Place an order, a moment later than whatever was done before."""
        self.later(seconds=1)
        return self.prescriptions.place(identity or self.identity, command or self.command())

    def orders(self) -> list[Order]:
        """Return all our orders, oldest first."""
        with self.database.session() as session:
            return list(session.scalars(select(Order).order_by(Order.id)))

    def rows(self) -> list[OrderRow]:
        """Return all our rows, oldest first."""
        with self.database.session() as session:
            return list(session.scalars(select(OrderRow).order_by(OrderRow.id)))

    def awaited(self) -> list[AwaitedOrder]:
        """Return what is awaited."""
        with self.database.session() as session:
            return list(session.scalars(select(AwaitedOrder)))

    def elsewhere(self) -> list[str]:
        """Return the source's names of withdrawals that are known and not ours."""
        with self.database.session() as session:
            return list(session.scalars(select(ExternalWithdrawal.order_item_id).order_by(ExternalWithdrawal.id)))

    def withdrawals(self) -> list[Withdrawal]:
        """Return our own withdrawals."""
        with self.database.session() as session:
            return list(session.scalars(select(Withdrawal).order_by(Withdrawal.id)))

    def inbox(self, person: Person | None = None) -> list[str]:
        """Return the kinds of the patient's messages, oldest first."""
        with self.database.session() as session:
            return list(
                session.scalars(
                    select(InboxMessage.kind)
                    .where(InboxMessage.receiver_id == (person or self.person).id)
                    .order_by(InboxMessage.id)
                )
            )

    def work(self) -> list[str]:
        """Handle the outbox as workers do until nothing waits; return the kinds that were handled."""
        done: list[str] = []
        while True:
            with self.database.unit_of_work() as session:
                ids = outbox.claim(session)
            if not ids:
                return done
            for message_id in ids:
                with self.database.session() as session:
                    kind = session.get_one(OutboxMessage, message_id).kind
                assert kind in HANDLERS
                assert run_message(self.database, message_id), kind
                done.append(kind)

    def end_patience(self) -> None:
        """Let the time pass during which a lost order is looked for."""
        self.later(minutes=31)


def attempt(act: Callable[[], Any]) -> Any:
    """Do it; return the result, or the domain's refusal."""
    try:
        return act()
    except DomainError as refusal:
        return refusal


def together(*acts: Callable[[], Any]) -> list[Any]:
    """Do everything at the same moment; return the results, or the domain's refusals."""
    start = Barrier(len(acts))

    def run(act: Callable[[], Any]) -> Any:
        start.wait(20)
        return attempt(act)

    with ThreadPoolExecutor(len(acts)) as pool:
        return [future.result(timeout=30) for future in [pool.submit(run, act) for act in acts]]


class Held:
    """Something that stops at a point until it is let go: to be given as `before_answer` or `before_reading`; once only."""

    def __init__(self) -> None:
        self.is_there, self.may_go = Event(), Event()
        self._used = False

    def __call__(self) -> None:
        if self._used:
            return
        self._used = True
        self.is_there.set()
        assert self.may_go.wait(20)


def while_held(held: Held, act: Callable[[], Any], meanwhile: Callable[[], Any]) -> tuple[Any, Any]:
    """Do something that stops at `held`, do something else meanwhile, let the first go on; return both results or refusals."""
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(attempt, act)
        assert held.is_there.wait(20)
        try:
            second = attempt(meanwhile)
        finally:
            held.may_go.set()
        return first.result(timeout=30), second
