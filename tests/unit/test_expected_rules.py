"""When back orders can be expected: the oldest first, never from what is late, and no promise that can no longer be kept."""

from __future__ import annotations

from datetime import date, timedelta

from hypothesis import given, strategies as st

from core.workdays import add_working_days
from delivery.expected_rules import Promises, is_worth_telling, promise, share_goods

TODAY = date(2026, 12, 1)
TERMS = Promises(from_goods=3, without_goods=10)
SOON, LATER = date(2026, 12, 3), date(2026, 12, 10)


def test_the_oldest_gets_what_comes_first() -> None:
    assert share_goods([("old", 4), ("young", 5)], [(LATER, 5), (SOON, 3)], TODAY) == {"old": LATER, "young": None}
    assert share_goods([("old", 3), ("young", 4)], [(LATER, 5), (SOON, 3)], TODAY) == {"old": SOON, "young": LATER}


def test_what_is_late_is_not_counted_on() -> None:
    assert share_goods([("a", 1)], [(TODAY - timedelta(days=1), 9)], TODAY) == {"a": None}
    assert share_goods([("a", 1)], [(TODAY, 9)], TODAY) == {"a": TODAY}


def test_nobody_gets_what_an_older_one_takes() -> None:
    assert share_goods([("a", 2), ("b", 1)], [(SOON, 2)], TODAY) == {"a": SOON, "b": None}


@given(
    st.lists(st.integers(1, 20), max_size=12),
    st.lists(st.tuples(st.integers(-5, 40), st.integers(0, 30)), max_size=8),
)
def test_no_package_is_promised_twice_and_nobody_younger_is_earlier(
    wanted: list[int], coming: list[tuple[int, int]]
) -> None:
    goods = [(TODAY + timedelta(days=days), packages) for days, packages in coming]
    found = share_goods(list(enumerate(wanted)), goods, TODAY)
    days = [found[number] for number in range(len(wanted))]
    known = [day for day in days if day is not None]
    assert known == sorted(known)
    assert days[: len(known)] == known
    for day in set(known):
        promised = sum(count for count, one in zip(wanted, days, strict=True) if one is not None and one <= day)
        assert promised <= sum(packages for when, packages in goods if TODAY <= when <= day)


def test_goods_decide_and_else_what_was_said_stays_while_it_can_be_kept() -> None:
    assert promise(SOON, None, TODAY, TERMS) == add_working_days(SOON, 3)
    assert promise(None, None, TODAY, TERMS) == add_working_days(TODAY, 10)
    kept = add_working_days(TODAY, 3)
    assert promise(None, kept, TODAY, TERMS) == kept
    assert promise(None, kept - timedelta(days=1), TODAY, TERMS) == add_working_days(TODAY, 10)
    assert promise(SOON, date(2027, 2, 1), TODAY, TERMS) == add_working_days(SOON, 3)


def test_a_day_or_two_is_not_worth_a_message() -> None:
    assert not is_worth_telling(SOON, SOON + timedelta(days=2))
    assert is_worth_telling(SOON, SOON + timedelta(days=3))
    assert is_worth_telling(SOON, SOON - timedelta(days=3))
