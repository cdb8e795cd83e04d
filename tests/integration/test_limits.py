"""Whatever is imported, ordered, cancelled and waited for, in whatever order: no withdrawal beyond the limit. Handbook §3.6."""

from __future__ import annotations

from dataclasses import dataclass
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
from sqlalchemy import func, select

from auth.identity import Identity, system_identity
from auth.models import Person
from core.clock import ManualClock, swedish_date
from core.db import Database
from orders.addresses import HomeAddress
from orders.cancelling import cancel_order
from orders.errors import OrderRefused
from orders.importing.prescriptions import import_prescriptions
from orders.models import Article, Prescription, PrescriptionItem, Withdrawal
from orders.services import OrderLine, PlaceOrder, place_order
from tests.support.builders import add_article, add_person, add_unit, patient_identity

START = datetime(2026, 12, 1, 9, tzinfo=UTC)
ADDRESS = HomeAddress("Test Testsson", "Provgatan 1", "54130", "Skövde")
SYSTEM = system_identity("vgr", "test")
_items = count(1)


@dataclass(frozen=True)
class SourceFile:
    """What the prescription system says at one moment; it knows nothing of orders made here."""

    allowed: int
    used: int
    earliest: date | None
    last_valid: date
    days: int


def _table(person: Person, article: Article, unit_id: str, item_id: str, file: SourceFile) -> bytes:
    columns = {
        "number": person.number,
        "source": "TEST",
        "prescription_id": "P1",
        "item_id": item_id,
        "article_no": article.article_no,
        "orders_allowed": file.allowed,
        "orders_remaining": file.allowed - file.used,
        "packages_per_order": 2,
        "next_earliest_order_date": file.earliest or "",
        "last_valid_date": file.last_valid,
        "days_per_order": file.days,
        "prescriber_id": "SE2321000131-P000000000001",
        "prescriber_name": "Sjuksköterska Prov",
        "unit_id": unit_id,
        "unit_name": "Provmottagningen",
    }
    return "\n".join(";".join(str(value) for value in row) for row in (columns.keys(), columns.values())).encode()


class Limits(RuleBasedStateMachine):
    """One patient, one prescription item, and everything that can happen to it."""

    database: Database
    clock: ManualClock

    @initialize()
    def begin(self) -> None:
        self.clock.set(START)
        with self.database.unit_of_work() as session:
            self.person = add_person(session)
            self.article = add_article(session)
            self.unit_id = add_unit(session).hsa_id
        self.item_id = f"I{next(_items)}"
        self.identity: Identity = patient_identity(self.person)
        self.files: list[SourceFile] = []
        self.believed_used = 0
        self.orders: list[str] = []
        self.keys = count(1)

    @property
    def today(self) -> date:
        return swedish_date(self.clock.now())

    @rule(
        allowed=st.integers(1, 5),
        more_used=st.integers(0, 2),
        earliest=st.none() | st.integers(-30, 60),
        valid=st.integers(-10, 200),
        days=st.integers(1, 90),
    )
    def the_source_delivers(self, allowed: int, more_used: int, earliest: int | None, valid: int, days: int) -> None:
        used = min(allowed, (self.files[-1].used if self.files else 0) + more_used)
        first = None if earliest is None else self.today + timedelta(days=earliest)
        self._import(SourceFile(allowed, used, first, self.today + timedelta(days=valid), days))

    @precondition(lambda self: self.files)
    @rule(data=st.data())
    def an_old_file_is_imported_again(self, data: st.DataObject) -> None:
        self._import(data.draw(st.sampled_from(self.files)))

    def _import(self, file: SourceFile) -> None:
        table = _table(self.person, self.article, self.unit_id, self.item_id, file)
        with self.database.unit_of_work() as session:
            outcome = import_prescriptions(session, SYSTEM, table)
        assert not outcome.refused, outcome.refused
        self.files.append(file)
        self.believed_used = max(self.believed_used, file.used)

    @precondition(lambda self: self.files)
    @rule(packages=st.integers(0, 4), stale=st.booleans())
    def somebody_orders(self, packages: int, stale: bool) -> None:
        item = self._item()
        file = self.files[-1]
        standing = self._standing()
        seen = item.orders_remaining + 1 if stale else item.orders_remaining
        line = OrderLine(item.id, {self.article.id: packages}, seen)
        command = PlaceOrder((line,), ADDRESS, f"{self.item_id}-{next(self.keys)}")
        try:
            with self.database.unit_of_work() as session:
                self.orders.append(place_order(session, self.identity, command).order_no)
        except OrderRefused:
            # Refusing too much would keep every limit; what is surely within it must be allowed.
            surely = standing == 0 and not stale and 0 < packages <= 2 and self.believed_used < file.allowed
            in_time = (file.earliest or self.today) <= self.today <= file.last_valid
            assert not (surely and in_time)
            return
        assert not stale
        assert 0 < packages <= 2
        assert standing + self.believed_used < file.allowed
        assert file.earliest is None or file.earliest <= self.today
        assert self.today <= file.last_valid

    @precondition(lambda self: self.orders)
    @rule(data=st.data())
    def somebody_cancels(self, data: st.DataObject) -> None:
        order_no = data.draw(st.sampled_from(self.orders))
        with self.database.unit_of_work() as session:
            cancel_order(session, self.identity, order_no)

    @rule(days=st.integers(1, 100))
    def time_passes(self, days: int) -> None:
        self.clock.advance(timedelta(days=days))

    @precondition(lambda self: self.files)
    @invariant()
    def what_remains_counts_every_use(self) -> None:
        item = self._item()
        standing = self._standing()
        assert item.orders_used_here == standing
        assert item.orders_remaining == max(0, item.orders_allowed - standing - item.orders_used_elsewhere)
        assert item.orders_used_elsewhere >= min(self.believed_used, item.orders_allowed)

    def _item(self) -> PrescriptionItem:
        with self.database.session() as session:
            return session.scalars(
                select(PrescriptionItem).join(Prescription).where(Prescription.person_id == self.person.id)
            ).one()

    def _standing(self) -> int:
        with self.database.session() as session:
            statement = (
                select(func.count())
                .select_from(Withdrawal)
                .join(PrescriptionItem)
                .join(Prescription)
                .where(Prescription.person_id == self.person.id, Withdrawal.cancelled_at.is_(None))
            )
            return session.scalar(statement) or 0


@pytest.fixture
def machine(database: Database, clock: ManualClock) -> type[Limits]:
    """The machine on this test's database."""
    Limits.database, Limits.clock = database, clock
    return Limits


@pytest.mark.timeout(300)
def test_no_sequence_of_events_exceeds_a_limit(machine: type[Limits]) -> None:
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=60, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )
