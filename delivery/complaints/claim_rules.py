"""The rules of supplier claims: values in, verdict out. Money is SEK as Decimal, exact to the öre. Handbook §7."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from enum import StrEnum

from core.workdays import is_working_day
from delivery.complaints import rules
from delivery.complaints.models import ComplaintState

ORE = Decimal("0.01")
LARGEST_AMOUNT = Decimal("9999999999.99")
# What a supplier can go through, and an e-mail carry, in one go.
MOST_LINES = 200


def line_value(packages: int, package_price: Decimal | None, article_price: Decimal | None) -> Decimal | None:
    """Return what the faulty packages cost: at the price of the day when they were ordered, else the article's own; None when unknown.

    A price of nothing is no price: there would be nothing to credit.
    """
    price = article_price if package_price is None else package_price
    if price is None or packages < 1:
        return None
    value = (price * packages).quantize(ORE)
    return value if ORE <= value <= LARGEST_AMOUNT else None


class ClaimProblem(StrEnum):
    """Why a case is not claimed."""

    NOT_NOW = "NOT_NOW"
    CLAIMED_ALREADY = "CLAIMED_ALREADY"
    DUPLICATE = "DUPLICATE"
    NO_SUPPLIER = "NO_SUPPLIER"
    NO_PRICE = "NO_PRICE"
    THROWN_AWAY = "THROWN_AWAY"
    PACK_FULL = "PACK_FULL"


@dataclass(frozen=True)
class ClaimFacts:
    """What decides whether a case can be claimed; `has_live_line` is a claim that is unanswered or accepted."""

    state: ComplaintState
    has_live_line: bool
    is_duplicate: bool
    has_supplier: bool
    value: Decimal | None
    is_kept: bool


def claim_problem(facts: ClaimFacts, *, even_if_thrown: bool = False) -> ClaimProblem | None:
    """Return the first thing that stops a claim, None when nothing does.

    Suppliers want to see the product: one that is thrown away is claimed only when somebody says so of that very case.
    """
    if facts.has_live_line:
        return ClaimProblem.CLAIMED_ALREADY
    if not rules.may_become(facts.state, ComplaintState.CLAIMED):
        return ClaimProblem.NOT_NOW
    if facts.is_duplicate:
        return ClaimProblem.DUPLICATE
    if not facts.has_supplier:
        return ClaimProblem.NO_SUPPLIER
    if facts.value is None:
        return ClaimProblem.NO_PRICE
    if not (facts.is_kept or even_if_thrown):
        return ClaimProblem.THROWN_AWAY
    return None


def state_without_claim(*, was_rejected: bool, was_replaced: bool) -> ComplaintState:
    """Return where a case goes back to when it is taken out of a pack that has not been sent: where it came from."""
    if was_rejected:
        return ComplaintState.REJECTED
    return ComplaintState.REPLACEMENT_ORDERED if was_replaced else ComplaintState.TRIAGED


def answer_due(sent_on: date, days: int) -> date:
    """Return the day by which the supplier answers: `days` calendar days after, moved on to a day when both work."""
    due = sent_on + timedelta(days=days)
    while not is_working_day(due):
        due += timedelta(days=1)
    return due


def chase_is_due(today: date, answer_due_on: date, last_chased_on: date | None, every_days: int) -> bool:
    """Tell whether the supplier is to be reminded today: the day after the answer was due, then every so many calendar days.

    Nobody is reminded on a day off; the next working day takes it.
    """
    if today <= answer_due_on or not is_working_day(today):
        return False
    return last_chased_on is None or today >= last_chased_on + timedelta(days=every_days)


class CreditProblem(StrEnum):
    """What is wrong with how a credit note is shared out."""

    NO_AMOUNT = "NO_AMOUNT"
    NOT_TO_THE_ORE = "NOT_TO_THE_ORE"
    NOTHING_SHARED = "NOTHING_SHARED"
    NOT_POSITIVE = "NOT_POSITIVE"
    MORE_THAN_LEFT = "MORE_THAN_LEFT"
    DOES_NOT_ADD_UP = "DOES_NOT_ADD_UP"


def credit_problems(
    amount: Decimal, shares: Mapping[int, Decimal], left: Mapping[int, Decimal]
) -> tuple[CreditProblem, ...]:
    """Return everything wrong with sharing `amount` out: the shares add up to it to the öre, and none is above what its line has left."""
    values = (amount, *shares.values())
    if not all(value.is_finite() for value in values):
        return (CreditProblem.NO_AMOUNT,)
    wrong = {
        CreditProblem.NO_AMOUNT: not 0 < amount <= LARGEST_AMOUNT,
        CreditProblem.NOT_TO_THE_ORE: any(value != _to_the_ore(value) for value in values),
        CreditProblem.NOTHING_SHARED: not shares,
        CreditProblem.NOT_POSITIVE: any(share <= 0 for share in shares.values()),
        CreditProblem.MORE_THAN_LEFT: any(share > left[line] for line, share in shares.items()),
        CreditProblem.DOES_NOT_ADD_UP: sum(shares.values(), Decimal(0)) != amount,
    }
    return tuple(problem for problem, is_wrong in wrong.items() if is_wrong)


def _to_the_ore(value: Decimal) -> Decimal | None:
    return value.quantize(ORE) if abs(value) <= LARGEST_AMOUNT else None


def suggested_shares(amount: Decimal, left: Collection[tuple[int, Decimal]]) -> dict[int, Decimal]:
    """Return the only way to share `amount` out when it is what all the lines have left; nothing when it has to be read off the note."""
    whole = sum((rest for _line, rest in left), Decimal(0))
    return {line: rest for line, rest in left if rest > 0} if amount == whole else {}
