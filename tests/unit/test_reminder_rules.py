"""What is due on a day: each thing once, in its time, and nothing that is over or on its way."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given, strategies as st

from orders.kinds import ReminderKind
from orders.reminder_rules import CAN_ORDER_FOR, ENDS_BEFORE, RUNS_OUT_BEFORE, Due, ReminderFacts, due_reminders
from orders.rules import (
    ItemFacts,
    PersonFacts,
    Reason,
    Supplied,
    Supply,
    Verdict,
    decide_withdrawal,
    supply_lasts_until,
)

TODAY = date(2026, 12, 1)
ALLOWED = Verdict(Reason.ALLOWED)
LONG = TODAY + timedelta(days=200)
days = st.integers(-400, 400).map(lambda n: TODAY + timedelta(days=n))
supplies = st.lists(st.builds(Supply, days, st.integers(0, 120)), max_size=6)


def facts(
    verdict: Verdict = ALLOWED,
    earliest: date | None = None,
    valid: date = LONG,
    lasts: date | None = None,
    is_followed: bool = False,
    told: tuple[Due, ...] = (),
) -> ReminderFacts:
    return ReminderFacts(verdict, earliest, valid, lasts, is_followed, told)


def kinds(given: ReminderFacts, day: date = TODAY) -> list[ReminderKind]:
    return [due.kind for due in due_reminders(given, day)]


def test_on_the_day_from_which_it_can_be_ordered() -> None:
    assert kinds(facts(earliest=TODAY)) == [ReminderKind.CAN_ORDER]
    assert kinds(facts(earliest=TODAY - CAN_ORDER_FOR)) == [ReminderKind.CAN_ORDER]
    assert kinds(facts(earliest=TODAY - CAN_ORDER_FOR - timedelta(days=1))) == []
    assert kinds(facts(earliest=TODAY + timedelta(days=1), verdict=Verdict(Reason.NOT_YET))) == []


def test_what_could_be_ordered_all_along_is_no_news() -> None:
    assert kinds(facts(earliest=None)) == []


def test_before_it_runs_out_whether_or_not_it_can_be_ordered() -> None:
    for verdict in (ALLOWED, Verdict(Reason.USED_UP), Verdict(Reason.DISCONTINUED)):
        assert kinds(facts(verdict, lasts=TODAY + RUNS_OUT_BEFORE)) == [ReminderKind.RUNS_OUT]
    assert kinds(facts(lasts=TODAY + RUNS_OUT_BEFORE + timedelta(days=1))) == []
    assert kinds(facts(lasts=TODAY - timedelta(days=1))) == []


def test_thirty_days_before_the_prescription_ends() -> None:
    assert kinds(facts(valid=TODAY + ENDS_BEFORE)) == [ReminderKind.PRESCRIPTION_ENDS]
    assert kinds(facts(valid=TODAY)) == [ReminderKind.PRESCRIPTION_ENDS]
    assert kinds(facts(valid=TODAY + ENDS_BEFORE + timedelta(days=1))) == []


def test_a_newer_prescription_of_the_same_goes_on() -> None:
    assert kinds(facts(lasts=TODAY, valid=TODAY, is_followed=True)) == []


def test_a_forecast_that_moved_a_little_is_the_same_running_out() -> None:
    told = (Due(ReminderKind.RUNS_OUT, TODAY + timedelta(days=8)),)
    assert kinds(facts(lasts=TODAY + timedelta(days=5), told=told)) == []
    assert kinds(facts(valid=TODAY + timedelta(days=5), told=told)) == [ReminderKind.PRESCRIPTION_ENDS]


@pytest.mark.parametrize(
    "reason", [Reason.DECEASED, Reason.MOVED_OUT, Reason.PHARMACY, Reason.CANCELLED, Reason.EXPIRED]
)
def test_nothing_of_what_is_over(reason: Reason) -> None:
    assert kinds(facts(Verdict(reason), earliest=TODAY, valid=TODAY, lasts=TODAY)) == []


@given(earliest=st.none() | days, valid=days, lasts=st.none() | days, missed=st.sets(st.integers(0, 60)))
def test_each_thing_is_told_once_whatever_days_are_missed(
    earliest: date | None, valid: date, lasts: date | None, missed: set[int]
) -> None:
    told: list[Due] = []
    for n in range(60):
        if n in missed:
            continue
        day = TODAY + timedelta(days=n)
        item = ItemFacts(
            is_cancelled=False,
            is_expired=False,
            is_delivered_out=False,
            orders_remaining=1,
            last_valid_date=valid,
            next_earliest_order_date=earliest,
            article_is_orderable=True,
            has_successor=False,
            can_be_delivered=True,
        )
        verdict = decide_withdrawal(item, PersonFacts(False, Supplied.HERE), day)
        told += due_reminders(facts(verdict, earliest, valid, lasts, told=tuple(told)), day)
    found = [due.kind for due in told]
    assert len(found) == len(set(found))
    for due in told:
        assert due.about in (earliest, valid, lasts)


@given(had=supplies, coming=st.builds(Supply, days, st.integers(0, 120)))
def test_what_is_on_its_way_never_makes_it_run_out_earlier(had: list[Supply], coming: Supply) -> None:
    before, after = supply_lasts_until(had), supply_lasts_until([*had, coming])
    assert after is not None
    assert after >= coming.received_on + timedelta(days=coming.days)
    assert before is None or after >= before


@given(had=supplies, coming=st.builds(Supply, days, st.integers(1, 120)))
def test_every_day_of_a_supply_is_counted_once(had: list[Supply], coming: Supply) -> None:
    every = [*had, coming]
    until = supply_lasts_until(every)
    first = min(one.received_on for one in every)
    assert until is not None
    # Never longer than if everything had come the last day, nor than all of it together without a gap.
    assert until <= max(one.received_on for one in every) + timedelta(days=sum(one.days for one in every))
    assert until >= first + timedelta(days=max(one.days for one in every))


@given(had=supplies, days_coming=st.integers(20, 120), late=st.integers(0, 400))
def test_a_parcel_on_its_way_silences_running_out(had: list[Supply], days_coming: int, late: int) -> None:
    """An order that comes today or later and lasts more than ten days: nobody is told that it runs out."""
    until = supply_lasts_until([*had, Supply(TODAY + timedelta(days=late), days_coming)])
    assert ReminderKind.RUNS_OUT not in kinds(facts(lasts=until))
