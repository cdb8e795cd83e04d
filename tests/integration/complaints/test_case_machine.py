"""Whatever is done with a case, in whatever order: it goes only where the rules let it, and leaves a trace."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

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

from auth.permissions import Permission
from core.audit import AccessLogEntry
from core.clock import ManualClock
from core.db import Database
from core.errors import DomainError
from delivery.complaints import asking, merging, rules, triage
from delivery.complaints.cases import lock_case
from delivery.complaints.decisions import ReplaceProduct, decline, replace_product, take_case
from delivery.complaints.models import Complaint, ComplaintEvent, ComplaintEventKind as Kind, ComplaintState as State
from delivery.complaints.triage import Triage
from orders.models import OrderRow, RowKind
from tests.support.complaints import Office

START = datetime(2026, 12, 1, 9, tzinfo=UTC)

# What a state must have left behind when it was entered.
_TRACE = {
    State.TRIAGED: {Kind.TRIAGED, Kind.REOPENED},
    State.REPLACEMENT_ORDERED: {Kind.REPLACED},
    State.DECLINED: {Kind.DECLINED},
    State.CLOSED: {Kind.CLOSED},
}
cases = st.integers(0, 3)


class CaseMachine(RuleBasedStateMachine):
    """One patient's cases of one lot, and everything that is done with them."""

    database: Database
    clock: ManualClock

    @initialize()
    def begin(self) -> None:
        self.clock.set(START)
        with self.database.unit_of_work() as session:
            session.execute(text("TRUNCATE unit, article, person, staff_member, outbox_message CASCADE"))
            session.execute(text("TRUNCATE idempotency_key"))
        self.office = Office(self.database)
        self.numbers: list[str] = []
        self.states: dict[str, State] = {}
        self.keys = 0

    def attempt(self, act: object, *arguments: object) -> None:
        """Do something that may be refused, in a transaction of its own."""
        try:
            with self.database.unit_of_work() as session:
                act(session, self.office.eva, *arguments)  # type: ignore[operator]
        except DomainError:
            pass

    def number(self, place: int) -> str:
        return self.numbers[place % len(self.numbers)]

    def key(self) -> str:
        self.keys += 1
        return f"key-{self.keys}"

    @rule(is_red=st.booleans(), wants=st.booleans(), hours=st.integers(0, 500))
    @precondition(lambda self: len(self.numbers) < 4)
    def report(self, is_red: bool, wants: bool, hours: int) -> None:
        self.clock.advance(timedelta(hours=hours))
        number = self.office.report(is_red=is_red, wants=wants)
        self.numbers.append(number)
        self.states[number] = State.RECEIVED

    @rule(place=cases, serious=st.booleans())
    @precondition(lambda self: self.numbers)
    def look(self, place: int, serious: bool) -> None:
        self.attempt(triage.triage, Triage(self.number(place), serious, note="Sett."))

    @rule(place=cases)
    @precondition(lambda self: self.numbers)
    def replace(self, place: int) -> None:
        self.attempt(replace_product, ReplaceProduct(self.number(place), 1, self.key()))

    @rule(place=cases)
    @precondition(lambda self: self.numbers)
    def decline(self, place: int) -> None:
        self.attempt(decline, self.number(place), "Nej.", self.key())

    @rule(place=cases)
    @precondition(lambda self: self.numbers)
    def close(self, place: int) -> None:
        self.attempt(triage.close, self.number(place), "Klart.")

    @rule(place=cases)
    @precondition(lambda self: self.numbers)
    def reopen(self, place: int) -> None:
        self.attempt(triage.reopen, self.number(place), "Igen.")

    @rule(place=cases, hours=st.integers(0, 100))
    @precondition(lambda self: self.numbers)
    def ask(self, place: int, hours: int) -> None:
        self.attempt(asking.ask, self.number(place), "När?", self.key())
        self.clock.advance(timedelta(hours=hours))

    @rule(place=cases)
    @precondition(lambda self: self.numbers)
    def answer(self, place: int) -> None:
        self.attempt(asking.resume_by_hand, self.number(place), "Nu.")

    @rule(place=cases)
    @precondition(lambda self: self.numbers)
    def answer_in_inbox(self, place: int) -> None:
        with self.database.unit_of_work() as session:
            complaint = lock_case(session, self.office.eva, Permission.DECIDE_COMPLAINT, self.number(place))
            triage.resume_after_answer(session, complaint)

    @rule(place=cases, other=cases)
    @precondition(lambda self: self.numbers)
    def merge(self, place: int, other: int) -> None:
        self.attempt(merging.mark_duplicate, self.number(place), self.number(other))

    @rule(place=cases)
    @precondition(lambda self: self.numbers)
    def take(self, place: int) -> None:
        self.attempt(take_case, self.number(place))

    @rule(place=cases)
    @precondition(lambda self: self.numbers)
    def route_again(self, place: int) -> None:
        self.office.route(self.office.case(self.number(place)).id)

    @invariant()
    def every_step_is_allowed_and_told(self) -> None:
        if not self.__dict__.get("numbers"):
            return
        with self.database.session() as session:
            for complaint in session.scalars(select(Complaint)):
                before, now = self.states[complaint.case_no], complaint.state
                assert now is before or now in _reachable(before), (before, now)
                if now is not before:
                    kinds = {event.kind for event in complaint.events}
                    assert kinds & _TRACE[now], (now, kinds)
                    self._has_an_entry(session, complaint)
                self.states[complaint.case_no] = now
                self._holds(complaint)
            replaced = (
                select(OrderRow.complaint_ref, func.count())
                .where(OrderRow.kind == RowKind.REPLACEMENT)
                .group_by(OrderRow.complaint_ref)
            )
            assert all(rows == 1 for _case, rows in session.execute(replaced))

    def _has_an_entry(self, session: object, complaint: Complaint) -> None:
        acted = (
            select(func.count())
            .select_from(AccessLogEntry)
            .where(AccessLogEntry.object_ref == f"case:{complaint.case_no}", AccessLogEntry.manner == "ACT")
        )
        changes = (
            select(func.count())
            .select_from(ComplaintEvent)
            .where(
                ComplaintEvent.complaint_id == complaint.id,
                ComplaintEvent.kind.in_({kind for kinds in _TRACE.values() for kind in kinds} - {Kind.CLOSED}),
            )
        )
        # Merging writes two lines and one entry; everything else one of each.
        assert session.scalar(acted) >= session.scalar(changes)  # type: ignore[attr-defined]

    def _holds(self, complaint: Complaint) -> None:
        assert complaint.state is not State.CLOSED or not complaint.has_red_flag or complaint.triaged_at is not None
        assert (complaint.waiting_since is None) or complaint.state in rules.UNDECIDED
        assert (complaint.state is State.CLOSED) == (complaint.closed_at is not None)
        assert complaint.duplicate_of_id is None or complaint.state is State.CLOSED
        if complaint.state is State.CLOSED and complaint.has_red_flag:
            closed = [event for event in complaint.events if event.kind is Kind.CLOSED]
            assert closed[-1].staff_id is not None


def _reachable(state: State) -> set[State]:
    """Where one act can take a case: a step of the rules, or two when it is looked at and closed in one."""
    one = set(rules.TRANSITIONS[state])
    return one | {State.CLOSED} if State.TRIAGED in one else one


@pytest.mark.parametrize("examples", [25])
def test_a_case_goes_only_where_it_may(database: Database, clock: ManualClock, examples: int) -> None:
    class Machine(CaseMachine):
        pass

    Machine.database, Machine.clock = database, clock
    run_state_machine_as_test(
        Machine,
        settings=settings(
            max_examples=examples,
            stateful_step_count=20,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
        ),
    )
