"""What the contract's comments say: a refusal in words fit for the patient, in Swedish, as the contract wants it."""

from __future__ import annotations

from flask_babel import force_locale, gettext as _

from orders.contract.ordering import AskedProblem, AskedRefused
from orders.errors import DeliveryRefused, LineProblem, OrderRefused
from orders.models import PrescriptionItem
from portal.reasons import explain_delivery, explain_quantity, explain_verdict

LANGUAGE = "sv"


def refused_order(refused: OrderRefused, items: dict[int, PrescriptionItem]) -> str:
    """Say of every refused line why, and what to do."""
    with force_locale(LANGUAGE):
        return " ".join(_line(problem, items[problem.prescription_item_id]) for problem in refused.problems)


def _line(problem: LineProblem, item: PrescriptionItem) -> str:
    product = item.article.display_name
    if problem.verdict is not None:
        return f"{product}: {explain_verdict(problem.verdict, item).text}"
    assert problem.quantity is not None
    return f"{product}: {explain_quantity(problem.quantity, item.packages_per_order)}"


def refused_delivery(refused: DeliveryRefused) -> str:
    """Say of every refused delivery why."""
    with force_locale(LANGUAGE):
        return " ".join(dict.fromkeys(explain_delivery(problem) for problem in refused.problems))


def refused_row(refused: AskedRefused) -> str:
    """Say what is wrong with a row; which one is for whoever reads the log."""
    with force_locale(LANGUAGE):
        product = refused.article
        match refused.problem:
            case AskedProblem.ITEM_UNKNOWN:
                return _("One of the products is no longer among your prescriptions. Open your products again.")
            case AskedProblem.ARTICLE_UNKNOWN:
                return _("%(product)s: the chosen variety is not part of your prescription.", product=product)
            case AskedProblem.AMOUNT_MISSING:
                return _("%(product)s: choose how many packages you want.", product=product)
            case AskedProblem.NOT_WHOLE_PACKAGES:
                return _("%(product)s: it is only sent in whole packages. Change the amount.", product=product)
            case AskedProblem.AMOUNTS_DIFFER:
                return _(
                    "%(product)s: the number of packages and of pieces do not agree. Order again.", product=product
                )
            case AskedProblem.WAY_UNKNOWN:
                return _("%(product)s cannot be sent that way any more. Choose another way.", product=product)
            case AskedProblem.TWO_WAYS_FOR_ONE:
                return _("%(product)s can only be sent one way at a time.", product=product)
            case AskedProblem.ROW_TWICE:
                return _("%(product)s is in the order twice. Order again.", product=product)


def unknown_person() -> str:
    """Say that nobody is known by the number: the same words for everybody who is not."""
    with force_locale(LANGUAGE):
        return _("You have no products to order here.")


def nothing_chosen() -> str:
    """Say that the order is empty."""
    with force_locale(LANGUAGE):
        return _("Choose at least one product.")


def points_are_away() -> str:
    """Say that the carrier does not answer."""
    with force_locale(LANGUAGE):
        return _("The collection points cannot be shown just now. Try again in a while.")


def malformed_number() -> str:
    """Say that the personal number is none."""
    with force_locale(LANGUAGE):
        return _("The personal number is not right.")


def malformed_postal_code() -> str:
    """Say that the postal code is none."""
    with force_locale(LANGUAGE):
        return _("Write the postal code with five digits, for example 541 30.")
