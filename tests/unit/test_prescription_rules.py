"""Handbook §3.3–4, §3.7 and §9: what may be prescribed and extended, and what is hardly used."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given, strategies as st

from orders import prescription_rules as rules
from orders.kinds import PrescriptionStatus, ProductKind
from orders.policy import PrescribingPolicy
from orders.prescription_rules import (
    ArticleFacts,
    DecidedHere,
    Extension,
    ExtensionFacts,
    PatientFacts,
    Problem,
    ProblemKind,
    Terms,
)
from orders.rules import RENEWABLE, PersonFacts, Reason, Supplied, Verdict, may_ask_to_renew

TODAY = date(2026, 12, 1)
POLICY = PrescribingPolicy(valid_months=12, sensor_valid_months=24, days_per_withdrawal_at_most=90)
GOOD = Terms(6, 4, 90, date(2027, 12, 1), None)
PATIENT = PatientFacts(PersonFacts(is_deceased=False, supplied=Supplied.HERE), frozenset(), None)
STRIP = ArticleFacts(1, ProductKind.TEST_STRIP, True, "A", frozenset({1}), has_sub_articles=False)
ITEM = ExtensionFacts(
    kind=ProductKind.PEN_NEEDLE,
    is_cancelled=False,
    is_delivered_out=False,
    is_over=False,
    orders_remaining=2,
    overdrawn=0,
    last_valid_date=date(2027, 1, 31),
    next_earliest_order_date=None,
)
days = st.dates(date(2026, 1, 1), date(2030, 12, 31))
kinds = st.sampled_from(ProductKind)


def _kinds(problems: tuple[Problem, ...]) -> set[ProblemKind]:
    return {problem.kind for problem in problems}


@pytest.mark.parametrize(
    ("day", "months", "later"),
    [
        (date(2026, 12, 1), 12, date(2027, 12, 1)),
        (date(2026, 11, 30), 3, date(2027, 2, 28)),
        (date(2024, 2, 29), 12, date(2025, 2, 28)),
        (date(2026, 1, 31), 0, date(2026, 1, 31)),
    ],
)
def test_months_end_with_the_month(day: date, months: int, later: date) -> None:
    assert rules.add_months(day, months) == later


@given(days, st.integers(0, 60))
def test_a_later_month_is_that_many_months_later(day: date, months: int) -> None:
    later = rules.add_months(day, months)
    assert (later.year - day.year) * 12 + later.month - day.month == months
    assert later.day == day.day or (later.day < day.day and (later + timedelta(days=1)).day == 1)


def test_good_terms_have_no_problem_and_sensors_may_last_longer() -> None:
    assert rules.check_terms(GOOD, ProductKind.PEN_NEEDLE, POLICY, TODAY) == ()
    longer = replace(GOOD, last_valid_date=date(2028, 12, 1))
    assert rules.check_terms(longer, ProductKind.SENSOR, POLICY, TODAY) == ()
    problems = rules.check_terms(longer, ProductKind.PEN_NEEDLE, POLICY, TODAY)
    assert problems == (Problem(ProblemKind.ENDS_TOO_LATE, day=date(2027, 12, 1)),)


@given(st.integers(-1, 1200), st.integers(-1, 40), st.integers(-1, 200), days, st.none() | days, kinds)
def test_terms_pass_exactly_within_the_policy(
    packages: int, orders: int, per_order: int, last: date, first: date | None, kind: ProductKind
) -> None:
    latest = date(2028, 12, 1) if kind is ProductKind.SENSOR else date(2027, 12, 1)
    within = (
        1 <= packages <= 999
        and 1 <= orders <= 24
        and 1 <= per_order <= 90
        and TODAY <= last <= latest
        and TODAY <= (first or TODAY) <= last
    )
    problems = rules.check_terms(Terms(packages, orders, per_order, last, first), kind, POLICY, TODAY)
    assert (problems == ()) is within


@pytest.mark.parametrize(
    ("person", "kind"),
    [
        (PersonFacts(is_deceased=True, supplied=Supplied.HERE), ProblemKind.DECEASED),
        (PersonFacts(is_deceased=False, supplied=Supplied.NOT_ANY_MORE), ProblemKind.MOVED_OUT),
        (PersonFacts(is_deceased=False, supplied=Supplied.BY_PHARMACY), ProblemKind.PHARMACY),
    ],
)
def test_nothing_is_prescribed_to_those_supplied_elsewhere(person: PersonFacts, kind: ProblemKind) -> None:
    assert _kinds(rules.check_patient(replace(PATIENT, person=person))) == {kind}


@pytest.mark.parametrize("supplied", [Supplied.HERE, Supplied.HERE_AT_HOME_REGIONS_COST, Supplied.BY_CUSTOMER_SERVICE])
def test_those_supplied_here_are_prescribed_to(supplied: Supplied) -> None:
    patient = replace(PATIENT, person=PersonFacts(is_deceased=False, supplied=supplied))
    assert rules.check_patient(patient) == ()
    no_address = replace(patient, needs_unit_address=True)
    assert _kinds(rules.check_patient(no_address)) == {ProblemKind.UNIT_HAS_NO_ADDRESS}


@pytest.mark.parametrize(
    ("group", "meters", "fits"),
    [
        ("A", set(), True),
        ("A", {"A"}, True),
        ("A", {"B", "A"}, True),
        ("A", {"B"}, False),
        ("", {"B"}, False),
        ("A", {""}, True),
        ("", {""}, True),
    ],
)
def test_strips_belong_to_a_meter(group: str, meters: set[str], fits: bool) -> None:
    patient = replace(PATIENT, meter_groups=frozenset(meters))
    problems = rules.check_article(replace(STRIP, compatibility_group=group), (), patient)
    assert _kinds(problems) == (set() if fits else {ProblemKind.NO_MATCHING_METER})
    assert all(problem.may_be_confirmed for problem in problems)
    needle = replace(STRIP, kind=ProductKind.PEN_NEEDLE, compatibility_group=group)
    assert rules.check_article(needle, (), patient) == ()


def test_only_the_agreements_orderable_articles_are_prescribed() -> None:
    outside = replace(STRIP, has_agreement=False)
    assert _kinds(rules.check_article(outside, (), PATIENT)) == {ProblemKind.OUTSIDE_AGREEMENT}
    gone = replace(STRIP, orderable=frozenset())
    assert _kinds(rules.check_article(gone, (), PATIENT)) == {ProblemKind.NOT_ORDERABLE}
    assert not any(problem.may_be_confirmed for problem in rules.check_article(gone, (), PATIENT))


def test_variants_are_the_articles_own() -> None:
    generic = replace(STRIP, orderable=frozenset({2, 3}), has_sub_articles=True)
    assert rules.check_article(generic, (), PATIENT) == rules.check_article(generic, (2, 3), PATIENT) == ()
    foreign = (Problem(ProblemKind.FOREIGN_SUB_ARTICLE),)
    assert rules.check_article(generic, (2, 4), PATIENT) == foreign
    assert rules.check_article(STRIP, (1,), PATIENT) == foreign


def test_a_second_prescription_of_the_same_is_asked_about() -> None:
    patient = replace(PATIENT, active_until=date(2027, 3, 1))
    (problem,) = rules.check_article(STRIP, (), patient)
    assert (problem.kind, problem.day, problem.may_be_confirmed) == (
        ProblemKind.ALREADY_PRESCRIBED,
        date(2027, 3, 1),
        True,
    )


def _extended(item: ExtensionFacts, **wanted: object) -> set[ProblemKind]:
    return _kinds(rules.check_extension(item, Extension(**wanted), POLICY, TODAY))  # type: ignore[arg-type]


def test_an_extension_gives_something_more() -> None:
    assert _extended(ITEM) == {ProblemKind.NOTHING_CHANGES}
    assert _extended(ITEM, more_orders=1) == set()
    assert _extended(ITEM, last_valid_date=date(2027, 12, 1)) == set()
    assert _extended(ITEM, home_region_agreed=True) == set()
    assert _extended(ITEM, last_valid_date=date(2027, 12, 2)) == {ProblemKind.ENDS_TOO_LATE}
    assert _extended(ITEM, last_valid_date=ITEM.last_valid_date) == {ProblemKind.ENDS_TOO_EARLY}
    assert _extended(ITEM, more_orders=-1) == {ProblemKind.WITHDRAWALS_OUT_OF_RANGE}
    assert _extended(ITEM, more_orders=23) == {ProblemKind.WITHDRAWALS_OUT_OF_RANGE}
    assert _extended(replace(ITEM, is_cancelled=True), more_orders=1) == {ProblemKind.CANCELLED}


def test_what_is_over_needs_a_later_day_and_what_is_used_up_more_withdrawals() -> None:
    over = replace(ITEM, is_over=True, last_valid_date=date(2026, 10, 31))
    assert _extended(over, more_orders=1) == {ProblemKind.ENDS_TOO_EARLY}
    assert _extended(over, last_valid_date=date(2026, 11, 30)) == {ProblemKind.ENDS_TOO_EARLY}
    assert _extended(over, last_valid_date=TODAY) == set()
    empty = replace(ITEM, orders_remaining=0)
    assert _extended(empty, last_valid_date=date(2027, 12, 1)) == {ProblemKind.WITHDRAWALS_OUT_OF_RANGE}
    assert _extended(empty, more_orders=1) == set()
    overdrawn = replace(empty, overdrawn=2)
    assert _extended(overdrawn, more_orders=2) == {ProblemKind.WITHDRAWALS_OUT_OF_RANGE}
    assert _extended(overdrawn, more_orders=3) == set()
    delivered = replace(ITEM, is_delivered_out=True)
    assert _extended(delivered, last_valid_date=date(2027, 12, 1)) == {ProblemKind.WITHDRAWALS_OUT_OF_RANGE}
    waits = replace(ITEM, next_earliest_order_date=date(2027, 2, 15))
    assert rules.check_extension(waits, Extension(more_orders=1), POLICY, TODAY) == (
        Problem(ProblemKind.ENDS_TOO_EARLY, day=date(2027, 2, 15)),
    )


@given(
    st.builds(
        ExtensionFacts,
        kind=kinds,
        is_cancelled=st.booleans(),
        is_delivered_out=st.booleans(),
        is_over=st.booleans(),
        orders_remaining=st.integers(0, 5),
        overdrawn=st.just(0),
        last_valid_date=days,
        next_earliest_order_date=st.none() | days,
    ),
    st.builds(
        Extension, more_orders=st.integers(0, 30), last_valid_date=st.none() | days, home_region_agreed=st.just(False)
    ),
)
def test_what_may_be_extended_can_be_ordered_afterwards(item: ExtensionFacts, wanted: Extension) -> None:
    item = replace(item, is_over=item.is_over or item.last_valid_date < TODAY)
    if rules.check_extension(item, wanted, POLICY, TODAY):
        return
    ends = wanted.last_valid_date or item.last_valid_date
    assert not item.is_cancelled
    assert 0 < item.orders_remaining + wanted.more_orders <= 24
    assert ends >= TODAY
    assert ends >= (item.next_earliest_order_date or TODAY)
    assert wanted.last_valid_date is None or ends <= rules.latest_valid_date(item.kind, POLICY, TODAY)


@given(st.sampled_from(PrescriptionStatus), days, st.integers(0, 3), st.none() | days, st.booleans())
def test_a_source_never_undoes_what_was_decided_here(
    source: PrescriptionStatus, source_last: date, added: int, until: date | None, stopped: bool
) -> None:
    decided = DecidedHere(added, until, stopped)
    status = rules.status_here(source, source_last, decided)
    assert (status is PrescriptionStatus.CANCELLED) is (stopped or source is PrescriptionStatus.CANCELLED)
    if status is not source and not stopped:
        assert status is PrescriptionStatus.ACTIVE
        longer = until is not None and until > source_last
        assert (source is PrescriptionStatus.EXPIRED and longer) or (source is PrescriptionStatus.DELIVERED and added)
    assert rules.last_valid_here(source_last, decided) == max(day for day in (source_last, until) if day)


@pytest.mark.parametrize(
    ("pieces", "first", "until", "percent"),
    [
        (6, None, TODAY, None),
        (6, TODAY - timedelta(days=83), TODAY, None),
        (6, TODAY - timedelta(days=84), TODAY, 100),
        (6, TODAY - timedelta(days=252), TODAY, 33),
        (18, TODAY - timedelta(days=252), TODAY, 100),
        (0, TODAY - timedelta(days=252), TODAY, 0),
    ],
)
def test_use_is_withdrawn_against_prescribed(pieces: int, first: date | None, until: date, percent: int | None) -> None:
    assert rules.use_share(pieces, first, 6, 84, until) == percent


@given(st.integers(1, 20), st.integers(1, 90), st.integers(1, 12))
def test_who_orders_on_the_day_uses_all(per_order: int, per: int, times: int) -> None:
    first = TODAY - timedelta(days=per * times)
    assert rules.use_share(per_order * times, first, per_order, per, TODAY) == 100


@given(st.sampled_from(Reason), st.integers(-400, 400), st.integers(0, 90))
def test_a_renewal_is_asked_for_where_it_helps(reason: Reason, ends_in: int, tell: int) -> None:
    asked = may_ask_to_renew(Verdict(reason), TODAY + timedelta(days=ends_in), TODAY, tell)
    if reason in (Reason.ALLOWED, Reason.NOT_YET):
        assert asked is (ends_in <= tell)
    else:
        assert asked is (reason in RENEWABLE)
    assert not (asked and reason in (Reason.CANCELLED, Reason.DECEASED, Reason.MOVED_OUT, Reason.PHARMACY))
