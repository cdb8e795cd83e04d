"""What a form begins with: the renewal of one press, and the terms of a new prescription, from the region's policy."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from core.policy import policy_of
from orders.kinds import PrescriptionStatus, ProductKind
from orders.models import Article, PrescriptionItem
from orders.policy import OrderingPolicy, PrescribingPolicy
from orders.prescribing import ExtendItem
from orders.prescribing_facts import extension_facts
from orders.prescription_rules import Extension, check_extension, latest_valid_date
from orders.source.policy import source_of


@dataclass(frozen=True)
class Offer:
    """A renewal for as long as the region allows: so many withdrawals more, until this day (None when it is that already)."""

    months: int
    more_orders: int
    until: date | None
    ends_on: date

    def command(self, item: PrescriptionItem, key: str) -> ExtendItem:
        """Return what accepting the offer does."""
        return ExtendItem(item.id, key, more_orders=self.more_orders, last_valid_date=self.until)


def months_of(kind: ProductKind, policy: PrescribingPolicy) -> int:
    """Return how many months a prescription of a kind of product may be valid."""
    return policy.sensor_valid_months if kind is ProductKind.SENSOR else policy.valid_months


def offer_of(item: PrescriptionItem, today: date) -> Offer | None:
    """Return the renewal of one press, or None where the prescriber must say more: stopped, replaced, or nothing to add."""
    policy = policy_of(item.prescription.region).section(PrescribingPolicy)
    if item.status is PrescriptionStatus.CANCELLED or not item.article.is_orderable:
        return None
    if source_of(item.prescription.region).lives_elsewhere:
        return None
    latest = latest_valid_date(item.article.kind, policy, today)
    until = latest if latest > item.last_valid_date else None
    ends_on = max(latest, item.last_valid_date)
    overdrawn = max(0, item.orders_used_here + item.orders_used_elsewhere - item.orders_allowed)
    left = 0 if item.status is PrescriptionStatus.DELIVERED else item.orders_remaining
    begins = max(today, item.next_earliest_order_date or today)
    wanted = withdrawals_for((ends_on - begins).days, item.days_per_order, policy)
    offer = Offer(months_of(item.article.kind, policy), overdrawn + max(0, wanted - left), until, ends_on)
    extension = Extension(offer.more_orders, offer.until)
    return None if check_extension(extension_facts(item, today), extension, policy, today) else offer


def withdrawals_for(days: int, days_per_order: int, policy: PrescribingPolicy) -> int:
    """Return how many withdrawals last so many days, at least one and no more than the region allows."""
    return min(policy.withdrawals_at_most, max(1, round(days / max(1, days_per_order))))


def first_terms(article: Article, region: str, today: date) -> dict[str, object]:
    """Return what the form of a new prescription begins with."""
    prescribing, ordering = policy_of(region).section(PrescribingPolicy), policy_of(region).section(OrderingPolicy)
    until = latest_valid_date(article.kind, prescribing, today)
    days = min(ordering.default_days_per_order, prescribing.days_per_withdrawal_at_most)
    return {
        "days": days,
        "orders": withdrawals_for((until - today).days, days, prescribing),
        "valid_until": until,
    }
