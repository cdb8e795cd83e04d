"""Claims, answers and credit notes in words, and why something was not done."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from babel.numbers import format_currency
from flask_babel import get_locale, gettext as _, lazy_gettext as _l

from core.errors import DomainError
from delivery.complaints import claim_errors as errors
from delivery.complaints.claim_models import ClaimOutcome, ClaimStatus
from delivery.complaints.claim_overview import ClaimPile
from delivery.complaints.claim_rules import MOST_LINES, ClaimProblem, CreditProblem
from portal.formats import day_with_year, grouped, instant

STATUSES: Mapping[ClaimStatus, tuple[Any, str]] = {
    ClaimStatus.OPEN: (_l("Being put together"), "accent"),
    ClaimStatus.SENT: (_l("With the supplier"), "info"),
    ClaimStatus.ANSWERED: (_l("Answered"), "success"),
    ClaimStatus.CLOSED: (_l("Closed"), "neutral"),
}
OUTCOMES: Mapping[ClaimOutcome, tuple[Any, str]] = {
    ClaimOutcome.ACCEPTED: (_l("Accepted"), "success"),
    ClaimOutcome.REJECTED: (_l("Rejected"), "neutral"),
}
PILES: Mapping[ClaimPile, Any] = {
    ClaimPile.OPEN: _l("Being put together"),
    ClaimPile.SENT: _l("With the supplier"),
    ClaimPile.LATE: _l("Late answers"),
    ClaimPile.ANSWERED: _l("Answered"),
    ClaimPile.CLOSED: _l("Closed"),
}


def money(amount: Decimal | None) -> str:
    """Write SEK with öre as the reader's language does."""
    return "–" if amount is None else format_currency(amount, "SEK", locale=get_locale() or "sv")


def problem_words(problem: ClaimProblem, claim_no: str = "") -> str:
    """Say why a case is not claimed, and what to do."""
    match problem:
        case ClaimProblem.NOT_NOW:
            return _("The case cannot be claimed where it is now. Look at it or replace the product first.")
        case ClaimProblem.CLAIMED_ALREADY:
            number = grouped(claim_no)
            return _("The case is in claim %(number)s already.", number=number) if claim_no else _("Claimed already.")
        case ClaimProblem.DUPLICATE:
            return _("It is the same as another case. Claim that one.")
        case ClaimProblem.NO_SUPPLIER:
            return _("Nobody has said who delivers the article. Ask whoever keeps the assortment.")
        case ClaimProblem.NO_PRICE:
            return _("The article has no price, so there is nothing to claim. Ask whoever keeps the assortment.")
        case ClaimProblem.THROWN_AWAY:
            return _(
                "The product is thrown away. Suppliers want to see it; claim it only if you know that they do not."
            )
        case ClaimProblem.PACK_FULL:
            return _(
                "Claim %(number)s is full with %(most)s cases. Send it, then go on.",
                number=grouped(claim_no),
                most=MOST_LINES,
            )


def refusal_words(problem: DomainError) -> str:
    """Say why something was not done with a claim, and what to do instead."""
    match problem:
        case errors.ClaimRefused():
            return problem_words(problem.problem, problem.claim_no)
        case errors.PackNotThere():
            return _pack_words(problem)
        case errors.AnsweredAlready():
            outcome = OUTCOMES[problem.outcome][0]
            return _(
                "Case %(case)s has an answer since %(when)s: %(outcome)s. Nothing was changed.",
                case=grouped(problem.case_no),
                when=instant(problem.answered_at),
                outcome=str(outcome).lower(),
            )
        case errors.AnswerReasonMissing():
            cases = ", ".join(grouped(number) for number in problem.case_nos)
            return _("Write the supplier's reason for rejecting: case %(cases)s.", cases=cases)
        case errors.AnswerStays():
            return _stays_words(problem)
        case errors.CreditNoteCame():
            return _earlier_words(
                _("Credit note %(number)s is booked already: %(amount)s of %(day)s, by %(name)s %(when)s."),
                problem.earlier,
            )
        case errors.CreditedAlready():
            return _earlier_words(
                _("Case %(case)s is credited already, by note %(number)s of %(day)s that %(name)s booked %(when)s."),
                problem.earlier,
                grouped(problem.case_no),
            )
        case errors.CaseNotCreditable():
            return _(
                "Case %(case)s in claim %(claim)s cannot be credited: it is rejected, or its claim is not sent.",
                case=grouped(problem.case_no),
                claim=grouped(problem.claim_no),
            )
        case errors.CreditRefused():
            return _credit_words(problem)
        case errors.CreditDateWrong():
            return _(
                "The note's date lies before the claim was opened (%(first)s), or in the future.",
                first=day_with_year(problem.earliest),
            )
        case errors.CreditUndone():
            return _(
                "Credit note %(number)s was undone %(when)s. Nothing was changed now.",
                number=problem.credit_no,
                when=instant(problem.undone_at),
            )
    return {
        errors.PackIsEmpty: _("There is no case in the claim. Put one in first."),
        errors.AddressMalformed: _("Write the supplier's e-mail address, for example claims@example.com."),
        errors.NoMailHere: _("No e-mail is sent from here. Download the files and send them yourself."),
        errors.NothingAnswered: _("Choose an answer for at least one case."),
        errors.CreditNumberMissing: _("Write the number that stands on the credit note."),
        errors.ClaimReasonMissing: _("Write why."),
    }.get(type(problem), _("That could not be done. Nothing was changed."))


def _stays_words(problem: errors.AnswerStays) -> str:
    case = grouped(problem.case_no)
    if not problem.has_answer:
        return _("Case %(case)s has no answer. Nothing was changed.", case=case)
    if problem.is_credited:
        return _("Case %(case)s has been credited. Undo the credit note first.", case=case)
    return _("Case %(case)s is closed or claimed anew since then. Nothing was changed.", case=case)


def _pack_words(problem: errors.PackNotThere) -> str:
    match problem.status:
        case ClaimStatus.OPEN:
            return _("The claim has not been sent yet. Nothing was changed.")
        case ClaimStatus.SENT if problem.sent_at is not None and problem.sent_by:
            return _(
                "%(name)s sent the claim %(when)s. Nothing was changed now.",
                name=problem.sent_by,
                when=instant(problem.sent_at),
            )
        case ClaimStatus.SENT:
            return _("The claim is with the supplier. Nothing was changed.")
        case ClaimStatus.ANSWERED:
            return _("The claim is answered already. Nothing was changed.")
        case ClaimStatus.CLOSED:
            return _("The claim is closed. Nothing was changed.")


def _earlier_words(sentence: str, earlier: errors.EarlierNote, case_no: str = "") -> str:
    return sentence % {
        "case": case_no,
        "number": earlier.credit_no,
        "amount": money(earlier.amount),
        "day": day_with_year(earlier.dated_on),
        "name": earlier.booked_by,
        "when": instant(earlier.booked_at),
    }


def _credit_words(problem: errors.CreditRefused) -> str:
    """The first thing wrong: the others often follow from it."""
    match problem.problems[0]:
        case CreditProblem.NO_AMOUNT:
            return _("Write the note's amount, more than nothing.")
        case CreditProblem.NOT_TO_THE_ORE:
            return _("Write amounts with at most two decimals.")
        case CreditProblem.NOTHING_SHARED:
            return _("Write which cases the note pays for.")
        case CreditProblem.NOT_POSITIVE:
            return _("Leave the cases empty that the note does not pay for.")
        case CreditProblem.MORE_THAN_LEFT:
            return _("A case cannot get more than what is left of its value.")
        case CreditProblem.DOES_NOT_ADD_UP:
            rest = problem.amount - problem.shared
            if rest > 0:
                return _("%(amount)s of the note is not shared out yet.", amount=money(rest))
            return _("The cases get %(amount)s more than the note pays.", amount=money(-rest))
