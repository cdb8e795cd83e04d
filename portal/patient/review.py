"""The page on which an order is looked over before it is placed."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date

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
from orders.addresses import HomeAddress, is_registered_place, last_home_address, registered_address
from orders.errors import LineProblem, OrderRefused
from orders.models import Article
from orders.policy import OrderingPolicy
from orders.queries import Product, order_of_today, orderable_article_ids, products_of
from portal.patient.forms import AddressForm, Amount, Together, amount_name, amounts_form, seen_name
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
    """Everything that the page shows; `unit` is where the parcel goes when the identity is protected.

    `other_address` is where last time's parcel went, when that was not home; `uses_last` that it is the one shown.
    """

    person: Person = field(repr=False)
    lines: tuple[ReviewLine, ...]
    refused: tuple[RefusedLine, ...]
    recent_order_no: str | None
    address: AddressForm | None
    form: Together
    unit: Unit | None
    promised: date
    other_address: HomeAddress | None = field(repr=False)
    uses_last: bool

    @property
    def item_ids(self) -> list[int]:
        """The products on the page, for a link to the page with another address."""
        return [line.product.item.id for line in self.lines]

    @property
    def asks_for_door_code(self) -> bool:
        """Whether the door code is still to be asked about, once (handbook §5)."""
        return self.address is not None and not self.person.door_code and not self.person.door_code_asked


def build_review(
    session: Session,
    identity: Identity,
    shown: Sequence[int],
    ticked: Collection[int],
    typed: MultiDict[str, str] | None = None,
    refusal: OrderRefused | None = None,
    wants_last: bool = False,
) -> Review:
    """Read what the page shows; NotFound when a product is not the subject's. `typed` is kept, with what is wrong beside it.

    The address begins as last time's when that was home, or when `wants_last`; else as the register's.
    """
    products = products_of(session, identity)
    known = {product.item.id: product for product in (*products.orderable, *products.later, *products.ended)}
    if not set(shown) <= known.keys():
        raise NotFound
    chosen = [known[item_id] for item_id in shown]
    amounts = {p.item.id: _amounts(p) for p in chosen if p.verdict.is_allowed}
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
    last = last_home_address(session, products.person) if typed is None else None
    is_elsewhere = last is not None and not is_registered_place(products.person, last)
    home = last if last is not None and (wants_last or not is_elsewhere) else registered_address(products.person)
    address = None if products.person.is_protected else _address_form(home, typed)
    if typed is not None:
        form.validate()
        if address is not None:
            address.validate()
    # The service may have refused a line for more than its quantity: then it says the better reason.
    reasons = {**_quantity_reasons(lines if typed is not None else ()), **_reasons(refusal, known)}
    _put_beside(form, lines, reasons)
    gone = [product.item.id for product in chosen if not product.verdict.is_allowed]
    units = [p.item.prescription.prescribing_unit for p in sorted(chosen, key=lambda p: p.item.id)]
    policy = policy_of(products.person.region).section(OrderingPolicy)
    return Review(
        person=products.person,
        lines=lines,
        refused=_refused(chosen, reasons),
        recent_order_no=refusal.recent_order_no if refusal else order_of_today(session, gone),
        address=address,
        form=Together((form,) if address is None else (form, address)),
        unit=units[0] if units and address is None else None,
        promised=add_working_days(today(session), policy.promise_working_days),
        other_address=last if is_elsewhere else None,
        uses_last=is_elsewhere and wants_last,
    )


def _amounts(product: Product) -> list[tuple[Article, Amount]]:
    item = product.item
    orderable = orderable_article_ids(item)
    articles = [article for article in item.sub_articles or [item.article] if article.id in orderable]
    spread = {article.id: product.last_spread.get(article.id, 0) for article in articles}
    # A single choice is the whole withdrawal; among several nobody but the patient knows, the first time.
    if len(articles) == 1:
        spread = {articles[0].id: item.packages_per_order}
    elif sum(spread.values()) > item.packages_per_order:
        spread = dict.fromkeys(spread, 0)
    return [
        (article, Amount(amount_name(item.id, article.id), article.variety or article.display_name, spread[article.id]))
        for article in articles
    ]


def _address_form(home: HomeAddress, typed: MultiDict[str, str] | None) -> AddressForm:
    return AddressForm(formdata=typed, data=asdict(home))


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
