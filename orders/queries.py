"""Read models of ordering: what a page shows, in a fixed number of statements."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload, selectinload

from auth.identity import Identity
from auth.models import Person, PersonCategory
from auth.permissions import Permission, require
from core.audit import record
from core.clock import swedish_date, today
from core.errors import NotFound
from core.policy import policy_of
from orders import rules
from orders.deliveries import options_of
from orders.models import (
    Article,
    ExternalWithdrawal,
    Order,
    OrderRow,
    Prescription,
    PrescriptionItem,
    PrescriptionStatus,
    Registration,
    RowStatus,
    Withdrawal,
)
from orders.policy import OrderingPolicy, Supply


@dataclass(frozen=True)
class Product:
    """One prescription item as its patient sees it.

    `lasts_until` counts what is on its way; None when nothing is known of earlier withdrawals. `last_spread` is packages per article
    id of the last withdrawal, the default of the next one.
    """

    item: PrescriptionItem
    verdict: rules.Verdict
    lasts_until: date | None
    supply_days: int
    last_spread: dict[int, int]

    @property
    def pieces_per_order(self) -> int:
        """Pieces in one full withdrawal."""
        return self.item.packages_per_order * self.item.article.package_size


@dataclass(frozen=True)
class ProductList:
    """Everything prescribed to a person, in the three groups of the page."""

    person: Person
    orderable: tuple[Product, ...]
    later: tuple[Product, ...]
    ended: tuple[Product, ...]


ENDING = frozenset({rules.Reason.CANCELLED, rules.Reason.EXPIRED})


_SUPPLIED = {
    Supply.HOME_REGION_PAYS: rules.Supplied.HERE_AT_HOME_REGIONS_COST,
    Supply.PHARMACY: rules.Supplied.BY_PHARMACY,
    Supply.CUSTOMER_SERVICE: rules.Supplied.BY_CUSTOMER_SERVICE,
}


def person_facts(person: Person, policy: OrderingPolicy) -> rules.PersonFacts:
    """Return what the rules need to know of a person."""
    match person.category:
        case PersonCategory.ASYLUM_SEEKER:
            supplied = _SUPPLIED[policy.asylum_seekers]
        case PersonCategory.OUT_OF_COUNTY:
            supplied = _SUPPLIED[policy.out_of_county]
        case PersonCategory.RESIDENT:
            is_resident = person.county_code == policy.county_code
            supplied = rules.Supplied.HERE if is_resident else rules.Supplied.NOT_ANY_MORE
    return rules.PersonFacts(person.deceased_on is not None, supplied, policy.ask_home_region_above)


def item_facts(item: PrescriptionItem, person: Person, policy: OrderingPolicy) -> rules.ItemFacts:
    """Return what the rules need to know of an item, its article and ways of delivery loaded."""
    successor = item.article.successor
    return rules.ItemFacts(
        is_cancelled=item.status is PrescriptionStatus.CANCELLED,
        is_expired=item.status is PrescriptionStatus.EXPIRED,
        is_delivered_out=item.status is PrescriptionStatus.DELIVERED,
        orders_remaining=item.orders_remaining,
        last_valid_date=item.last_valid_date,
        next_earliest_order_date=item.next_earliest_order_date,
        article_is_orderable=bool(orderable_article_ids(item)),
        has_successor=successor is not None
        and rules.fits_same_meter(item.article.compatibility_group, successor.compatibility_group),
        can_be_delivered=person.is_protected or bool(options_of(item, policy)),
        value=None if item.article.price is None else item.article.price * item.packages_per_order,
        home_region_agreed=item.home_region_agreed,
    )


def orderable_article_ids(item: PrescriptionItem) -> frozenset[int]:
    """Return the articles that a withdrawal of the item may consist of: orderable, and made for the same meter (handbook §3.7)."""
    group = item.article.compatibility_group
    return frozenset(
        article.id
        for article in item.sub_articles or [item.article]
        if article.is_orderable and rules.fits_same_meter(group, article.compatibility_group)
    )


def products_of(session: Session, identity: Identity) -> ProductList:
    """Return the subject's products with verdict and forecast; writes the look to the access log. Raises NotPermitted."""
    require(identity, Permission.SEE_PRODUCTS)
    assert identity.subject_person_id is not None
    person = session.get_one(Person, identity.subject_person_id)
    policy = policy_of(person.region).section(OrderingPolicy)
    items = session.scalars(
        select(PrescriptionItem)
        .join(Prescription)
        .where(Prescription.person_id == person.id)
        .options(
            joinedload(PrescriptionItem.article).joinedload(Article.successor),
            joinedload(PrescriptionItem.prescription).joinedload(Prescription.prescribing_unit),
            selectinload(PrescriptionItem.sub_articles),
            selectinload(PrescriptionItem.delivery_alternatives),
        )
        .order_by(PrescriptionItem.id)
    ).all()
    supplies, spreads = _history(session, [item.id for item in items], {item.id: item for item in items})
    day, facts = today(session), person_facts(person, policy)
    groups: dict[str, list[Product]] = {"orderable": [], "later": [], "ended": []}
    for item in items:
        verdict = rules.decide_withdrawal(
            item_facts(item, person, policy), facts, day, by_customer_service=identity.is_staff
        )
        ended_on = item.ended_on or item.last_valid_date
        if verdict.reason in ENDING and ended_on < day - timedelta(days=policy.ended_items_visible_days):
            continue
        mine = supplies[item.id]
        product = Product(
            item,
            verdict,
            rules.supply_lasts_until(mine),
            max((s.days for s in mine), default=0),
            spreads.get(item.id, {}),
        )
        groups["orderable" if verdict.is_allowed else "ended" if verdict.reason in ENDING else "later"].append(product)
    record(session, identity.actor, "products.seen", subject_person_id=person.id, manner="LOOK")
    return ProductList(person, tuple(groups["orderable"]), tuple(groups["later"]), tuple(groups["ended"]))


def _history(
    session: Session, item_ids: list[int], items: dict[int, PrescriptionItem]
) -> tuple[dict[int, list[rules.Supply]], dict[int, dict[int, int]]]:
    supplies: dict[int, list[rules.Supply]] = defaultdict(list)
    spreads: dict[int, dict[int, int]] = {}
    rows = session.execute(
        select(Withdrawal, OrderRow, Order.promised_date, Order.registration)
        .join(OrderRow, OrderRow.withdrawal_id == Withdrawal.id)
        .join(Order, Order.id == Withdrawal.order_id)
        .where(Withdrawal.prescription_item_id.in_(item_ids), Withdrawal.cancelled_at.is_(None))
        .order_by(Withdrawal.id)
    ).all()
    day = today(session)
    latest: dict[int, int] = {}
    for withdrawal, row, promised, registration in rows:
        if row.status is RowStatus.CANCELLED:
            continue
        item = items[withdrawal.prescription_item_id]
        received = _received_on(row, promised, day, registration)
        days = rules.days_of_supply(row.packages, item.packages_per_order, item.days_per_order)
        supplies[item.id].append(rules.Supply(received, days))
        if latest.get(item.id) != withdrawal.id:
            latest[item.id], spreads[item.id] = withdrawal.id, {}
        spreads[item.id][row.article_id] = row.packages
    external = session.scalars(
        select(ExternalWithdrawal).where(ExternalWithdrawal.prescription_item_id.in_(item_ids))
    ).all()
    for past in external:
        item = items[past.prescription_item_id]
        days = rules.days_of_supply(past.pieces, item.pieces_per_order, item.days_per_order)
        supplies[item.id].append(rules.Supply(past.delivered_date or past.order_date, days))
    return supplies, spreads


def _received_on(row: OrderRow, promised: date, day: date, registration: Registration) -> date:
    """When a row came, or is expected to: what has not left the depot does not come before today."""
    if registration is Registration.AT_SOURCE and row.status is not RowStatus.DELIVERED:
        # Not every source tells of the delivery either.
        return promised
    match row.status:
        case RowStatus.DELIVERED:
            return swedish_date(row.status_at)
        case RowStatus.SENT:
            # Not every carrier tells of the delivery.
            return max(promised, swedish_date(row.status_at))
    return max(promised, day)


def supplies_of(session: Session, items: Sequence[PrescriptionItem]) -> dict[int, list[rules.Supply]]:
    """Return per item what has reached its patient and what is on its way, two statements in all; the caller checks and logs."""
    return _history(session, [item.id for item in items], {item.id: item for item in items})[0]


def orders_of(session: Session, identity: Identity, limit: int = 50) -> list[Order]:
    """Return the subject's latest orders with rows and articles; writes the look to the access log. Raises NotPermitted."""
    require(identity, Permission.SEE_ORDERS)
    orders = session.scalars(
        select(Order)
        .where(Order.person_id == identity.subject_person_id)
        .options(selectinload(Order.rows).joinedload(OrderRow.article), selectinload(Order.delivery_choices))
        .order_by(Order.id.desc())
        .limit(limit)
    ).all()
    record(session, identity.actor, "orders.seen", subject_person_id=identity.subject_person_id, manner="LOOK")
    return list(orders)


def order_of(session: Session, identity: Identity, order_no: str) -> Order:
    """Return one order of the subject with all its page shows; NotFound for another person's, NotPermitted without the right."""
    require(identity, Permission.SEE_ORDERS)
    order = session.scalar(
        select(Order)
        .where(Order.order_no == order_no, Order.person_id == identity.subject_person_id)
        .options(
            selectinload(Order.rows).joinedload(OrderRow.article),
            selectinload(Order.rows).joinedload(OrderRow.withdrawal),
            selectinload(Order.delivery_choices),
        )
    )
    if order is None:
        raise NotFound
    record(
        session,
        identity.actor,
        "order.seen",
        subject_person_id=order.person_id,
        manner="LOOK",
        object_ref=f"order:{order.order_no}",
    )
    return order


def order_of_today(session: Session, item_ids: Collection[int]) -> str | None:
    """Return the number of the newest order of today that withdraws one of the items: what a second tab is told about."""
    return session.scalar(
        select(Order.order_no)
        .join(Withdrawal, Withdrawal.order_id == Order.id)
        .where(
            Withdrawal.prescription_item_id.in_(item_ids),
            Withdrawal.cancelled_at.is_(None),
            Withdrawal.withdrawn_on == today(session),
        )
        .order_by(Order.id.desc())
        .limit(1)
    )
