"""The page on which an order is changed: its amounts, and where one of its deliveries goes."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from flask_wtf import FlaskForm
from sqlalchemy.orm import Session
from werkzeug.datastructures import MultiDict

from auth.identity import Identity
from auth.models import Person
from orders import rules
from orders.addresses import registered_address, wish_of
from orders.changing import ChangedLine
from orders.errors import DeliveryRefused, LineProblem, OrderRefused
from orders.models import Article, DeliveryChoice, DeliveryMethod, Order, OrderRow, RowStatus
from orders.open_orders import seen_version
from orders.queries import Product, order_of, orderable_article_ids, products_of
from orders.wishes import DeliveryWish, HomeAddress, Way
from portal.patient.deliveries import Deliveries, build_deliveries
from portal.patient.delivery_forms import NOTIFY_FIELDS, way_key
from portal.patient.forms import Amount, Together, amount_name, amounts_form, read_order, seen_name
from portal.patient.points import Finder
from portal.patient.review import ReviewLine
from portal.pictures import PICTURES
from portal.reasons import explain_line

ADDRESS_FIELDS = ("receiver", "care_of", "street", "postal_code", "city", "door_code", "phone", "comment")


@dataclass(frozen=True)
class Typed:
    """What came with one of the page's two forms, and what the service refused of it."""

    fields: MultiDict[str, str]
    is_amounts: bool
    refusal: OrderRefused | None = None
    delivery_refusal: DeliveryRefused | None = None
    wish: DeliveryWish | None = field(default=None, repr=False)
    leaves_nothing: bool = False
    is_checked: bool = True


@dataclass(frozen=True)
class ChangePage:
    """Everything that the page shows; `choice` is the delivery whose form it has, None when no delivery can be changed."""

    order: Order
    person: Person = field(repr=False)
    lines: tuple[ReviewLine, ...]
    amounts: FlaskForm
    version: int
    choices: tuple[DeliveryChoice, ...]
    choice: DeliveryChoice | None
    deliveries: Deliveries | None
    leaves_nothing: bool = False
    was_checked: bool = False
    # The review page asks about the door code once; somebody who changes an address sees its field.
    asks_for_door_code: bool = False

    @property
    def form(self) -> Together:
        """The forms of the delivery as one."""
        return Together(tuple(self.deliveries.forms) if self.deliveries is not None else ())

    def way_of(self, choice: DeliveryChoice) -> Way:
        """The way in which a delivery of the order goes."""
        return Way(choice.method, choice.provider)

    def find_points(self, finder: Finder) -> None:
        """Ask the providers for service points; outside any transaction, for they may be slow."""
        for card in self.deliveries.cards if self.deliveries is not None else ():
            if card.shown is not None and card.shown.points is not None:
                card.shown.points.find(finder)


def build_change(
    session: Session, identity: Identity, order_no: str, choice_id: int | None, typed: Typed | None = None
) -> ChangePage:
    """Read what the page shows of the subject's order; NotFound for another's. What was typed is kept, with what is wrong beside it."""
    order = order_of(session, identity, order_no)
    listed = products_of(session, identity)
    known = {product.item.id: product for product in (*listed.orderable, *listed.later, *listed.ended)}
    rows = [row for row in order.rows if row.status is not RowStatus.CANCELLED and _item_id(row) in known]
    products = [known[item_id] for item_id in dict.fromkeys(_item_id(row) for row in rows)]
    lines, amounts = _lines(rows, products, typed if typed is not None and typed.is_amounts else None)
    live = {row.delivery_choice_id for row in rows}
    choices = tuple(one for one in order.delivery_choices if one.id in live and one.method is not DeliveryMethod.UNIT)
    choices = () if listed.person.is_protected else choices
    choice = next((one for one in choices if one.id == choice_id), choices[0] if choices else None)
    deliveries = None
    if choice is not None:
        mine = {_item_id(row) for row in rows if row.delivery_choice_id == choice.id}
        going = [product for product in products if product.item.id in mine]
        of_delivery = typed if typed is not None and not typed.is_amounts else None
        fields = of_delivery.fields if of_delivery is not None else as_typed(choice, listed.person, sorted(mine))
        deliveries = build_deliveries(session, listed.person, going, fields)
        if of_delivery is not None and of_delivery.is_checked:
            refused = of_delivery.delivery_refusal
            deliveries.validate(
                refused.problems if refused is not None else (), (of_delivery.wish,) if of_delivery.wish else ()
            )
    return ChangePage(
        order=order,
        person=listed.person,
        lines=lines,
        amounts=amounts,
        version=seen_version(rows),
        choices=choices,
        choice=choice,
        deliveries=deliveries,
        leaves_nothing=typed is not None and typed.leaves_nothing,
        was_checked=typed is not None and not typed.is_amounts and typed.is_checked,
    )


def _item_id(row: OrderRow) -> int:
    return row.withdrawal.prescription_item_id if row.withdrawal is not None else 0


def _lines(
    rows: Sequence[OrderRow], products: Sequence[Product], typed: Typed | None
) -> tuple[tuple[ReviewLine, ...], FlaskForm]:
    ordered: dict[int, dict[int, int]] = {}
    for row in rows:
        ordered.setdefault(_item_id(row), {})[row.article_id] = row.packages
    articles = {product.item.id: _articles(product, ordered[product.item.id], rows) for product in products}
    amounts = {
        (item_id, article.id): Amount(
            amount_name(item_id, article.id),
            article.variety or article.display_name,
            ordered[item_id].get(article.id, 0),
        )
        for item_id, found in articles.items()
        for article in found
    }
    form = amounts_form(list(amounts.values()), typed.fields if typed is not None else None)
    ticked: Collection[int] = articles.keys() if typed is None else read_order(typed.fields).ticked
    lines = tuple(
        ReviewLine(
            product,
            PICTURES[product.item.article.kind],
            tuple((article, form[amounts[product.item.id, article.id].name]) for article in articles[product.item.id]),
            product.item.id in ticked,
            seen_name(product.item.id),
        )
        for product in products
    )
    if typed is not None:
        form.validate()
        _put_beside(lines, _reasons(lines, typed.refusal))
    return lines, form


def _articles(product: Product, ordered: Mapping[int, int], rows: Sequence[OrderRow]) -> list[Article]:
    """What can be chosen among: what can be ordered, and what was, though it can be ordered no more."""
    orderable = orderable_article_ids(product.item)
    found = {one.id: one for one in product.item.sub_articles or [product.item.article] if one.id in orderable}
    found.update({row.article_id: row.article for row in rows if row.article_id in ordered})
    return sorted(found.values(), key=lambda one: one.article_no)


def _reasons(lines: Sequence[ReviewLine], refusal: OrderRefused | None) -> dict[int, str]:
    """Say what the service refused, or what the quantities already tell when something else was wrong."""
    items = {line.product.item.id: line.product.item for line in lines}
    if refusal is not None:
        return {
            problem.prescription_item_id: explain_line(problem, items[problem.prescription_item_id])
            for problem in refusal.problems
        }
    reasons = {}
    for line in lines:
        item = line.product.item
        packages = {article.id: one.data for article, one in line.fields}
        if line.is_ticked and not any(one.errors for _article, one in line.fields):
            problem = rules.check_quantities(packages, frozenset(packages), item.packages_per_order)
            if problem is not None:
                reasons[item.id] = explain_line(LineProblem(item.id, quantity=problem), item)
    return reasons


def _put_beside(lines: Sequence[ReviewLine], reasons: Mapping[int, str]) -> None:
    for line in lines:
        reason = reasons.get(line.product.item.id)
        if reason:
            first = line.fields[0][1]
            first.errors = [*first.errors, reason]


def changed_lines(typed: MultiDict[str, str]) -> tuple[ChangedLine, ...] | None:
    """Read the amounts of a posted form: what is not ticked is left out; None when an amount is no number."""
    posted = read_order(typed)
    if posted.lines is None:
        return None
    packages = {line.prescription_item_id: line.packages for line in posted.lines}
    return tuple(ChangedLine(item_id, packages.get(item_id, {})) for item_id in posted.shown)


def as_typed(choice: DeliveryChoice, person: Person, item_ids: Sequence[int]) -> MultiDict[str, str]:
    """Return a delivery as its own form would have sent it."""
    wish = wish_of(choice)
    key = way_key(wish.way)
    typed = MultiDict({"parcel-0": " ".join(map(str, item_ids)), "shown-0": key, "way-0": key})
    put_address(typed, wish.address or registered_address(person))
    prefix = f"{key.lower()}-"
    typed[f"{prefix}search"] = choice.postal_code or person.postal_code
    typed[f"{prefix}point"] = wish.point_id
    typed[f"{prefix}contact_person"] = wish.contact_person
    typed[f"{prefix}comment"] = wish.comment
    if wish.notification is not None:
        typed[f"{prefix}notification"] = wish.notification.value
        if wish.notification in NOTIFY_FIELDS:
            typed[f"{prefix}{NOTIFY_FIELDS[wish.notification]}"] = wish.notify_to
    if wish.invoice is not None:
        for name in ("receiver", "street", "postal_code", "city"):
            typed[f"invoice-{name}"] = getattr(wish.invoice, name)
    return typed


def put_address(typed: MultiDict[str, str], address: HomeAddress) -> None:
    """Write an address into what a form holds."""
    for name in ADDRESS_FIELDS:
        typed.setlist(name, [getattr(address, name)])
