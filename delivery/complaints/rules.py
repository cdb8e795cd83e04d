"""The rules of fault reports and complaints: values in, verdict out. Nothing here reads or writes anything.

Source of every rule: handbook §7 unless said otherwise.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum

from core.clock import STOCKHOLM
from core.workdays import add_working_days
from delivery.complaints.models import ComplaintState, FaultKind
from orders.models import ProductKind

# The products whose failure together with a sign of danger is a red flag.
DANGER_KINDS = frozenset({ProductKind.SENSOR, ProductKind.PUMP, ProductKind.INFUSION_SET})
# The products that are put on, so that the day of it says how long they held.
APPLIED_KINDS = frozenset({ProductKind.SENSOR, ProductKind.PUMP, ProductKind.INFUSION_SET, ProductKind.STOMA})
ERROR_CODE_KINDS = frozenset({ProductKind.SENSOR, ProductKind.PUMP, ProductKind.METER, ProductKind.TEST_STRIP})

_ALWAYS = (FaultKind.BROKEN_PACKAGE, FaultKind.OTHER)
_FAULTS: Mapping[ProductKind, tuple[FaultKind, ...]] = {
    ProductKind.SENSOR: (
        FaultKind.STOPPED_WORKING,
        FaultKind.CAME_LOOSE,
        FaultKind.WRONG_READING,
        FaultKind.ERROR_CODE,
        FaultKind.SKIN_REACTION,
    ),
    ProductKind.PUMP: (FaultKind.STOPPED_WORKING, FaultKind.ERROR_CODE, FaultKind.BLOCKED, FaultKind.LEAKS),
    ProductKind.INFUSION_SET: (FaultKind.BLOCKED, FaultKind.LEAKS, FaultKind.CAME_LOOSE, FaultKind.SKIN_REACTION),
    ProductKind.TEST_STRIP: (FaultKind.WRONG_READING, FaultKind.ERROR_CODE),
    ProductKind.METER: (FaultKind.STOPPED_WORKING, FaultKind.WRONG_READING, FaultKind.ERROR_CODE),
    ProductKind.PEN_NEEDLE: (FaultKind.BLOCKED, FaultKind.LEAKS, FaultKind.STOPPED_WORKING),
    ProductKind.LANCET: (FaultKind.STOPPED_WORKING,),
    ProductKind.STOMA: (FaultKind.LEAKS, FaultKind.CAME_LOOSE, FaultKind.SKIN_REACTION),
    ProductKind.INCONTINENCE: (FaultKind.LEAKS, FaultKind.CAME_LOOSE, FaultKind.SKIN_REACTION),
    ProductKind.NUTRITION: (FaultKind.TASTE_OR_SPOILED, FaultKind.LEAKS),
    ProductKind.OTHER: (FaultKind.STOPPED_WORKING, FaultKind.LEAKS),
}

# Where a complaint may go from where it is. States without an entry are declared, but nothing leads on from them yet.
TRANSITIONS: Mapping[ComplaintState, frozenset[ComplaintState]] = {
    ComplaintState.RECEIVED: frozenset({ComplaintState.REPLACEMENT_ORDERED, ComplaintState.DECLINED}),
}
UNDECIDED = frozenset({ComplaintState.RECEIVED, ComplaintState.TRIAGED})

LONGEST_CASE_NO = 12
END_OF_WORKING_DAY = time(16, 30)


def is_case_no(text: str) -> bool:
    """Tell whether the text could be a case number: digits, and nothing that a database refuses."""
    return text.isascii() and text.isdigit() and len(text) <= LONGEST_CASE_NO


def fault_kinds(product: ProductKind) -> tuple[FaultKind, ...]:
    """Return what can happen to a product, the likeliest first."""
    return _FAULTS[product] + _ALWAYS


def has_red_flag(product: ProductKind, *, was_harmed: bool, has_danger_sign: bool) -> bool:
    """Tell whether somebody was harmed, or a sensor, pump or infusion set failed together with a sign of danger."""
    return was_harmed or (has_danger_sign and product in DANGER_KINDS)


def may_become(state: ComplaintState, wanted: ComplaintState) -> bool:
    """Tell whether a complaint may go from `state` to `wanted`."""
    return wanted in TRANSITIONS.get(state, frozenset())


def due_at(day: date, *, is_red: bool, working_days: int, red_flag_working_days: int) -> datetime:
    """Return when a case that came in on `day` is to be decided: the end of a later working day in Sweden."""
    due_day = add_working_days(day, red_flag_working_days if is_red else working_days)
    return datetime.combine(due_day, END_OF_WORKING_DAY, STOCKHOLM).astimezone(UTC)


class ReportProblem(StrEnum):
    """What is wrong with a fault report."""

    APPLIED_IN_FUTURE = "APPLIED_IN_FUTURE"
    APPLIED_BEFORE_DELIVERED = "APPLIED_BEFORE_DELIVERED"
    FAILED_IN_FUTURE = "FAILED_IN_FUTURE"
    FAILED_BEFORE_APPLIED = "FAILED_BEFORE_APPLIED"
    FAILED_BEFORE_DELIVERED = "FAILED_BEFORE_DELIVERED"
    TOO_FEW_PACKAGES = "TOO_FEW_PACKAGES"
    MORE_THAN_DELIVERED = "MORE_THAN_DELIVERED"
    NOT_A_FAULT_OF_THIS_PRODUCT = "NOT_A_FAULT_OF_THIS_PRODUCT"


@dataclass(frozen=True)
class ReportFacts:
    """What the rules need to know about a fault report; quantities are packages."""

    product: ProductKind
    fault: FaultKind
    packages: int
    delivered_packages: int
    delivered_on: date
    applied_on: date | None
    failed_on: date | None


def check_report(facts: ReportFacts, today: date) -> tuple[ReportProblem, ...]:
    """Return everything that is wrong with a report; the carrier's word may be a day late, so a day before it is allowed."""
    earliest = facts.delivered_on - timedelta(days=1)
    applied, failed = facts.applied_on, facts.failed_on
    wrong = {
        ReportProblem.APPLIED_IN_FUTURE: applied is not None and applied > today,
        ReportProblem.APPLIED_BEFORE_DELIVERED: applied is not None and applied < earliest,
        ReportProblem.FAILED_IN_FUTURE: failed is not None and failed > today,
        ReportProblem.FAILED_BEFORE_DELIVERED: failed is not None and failed < earliest,
        ReportProblem.FAILED_BEFORE_APPLIED: applied is not None and failed is not None and failed < applied,
        ReportProblem.TOO_FEW_PACKAGES: facts.packages < 1,
        ReportProblem.MORE_THAN_DELIVERED: facts.packages > facts.delivered_packages,
        ReportProblem.NOT_A_FAULT_OF_THIS_PRODUCT: facts.fault not in fault_kinds(facts.product),
    }
    return tuple(problem for problem, is_wrong in wrong.items() if is_wrong)
