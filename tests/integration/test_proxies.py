"""Proxies as services: who may ask whom, what an answer does, and that nothing tells who is known here. Handbook §4."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date, timedelta
from threading import Barrier

import pytest

from auth.identity import Relation, Task
from auth.models import Person
from auth.numbers import MalformedNumber
from auth.proxies import (
    ActingIsOff,
    AppointmentProblem,
    AppointmentRefused,
    AppointProxy,
    TooManyAsked,
    appoint_proxy,
    latest_end,
    take_back_unanswered,
)
from auth.proxy_lists import ProxyState, own_proxies
from auth.relations import ActingPolicy
from core.clock import ManualClock
from core.db import Database
from core.errors import ChangedMeanwhile, NotFound, NotPermitted
from core.idempotency import new_key
from tests.support.builders import add_person, number_text, patient_identity
from tests.support.proxies import UNTIL, Two


@pytest.fixture
def two(database: Database) -> Two:
    return Two(database)


def test_asked_accepted_and_withdrawn_counts_at_once_and_both_are_told(two: Two) -> None:
    two.ask()
    assert two.helped() == frozenset()
    two.answer()
    two.answer()
    assert two.helped() == {Task.ORDER}
    two.withdraw(two.patient)
    two.withdraw(two.patient)
    assert two.helped() == frozenset()
    kinds = ["proxy.appointed", "proxy.accepted", "proxy.withdrawn"]
    assert two.kinds(two.patient) == [(kind, "patient") for kind in kinds]
    assert two.kinds(two.helper) == [(kind, "proxy") for kind in kinds]
    ref = f"proxy:{two.latest.id}"
    assert two.logged(two.patient) == ["proxy.asked", f"proxy.accepted {ref}", f"proxy.withdrawn {ref}"]
    with pytest.raises(ChangedMeanwhile):
        two.answer()


def test_a_proxy_says_no_or_resigns(two: Two) -> None:
    two.ask()
    two.answer(accepts=False)
    two.answer(accepts=False)
    assert two.kinds(two.patient)[-1] == ("proxy.declined", "patient")
    with pytest.raises(ChangedMeanwhile):
        two.answer()
    two.ask()
    two.answer()
    with pytest.raises(ChangedMeanwhile):
        two.answer(accepts=False)
    two.withdraw(two.helper)
    assert two.helped() == frozenset()


def test_one_form_asks_once_and_the_newest_question_and_answer_decide(two: Two) -> None:
    two.ask(key="once")
    two.ask(key="once")
    assert len(two.appointments) == 1
    two.ask(tasks=frozenset({Task.ORDER, Task.VIEW_HISTORY}))
    assert [a.withdrawn_at is None for a in two.appointments] == [False, True]
    two.answer()
    two.ask(tasks=frozenset({Task.REPORT_FAULTS}))
    assert two.helped() == {Task.ORDER, Task.VIEW_HISTORY}
    two.answer()
    assert two.helped() == {Task.REPORT_FAULTS}


@pytest.mark.parametrize("who", ["nobody", "protected", "dead", "known"])
def test_the_patient_cannot_tell_who_is_known_here(two: Two, who: str) -> None:
    number = number_text(date(1950, 3, 3)) if who == "nobody" else two.helper.number
    if who == "protected":
        two.protect(two.helper)
    if who == "dead":
        with two.database.unit_of_work() as session:
            session.get_one(Person, two.helper.id).deceased_on = date(2026, 1, 1)
    two.ask(number)
    assert len(two.appointments) == (who == "known")
    assert two.kinds(two.patient) == [("proxy.appointed", "patient")]
    assert two.logged(two.patient) == ["proxy.asked"]
    with two.database.unit_of_work() as session:
        found = own_proxies(session, patient_identity(two.patient))
    assert (found.acting_for_me, found.i_act_for, found.questions, found.deeds) == ((), (), (), ())


def test_what_does_not_add_up_is_named(two: Two, clock: ManualClock) -> None:
    child = number_text(date(2010, 5, 5))
    asks: dict[AppointmentProblem, Callable[[], None]] = {
        AppointmentProblem.ONESELF: lambda: two.ask(two.patient.number),
        AppointmentProblem.TOO_YOUNG: lambda: two.ask(child),
        AppointmentProblem.NO_TASK: lambda: two.ask(tasks=frozenset()),
        AppointmentProblem.ALREADY_OVER: lambda: two.ask(until=date(2026, 11, 30)),
        AppointmentProblem.TOO_LONG: lambda: two.ask(until=date(2028, 12, 2)),
    }
    for problem, ask in asks.items():
        with pytest.raises(AppointmentRefused) as refused:
            ask()
        assert refused.value.problems == (problem,)
    with pytest.raises(MalformedNumber):
        two.ask("191212121213")
    assert two.appointments == []
    two.ask(until=date(2028, 12, 1))
    assert latest_end(date(2028, 2, 29), ActingPolicy()) == date(2030, 2, 28)


def test_only_so_many_a_day(two: Two, clock: ManualClock) -> None:
    for _ in range(ActingPolicy().proxies_asked_a_day):
        two.ask(number_text(date(1950, 3, 3)))
    with pytest.raises(TooManyAsked):
        two.ask()
    clock.advance(timedelta(days=1))
    two.ask()


def test_only_the_patient_themselves_appoints(two: Two) -> None:
    command = AppointProxy(two.helper.number, frozenset({Task.ORDER}), UNTIL, new_key())
    me = patient_identity(two.patient)
    for identity in (
        patient_identity(two.patient, actor=two.helper, relation=Relation.PROXY),
        patient_identity(two.patient, actor=two.helper, relation=Relation.GUARDIAN),
        replace(me, tasks=frozenset()),
    ):
        with pytest.raises(NotPermitted), two.database.unit_of_work() as session:
            appoint_proxy(session, identity, command)


def test_with_protected_identity_it_is_off(two: Two) -> None:
    two.ask()
    two.protect(two.helper)
    with pytest.raises(ActingIsOff):
        two.answer()
    two.protect(two.patient)
    with pytest.raises(ActingIsOff):
        two.ask()


def test_a_question_from_somebody_protected_since_is_gone(two: Two) -> None:
    two.ask()
    two.protect(two.patient)
    with two.database.unit_of_work() as session:
        assert own_proxies(session, patient_identity(two.helper)).questions == ()
    with pytest.raises(ChangedMeanwhile):
        two.answer()


def test_others_find_nothing(two: Two) -> None:
    two.ask()
    with two.database.unit_of_work() as session:
        stranger = add_person(session)
    with pytest.raises(NotFound):
        two.answer(who=stranger)
    with pytest.raises(NotFound):
        two.answer(who=two.patient)
    with pytest.raises(NotFound):
        two.withdraw(stranger)
    assert two.latest.withdrawn_at is None


def test_what_nobody_has_answered_is_taken_back_and_the_rest_stays(two: Two) -> None:
    two.ask()
    two.answer()
    two.ask(tasks=frozenset({Task.VIEW_HISTORY}))
    with two.database.unit_of_work() as session:
        take_back_unanswered(session, patient_identity(two.patient))
    with pytest.raises(ChangedMeanwhile):
        two.answer()
    assert two.helped() == {Task.ORDER}


def test_an_appointment_ends_after_its_last_day(two: Two, clock: ManualClock) -> None:
    two.ask(until=date(2026, 12, 1))
    two.answer()
    assert two.helped() == {Task.ORDER}
    clock.advance(timedelta(days=1))
    assert two.helped() == frozenset()
    with two.database.unit_of_work() as session:
        found = own_proxies(session, patient_identity(two.patient))
    assert [line.state for line in found.acting_for_me] == [ProxyState.ENDED]


def test_nobody_learns_from_ending_what_nobody_said_yes_to(two: Two) -> None:
    two.ask()
    for who in (two.patient, two.helper):
        with pytest.raises(NotFound):
            two.withdraw(who)


def _together(*acts: Callable[[], None]) -> list[BaseException | None]:
    barrier = Barrier(len(acts))

    def act(what: Callable[[], None]) -> None:
        barrier.wait()
        what()

    with ThreadPoolExecutor(len(acts)) as pool:
        return [running.exception() for running in [pool.submit(act, what) for what in acts]]


def test_yes_at_the_same_time_as_taken_back_is_one_or_the_other(two: Two) -> None:
    def take_back() -> None:
        with two.database.unit_of_work() as session:
            take_back_unanswered(session, patient_identity(two.patient))

    for _ in range(6):
        two.ask()
        said_yes, taken_back = _together(two.answer, take_back)
        assert taken_back is None
        assert (two.latest.withdrawn_at is None) == (said_yes is None)
        assert (two.latest.accepted_at is None) == isinstance(said_yes, ChangedMeanwhile)


def test_both_end_it_at_the_same_time_and_it_ends_once(two: Two) -> None:
    two.ask()
    two.answer()
    assert _together(lambda: two.withdraw(two.patient), lambda: two.withdraw(two.helper)) == [None, None]
    assert two.kinds(two.patient).count(("proxy.withdrawn", "patient")) == 1
    assert two.helped() == frozenset()
