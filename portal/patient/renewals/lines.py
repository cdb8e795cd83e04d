"""What a product's row says about renewing it: that one may ask, or that somebody has asked already."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from flask_babel import gettext as _
from sqlalchemy.orm import Session

from auth.permissions import Permission
from core.clock import swedish_date, today
from core.policy import policy_of
from orders.policy import PrescribingPolicy
from orders.queries import Product
from orders.renewal_models import RenewalRequest
from orders.renewal_requests import units_that_answer
from orders.renewals import open_requests_of
from orders.rules import Reason, may_ask_to_renew
from portal.formats import day_with_year, day_without_year
from portal.security import current_identity, may


@dataclass(frozen=True)
class RenewalLine:
    """One of the two: `asked` in words, or that `may_ask`; `ends` says when what can still be ordered ends."""

    item_id: int
    title: str
    may_ask: bool = False
    asked: str = ""
    ends: str = ""


def renewal_lines(session: Session, products: Iterable[Product]) -> Mapping[int, RenewalLine]:
    """Return a line for each product, by its item, that there is something to say about; one statement."""
    listed = {product.item.id: product for product in products}
    if not listed or not may(Permission.ASK_TO_RENEW):
        return {}
    requests = open_requests_of(session, listed)
    heard = _heard(session, listed.values())
    found = {}
    for item_id, product in listed.items():
        if item_id in requests:
            found[item_id] = RenewalLine(
                item_id, product.item.article.display_name, asked=_asked(product, requests[item_id])
            )
        elif may_ask(session, product, heard):
            found[item_id] = RenewalLine(item_id, product.item.article.display_name, may_ask=True, ends=_ends(product))
    return found


def may_ask(session: Session, product: Product, heard: Collection[int] | None = None) -> bool:
    """Tell whether asking to renew a product can help; `heard` are the units that a question reaches, when that is known already."""
    if product.item.prescription.unit_id not in (_heard(session, [product]) if heard is None else heard):
        return False
    region = product.item.prescription.region
    days = policy_of(region).section(PrescribingPolicy).tell_days_before_end
    return may_ask_to_renew(product.verdict, product.item.last_valid_date, today(session), days)


def _heard(session: Session, products: Iterable[Product]) -> Collection[int]:
    return units_that_answer(
        session, current_identity().region, {product.item.prescription.unit_id for product in products}
    )


def _asked(product: Product, request: RenewalRequest) -> str:
    words = {
        "day": day_without_year(swedish_date(request.asked_at)),
        "unit": product.item.prescription.prescribing_unit.name,
    }
    if request.asked_by_person_id is not None and request.asked_by_person_id == current_identity().person_id:
        return _("You asked for a renewal on %(day)s. %(unit)s answers here.", **words)
    return _("A renewal was asked for on %(day)s. %(unit)s answers here.", **words)


def _ends(product: Product) -> str:
    if product.verdict.reason not in (Reason.ALLOWED, Reason.NOT_YET):
        return ""
    return _("The prescription ends on %(day)s.", day=day_with_year(product.item.last_valid_date))
