"""Why something cannot be prescribed or extended, in words and beside the question that it is about."""

from __future__ import annotations

from collections.abc import Iterable

from flask_babel import gettext as _
from flask_wtf import FlaskForm

from orders.prescription_rules import Problem, ProblemKind
from portal.formats import day_with_year, number

# Where each problem stands in the forms; others are about the whole.
_FIELDS: dict[ProblemKind, tuple[str, ...]] = {
    ProblemKind.PACKAGES_OUT_OF_RANGE: ("packages",),
    ProblemKind.WITHDRAWALS_OUT_OF_RANGE: ("orders", "more_orders"),
    ProblemKind.DAYS_OUT_OF_RANGE: ("days",),
    ProblemKind.ENDS_TOO_LATE: ("valid_until", "last_valid_date"),
    ProblemKind.ENDS_TOO_EARLY: ("valid_until", "last_valid_date"),
    ProblemKind.STARTS_TOO_EARLY: ("first_day",),
    ProblemKind.STARTS_AFTER_END: ("first_day",),
    ProblemKind.FOREIGN_SUB_ARTICLE: ("varieties",),
    ProblemKind.NO_MATCHING_METER: ("confirmed_meter",),
    ProblemKind.ALREADY_PRESCRIBED: ("confirmed_second",),
}


def kept_elsewhere_text() -> str:
    """Say where the prescriptions of a region are written that has them in another system."""
    return _("Prescriptions are kept in the region's own prescription system. Prescribe, extend and stop there.")


def problem_words(problem: Problem) -> str:
    """Say what is wrong, and what would be right."""
    least, most = number(problem.least or 0), number(problem.most or 0)
    the_day = day_with_year(problem.day) if problem.day else ""
    match problem.kind:
        case ProblemKind.KEPT_ELSEWHERE:
            return kept_elsewhere_text()
        case ProblemKind.DECEASED:
            return _("The patient has died. Nothing new can be prescribed.")
        case ProblemKind.MOVED_OUT:
            return _("The patient is registered in another region, which prescribes from now on.")
        case ProblemKind.PHARMACY:
            return _("The patient gets products at a pharmacy. Write a prescription for the pharmacy instead.")
        case ProblemKind.UNIT_HAS_NO_ADDRESS:
            return _(
                "Your unit has no address here, and the patient's parcels go to it. Ask the administrators to add it."
            )
        case ProblemKind.OUTSIDE_AGREEMENT:
            return _("The product is not in the agreement. Choose another, or write a prescription for the pharmacy.")
        case ProblemKind.NOT_ORDERABLE:
            return _("The product can no longer be ordered. Choose another.")
        case ProblemKind.FOREIGN_SUB_ARTICLE:
            return _("One of the varieties can no longer be ordered. Choose among those shown.")
        case ProblemKind.PACKAGES_OUT_OF_RANGE:
            return _("Write a number of packages from %(least)s to %(most)s.", least=least, most=most)
        case ProblemKind.WITHDRAWALS_OUT_OF_RANGE if problem.most == 0:
            return _("There are as many withdrawals as the region allows. Write 0.")
        case ProblemKind.WITHDRAWALS_OUT_OF_RANGE:
            return _("Write a number of withdrawals from %(least)s to %(most)s.", least=least, most=most)
        case ProblemKind.DAYS_OUT_OF_RANGE:
            return _("One withdrawal may last %(most)s days at most. Write a number from 1 to %(most)s.", most=most)
        case ProblemKind.ENDS_TOO_LATE:
            return _("Choose %(day)s or an earlier day.", day=the_day)
        case ProblemKind.ENDS_TOO_EARLY:
            return _("Choose %(day)s or a later day.", day=the_day)
        case ProblemKind.STARTS_TOO_EARLY:
            return _("The first withdrawal can be made today at the earliest.")
        case ProblemKind.STARTS_AFTER_END:
            return _("The first withdrawal must be before the prescription ends.")
        case ProblemKind.CANCELLED:
            return _("The prescription is cancelled and cannot be extended. Prescribe anew instead.")
        case ProblemKind.NOTHING_CHANGES:
            return _("Nothing changes. Write more withdrawals or a later day.")
        case ProblemKind.NO_MATCHING_METER:
            return _("The patient's meter takes other strips.")
        case ProblemKind.ALREADY_PRESCRIBED:
            return _("The patient already has this product prescribed, until %(day)s.", day=the_day)


def explain(form: FlaskForm, problems: Iterable[Problem]) -> None:
    """Put each problem beside its question; what has none is about the whole."""
    for problem in problems:
        name = next((name for name in _FIELDS.get(problem.kind, ()) if name in form), None)
        if name is None:
            form.form_errors = [*form.form_errors, problem_words(problem)]
        else:
            form[name].errors = [*form[name].errors, problem_words(problem)]
