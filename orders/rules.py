"""The rules of withdrawals: values in, verdict with the reason out. Nothing here reads or writes anything.

Source of every rule: handbook §3 unless said otherwise.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from enum import StrEnum


class Reason(StrEnum):
    """Why something can or cannot be withdrawn; the order is the order in which reasons win."""

    ALLOWED = "ALLOWED"
    DECEASED = "DECEASED"
    MOVED_OUT = "MOVED_OUT"
    PHARMACY = "PHARMACY"
    CUSTOMER_SERVICE_ORDERS = "CUSTOMER_SERVICE_ORDERS"
    CANCELLED = "CANCELLED"
    EXPIRED = "EXPIRED"
    USED_UP = "USED_UP"
    DISCONTINUED = "DISCONTINUED"
    NOT_ORDERABLE_HERE = "NOT_ORDERABLE_HERE"
    ASK_HOME_REGION = "ASK_HOME_REGION"
    NOT_YET = "NOT_YET"


class Supplied(StrEnum):
    """Through which channel somebody gets their products (handbook §§8 and 10)."""

    HERE = "HERE"
    HERE_AT_HOME_REGIONS_COST = "HERE_AT_HOME_REGIONS_COST"
    BY_PHARMACY = "BY_PHARMACY"
    BY_CUSTOMER_SERVICE = "BY_CUSTOMER_SERVICE"
    NOT_ANY_MORE = "NOT_ANY_MORE"


@dataclass(frozen=True)
class PersonFacts:
    """What the rules need to know about the patient; NOT_ANY_MORE is a resident who has moved out (§4).

    `ask_home_region_above` is the value in SEK from which a home region that pays is asked first (§8).
    """

    is_deceased: bool
    supplied: Supplied
    ask_home_region_above: int = 10_000


@dataclass(frozen=True)
class ItemFacts:
    """What the rules need to know about a prescription item; `is_delivered_out` is the contract's DELIVERED.

    `value` is what a full withdrawal costs in SEK, None when a price is not known; `has_successor` counts one that fits (§3.7).
    """

    is_cancelled: bool
    is_expired: bool
    is_delivered_out: bool
    orders_remaining: int
    last_valid_date: date
    next_earliest_order_date: date | None
    article_is_orderable: bool
    has_successor: bool
    can_be_delivered: bool
    value: Decimal | None = None
    home_region_agreed: bool = False


@dataclass(frozen=True)
class Verdict:
    """The answer to "may this be withdrawn today"; `day` is the date that belongs to the reason, if one does."""

    reason: Reason
    day: date | None = None

    @property
    def is_allowed(self) -> bool:
        """Whether the withdrawal may be made."""
        return self.reason is Reason.ALLOWED


def decide_withdrawal(
    item: ItemFacts, person: PersonFacts, today: date, *, by_customer_service: bool = False
) -> Verdict:
    """Decide whether one withdrawal of the item may be made today (§3.1), or say the reason that lasts longest (§3.5)."""
    if person.is_deceased:
        return Verdict(Reason.DECEASED)
    match person.supplied:
        case Supplied.NOT_ANY_MORE:
            return Verdict(Reason.MOVED_OUT)
        case Supplied.BY_PHARMACY:
            return Verdict(Reason.PHARMACY)
        case Supplied.BY_CUSTOMER_SERVICE if not by_customer_service:
            return Verdict(Reason.CUSTOMER_SERVICE_ORDERS)
    if item.is_cancelled:
        return Verdict(Reason.CANCELLED)
    if item.is_expired or item.last_valid_date < today:
        return Verdict(Reason.EXPIRED, item.last_valid_date)
    if item.is_delivered_out or item.orders_remaining <= 0:
        return Verdict(Reason.USED_UP)
    if not item.article_is_orderable:
        return Verdict(Reason.DISCONTINUED if item.has_successor else Reason.NOT_ORDERABLE_HERE)
    if not item.can_be_delivered:
        return Verdict(Reason.NOT_ORDERABLE_HERE)
    if _home_region_is_to_be_asked(item, person):
        return Verdict(Reason.ASK_HOME_REGION)
    if item.next_earliest_order_date is not None and item.next_earliest_order_date > today:
        if item.next_earliest_order_date > item.last_valid_date:
            return Verdict(Reason.EXPIRED, item.last_valid_date)
        return Verdict(Reason.NOT_YET, item.next_earliest_order_date)
    return Verdict(Reason.ALLOWED)


def _home_region_is_to_be_asked(item: ItemFacts, person: PersonFacts) -> bool:
    if person.supplied is not Supplied.HERE_AT_HOME_REGIONS_COST or item.home_region_agreed:
        return False
    # What costs nobody knows how much may cost more than that.
    return item.value is None or item.value > person.ask_home_region_above


def fits_same_meter(group: str, other: str) -> bool:
    """Whether one article may stand in for another: strips belong to a meter, so only within one compatibility group (§3.7)."""
    return group == other


class QuantityProblem(StrEnum):
    """What is wrong with the quantities of a withdrawal."""

    NOTHING = "NOTHING"
    NEGATIVE = "NEGATIVE"
    TOO_MUCH = "TOO_MUCH"
    FOREIGN_ARTICLE = "FOREIGN_ARTICLE"


def check_quantities(
    packages: Mapping[int, int], orderable_articles: frozenset[int], packages_per_order: int
) -> QuantityProblem | None:
    """Check packages per article against the withdrawal (§3.2): less is allowed, more or another article never."""
    if any(count < 0 for count in packages.values()):
        return QuantityProblem.NEGATIVE
    chosen = {article for article, count in packages.items() if count}
    if not chosen:
        return QuantityProblem.NOTHING
    if not chosen <= orderable_articles:
        return QuantityProblem.FOREIGN_ARTICLE
    if sum(packages.values()) > packages_per_order:
        return QuantityProblem.TOO_MUCH
    return None


def orders_remaining(allowed: int, used_here: int, used_elsewhere: int) -> int:
    """Return the withdrawals left; never negative, also when the prescriber lowers what is allowed below what was used."""
    return max(0, allowed - used_here - used_elsewhere)


def next_earliest_date(
    source_date: date | None, last_withdrawn_on: date | None, days_per_order: int, reorder_days_before_empty: int
) -> date | None:
    """Return the first day of the next withdrawal: the source's date or a little before the last withdrawal made here is used up.

    The later of the two wins, and never the day of the withdrawal itself.
    """
    own = None
    if last_withdrawn_on is not None:
        own = last_withdrawn_on + timedelta(days=max(1, days_per_order - reorder_days_before_empty))
    return max((day for day in (source_date, own) if day is not None), default=None)


@dataclass(frozen=True)
class Supply:
    """One quantity that reached the patient, or is on its way: from when, and for how many days."""

    received_on: date
    days: int


def supply_lasts_until(supplies: Iterable[Supply]) -> date | None:
    """Return the day on which everything received is used up when each supply is begun after the one before."""
    until: date | None = None
    for supply in sorted(supplies, key=lambda item: item.received_on):
        start = supply.received_on if until is None or until < supply.received_on else until
        until = start + timedelta(days=supply.days)
    return until


def days_of_supply(packages: int, packages_per_order: int, days_per_order: int) -> int:
    """Return how many whole days a part of a withdrawal lasts."""
    return packages * days_per_order // packages_per_order


# A cancelled item is not among them: somebody decided so, and the patient talks to them.
RENEWABLE = frozenset({Reason.USED_UP, Reason.EXPIRED, Reason.DISCONTINUED, Reason.ASK_HOME_REGION})


def may_ask_to_renew(verdict: Verdict, last_valid_date: date, today: date, tell_days_before_end: int) -> bool:
    """Whether a request to renew can help: what is over, used up, replaced or waits for the home region, and what ends soon (§3.5)."""
    if verdict.reason in (Reason.ALLOWED, Reason.NOT_YET):
        return last_valid_date <= today + timedelta(days=tell_days_before_end)
    return verdict.reason in RENEWABLE
