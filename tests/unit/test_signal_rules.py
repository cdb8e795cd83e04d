"""Which lots stand out: exact chances, as many looks as one likes, and what an ordinary lot is compared with."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given, settings, strategies as st

from delivery.complaints.signal_rules import (
    AGE_ENDS,
    FOLLOWED_DAYS,
    NO_CAUTION,
    USUAL,
    Baselines,
    Curve,
    Finding,
    LotFacts,
    add_in_use,
    curve_of,
    discoveries,
    is_worth_another_look,
    look,
    poisson_tail,
    week_of,
)

TODAY = 740_000
EVEN = curve_of((), ())


def _slow_tail(count: int, mean: Fraction) -> float:
    """Add up the terms as fractions, from `count` on until they vanish; only the last factor is rounded."""
    term = Fraction(1)
    for number in range(1, count + 1):
        term = term * mean / number
    total = Fraction(0)
    while term > total / 10**15:
        total += term
        count += 1
        term = term * mean / count
        if count > mean and term == 0:
            break
    return float(total) * math.exp(-float(mean))


@given(st.integers(0, 60), st.fractions(Fraction(1, 1000), 60, max_denominator=1000))
@settings(max_examples=150, deadline=None)
def test_the_chance_is_the_sum_of_its_terms(count: int, mean: Fraction) -> None:
    # With few terms the sum of those below is what the function subtracts from one: there it is as exact as that allows.
    assert poisson_tail(count, float(mean)) == pytest.approx(_slow_tail(count, mean), rel=1e-9, abs=1e-13)


@pytest.mark.parametrize(
    ("count", "mean", "chance"),
    [(0, 3.0, 1.0), (1, 0.0, 0.0), (1, 0.5, 1 - math.exp(-0.5)), (40, 0.1, _slow_tail(40, Fraction(1, 10)))],
)
def test_the_ends_of_the_scale(count: int, mean: float, chance: float) -> None:
    assert poisson_tail(count, mean) == pytest.approx(chance, rel=1e-12)


@given(st.integers(0, 400), st.floats(0.01, 300))
def test_more_reports_are_less_likely_and_more_packages_make_them_likelier(count: int, mean: float) -> None:
    assert 0 <= poisson_tail(count + 1, mean) <= poisson_tail(count, mean) <= 1
    assert poisson_tail(count, mean) <= poisson_tail(count, mean * 1.1) + 1e-12


def _mean_at_which(count: int, chance: float) -> float:
    low, high = 1e-9, float(count)
    for _step in range(100):
        middle = (low + high) / 2
        low, high = (middle, high) if poisson_tail(count, middle) <= chance else (low, middle)
    return low


def _chance_of_ever(chance: float, least: int, most: int) -> float:
    """The exact probability that an ordinary lot ever has so many reports that their chance is at most `chance`, looked at all the time."""
    before, spread = 0.0, [1.0]
    for count in range(least, most + 1):
        # From here on `count` reports are too likely: with fewer so far, nothing has been flagged.
        until = _mean_at_which(count, chance)
        step = [math.exp(before - until) * (until - before) ** more / math.factorial(more) for more in range(60)]
        after = [0.0] * count
        for had, share in enumerate(spread):
            for more in range(min(60, count - had)):
                after[had + more] += share * step[more]
        before, spread = until, after
    return 1 - sum(spread)


@pytest.mark.parametrize("chance", [1e-3, 1e-4, 1e-5, 1e-6])
def test_looking_every_day_is_paid_for(chance: float) -> None:
    ever = _chance_of_ever(chance, 3, 150)
    assert chance < ever <= USUAL.looks * chance
    # What it would be without: the same limit is crossed many times as often as it says.
    assert ever > 10 * NO_CAUTION.looks * chance


chances = st.dictionaries(st.integers(1, 40), st.floats(1e-9, 1), max_size=20)


@given(chances, st.integers(0, 40), st.integers(1, 20))
def test_discoveries_are_those_of_benjamini_and_hochberg(found: dict[int, float], others: int, percent: int) -> None:
    looked_at = len(found) + others
    kept = discoveries(found, looked_at, percent)
    slow: frozenset[int] = frozenset()
    for limit in found.values():
        below = frozenset(lot_id for lot_id, chance in found.items() if chance <= limit)
        if limit * looked_at * 100 <= percent * len(below):
            slow |= below
    assert kept == slow
    assert discoveries(found, looked_at + 10, percent) <= kept


@given(
    st.lists(st.tuples(st.integers(0, 400), st.integers(1, 50)), max_size=20),
    st.lists(st.integers(0, 400), max_size=40),
)
def test_a_curve_rises_from_nothing_to_everything(sent: list[tuple[int, int]], ages: list[int]) -> None:
    curve = curve_of(sent, ages)
    assert len(curve.shares) == FOLLOWED_DAYS + 1
    assert curve.shares[0] == 0
    assert curve.share(-1) == 0
    assert curve.share(10_000) == pytest.approx(1)
    assert all(before <= after for before, after in zip(curve.shares, curve.shares[1:], strict=False))


def test_a_product_that_fails_at_once_has_a_steep_curve() -> None:
    at_once = curve_of([(200, 1000)], [0, 1, 2, 3, 4, 5, 6] * 30)
    assert at_once.share(AGE_ENDS[0]) > 0.8 > EVEN.share(AGE_ENDS[0])


@given(st.integers(0, 400), st.integers(1, 500), st.integers(0, 6))
def test_packages_in_use_add_up_over_the_weeks(age: int, packages: int, weekday: int) -> None:
    in_use: dict[int, float] = {}
    today = TODAY + weekday
    add_in_use(in_use, today - age, packages, EVEN, today)
    assert sum(in_use.values()) == pytest.approx(packages * EVEN.share(age))
    assert all(week_of(today - age) <= week <= week_of(today) for week in in_use)


def _lot(
    lot_id: int,
    reports: int,
    *,
    packages: int = 300,
    age: int = 80,
    article_id: int = 1,
    kind: str = "SENSOR",
    reported: int = 20,
    curve: Curve = EVEN,
) -> LotFacts:
    """A lot sent `age` days ago whose reports came `reported` days ago."""
    lot = LotFacts(lot_id, article_id, kind, packages, TODAY - age)
    add_in_use(lot.in_use, TODAY - age, packages, curve, TODAY)
    if reports:
        lot.reports[week_of(TODAY - reported)] = reports
    return lot


def _look(lots: Sequence[LotFacts]) -> dict[int, Finding]:
    return {found.lot_id: found for found in look(lots, TODAY, least_reports=3, percent=5)}


USUAL_LOTS = [_lot(number, number % 3, age=40 + 10 * number) for number in range(1, 10)]


def test_a_lot_that_stands_out_is_found_with_its_evidence() -> None:
    found = _look([*USUAL_LOTS, _lot(99, 14)])[99]
    assert found.stands_out
    assert (found.reports, found.delivered) == (14, 300)
    assert 0.4 < found.expected < 1.6
    assert found.chance < 1e-5


def test_ordinary_lots_are_left_alone() -> None:
    assert not any(found.stands_out for found in _look(USUAL_LOTS).values())


def test_two_reports_are_never_enough() -> None:
    silent = [_lot(number, 0, packages=50_000) for number in range(1, 6)]
    assert 99 not in _look([*silent, _lot(99, 2, packages=3)])
    assert _look([*silent, _lot(99, 4, packages=3)])[99].stands_out


def test_a_lot_is_not_compared_with_itself() -> None:
    few, many = (Baselines([*USUAL_LOTS, _lot(99, reports)]) for reports in (0, 30))
    assert few.expected(_lot(99, 0)) == pytest.approx(many.expected(_lot(99, 30)))


def test_a_flagged_lot_no_longer_sets_the_norm() -> None:
    bad, other = _lot(98, 30), _lot(99, 9)
    hidden = _look([*USUAL_LOTS, bad, other])[99]
    seen = _look([*USUAL_LOTS, replace(bad, sets_norm=False), other])[99]
    assert seen.expected < hidden.expected / 2


def test_what_all_lots_share_is_no_signal() -> None:
    """A summer, or an error in an app: every lot in use has more reports in the same weeks, and none stands out."""
    before = [_lot(number, 1, age=300, reported=260) for number in range(1, 8)]
    now = [_lot(20 + number, 9, age=60) for number in range(6)]
    assert not any(found.stands_out for found in _look([*before, *now]).values())
    assert _look([*before, *now[:1]])[20].stands_out


def test_a_new_lot_is_not_blamed_for_being_new() -> None:
    """Products that fail at once: a lot sent last week has had its reports, and the old ones have theirs behind them."""
    steep = curve_of([(150, 3000)], [1, 3, 5] * 40)
    old = [_lot(number, 8, age=150, reported=145, curve=steep) for number in range(1, 8)]
    assert not _look([*old, _lot(99, 7, age=6, reported=2, curve=steep)])[99].stands_out
    # Were all ages alike, it would be.
    assert _look([*old, _lot(99, 7, age=6, reported=2)])[99].stands_out


def test_a_new_article_is_believed_to_be_as_its_kind() -> None:
    kin = [_lot(number, 3, article_id=number) for number in range(1, 9)]
    expected, tolerated = Baselines(kin).expected(_lot(99, 0, article_id=50))
    assert expected == pytest.approx(3, rel=0.3)
    # Of which nothing is sure: what is tolerated is far above.
    assert tolerated > 1.7 * expected


def test_certain_but_small_differences_are_no_reason_to_stop_a_lot() -> None:
    lots = [_lot(number, 100, packages=10_000) for number in range(1, 8)]
    found = _look([*lots, _lot(99, 190, packages=10_000)])[99]
    assert found.chance < 1e-3
    assert not found.stands_out
    assert look([*lots, _lot(99, 190, packages=10_000)], TODAY, least_reports=3, percent=5, caution=NO_CAUTION)[
        -1
    ].stands_out


def test_a_lot_nobody_was_sent_for_half_a_year_is_left_alone() -> None:
    assert 99 not in _look([*USUAL_LOTS, _lot(99, 30, age=FOLLOWED_DAYS + 1)])


@pytest.mark.parametrize(
    ("reports", "chance", "comes_back"),
    [(10, 1e-6, False), (14, 1e-6, False), (15, 1e-6, True), (15, 9e-6, False), (30, 1e-9, True)],
)
def test_a_dismissed_lot_comes_back_when_the_evidence_has_grown(reports: int, chance: float, comes_back: bool) -> None:
    assert (
        is_worth_another_look(reports, chance, dismissed_reports=10, dismissed_chance=1e-5, least_reports=3)
        is comes_back
    )
