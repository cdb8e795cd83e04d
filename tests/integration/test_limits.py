"""Whatever is imported, ordered, cancelled, extended, stopped and waited for: no withdrawal beyond the limit. Handbook §3.6."""

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

from auth.identity import Identity, Role, system_identity
from auth.models import Person
from auth.persons import staff_identity
from core.clock import ManualClock, swedish_date
from core.db import Database
from orders.addresses import HomeAddress
from orders.cancelling import cancel_order
from orders.errors import OrderRefused
from orders.importing.prescriptions import import_prescriptions
from orders.models import Article, Prescription, PrescriptionItem, PrescriptionStatus, Withdrawal
from orders.prescribing import ExtendItem, StopItem, extend_item, stop_by_prescriber
from orders.prescribing_errors import PrescriptionRefused
from orders.services import OrderLine, PlaceOrder, place_order
from orders.wishes import DeliveryWish
from tests.support.builders import add_article, add_person, add_staff, add_unit, patient_identity

START = datetime(2026, 12, 1, 9, tzinfo=UTC)
ADDRESS = HomeAddress("Test Testsson", "Provgatan 1", "54130", "Skövde")
SYSTEM = system_identity("vgr", "test")
# The region's policy: so many withdrawals may be left after an extension.
MOST_LEFT = 24
_items = count(1)


@dataclass(frozen=True)
class SourceFile:
    """What the prescription system says at one moment; it knows nothing of orders made here."""

    allowed: int
    used: int
    earliest: date | None
    last_valid: date
    days: int
    status: str = "AKTIV"


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
        "status": file.status,
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
            unit = add_unit(session)
            self.unit_id = unit.hsa_id
            self.prescriber = staff_identity(add_staff(session, Role.PRESCRIBER, unit=unit))
        self.item_id = f"I{next(_items)}"
        self.identity: Identity = patient_identity(self.person)
        self.files: list[SourceFile] = []
        self.believed_used = self.added = 0
        self.until = date.min
        self.is_stopped = False
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
        status=st.sampled_from(("AKTIV", "AKTIV", "UTGÅTT", "LEVERERAD")),
    )
    def the_source_delivers(
        self, allowed: int, more_used: int, earliest: int | None, valid: int, days: int, status: str
    ) -> None:
        used = min(allowed, (self.files[-1].used if self.files else 0) + more_used)
        first = None if earliest is None else self.today + timedelta(days=earliest)
        self._import(SourceFile(allowed, used, first, self.today + timedelta(days=valid), days, status))

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
        command = PlaceOrder(
            (line,), (DeliveryWish(address=ADDRESS),), idempotency_key=f"{self.item_id}-{next(self.keys)}"
        )
        try:
            with self.database.unit_of_work() as session:
                self.orders.append(place_order(session, self.identity, command).order_no)
        except OrderRefused:
            # Refusing too much would keep every limit; what is surely within it must be allowed.
            surely = (
                standing == 0 and not stale and 0 < packages <= 2 and self.believed_used < file.allowed + self.added
            )
            in_time = (file.earliest or self.today) <= self.today <= self.last_valid
            assert not (surely and in_time and self.is_open)
            return
        assert not stale
        assert 0 < packages <= 2
        assert standing + self.believed_used < file.allowed + self.added
        assert file.earliest is None or file.earliest <= self.today
        assert self.today <= self.last_valid
        assert self.is_open

    @precondition(lambda self: self.orders)
    @rule(data=st.data())
    def somebody_cancels(self, data: st.DataObject) -> None:
        order_no = data.draw(st.sampled_from(self.orders))
        with self.database.unit_of_work() as session:
            cancel_order(session, self.identity, order_no)

    @precondition(lambda self: self.files)
    @rule(more=st.integers(0, 3), until=st.none() | st.integers(0, 365))
    def the_prescriber_extends(self, more: int, until: int | None) -> None:
        last = None if until is None else self.today + timedelta(days=until)
        before = self._item()
        command = ExtendItem(before.id, f"{self.item_id}-{next(self.keys)}", more, last)
        try:
            with self.database.unit_of_work() as session:
                extend_item(session, self.prescriber, command)
        except PrescriptionRefused:
            enough = self._overdrawn() < more and before.orders_remaining + more <= MOST_LEFT
            later = (
                last is not None
                and max(before.last_valid_date + timedelta(days=1), before.next_earliest_order_date or self.today)
                <= last
            )
            assert self.is_stopped or not (enough and later)
            return
        assert not self.is_stopped
        self.added += more
        self.until = max(self.until, last or self.until)
        item = self._item()
        assert item.orders_remaining > 0
        assert item.status is PrescriptionStatus.ACTIVE
        assert max(self.today, item.next_earliest_order_date or self.today) <= item.last_valid_date

    # Once in a while: nothing happens to a stopped item any more.
    @precondition(lambda self: self.files)
    @rule(dice=st.integers(1, 6))
    def the_prescriber_stops(self, dice: int) -> None:
        if dice < 6:
            return
        with self.database.unit_of_work() as session:
            stop_by_prescriber(session, self.prescriber, StopItem(self._item().id, "Används inte"))
        self.is_stopped = True
        assert self._standing() == 0

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
        assert item.orders_used_elsewhere >= min(self.believed_used, self.files[-1].allowed)

    @precondition(lambda self: self.files)
    @invariant()
    def what_the_prescriber_decided_stays(self) -> None:
        item = self._item()
        assert item.orders_allowed == self.files[-1].allowed + self.added
        assert item.last_valid_date == self.last_valid
        assert (item.status is PrescriptionStatus.CANCELLED) is self.is_stopped
        assert (item.status is PrescriptionStatus.ACTIVE) is self.is_open
        assert (item.ended_on is None) is (item.status in (PrescriptionStatus.ACTIVE, PrescriptionStatus.DELIVERED))

    @property
    def last_valid(self) -> date:
        """The last day, by the source or by the prescriber."""
        return max(self.files[-1].last_valid, self.until)

    @property
    def is_open(self) -> bool:
        """Whether the status lets anything be ordered."""
        file = self.files[-1]
        lives_on = {
            "AKTIV": True,
            "UTGÅTT": self.until > file.last_valid,
            "LEVERERAD": self.added > 0,
        }
        return lives_on[file.status] and not self.is_stopped

    def _overdrawn(self) -> int:
        item = self._item()
        return max(0, item.orders_used_here + item.orders_used_elsewhere - item.orders_allowed)

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
