"""The page on which an order is looked over before it is placed."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from flask_babel import gettext as _
from flask_wtf import FlaskForm
from sqlalchemy.orm import Session
from werkzeug.datastructures import MultiDict
from wtforms.fields.core import Field

from auth.identity import Identity
from auth.models import Person, Unit
from core.clock import today
from core.errors import NotFound
from core.policy import policy_of
from core.workdays import add_working_days
from orders import rules
from orders.deliveries import DeliveryProblem
from orders.errors import DeliveryRefused, LineProblem, OrderRefused
from orders.models import Article, Order
from orders.policy import OrderingPolicy
from orders.queries import Product, order_of_today, orderable_article_ids, products_of
from orders.wishes import DeliveryWish
from portal.patient.deliveries import Deliveries, build_deliveries
from portal.patient.forms import AddressForm, Amount, Together, amount_name, amounts_form, seen_name
from portal.patient.points import Finder
from portal.pictures import PICTURES
from portal.reasons import explain_line, explain_verdict


@dataclass(frozen=True)
class ReviewLine:
    """One product that can be ordered: its amounts, and whether it is ticked."""

    product: Product
    picture: str
    fields: tuple[tuple[Article, Field], ...]
    is_ticked: bool
    seen_name: str

    @property
    def is_spread(self) -> bool:
        """Whether the amount is spread over varieties."""
        return bool(self.product.item.sub_articles)

    @property
    def chosen(self) -> int:
        """Packages chosen at present."""
        return sum(field.data or 0 for _article, field in self.fields)


@dataclass(frozen=True)
class RefusedLine:
    """One product that was asked for and cannot be ordered, and why."""

    title: str
    picture: str
    reason: str


@dataclass(frozen=True)
class Review:
    """Everything that the page shows; `units` are where the parcels go when the identity is protected."""

    person: Person = field(repr=False)
    lines: tuple[ReviewLine, ...]
    refused: tuple[RefusedLine, ...]
    recent_order_no: str | None
    deliveries: Deliveries | None
    amounts: FlaskForm
    units: tuple[Unit, ...]
    promised: date
    is_checked: bool
    again: str = ""

    @property
    def form(self) -> Together:
        """All forms of the page as one."""
        return Together((self.amounts, *(self.deliveries.forms if self.deliveries is not None else ())))

    @property
    def address(self) -> AddressForm | None:
        """The home address, when something goes home."""
        return self.deliveries.address if self.deliveries is not None else None

    @property
    def asks_for_door_code(self) -> bool:
        """Whether the door code is still to be asked about, once (handbook §5)."""
        return self.address is not None and not self.person.door_code and not self.person.door_code_asked

    def find_points(self, finder: Finder) -> None:
        """Ask the providers for service points; outside any transaction, for they may be slow."""
        for card in self.deliveries.cards if self.deliveries is not None else ():
            if card.shown is not None and card.shown.points is not None:
                card.shown.points.find(finder)


@dataclass(frozen=True)
class Posted:
    """What came with a form: what was typed, whether it was meant to be ordered, and what the service refused of it."""

    typed: MultiDict[str, str]
    is_checked: bool = False
    refusal: OrderRefused | None = None
    delivery_refusal: DeliveryRefused | None = None
    wishes: tuple[DeliveryWish, ...] = ()

    @property
    def delivery_problems(self) -> tuple[DeliveryProblem, ...]:
        """What the service said of the deliveries."""
        return self.delivery_refusal.problems if self.delivery_refusal is not None else ()


def build_review(
    session: Session,
    identity: Identity,
    shown: Sequence[int],
    ticked: Collection[int],
    posted: Posted | None = None,
    again: Order | None = None,
) -> Review:
    """Read what the page shows; NotFound when a product is not the subject's. What was posted is kept, with what is wrong beside it.

    With `again` the amounts begin as that order's, and what it had that can no longer be seen is told of.
    """
    products = products_of(session, identity)
    known = {product.item.id: product for product in (*products.orderable, *products.later, *products.ended)}
    missing = _missing(again, known) if again is not None else ()
    if again is not None:
        shown = [item_id for item_id in shown if item_id in known]
    if not set(shown) <= known.keys():
        raise NotFound
    typed = posted.typed if posted is not None else None
    is_checked = posted is not None and posted.is_checked
    refusal = posted.refusal if posted is not None else None
    chosen = [known[item_id] for item_id in shown]
    spreads = _spreads(again) if again is not None else {}
    amounts = {p.item.id: _amounts(p, spreads.get(p.item.id)) for p in chosen if p.verdict.is_allowed}
    form = amounts_form([amount for fields in amounts.values() for _article, amount in fields], typed)
    lines = tuple(
        ReviewLine(
            product,
            PICTURES[product.item.article.kind],
            tuple((article, form[amount.name]) for article, amount in amounts[product.item.id]),
            product.item.id in ticked,
            seen_name(product.item.id),
        )
        for product in chosen
        if product.item.id in amounts
    )
    deliveries = None
    if not products.person.is_protected and lines:
        # What is not ticked goes no way, unless nothing is.
        going = [line.product for line in lines if line.is_ticked] or [line.product for line in lines]
        deliveries = build_deliveries(session, products.person, going, typed)
    if is_checked:
        form.validate()
        if deliveries is not None and posted is not None:
            deliveries.validate(posted.delivery_problems, posted.wishes)
    # The service may have refused a line for more than its quantity: then it says the better reason.
    reasons = {**_quantity_reasons(lines if is_checked else ()), **_reasons(refusal, known)}
    _put_beside(form, lines, reasons)
    gone = [product.item.id for product in chosen if not product.verdict.is_allowed]
    policy = policy_of(products.person.region).section(OrderingPolicy)
    return Review(
        person=products.person,
        lines=lines,
        refused=(*_refused(chosen, reasons), *missing),
        recent_order_no=_recent(session, refusal, gone),
        deliveries=deliveries,
        amounts=form,
        units=_units(lines) if products.person.is_protected else (),
        promised=add_working_days(today(session), policy.promise_working_days),
        is_checked=is_checked,
        again=again.order_no if again is not None else "",
    )


def _recent(session: Session, refusal: OrderRefused | None, gone: Sequence[int]) -> str | None:
    return refusal.recent_order_no if refusal else order_of_today(session, gone)


def _units(lines: Sequence[ReviewLine]) -> tuple[Unit, ...]:
    units = [line.product.item.prescription.prescribing_unit for line in lines]
    return tuple({unit.id: unit for unit in units}.values())


def item_ids_of(order: Order) -> list[int]:
    """Return the products that an order's withdrawals were of."""
    return list(dict.fromkeys(row.withdrawal.prescription_item_id for row in order.rows if row.withdrawal is not None))


def _spreads(order: Order) -> dict[int, dict[int, int]]:
    spreads: dict[int, dict[int, int]] = {}
    for row in order.rows:
        if row.withdrawal is not None:
            spreads.setdefault(row.withdrawal.prescription_item_id, {})[row.article_id] = row.packages
    return spreads


def _missing(order: Order, known: Mapping[int, Product]) -> tuple[RefusedLine, ...]:
    """What an order had that is not prescribed any more, so long since that the list does not show it; replacements are never had again."""
    rows = [
        row for row in order.rows if row.withdrawal is not None and row.withdrawal.prescription_item_id not in known
    ]
    return tuple(
        RefusedLine(row.article.display_name, PICTURES[row.article.kind], _("Your prescription of it has ended."))
        for row in rows
    )


def _amounts(product: Product, wanted: Mapping[int, int] | None = None) -> list[tuple[Article, Amount]]:
    item = product.item
    orderable = orderable_article_ids(item)
    articles = [article for article in item.sub_articles or [item.article] if article.id in orderable]
    begin = wanted if wanted is not None else product.last_spread
    spread = {article.id: begin.get(article.id, 0) for article in articles}
    # A single choice is the whole withdrawal; among several nobody but the patient knows, the first time.
    if len(articles) == 1 and not (wanted is not None and 0 < spread[articles[0].id] <= item.packages_per_order):
        spread = {articles[0].id: item.packages_per_order}
    elif sum(spread.values()) > item.packages_per_order:
        spread = dict.fromkeys(spread, 0)
    return [
        (article, Amount(amount_name(item.id, article.id), article.variety or article.display_name, spread[article.id]))
        for article in articles
    ]


def _quantity_reasons(lines: Sequence[ReviewLine]) -> dict[int, str]:
    """Say what is wrong with the quantities of ticked lines, so that it is told together with what is wrong in the address."""
    reasons = {}
    for line in lines:
        if not line.is_ticked or any(field.errors for _article, field in line.fields):
            continue
        item = line.product.item
        packages = {article.id: field.data for article, field in line.fields}
        problem = rules.check_quantities(packages, orderable_article_ids(item), item.packages_per_order)
        if problem is not None:
            reasons[item.id] = explain_line(LineProblem(item.id, quantity=problem), item)
    return reasons


def _reasons(refusal: OrderRefused | None, known: Mapping[int, Product]) -> dict[int, str]:
    if refusal is None:
        return {}
    return {
        problem.prescription_item_id: explain_line(problem, known[problem.prescription_item_id].item)
        for problem in refusal.problems
    }


def _put_beside(form: FlaskForm, lines: Sequence[ReviewLine], reasons: Mapping[int, str]) -> None:
    for line in lines:
        reason = reasons.get(line.product.item.id)
        if reason and line.fields:
            first = line.fields[0][1]
            first.errors = [*first.errors, reason]


def _refused(chosen: Sequence[Product], reasons: Mapping[int, str]) -> tuple[RefusedLine, ...]:
    return tuple(
        RefusedLine(
            product.item.article.display_name,
            PICTURES[product.item.article.kind],
            reasons.get(product.item.id) or explain_verdict(product.verdict, product.item).text,
        )
        for product in chosen
        if not product.verdict.is_allowed
    )
