"""Handbook §3: what may be withdrawn, and why not."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

from hypothesis import given, strategies as st

from orders import rules
from orders.rules import ItemFacts, PersonFacts, QuantityProblem, Reason, Supplied

TODAY = date(2026, 12, 1)
ALIVE = PersonFacts(is_deceased=False, supplied=Supplied.HERE)
GOOD = ItemFacts(
    is_cancelled=False,
    is_expired=False,
    is_delivered_out=False,
    orders_remaining=2,
    last_valid_date=TODAY,
    next_earliest_order_date=TODAY,
    article_is_orderable=True,
    has_successor=False,
    can_be_delivered=True,
)

days = st.dates(date(2025, 1, 1), date(2028, 12, 31))
items = st.builds(
    ItemFacts,
    is_cancelled=st.booleans(),
    is_expired=st.booleans(),
    is_delivered_out=st.booleans(),
    orders_remaining=st.integers(0, 3),
    last_valid_date=days,
    next_earliest_order_date=st.none() | days,
    article_is_orderable=st.booleans(),
    has_successor=st.booleans(),
    can_be_delivered=st.booleans(),
)
people = st.builds(
    PersonFacts, is_deceased=st.booleans(), supplied=st.sampled_from((Supplied.HERE, Supplied.NOT_ANY_MORE))
)


@given(items, people, days)
def test_a_withdrawal_is_allowed_exactly_when_every_condition_holds(
    item: ItemFacts, person: PersonFacts, today: date
) -> None:
    expected = (
        not person.is_deceased
        and person.supplied is Supplied.HERE
        and not (item.is_cancelled or item.is_expired or item.is_delivered_out)
        and item.orders_remaining > 0
        and item.last_valid_date >= today
        and (item.next_earliest_order_date is None or item.next_earliest_order_date <= today)
        and item.article_is_orderable
        and item.can_be_delivered
    )
    assert rules.decide_withdrawal(item, person, today).is_allowed is expected


@given(items, people, days)
def test_a_date_is_promised_only_when_it_will_be_kept(item: ItemFacts, person: PersonFacts, today: date) -> None:
    verdict = rules.decide_withdrawal(item, person, today)
    if verdict.reason is Reason.NOT_YET:
        assert verdict.day is not None
        assert verdict.day > today
        assert rules.decide_withdrawal(item, person, verdict.day).is_allowed
        assert not rules.decide_withdrawal(item, person, verdict.day - timedelta(days=1)).is_allowed


def test_the_last_valid_day_and_the_earliest_day_are_inclusive() -> None:
    assert rules.decide_withdrawal(GOOD, ALIVE, TODAY).is_allowed
    tomorrow = TODAY + timedelta(days=1)
    assert rules.decide_withdrawal(GOOD, ALIVE, tomorrow).reason is Reason.EXPIRED
    waiting = replace(GOOD, next_earliest_order_date=tomorrow, last_valid_date=tomorrow)
    assert rules.decide_withdrawal(waiting, ALIVE, TODAY) == rules.Verdict(Reason.NOT_YET, tomorrow)


def test_a_date_after_the_last_valid_one_is_not_promised() -> None:
    hopeless = replace(GOOD, next_earliest_order_date=TODAY + timedelta(days=1))
    assert rules.decide_withdrawal(hopeless, ALIVE, TODAY).reason is Reason.EXPIRED


def test_a_discontinued_article_points_to_its_successor_only_when_it_has_one() -> None:
    gone = replace(GOOD, article_is_orderable=False)
    assert rules.decide_withdrawal(gone, ALIVE, TODAY).reason is Reason.NOT_ORDERABLE_HERE
    assert rules.decide_withdrawal(replace(gone, has_successor=True), ALIVE, TODAY).reason is Reason.DISCONTINUED


@given(
    st.dictionaries(st.integers(1, 4), st.integers(-1, 6), max_size=4),
    st.frozensets(st.integers(1, 4)),
    st.integers(1, 8),
)
def test_quantities_are_accepted_exactly_within_the_withdrawal(
    packages: dict[int, int], orderable: frozenset[int], limit: int
) -> None:
    chosen = {article for article, count in packages.items() if count > 0}
    expected = (
        all(count >= 0 for count in packages.values()) and 0 < sum(packages.values()) <= limit and chosen <= orderable
    )
    assert (rules.check_quantities(packages, orderable, limit) is None) is expected


def test_each_quantity_problem_is_named() -> None:
    articles = frozenset({1})
    assert rules.check_quantities({1: 0}, articles, 3) is QuantityProblem.NOTHING
    assert rules.check_quantities({}, articles, 3) is QuantityProblem.NOTHING
    assert rules.check_quantities({1: 4}, articles, 3) is QuantityProblem.TOO_MUCH
    assert rules.check_quantities({1: -1}, articles, 3) is QuantityProblem.NEGATIVE
    assert rules.check_quantities({2: 1}, articles, 3) is QuantityProblem.FOREIGN_ARTICLE


@given(st.none() | days, st.none() | days, st.integers(1, 400), st.integers(0, 60))
def test_the_next_date_is_after_the_withdrawal_and_never_before_the_sources(
    source: date | None, withdrawn: date | None, interval: int, margin: int
) -> None:
    result = rules.next_earliest_date(source, withdrawn, interval, margin)
    if withdrawn is not None:
        assert result is not None
        assert result > withdrawn
    if source is not None:
        assert result is not None
        assert result >= source
    if source is None and withdrawn is None:
        assert result is None


def test_supplies_are_used_one_after_the_other() -> None:
    first = rules.Supply(date(2026, 9, 1), 30)
    overlapping = rules.Supply(date(2026, 9, 20), 30)
    after_a_gap = rules.Supply(date(2026, 12, 1), 10)
    assert rules.supply_lasts_until([]) is None
    assert rules.supply_lasts_until([first]) == date(2026, 10, 1)
    assert rules.supply_lasts_until([overlapping, first]) == date(2026, 10, 31)
    assert rules.supply_lasts_until([after_a_gap, overlapping, first]) == date(2026, 12, 11)


def test_remaining_is_never_negative() -> None:
    assert rules.orders_remaining(4, 1, 1) == 2
    assert rules.orders_remaining(1, 2, 1) == 0
