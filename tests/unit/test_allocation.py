"""First expired, first out, and never what must not leave the depot."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given, strategies as st

from delivery.allocation import LotFacts, LotProblem, Need, allocate, judge_lot

TODAY = date(2026, 12, 1)
UNTIL = date(2027, 3, 1)


def lot(lot_id: int, expires: date, free: int = 10, *, quarantined: bool = False, recalled: bool = False) -> LotFacts:
    return LotFacts(lot_id, expires, quarantined, recalled, free)


def test_the_soonest_expiry_goes_first_and_the_rest_comes_from_the_next() -> None:
    lots = [lot(1, date(2028, 1, 1), 5), lot(2, date(2027, 6, 1), 2), lot(3, date(2027, 9, 1), 2)]
    assert allocate(Need(6, UNTIL), lots, TODAY) == {2: 2, 3: 2, 1: 2}


@pytest.mark.parametrize(
    ("facts", "need", "problem"),
    [
        (lot(1, date(2026, 11, 30)), Need(1, date(2026, 1, 1)), LotProblem.EXPIRED),
        (lot(1, TODAY), Need(1, TODAY), None),
        (lot(1, UNTIL - timedelta(days=1)), Need(1, UNTIL), LotProblem.EXPIRES_TOO_SOON),
        (lot(1, UNTIL), Need(1, UNTIL), None),
        (lot(1, date(2030, 1, 1), quarantined=True), Need(1, UNTIL), LotProblem.QUARANTINED),
        (lot(1, date(2030, 1, 1), recalled=True, quarantined=True), Need(1, UNTIL), LotProblem.RECALLED),
        (lot(7, date(2030, 1, 1)), Need(1, UNTIL, avoid_lot_id=7), LotProblem.SAME_AS_FAULTY),
    ],
)
def test_a_lot_is_refused_for_the_right_reason(facts: LotFacts, need: Need, problem: LotProblem | None) -> None:
    assert judge_lot(facts, need, TODAY) is problem
    assert allocate(need, [facts], TODAY) == ({facts.lot_id: 1} if problem is None else {})


LOTS = st.builds(
    LotFacts,
    lot_id=st.integers(1, 10**6),
    expires_on=st.dates(TODAY - timedelta(days=60), TODAY + timedelta(days=400)),
    is_quarantined=st.booleans(),
    is_recalled=st.booleans(),
    free=st.integers(-2, 8),
)


@given(st.lists(LOTS, max_size=12, unique_by=lambda facts: facts.lot_id), st.integers(1, 30), st.integers(0, 300))
def test_never_more_than_there_is_and_never_a_refused_lot(lots: list[LotFacts], packages: int, days: int) -> None:
    need = Need(packages, TODAY + timedelta(days=days), avoid_lot_id=lots[0].lot_id if lots else None)
    taken = allocate(need, lots, TODAY)
    good = {facts.lot_id: facts for facts in lots if judge_lot(facts, need, TODAY) is None and facts.free > 0}
    assert taken.keys() <= good.keys()
    assert all(0 < count <= good[lot_id].free for lot_id, count in taken.items())
    assert sum(taken.values()) == min(packages, sum(facts.free for facts in good.values()))
    if taken:
        latest = max(good[lot_id].expires_on for lot_id in taken)
        earlier = [facts for facts in good.values() if facts.expires_on < latest]
        assert all(taken.get(facts.lot_id) == facts.free for facts in earlier)
