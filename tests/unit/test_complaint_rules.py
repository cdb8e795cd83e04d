"""The rules of fault reports: what is a red flag, what cannot be true, when a case is due, where it may go."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from delivery.complaints import rules
from delivery.complaints.models import ComplaintState, FaultKind
from delivery.complaints.rules import ReportProblem
from orders.models import ProductKind

TODAY = date(2026, 12, 1)
SOUND = rules.ReportFacts(
    product=ProductKind.SENSOR,
    fault=FaultKind.STOPPED_WORKING,
    packages=1,
    delivered_packages=3,
    delivered_on=date(2026, 11, 5),
    applied_on=date(2026, 11, 20),
    failed_on=date(2026, 11, 24),
)


@pytest.mark.parametrize("product", list(ProductKind))
def test_harm_is_always_a_red_flag(product: ProductKind) -> None:
    assert rules.has_red_flag(product, was_harmed=True, has_danger_sign=False)


@pytest.mark.parametrize(
    ("product", "is_red"),
    [
        (ProductKind.SENSOR, True),
        (ProductKind.PUMP, True),
        (ProductKind.INFUSION_SET, True),
        (ProductKind.STOMA, False),
        (ProductKind.NUTRITION, False),
    ],
)
def test_a_sign_of_danger_is_a_red_flag_with_what_gives_or_measures(product: ProductKind, is_red: bool) -> None:
    assert rules.has_red_flag(product, was_harmed=False, has_danger_sign=True) is is_red
    assert not rules.has_red_flag(product, was_harmed=False, has_danger_sign=False)


def test_a_sound_report_has_no_problem() -> None:
    assert rules.check_report(SOUND, TODAY) == ()


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"failed_on": date(2026, 12, 2)}, ReportProblem.FAILED_IN_FUTURE),
        ({"applied_on": date(2026, 11, 25)}, ReportProblem.FAILED_BEFORE_APPLIED),
        ({"applied_on": None, "failed_on": date(2026, 11, 3)}, ReportProblem.FAILED_BEFORE_DELIVERED),
        ({"applied_on": date(2026, 11, 3)}, ReportProblem.APPLIED_BEFORE_DELIVERED),
        ({"packages": 0}, ReportProblem.TOO_FEW_PACKAGES),
        ({"packages": 4}, ReportProblem.MORE_THAN_DELIVERED),
        ({"fault": FaultKind.TASTE_OR_SPOILED}, ReportProblem.NOT_A_FAULT_OF_THIS_PRODUCT),
    ],
)
def test_what_cannot_be_is_named(changes: dict[str, object], problem: ReportProblem) -> None:
    assert rules.check_report(replace(SOUND, **changes), TODAY) == (problem,)  # type: ignore[arg-type]


def test_every_problem_is_named_at_once() -> None:
    facts = replace(SOUND, applied_on=date(2026, 12, 3), failed_on=date(2026, 12, 2), packages=9)
    assert set(rules.check_report(facts, TODAY)) == {
        ReportProblem.APPLIED_IN_FUTURE,
        ReportProblem.FAILED_IN_FUTURE,
        ReportProblem.FAILED_BEFORE_APPLIED,
        ReportProblem.MORE_THAN_DELIVERED,
    }


def test_the_edges_are_allowed() -> None:
    day_before = date(2026, 11, 4)
    assert rules.check_report(replace(SOUND, applied_on=day_before, failed_on=day_before, packages=3), TODAY) == ()
    assert rules.check_report(replace(SOUND, applied_on=TODAY, failed_on=TODAY), TODAY) == ()


@pytest.mark.parametrize("product", list(ProductKind))
def test_every_product_can_fail_in_some_way_of_its_own_and_in_another(product: ProductKind) -> None:
    kinds = rules.fault_kinds(product)
    assert len(kinds) == len(set(kinds)) >= 3
    assert kinds[-1] is FaultKind.OTHER


@pytest.mark.parametrize(
    ("day", "is_red", "expected"),
    [
        # Three working days from a Tuesday; one from a Friday skips the weekend.
        (date(2026, 12, 1), False, datetime(2026, 12, 4, 15, 30, tzinfo=UTC)),
        (date(2026, 12, 4), True, datetime(2026, 12, 7, 15, 30, tzinfo=UTC)),
        # Christmas Eve to Boxing Day and the weekend do not count.
        (date(2026, 12, 23), True, datetime(2026, 12, 28, 15, 30, tzinfo=UTC)),
        # Summer time.
        (date(2026, 7, 1), True, datetime(2026, 7, 2, 14, 30, tzinfo=UTC)),
    ],
)
def test_a_case_is_due_at_the_end_of_a_working_day(day: date, is_red: bool, expected: datetime) -> None:
    assert rules.due_at(day, is_red=is_red, working_days=3, red_flag_working_days=1) == expected


def test_only_undecided_cases_lead_on() -> None:
    ways = {(state, wanted) for state in ComplaintState for wanted in ComplaintState if rules.may_become(state, wanted)}
    assert ways == {
        (ComplaintState.RECEIVED, ComplaintState.REPLACEMENT_ORDERED),
        (ComplaintState.RECEIVED, ComplaintState.DECLINED),
    }
