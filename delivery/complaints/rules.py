"""The rules of fault reports and complaints: values in, verdict out. Nothing here reads or writes anything.

Source of every rule: handbook §7 unless said otherwise.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from delivery.complaints.models import ComplaintState, FaultKind, LookFirst
from delivery.complaints.policy import ComplaintRoute
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

# Where a complaint may go from where it is; whatever closes may be opened again, and nothing goes back to RECEIVED.
TRANSITIONS: Mapping[ComplaintState, frozenset[ComplaintState]] = {
    ComplaintState.RECEIVED: frozenset(
        {ComplaintState.TRIAGED, ComplaintState.REPLACEMENT_ORDERED, ComplaintState.DECLINED}
    ),
    ComplaintState.TRIAGED: frozenset(
        {
            ComplaintState.REPLACEMENT_ORDERED,
            ComplaintState.DECLINED,
            ComplaintState.CLAIMED,
            ComplaintState.CLOSED,
        }
    ),
    ComplaintState.REPLACEMENT_ORDERED: frozenset({ComplaintState.CLAIMED, ComplaintState.CLOSED}),
    ComplaintState.DECLINED: frozenset({ComplaintState.TRIAGED, ComplaintState.CLOSED}),
    ComplaintState.CLAIMED: frozenset({ComplaintState.ACCEPTED, ComplaintState.REJECTED}),
    # An answer that was noted by mistake is undone.
    ComplaintState.ACCEPTED: frozenset({ComplaintState.CREDITED, ComplaintState.CLOSED, ComplaintState.CLAIMED}),
    ComplaintState.REJECTED: frozenset({ComplaintState.CLAIMED, ComplaintState.CLOSED}),
    ComplaintState.CREDITED: frozenset({ComplaintState.CLOSED, ComplaintState.ACCEPTED}),
    ComplaintState.CLOSED: frozenset({ComplaintState.TRIAGED}),
}
UNDECIDED = frozenset({ComplaintState.RECEIVED, ComplaintState.TRIAGED})
# Nobody needs to own them: what follows is to open them again.
SETTLED = frozenset({ComplaintState.DECLINED, ComplaintState.CLOSED})

LONGEST_CASE_NO = 12


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


@dataclass(frozen=True)
class RoutingFacts:
    """What decides whether a person looks before anything is replaced; `replacements` are those of a year, of patient and article."""

    is_red: bool
    patient_has_died: bool
    may_be_duplicate: bool
    route: ComplaintRoute
    wants_replacement: bool
    lot_is_known: bool
    replacements: int
    replacements_before_a_look: int
    # Packages of the same delivery that have been replaced, with those reported now.
    packages_replaced: int
    packages_delivered: int
    # The region's products come from another system's depot, and none of ours can send one.
    sent_from_elsewhere: bool = False


def look_first(facts: RoutingFacts) -> LookFirst | None:
    """Return why a person looks before anything is replaced, the gravest first; None when the depot may replace at once."""
    why = {
        LookFirst.RED_FLAG: facts.is_red,
        LookFirst.PATIENT_HAS_DIED: facts.patient_has_died,
        LookFirst.POSSIBLE_DUPLICATE: facts.may_be_duplicate,
        LookFirst.SENT_FROM_ELSEWHERE: facts.sent_from_elsewhere,
        LookFirst.OTHERS_REPLACE: facts.route is not ComplaintRoute.DEPOT_REPLACES,
        LookFirst.NO_REPLACEMENT_WANTED: not facts.wants_replacement,
        LookFirst.LOT_UNKNOWN: not facts.lot_is_known,
        LookFirst.MANY_REPLACEMENTS: facts.replacements >= facts.replacements_before_a_look
        or facts.packages_replaced > facts.packages_delivered,
    }
    return next((reason for reason, is_so in why.items() if is_so), None)


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
    """What the rules need to know about a fault report; quantities are packages, and None what is not known of the delivery."""

    product: ProductKind
    fault: FaultKind
    packages: int
    delivered_packages: int | None
    delivered_on: date | None
    applied_on: date | None
    failed_on: date | None


def check_report(facts: ReportFacts, today: date) -> tuple[ReportProblem, ...]:
    """Return everything that is wrong with a report; the carrier's word may be a day late, so a day before it is allowed."""
    earliest = facts.delivered_on - timedelta(days=1) if facts.delivered_on is not None else date.min
    most_packages = facts.delivered_packages if facts.delivered_packages is not None else facts.packages
    applied, failed = facts.applied_on, facts.failed_on
    wrong = {
        ReportProblem.APPLIED_IN_FUTURE: applied is not None and applied > today,
        ReportProblem.APPLIED_BEFORE_DELIVERED: applied is not None and applied < earliest,
        ReportProblem.FAILED_IN_FUTURE: failed is not None and failed > today,
        ReportProblem.FAILED_BEFORE_DELIVERED: failed is not None and failed < earliest,
        ReportProblem.FAILED_BEFORE_APPLIED: applied is not None and failed is not None and failed < applied,
        ReportProblem.TOO_FEW_PACKAGES: facts.packages < 1,
        ReportProblem.MORE_THAN_DELIVERED: facts.packages > most_packages,
        ReportProblem.NOT_A_FAULT_OF_THIS_PRODUCT: facts.fault not in fault_kinds(facts.product),
    }
    return tuple(problem for problem, is_wrong in wrong.items() if is_wrong)
