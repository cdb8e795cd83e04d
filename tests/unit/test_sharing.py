"""Scarce stock: as many patients as possible are bridged before anybody gets three months. Handbook §6."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import permutations

from hypothesis import given, strategies as st

from delivery.allocation import LotFacts, Need, allocate, judge_lot
from delivery.sharing import Wanted, share

TODAY = date(2026, 12, 1)
PROMISED = date(2026, 12, 8)
ARTICLE = 1


def lot(lot_id: int, free: int, expires: date = date(2028, 1, 1)) -> LotFacts:
    return LotFacts(lot_id, expires, is_quarantined=False, is_recalled=False, free=free)


def line(line_id: int, packages: int, bridge: int = 1, promised: date = PROMISED) -> Wanted:
    return Wanted(line_id, ARTICLE, packages, date(2027, 3, 1), bridge, date(2026, 12, 22), promised)


def shared(lines: list[Wanted], lots: list[LotFacts]) -> dict[int, dict[int, int]]:
    return share(lines, [(ARTICLE, one) for one in lots], TODAY)


def test_enough_for_all_is_first_expired_first_out() -> None:
    lots = [lot(1, 5, date(2028, 1, 1)), lot(2, 4, date(2027, 6, 1))]
    assert shared([line(1, 3), line(2, 3)], lots) == {1: {2: 3}, 2: {2: 1, 1: 2}}


def test_scarce_stock_bridges_everybody_before_the_oldest_promise_is_filled_up() -> None:
    lines = [line(1, 6, 2, PROMISED), line(2, 6, 2, PROMISED + timedelta(days=1)), line(3, 6, 2, PROMISED)]
    assert shared(lines, [lot(1, 8)]) == {1: {1: 4}, 2: {1: 2}, 3: {1: 2}}


def test_a_bridge_may_expire_before_the_whole_withdrawal_would_be_used_up() -> None:
    soon = lot(1, 5, date(2027, 1, 1))
    assert shared([line(1, 6, 2)], [soon]) == {1: {1: 2}}


def test_half_a_bridge_is_given_to_nobody_while_it_may_fill_somebody_up() -> None:
    assert shared([line(1, 6, 4), line(2, 6, 4)], [lot(1, 5)]) == {1: {1: 5}}


days = st.dates(date(2026, 11, 20), date(2027, 6, 1))
lots = st.lists(
    st.builds(
        LotFacts,
        lot_id=st.integers(1, 6),
        expires_on=days,
        is_quarantined=st.booleans(),
        is_recalled=st.booleans(),
        free=st.integers(0, 6),
        is_on_hold=st.booleans(),
    ),
    max_size=6,
    unique_by=lambda one: one.lot_id,
)


@st.composite
def wanted(draw: st.DrawFn) -> Wanted:
    packages = draw(st.integers(1, 6))
    bridge_until = draw(days)
    return Wanted(
        line_id=draw(st.integers(1, 1000)),
        article_id=ARTICLE,
        packages=packages,
        use_until=bridge_until + timedelta(days=draw(st.integers(0, 60))),
        bridge=draw(st.integers(1, packages)),
        bridge_until=bridge_until,
        promised_date=draw(days),
        avoid_lot_id=draw(st.none() | st.integers(1, 6)),
    )


lines = st.lists(wanted(), max_size=5, unique_by=lambda one: one.line_id)


@given(lines, lots)
def test_nothing_is_given_twice_or_to_whom_it_may_not_go(lines: list[Wanted], lots: list[LotFacts]) -> None:
    result = shared(lines, lots)
    by_line, by_lot = {one.line_id: one for one in lines}, {one.lot_id: one for one in lots}
    for lot_id, facts in by_lot.items():
        assert sum(taken.get(lot_id, 0) for taken in result.values()) <= facts.free
    for line_id, taken in result.items():
        one = by_line[line_id]
        assert 0 < sum(taken.values()) <= one.packages
        for lot_id, packages in taken.items():
            assert packages > 0
            assert judge_lot(by_lot[lot_id], Need(1, one.bridge_until, one.avoid_lot_id), TODAY) is None
        # What is given beyond the bridge is for the whole horizon.
        short_lived = sum(count for lot_id, count in taken.items() if by_lot[lot_id].expires_on < one.use_until)
        assert short_lived <= one.bridge


@given(lines, lots)
def test_where_each_in_turn_can_have_all_each_gets_all(lines: list[Wanted], lots: list[LotFacts]) -> None:
    left = {one.lot_id: one.free for one in lots}
    for one in sorted(lines, key=lambda line: (line.promised_date, line.line_id)):
        facts = [
            LotFacts(f.lot_id, f.expires_on, f.is_quarantined, f.is_recalled, left[f.lot_id], f.is_on_hold)
            for f in lots
        ]
        plan = allocate(Need(one.packages, one.use_until, one.avoid_lot_id), facts, TODAY)
        if sum(plan.values()) < one.packages:
            return
        for lot_id, packages in plan.items():
            left[lot_id] -= packages
    assert all(sum(taken.values()) == one.packages for one in lines for taken in [shared(lines, lots)[one.line_id]])


small = st.lists(
    st.builds(
        lambda line_id, until, longer: Wanted(line_id, ARTICLE, 3, until + timedelta(days=longer), 1, until, PROMISED),
        st.integers(1, 1000),
        days,
        st.integers(0, 60),
    ),
    max_size=5,
    unique_by=lambda one: one.line_id,
)


@given(small, lots)
def test_when_it_is_short_nobody_could_have_bridged_more(lines: list[Wanted], lots: list[LotFacts]) -> None:
    result = shared(lines, lots)
    if all(sum(result.get(one.line_id, {}).values()) == one.packages for one in lines):
        return
    assert len(result) == max(_bridged(order, lots) for order in permutations(lines))


def _bridged(order: tuple[Wanted, ...], lots: list[LotFacts]) -> int:
    """How many lines of bridge 1 one order of serving reaches."""
    left, reached = {one.lot_id: one.free for one in lots}, 0
    for one in order:
        for facts in sorted(lots, key=lambda lot: (lot.expires_on, lot.lot_id)):
            if left[facts.lot_id] and judge_lot(facts, Need(1, one.bridge_until), TODAY) is None:
                left[facts.lot_id] -= 1
                reached += 1
                break
    return reached
