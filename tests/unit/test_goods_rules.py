"""What is refused at the gate, how serial numbers are written, and how much to order. Handbook §6."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given, strategies as st

from delivery.goods_rules import (
    MOST_SERIALS,
    GoodsFacts,
    Refusal,
    SerialProblem,
    SerialsRefused,
    judge_goods,
    read_serials,
    required_days_left,
)
from delivery.stock_need import Flow, proposal
from orders.kinds import ProductKind

TODAY = date(2026, 12, 1)


def goods(**changes: object) -> GoodsFacts:
    facts: dict[str, object] = {
        "kind": ProductKind.SENSOR,
        "shelf_life_days": 540,
        "least_days_left": None,
        "expires_on": TODAY + timedelta(days=360),
        "lot_may_not_leave": False,
        "is_damaged": False,
        "is_ordered": True,
    }
    return GoodsFacts(**{**facts, **changes})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("facts", "refusal"),
    [
        (goods(), None),
        (goods(expires_on=TODAY + timedelta(days=359)), Refusal.SHELF_LIFE),
        (goods(kind=ProductKind.LANCET, expires_on=TODAY + timedelta(days=1)), None),
        (goods(kind=ProductKind.LANCET, expires_on=TODAY), Refusal.SHELF_LIFE),
        (goods(expires_on=TODAY - timedelta(days=1)), Refusal.EXPIRED),
        (goods(least_days_left=30, expires_on=TODAY + timedelta(days=30)), None),
        (goods(least_days_left=30, expires_on=TODAY + timedelta(days=29)), Refusal.SHELF_LIFE),
        (goods(shelf_life_days=None, expires_on=TODAY + timedelta(days=1)), None),
        (goods(is_damaged=True), Refusal.DAMAGED),
        (goods(lot_may_not_leave=True, is_damaged=True), Refusal.RECALLED),
        (goods(is_ordered=False, lot_may_not_leave=True), Refusal.NOT_ORDERED),
    ],
)
def test_goods_are_refused_for_the_right_reason(facts: GoodsFacts, refusal: Refusal | None) -> None:
    assert judge_goods(facts, TODAY) is refusal


@given(st.integers(1, 4000), st.integers(0, 4000))
def test_a_sensor_is_accepted_exactly_with_two_thirds_left(shelf_life: int, left: int) -> None:
    enough = left >= required_days_left(ProductKind.SENSOR, shelf_life, None)
    assert enough == (left * 3 >= shelf_life * 2)


@pytest.mark.parametrize(
    ("text", "serials"),
    [
        ("P100 P101,P102\nP103", ["P100", "P101", "P102", "P103"]),
        ("P098–P101", ["P098", "P099", "P100", "P101"]),
        ("P098 – 101", ["P098", "P099", "P100", "P101"]),
        ("P098..P100", ["P098", "P099", "P100"]),
        ("AB-1234", ["AB-1234"]),
        ("2026-0001", ["2026-0001"]),
        ("", []),
    ],
)
def test_serials_are_read_one_by_one_and_as_ranges(text: str, serials: list[str]) -> None:
    assert read_serials(text) == serials


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("P1 P1", SerialProblem.TWICE),
        ("P1–P3 P2", SerialProblem.TWICE),
        ("Åsa1", SerialProblem.UNREADABLE),
        ("X" * 21, SerialProblem.UNREADABLE),
        ("P0001–P9999", SerialProblem.TOO_MANY),
        (" ".join(f"S{number}" for number in range(MOST_SERIALS + 1)), SerialProblem.TOO_MANY),
    ],
)
def test_serials_that_cannot_be_used_say_why(text: str, problem: SerialProblem) -> None:
    with pytest.raises(SerialsRefused) as refused:
        read_serials(text)
    assert refused.value.problem is problem


@given(st.text(max_size=60))
def test_whatever_is_typed_is_read_or_refused(text: str) -> None:
    try:
        serials = read_serials(text)
    except SerialsRefused:
        return
    assert len(set(serials)) == len(serials) <= MOST_SERIALS


@given(
    st.builds(
        Flow,
        used_per_day=st.floats(0, 200),
        available=st.integers(0, 5000),
        owed=st.integers(0, 500),
        on_order=st.integers(0, 5000),
        lead_days=st.integers(0, 60),
        review_days=st.integers(1, 30),
        safety_days=st.integers(0, 30),
    )
)
def test_an_order_is_proposed_only_when_due_and_then_lasts_until_the_next_review(flow: Flow) -> None:
    packages = proposal(flow)
    there = flow.available + flow.on_order
    assert packages >= 0
    if packages:
        assert there < flow.order_point
        assert there + packages == flow.wanted >= flow.order_point
    else:
        assert there >= flow.order_point
