"""The rules of fault reports: what is a red flag, what cannot be true, when a case is due, where it may go."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from delivery.complaints import rules
from delivery.complaints.models import ComplaintState, FaultKind, LookFirst
from delivery.complaints.policy import ComplaintRoute
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


SIMPLE = rules.RoutingFacts(
    is_red=False,
    patient_has_died=False,
    may_be_duplicate=False,
    route=ComplaintRoute.DEPOT_REPLACES,
    wants_replacement=True,
    lot_is_known=True,
    replacements=5,
    replacements_before_a_look=6,
    packages_replaced=3,
    packages_delivered=3,
)


def test_nobody_needs_to_look_at_a_simple_report() -> None:
    assert rules.look_first(SIMPLE) is None


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"is_red": True}, LookFirst.RED_FLAG),
        ({"patient_has_died": True}, LookFirst.PATIENT_HAS_DIED),
        ({"may_be_duplicate": True}, LookFirst.POSSIBLE_DUPLICATE),
        ({"sent_from_elsewhere": True, "lot_is_known": False}, LookFirst.SENT_FROM_ELSEWHERE),
        ({"route": ComplaintRoute.SUPPLIER}, LookFirst.OTHERS_REPLACE),
        ({"route": ComplaintRoute.CUSTOMER_SERVICE}, LookFirst.OTHERS_REPLACE),
        ({"route": ComplaintRoute.UNIT_TO_COUNTY_SERVICE}, LookFirst.OTHERS_REPLACE),
        ({"wants_replacement": False}, LookFirst.NO_REPLACEMENT_WANTED),
        ({"lot_is_known": False}, LookFirst.LOT_UNKNOWN),
        ({"replacements": 6}, LookFirst.MANY_REPLACEMENTS),
        ({"packages_replaced": 4}, LookFirst.MANY_REPLACEMENTS),
    ],
)
def test_a_person_looks_first_and_the_gravest_reason_is_said(change: dict[str, object], reason: LookFirst) -> None:
    assert rules.look_first(replace(SIMPLE, **change)) is reason  # type: ignore[arg-type]
    # Whatever else there is, a red flag is said.
    assert rules.look_first(replace(SIMPLE, **{**change, "is_red": True})) is LookFirst.RED_FLAG  # type: ignore[arg-type]


def test_every_reason_can_be_said() -> None:
    assert {reason for _change, reason in _reasons()} == set(LookFirst)


def _reasons() -> list[tuple[dict[str, object], LookFirst]]:
    marks = test_a_person_looks_first_and_the_gravest_reason_is_said.pytestmark  # type: ignore[attr-defined]
    return list(marks[0].args[1])


def test_where_a_case_may_go() -> None:
    """Handbook §7, written out once more."""
    received, triaged, replaced, declined, claimed, accepted, rejected, credited, closed = ComplaintState
    ways = {(state, wanted) for state in ComplaintState for wanted in ComplaintState if rules.may_become(state, wanted)}
    assert ways == {
        *((received, wanted) for wanted in (triaged, replaced, declined)),
        *((triaged, wanted) for wanted in (replaced, declined, claimed, closed)),
        *((replaced, wanted) for wanted in (claimed, closed)),
        *((declined, wanted) for wanted in (triaged, closed)),
        *((claimed, wanted) for wanted in (accepted, rejected)),
        *((accepted, wanted) for wanted in (credited, closed, claimed)),
        *((rejected, wanted) for wanted in (claimed, closed)),
        *((credited, wanted) for wanted in (closed, accepted)),
        (closed, triaged),
    }


def test_nothing_is_received_twice_and_every_state_leads_on() -> None:
    assert not any(rules.may_become(state, ComplaintState.RECEIVED) for state in ComplaintState)
    assert set(rules.TRANSITIONS) == set(ComplaintState)
