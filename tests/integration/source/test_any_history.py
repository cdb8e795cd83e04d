"""Whatever happens here and at the source, in whatever order and however late it is told: both agree in the end. Handbook §13."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

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
from sqlalchemy import select, text

from auth.models import InboxMessage
from core.clock import ManualClock, swedish_date
from core.db import Database
from core.errors import DomainError
from orders.importing.contract import parse_responses
from orders.importing.parsed import ParsedSubject
from orders.models import PrescriptionStatus, Registration, RowStatus
from orders.services import PlaceOrder
from portal.prescriptions import State
from tests.support.source import SourceItem
from tests.support.source_world import REGION, SourceWorld, new_key

START_ITEMS = ("R1", "R2", "R3")
_some = st.sets(st.sampled_from(START_ITEMS), min_size=1)


class ProcessDied(BaseException):
    """What no handler of errors sees."""


def _die() -> None:
    raise ProcessDied


class SourceMachine(RuleBasedStateMachine):
    """One patient with three products at a source, who orders here and there."""

    database: Database
    clock: ManualClock
    folder: Path

    @initialize()
    def begin(self) -> None:
        with self.database.unit_of_work() as session:
            session.execute(text("TRUNCATE unit, article, person, outbox_message, idempotency_key CASCADE"))
        self.clock.advance(timedelta(days=1))
        self.world = SourceWorld(self.database, self.clock, self.folder)
        self.source, self.number = self.world.source, self.world.person.number
        self.source.items[self.number] = [
            SourceItem(name, f"2000{place}", allowed=9, remaining=9) for place, name in enumerate(START_ITEMS, start=1)
        ]
        self.source.history[self.number] = []
        self.gone: list[SourceItem] = []
        self.readings: list[tuple[Any, ParsedSubject]] = []
        self.last: PlaceOrder | None = None
        self.taken: Counter[str] = Counter()
        self.told: dict[str, str] = {}
        self.phoned = 0
        self.world.refresh()

    def there(self) -> dict[str, SourceItem]:
        return {item.item_id: item for item in self.source.items[self.number]}

    def change(self, name: str, **values: Any) -> None:
        self.source.items[self.number] = [
            replace(item, **values) if item.item_id == name else item for item in self.source.items[self.number]
        ]

    @rule(
        names=_some,
        how=st.sampled_from(["ok", "ok", "silent", "refused", "lost", "dropped", "down", "dies before", "dies after"]),
        again=st.booleans(),
    )
    def order(self, names: set[str], how: str, again: bool) -> None:
        command = self.last if again and self.last is not None else self.world.command(*names, key=new_key())
        if not command.lines:
            return
        self.last, key = command, command.idempotency_key

        def take() -> None:
            self.taken[key] += 1
            self.world.later(seconds=1)
            if how == "dies after":
                _die()

        self.source.before_answer = take
        self.source.before_register = _die if how == "dies before" else lambda: None
        self.source.refuses = "Nej." if how == "refused" else None
        self.source.loses, self.source.drops = how == "lost", how == "dropped"
        self.source.is_down, self.source.names_rows = how == "down", how != "silent"
        try:
            order = self.world.place(command)
            assert self.told.setdefault(key, order.order_no) == order.order_no or self.taken[key] == 0
            self.told[key] = order.order_no
        except (DomainError, ProcessDied):
            pass
        finally:
            self.source.before_register = lambda: None
            self.source.is_down = False

    @rule(names=_some)
    def order_by_phone(self, names: set[str]) -> None:
        for name, item in self.there().items():
            if name in names and item.remaining:
                self.phoned += 1
                self.change(
                    name, remaining=item.remaining - 1, next_date=swedish_date(self.clock.now()) + timedelta(60)
                )
                self.source.history[self.number].append(
                    {
                        "OrderItemId": f"T{self.phoned}",
                        "PrescriptionItemId": name,
                        "DeliveryChoice": {"DeliveryMethodId": "HEM-1", "DeliveryMethod": "HEMLEVERANS"},
                        "Article": self.source._item(item)["Article"],
                        "NoOfPcs": 2,
                        "OrderDate": swedish_date(self.clock.now()),
                    }
                )

    @rule()
    def deliver(self) -> None:
        self.source.deliver(self.number, swedish_date(self.clock.now()))

    @rule(luck=st.randoms(use_true_random=False))
    def cancel_there(self, luck: Any) -> None:
        day = swedish_date(self.clock.now())
        names = [
            past["OrderItemId"]
            for past in self.source.history[self.number]
            if past.get("DeliveredDate") is None
            and past["OrderDate"] > day - timedelta(days=20)
            and past["OrderItemId"].startswith("K")
            and past["PrescriptionItemId"] in self.there()
        ]
        if names:
            self.world.refresh()
            self.source.cancel_order(self.number, luck.choice(names))
            # Until its source has counted by night, a copy stands.
            self.world.later(hours=30)
            self.world.refresh()

    @rule(name=st.sampled_from(START_ITEMS))
    def renew(self, name: str) -> None:
        item = self.there().get(name)
        if item is not None:
            self.change(name, allowed=item.allowed + 2, remaining=item.remaining + 2)

    @rule(name=st.sampled_from(START_ITEMS))
    def leave_out_or_put_back(self, name: str) -> None:
        item = self.there().get(name)
        if item is None:
            back = next(one for one in self.gone if one.item_id == name)
            self.gone.remove(back)
            self.source.items[self.number].append(back)
        else:
            self.source.items[self.number].remove(item)
            self.gone.append(item)

    @rule()
    def read(self) -> None:
        self.world.prescriptions.refresh(REGION, self.world.person.id)

    @rule()
    def ask_and_wait(self) -> None:
        """Ask; the answer is on its way for long."""
        self.world.later(seconds=1)
        raw = self.source.read(REGION, self.number)
        (subject,) = parse_responses(raw, swedish_date(self.clock.now())).subjects
        self.readings.append((self.clock.now(), subject))

    @precondition(lambda self: self.readings)
    @rule(luck=st.randoms(use_true_random=False))
    def answer_comes(self, luck: Any) -> None:
        asked_at, subject = self.readings.pop(luck.randrange(len(self.readings)))
        self.world.later(seconds=1)
        self.world.prescriptions._take(REGION, self.world.person.id, subject, asked_at)

    @rule(minutes=st.sampled_from([1, 10, 31, 60 * 24, 61 * 60 * 24]))
    def wait(self, minutes: int) -> None:
        self.world.later(minutes=minutes)

    @rule()
    def look(self) -> None:
        self.world.later(seconds=1)
        for awaited in self.world.awaited():
            self.world.prescriptions.look_for(awaited.order_id)

    @rule()
    def settle(self) -> None:
        self.world.later(hours=1)
        assert self.world.refresh() is State.FRESH
        assert self.world.awaited() == []
        here = {item.external_id: item for item in self.world.items()}
        for name, item in self.there().items():
            assert here[name].orders_remaining == item.remaining, name
            assert here[name].orders_allowed == item.allowed
            assert here[name].status is PrescriptionStatus.ACTIVE
            if item.next_date is not None and item.next_date > swedish_date(self.clock.now()):
                assert here[name].next_earliest_order_date is not None
        for item in self.gone:
            assert here[item.item_id].status is PrescriptionStatus.CANCELLED
        own = [row.source_item_id for row in self.world.rows() if row.status is not RowStatus.CANCELLED]
        known = [*own, *self.world.elsewhere()]
        listed = [
            past["OrderItemId"]
            for past in self.source.history[self.number]
            if past["PrescriptionItemId"] in self.there()
        ]
        assert set(listed) <= set(known)
        self.every_end_is_told()

    def every_end_is_told(self) -> None:
        with self.database.session() as session:
            messages = session.execute(select(InboxMessage.kind, InboxMessage.facts)).all()
        ends = Counter(
            facts["order_no"] for kind, facts in messages if kind in ("order.confirmed", "order.not_registered")
        )
        assert set(ends.values()) <= {1}
        assert {order.order_no for order in self.world.orders()} <= ends.keys()

    @invariant()
    def nothing_is_counted_twice_or_wrongly(self) -> None:
        own = [row.source_item_id for row in self.world.rows() if row.source_item_id is not None]
        known = [*own, *self.world.elsewhere()]
        assert len(set(known)) == len(known)
        standing = Counter(one.prescription_item_id for one in self.world.withdrawals() if one.cancelled_at is None)
        for item in self.world.items():
            assert 0 <= item.orders_remaining <= item.orders_allowed
            assert item.orders_used_here == standing[item.id]

    @invariant()
    def the_source_gets_each_order_once_and_none_is_forgotten(self) -> None:
        assert set(self.taken.values()) <= {1}
        orders = self.world.orders()
        awaited = {one.order_id for one in self.world.awaited()}
        assert {order.id for order in orders if order.registration is Registration.AWAITED} == awaited
        assert len(awaited) <= 1
        # What it has taken is never taken back here.
        assert len(orders) >= len(self.taken)


@pytest.fixture
def machine(database: Database, clock: ManualClock, tmp_path: Path) -> Callable[[], SourceMachine]:
    """The machine on this test's database."""
    SourceMachine.database, SourceMachine.clock = database, clock
    folders = iter(tmp_path / str(number) for number in range(10_000))

    def make() -> SourceMachine:
        SourceMachine.folder = next(folders)
        SourceMachine.folder.mkdir()
        return SourceMachine()

    return make


@pytest.mark.timeout(400)
def test_no_history_makes_us_and_the_source_disagree(machine: Callable[[], SourceMachine]) -> None:
    run_state_machine_as_test(
        machine,  # type: ignore[arg-type]
        settings=settings(
            max_examples=15, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )
