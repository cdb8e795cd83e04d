"""The rules of supplier claims: what a case is worth, when it may be claimed, when a supplier is late, and money to the öre."""

from __future__ import annotations

import itertools
from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, strategies as st

from core.workdays import is_working_day
from delivery.complaints.claim_rules import (
    LARGEST_AMOUNT,
    ORE,
    ClaimFacts,
    ClaimProblem,
    CreditProblem,
    answer_due,
    chase_is_due,
    claim_problem,
    credit_problems,
    line_value,
    state_without_claim,
    suggested_shares,
)
from delivery.complaints.models import ComplaintState
from delivery.complaints.rules import may_become

ORES = st.integers(1, 10**9).map(lambda ore: Decimal(ore) * ORE)
DAYS = st.dates(date(2025, 1, 1), date(2030, 12, 31))
READY = ClaimFacts(ComplaintState.REPLACEMENT_ORDERED, False, False, True, Decimal("450.00"), True)


@given(st.integers(1, 500), ORES, st.none() | ORES)
def test_the_price_of_the_order_goes_before_the_articles(
    packages: int, paid: Decimal, now_costs: Decimal | None
) -> None:
    assert line_value(packages, paid, now_costs) == (packages * paid if packages * paid <= LARGEST_AMOUNT else None)
    assert line_value(packages, None, paid) == line_value(packages, paid, None)


def test_what_has_no_price_has_no_value() -> None:
    assert line_value(3, None, None) is None
    assert line_value(3, Decimal(0), Decimal("9.90")) is None
    assert line_value(0, Decimal("9.90"), None) is None
    assert line_value(3, Decimal("9.90"), None) == Decimal("29.70")


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({}, None),
        ({"state": ComplaintState.TRIAGED}, None),
        ({"state": ComplaintState.REJECTED}, None),
        ({"state": ComplaintState.RECEIVED}, ClaimProblem.NOT_NOW),
        ({"state": ComplaintState.DECLINED}, ClaimProblem.NOT_NOW),
        ({"state": ComplaintState.CLOSED}, ClaimProblem.NOT_NOW),
        ({"state": ComplaintState.CLAIMED, "has_live_line": True}, ClaimProblem.CLAIMED_ALREADY),
        # Opened again after it was credited: still the same claim.
        ({"state": ComplaintState.TRIAGED, "has_live_line": True}, ClaimProblem.CLAIMED_ALREADY),
        ({"is_duplicate": True}, ClaimProblem.DUPLICATE),
        ({"has_supplier": False}, ClaimProblem.NO_SUPPLIER),
        ({"value": None}, ClaimProblem.NO_PRICE),
        ({"is_kept": False}, ClaimProblem.THROWN_AWAY),
    ],
)
def test_what_may_be_claimed(changes: dict[str, object], problem: ClaimProblem | None) -> None:
    facts = ClaimFacts(**{**READY.__dict__, **changes})
    assert claim_problem(facts) is problem
    thrown = problem is ClaimProblem.THROWN_AWAY
    assert claim_problem(facts, even_if_thrown=True) is (None if thrown else problem)


@given(st.booleans(), st.booleans())
def test_a_case_taken_out_of_a_pack_can_be_claimed_again(was_rejected: bool, was_replaced: bool) -> None:
    state = state_without_claim(was_rejected=was_rejected, was_replaced=was_replaced)
    assert may_become(state, ComplaintState.CLAIMED)


@given(DAYS, st.integers(0, 90))
def test_an_answer_is_due_on_a_working_day_no_earlier_than_promised(sent_on: date, days: int) -> None:
    due = answer_due(sent_on, days)
    assert is_working_day(due)
    assert due >= sent_on + timedelta(days=days)
    between = (sent_on + timedelta(days=days + step) for step in range((due - sent_on).days - days))
    assert not any(is_working_day(day) for day in between)


def test_christmas_moves_the_day() -> None:
    assert answer_due(date(2026, 11, 24), 30) == date(2026, 12, 28)


@given(DAYS, st.integers(1, 30), st.integers(0, 30), st.integers(60, 120))
def test_a_late_supplier_is_reminded_at_intervals_and_never_on_a_day_off(
    due: date, every: int, quiet: int, span: int
) -> None:
    chased: list[date] = []
    for day in (due + timedelta(days=step - quiet) for step in range(span)):
        if chase_is_due(day, due, chased[-1] if chased else None, every):
            chased.append(day)
    assert all(day > due and is_working_day(day) for day in chased)
    gaps = [(later - earlier).days for earlier, later in itertools.pairwise(chased)]
    # Never sooner; later only by the days off in between, of which Christmas has the most.
    assert all(every <= gap <= every + 7 for gap in gaps)
    assert chased
    assert (chased[0] - due).days <= 8


@given(st.lists(ORES, min_size=1, max_size=8))
def test_shares_that_add_up_to_the_note_are_right_and_one_ore_more_is_not(rests: list[Decimal]) -> None:
    left = dict(enumerate(rests))
    total = sum(rests, Decimal(0))
    if total > LARGEST_AMOUNT:
        return
    assert credit_problems(total, left, left) == ()
    assert credit_problems(total + ORE, left, left) == (CreditProblem.DOES_NOT_ADD_UP,)
    assert credit_problems(total - ORE, left, left)[-1] is CreditProblem.DOES_NOT_ADD_UP
    more = {**left, 0: left[0] + ORE}
    assert credit_problems(total + ORE, more, left) == (CreditProblem.MORE_THAN_LEFT,)
    assert suggested_shares(total, list(left.items())) == left
    assert suggested_shares(total + ORE, list(left.items())) == {}


@given(st.dictionaries(st.integers(0, 5), ORES, min_size=1), st.data())
def test_accepted_shares_never_exceed_what_is_left(left: dict[int, Decimal], data: st.DataObject) -> None:
    shares = {
        line: data.draw(st.integers(-5, int(rest * 110)).map(lambda ore: ore * ORE)) for line, rest in left.items()
    }
    amount = sum(shares.values(), Decimal(0))
    if credit_problems(amount, shares, left) == ():
        assert all(0 < share <= left[line] for line, share in shares.items())
        assert sum(shares.values()) == amount > 0


@pytest.mark.parametrize(
    ("amount", "shares", "problem"),
    [
        ("0", {1: "0"}, CreditProblem.NO_AMOUNT),
        ("-5", {1: "-5"}, CreditProblem.NO_AMOUNT),
        ("NaN", {1: "5"}, CreditProblem.NO_AMOUNT),
        ("5", {1: "Infinity"}, CreditProblem.NO_AMOUNT),
        ("1e30", {1: "5"}, CreditProblem.NO_AMOUNT),
        ("5.001", {1: "5.001"}, CreditProblem.NOT_TO_THE_ORE),
        ("5", {}, CreditProblem.NOTHING_SHARED),
        ("5", {1: "6", 2: "-1"}, CreditProblem.NOT_POSITIVE),
    ],
)
def test_what_no_note_can_be(amount: str, shares: dict[int, str], problem: CreditProblem) -> None:
    typed = {line: Decimal(share) for line, share in shares.items()}
    assert credit_problems(Decimal(amount), typed, {1: Decimal(100), 2: Decimal(100)})[0] is problem
