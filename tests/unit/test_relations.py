"""Who may act for whom, and until when. Handbook §4."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given, strategies as st

from auth.identity import ALL_TASKS, Task
from auth.models import Person, Protection, ProxyAppointment
from auth.relations import NO_RIGHTS, ActingPolicy, age_on, guardian_tasks, own_tasks, proxy_tasks

POLICY = ActingPolicy()
TODAY = date(2026, 12, 1)
ADULT = date(1980, 5, 5)

births = st.dates(date(1990, 1, 1), TODAY)
tasks = st.frozensets(st.sampled_from(Task), min_size=1)


def _person(born: date, *, protection: Protection = Protection.NONE, deceased: bool = False) -> Person:
    return Person(birth_date=born, protection=protection, deceased_on=TODAY if deceased else None)


def _appointment(granted: frozenset[Task], begins: date, ends: date) -> ProxyAppointment:
    accepted = datetime(2026, 1, 1, tzinfo=UTC)
    return ProxyAppointment(tasks=sorted(granted), valid_from=begins, valid_until=ends, accepted_at=accepted)


@given(births, st.integers(0, 40))
def test_age_grows_by_one_on_the_birthday_and_never_else(born: date, years: int) -> None:
    try:
        birthday = born.replace(year=born.year + years)
    except ValueError:
        birthday = date(born.year + years, 3, 1)
    assert age_on(born, birthday) == years
    if years:
        assert age_on(born, birthday - timedelta(days=1)) == years - 1


@given(births)
def test_between_the_ages_neither_guardian_nor_child_sees_everything(born: date) -> None:
    child, guardian = _person(born), _person(ADULT)
    age = age_on(born, TODAY)
    assert guardian_tasks(child, guardian, TODAY, POLICY) == (ALL_TASKS if age < 13 else NO_RIGHTS)
    assert own_tasks(born, TODAY, POLICY) == (ALL_TASKS if age >= 18 else NO_RIGHTS)


@given(births, st.integers(0, 18), st.integers(0, 30))
def test_the_ages_are_the_regions(born: date, until: int, own: int) -> None:
    policy = ActingPolicy(guardian_until_age=until, own_account_from_age=own)
    age = age_on(born, TODAY)
    assert bool(guardian_tasks(_person(born), _person(ADULT), TODAY, policy)) == (age < until)
    assert bool(own_tasks(born, TODAY, policy)) == (age >= own)


def test_a_guardians_right_ends_on_the_birthday() -> None:
    child, guardian = _person(date(2013, 12, 1)), _person(ADULT)
    assert guardian_tasks(child, guardian, date(2026, 11, 30), POLICY) == ALL_TASKS
    assert guardian_tasks(child, guardian, date(2026, 12, 1), POLICY) == NO_RIGHTS


@given(tasks, st.integers(-30, 30), st.integers(-30, 30))
def test_a_proxy_has_exactly_the_appointed_tasks_within_the_period(
    granted: frozenset[Task], begins: int, ends: int
) -> None:
    appointment = _appointment(granted, TODAY + timedelta(days=begins), TODAY + timedelta(days=ends))
    found = proxy_tasks(appointment, _person(ADULT), _person(ADULT), TODAY)
    assert found == (granted if begins <= 0 <= ends else NO_RIGHTS)


def test_a_proxy_who_has_not_accepted_or_was_withdrawn_has_no_tasks() -> None:
    begins, ends = TODAY - timedelta(days=1), TODAY + timedelta(days=1)
    pending, withdrawn = _appointment(ALL_TASKS, begins, ends), _appointment(ALL_TASKS, begins, ends)
    pending.accepted_at = None
    withdrawn.withdrawn_at = datetime(2026, 11, 30, tzinfo=UTC)
    for appointment in (pending, withdrawn):
        assert proxy_tasks(appointment, _person(ADULT), _person(ADULT), TODAY) == NO_RIGHTS


@pytest.mark.parametrize("protection", [Protection.CONFIDENTIALITY_FLAG, Protection.PROTECTED_REGISTRATION])
def test_with_protected_identity_on_either_side_nobody_acts_for_another(protection: Protection) -> None:
    child, adult = date(2020, 1, 1), ADULT
    hidden_child, hidden_adult = _person(child, protection=protection), _person(adult, protection=protection)
    appointment = _appointment(ALL_TASKS, TODAY, TODAY)
    assert guardian_tasks(hidden_child, _person(adult), TODAY, POLICY) == NO_RIGHTS
    assert guardian_tasks(_person(child), hidden_adult, TODAY, POLICY) == NO_RIGHTS
    assert proxy_tasks(appointment, hidden_adult, _person(adult), TODAY) == NO_RIGHTS
    assert proxy_tasks(appointment, _person(adult), hidden_adult, TODAY) == NO_RIGHTS


def test_death_ends_acting_for_another() -> None:
    appointment = _appointment(ALL_TASKS, TODAY, TODAY)
    assert proxy_tasks(appointment, _person(ADULT, deceased=True), _person(ADULT), TODAY) == NO_RIGHTS
    assert guardian_tasks(_person(date(2020, 1, 1), deceased=True), _person(ADULT), TODAY, POLICY) == NO_RIGHTS
