"""Why something cannot be ordered, in the reader's words: the rule's verdict becomes a reason and what to do about it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from flask_babel import gettext as _, ngettext

from orders.errors import LineProblem
from orders.models import PrescriptionItem
from orders.rules import QuantityProblem, Reason, Verdict
from portal.delivery_reasons import explain_delivery as explain_delivery
from portal.formats import day, day_with_year

NextStep = Literal["", "wait", "renew", "unit", "customer_service"]


@dataclass(frozen=True)
class Explanation:
    """A reason and what to do about it; `next_step` says whom that means, so that a page can show their phone number.

    "renew" means the unit, which can also be asked here.
    """

    reason: str
    what_to_do: str = ""
    next_step: NextStep = ""

    @property
    def text(self) -> str:
        """Both in one line."""
        return f"{self.reason} {self.what_to_do}".strip()


def explain_verdict(verdict: Verdict, item: PrescriptionItem) -> Explanation:
    """Say why the item cannot be ordered and what to do (handbook §3.5); its article, successor and unit must be loaded."""
    unit = item.prescription.prescribing_unit.name
    match verdict.reason:
        case Reason.ALLOWED:
            return Explanation(_("You can order it now."))
        case Reason.NOT_YET:
            assert verdict.day is not None
            return Explanation(_("Can be ordered from %(day)s.", day=day(verdict.day)), next_step="wait")
        case Reason.USED_UP:
            return Explanation(_("You have used all your withdrawals."), _ask_for_new(unit), "renew")
        case Reason.EXPIRED:
            assert verdict.day is not None
            return Explanation(_expired(verdict, item), _ask_for_new(unit), "renew")
        case Reason.CANCELLED:
            return Explanation(
                _("Your prescription has ended."), _("Ask %(unit)s if you wonder why.", unit=unit), "unit"
            )
        case Reason.DISCONTINUED:
            return _discontinued(item, unit)
        case Reason.NOT_ORDERABLE_HERE:
            return Explanation(
                _("It cannot be ordered here."), _("Call customer service, and we will help you."), "customer_service"
            )
        case Reason.PHARMACY:
            return Explanation(
                _("You get it at a pharmacy, not here."),
                _(
                    "Ask %(unit)s for a prescription for the pharmacy. If you seek asylum, bring your LMA card.",
                    unit=unit,
                ),
                "unit",
            )
        case Reason.CUSTOMER_SERVICE_ORDERS:
            return Explanation(
                _("Customer service orders it for you."), _("Call them when you need more."), "customer_service"
            )
        case Reason.ASK_HOME_REGION:
            return Explanation(
                _("It costs so much that the region where you live must agree first."),
                _("Ask %(unit)s to ask them.", unit=unit),
                "renew",
            )
        case Reason.MOVED_OUT:
            return Explanation(
                _("You are registered in another region, so new orders go through that region."),
                _("Talk to %(unit)s about how you get it from now on.", unit=unit),
                "unit",
            )
        case Reason.DECEASED:
            return Explanation(
                _("It can no longer be ordered."), _("Call customer service if you have questions."), "customer_service"
            )


def _ask_for_new(unit: str) -> str:
    return _("Ask %(unit)s for a new prescription.", unit=unit)


def _expired(verdict: Verdict, item: PrescriptionItem) -> str:
    assert verdict.day is not None
    if item.next_earliest_order_date is not None and item.next_earliest_order_date > verdict.day:
        return _("The prescription ends on %(day)s, before it is time to order again.", day=day_with_year(verdict.day))
    return _("The prescription was valid until %(day)s.", day=day_with_year(verdict.day))


def _discontinued(item: PrescriptionItem, unit: str) -> Explanation:
    if item.article.successor is None:
        return Explanation(_("It is no longer made."), _ask_for_new(unit), "unit")
    return Explanation(
        _("It is no longer made. It has been replaced by %(product)s.", product=item.article.successor.display_name),
        _("Ask %(unit)s for a prescription for that one.", unit=unit),
        "renew",
    )


def explain_quantity(problem: QuantityProblem, packages_per_order: int) -> str:
    """Say what is wrong with an amount and what the most is."""
    match problem:
        case QuantityProblem.TOO_MUCH:
            return ngettext(
                "You can order at most %(num)s package at a time. Choose fewer.",
                "You can order at most %(num)s packages at a time. Choose fewer.",
                packages_per_order,
            )
        case QuantityProblem.NOTHING:
            return _("Choose at least one package, or leave the product out.")
        case QuantityProblem.NEGATIVE:
            return _("Write the number of packages with digits, for example 2.")
        case QuantityProblem.FOREIGN_ARTICLE:
            return _("One of the varieties can no longer be ordered. Choose among those shown.")


def explain_line(problem: LineProblem, item: PrescriptionItem) -> str:
    """Say why one line of an order was refused: the rule first, then the amount, then that the page was out of date."""
    if problem.verdict is not None:
        return explain_verdict(problem.verdict, item).text
    if problem.quantity is not None:
        return explain_quantity(problem.quantity, item.packages_per_order)
    return ngettext(
        "Something changed since you opened the page: you now have %(num)s withdrawal left. Look it through and confirm again.",
        "Something changed since you opened the page: you now have %(num)s withdrawals left. Look it through and confirm again.",
        item.orders_remaining,
    )
