"""The rules of prescribing, extending and following up: values in, problems and shares out. Nothing here reads or writes anything.

Source of every rule: handbook §3.3–4, 3.7 and 3.9, and §9 for the follow-up, unless said otherwise.
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from orders.kinds import PrescriptionStatus, ProductKind
from orders.policy import PrescribingPolicy
from orders.rules import PersonFacts, Supplied

# What no withdrawal of anything reaches: it keeps a slip of the finger out of the database.
MOST_PACKAGES = 999


class ProblemKind(StrEnum):
    """Why something cannot be prescribed or extended as asked."""

    KEPT_ELSEWHERE = "KEPT_ELSEWHERE"
    DECEASED = "DECEASED"
    MOVED_OUT = "MOVED_OUT"
    PHARMACY = "PHARMACY"
    UNIT_HAS_NO_ADDRESS = "UNIT_HAS_NO_ADDRESS"
    OUTSIDE_AGREEMENT = "OUTSIDE_AGREEMENT"
    NOT_ORDERABLE = "NOT_ORDERABLE"
    FOREIGN_SUB_ARTICLE = "FOREIGN_SUB_ARTICLE"
    PACKAGES_OUT_OF_RANGE = "PACKAGES_OUT_OF_RANGE"
    WITHDRAWALS_OUT_OF_RANGE = "WITHDRAWALS_OUT_OF_RANGE"
    DAYS_OUT_OF_RANGE = "DAYS_OUT_OF_RANGE"
    ENDS_TOO_LATE = "ENDS_TOO_LATE"
    ENDS_TOO_EARLY = "ENDS_TOO_EARLY"
    STARTS_TOO_EARLY = "STARTS_TOO_EARLY"
    STARTS_AFTER_END = "STARTS_AFTER_END"
    CANCELLED = "CANCELLED"
    NOTHING_CHANGES = "NOTHING_CHANGES"
    NO_MATCHING_METER = "NO_MATCHING_METER"
    ALREADY_PRESCRIBED = "ALREADY_PRESCRIBED"


CONFIRMABLE = frozenset({ProblemKind.NO_MATCHING_METER, ProblemKind.ALREADY_PRESCRIBED})


@dataclass(frozen=True)
class Problem:
    """One problem with its facts.

    `least` and `most` are whole numbers allowed (withdrawals, packages or days), `day` the earliest, latest or clashing date.
    """

    kind: ProblemKind
    least: int | None = None
    most: int | None = None
    day: date | None = None

    @property
    def may_be_confirmed(self) -> bool:
        """Whether a prescriber who knows better may go on all the same."""
        return self.kind in CONFIRMABLE


@dataclass(frozen=True)
class Terms:
    """How much, how often and how long; `first_order_date` None means at once."""

    packages_per_order: int
    orders_allowed: int
    days_per_order: int
    last_valid_date: date
    first_order_date: date | None


@dataclass(frozen=True)
class ArticleFacts:
    """What the rules need to know about an article; `orderable` are the variants, or itself, that can be ordered now."""

    article_id: int
    kind: ProductKind
    has_agreement: bool
    compatibility_group: str
    orderable: frozenset[int]
    has_sub_articles: bool


@dataclass(frozen=True)
class PatientFacts:
    """What the rules need to know about the patient; `active_until` is when an active prescription of the same article ends.

    `meter_groups` are the compatibility groups of the meters known to be the patient's.
    """

    person: PersonFacts
    meter_groups: frozenset[str]
    active_until: date | None
    needs_unit_address: bool = False
    # Another system has the region's prescriptions.
    is_kept_elsewhere: bool = False


def add_months(day: date, months: int) -> date:
    """Return the same day of a later month, or that month's last day."""
    years, month = divmod(day.month - 1 + months, 12)
    year = day.year + years
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def latest_valid_date(kind: ProductKind, policy: PrescribingPolicy, today: date) -> date:
    """Return the last day that a prescription made or extended today may be valid; sensors may have their own period."""
    return add_months(today, policy.sensor_valid_months if kind is ProductKind.SENSOR else policy.valid_months)


def check_patient(patient: PatientFacts) -> tuple[Problem, ...]:
    """Say why nothing at all can be prescribed to the patient here: died, kept elsewhere, moved out, or supplied by a pharmacy.

    Handbook §§4, 8 and 13.
    """
    if patient.person.is_deceased:
        return (Problem(ProblemKind.DECEASED),)
    if patient.is_kept_elsewhere:
        return (Problem(ProblemKind.KEPT_ELSEWHERE),)
    match patient.person.supplied:
        case Supplied.NOT_ANY_MORE:
            return (Problem(ProblemKind.MOVED_OUT),)
        case Supplied.BY_PHARMACY:
            return (Problem(ProblemKind.PHARMACY),)
    return (Problem(ProblemKind.UNIT_HAS_NO_ADDRESS),) if patient.needs_unit_address else ()


def check_terms(terms: Terms, kind: ProductKind, policy: PrescribingPolicy, today: date) -> tuple[Problem, ...]:
    """Check amounts and dates against the region's policy (§3.3–4); every problem is named."""
    latest = latest_valid_date(kind, policy, today)
    begins = terms.first_order_date or today
    found = []
    if not 1 <= terms.packages_per_order <= MOST_PACKAGES:
        found.append(Problem(ProblemKind.PACKAGES_OUT_OF_RANGE, 1, MOST_PACKAGES))
    if not 1 <= terms.orders_allowed <= policy.withdrawals_at_most:
        found.append(Problem(ProblemKind.WITHDRAWALS_OUT_OF_RANGE, 1, policy.withdrawals_at_most))
    if not 1 <= terms.days_per_order <= policy.days_per_withdrawal_at_most:
        found.append(Problem(ProblemKind.DAYS_OUT_OF_RANGE, 1, policy.days_per_withdrawal_at_most))
    if terms.last_valid_date > latest:
        found.append(Problem(ProblemKind.ENDS_TOO_LATE, day=latest))
    if terms.last_valid_date < today:
        found.append(Problem(ProblemKind.ENDS_TOO_EARLY, day=today))
    elif begins > terms.last_valid_date:
        found.append(Problem(ProblemKind.STARTS_AFTER_END, day=terms.last_valid_date))
    if begins < today:
        found.append(Problem(ProblemKind.STARTS_TOO_EARLY, day=today))
    return tuple(found)


def check_article(article: ArticleFacts, chosen: Collection[int], patient: PatientFacts) -> tuple[Problem, ...]:
    """Check the article and its chosen variants: in the agreement, orderable, for the patient's meter, not there already (§3.7, §3.9)."""
    found = []
    if not article.has_agreement:
        found.append(Problem(ProblemKind.OUTSIDE_AGREEMENT))
    elif not article.orderable:
        found.append(Problem(ProblemKind.NOT_ORDERABLE))
    if not set(chosen) <= (article.orderable if article.has_sub_articles else frozenset()):
        found.append(Problem(ProblemKind.FOREIGN_SUB_ARTICLE))
    # A meter without a group says nothing of which strips fit it.
    groups = patient.meter_groups - {""}
    if article.kind is ProductKind.TEST_STRIP and groups and article.compatibility_group not in groups:
        found.append(Problem(ProblemKind.NO_MATCHING_METER))
    if patient.active_until is not None:
        found.append(Problem(ProblemKind.ALREADY_PRESCRIBED, day=patient.active_until))
    return tuple(found)


@dataclass(frozen=True)
class Extension:
    """What a prescriber adds to an item; None and 0 leave things as they are."""

    more_orders: int = 0
    last_valid_date: date | None = None
    home_region_agreed: bool = False


@dataclass(frozen=True)
class ExtensionFacts:
    """What the rules need to know of the item to extend; `overdrawn` is how many withdrawals were used beyond those allowed.

    `is_over` is an item that has expired, by its status or its date.
    """

    kind: ProductKind
    is_cancelled: bool
    is_delivered_out: bool
    is_over: bool
    orders_remaining: int
    overdrawn: int
    last_valid_date: date
    next_earliest_order_date: date | None


def check_extension(
    item: ExtensionFacts, wanted: Extension, policy: PrescribingPolicy, today: date
) -> tuple[Problem, ...]:
    """Check what a prescriber adds (§3.4): within policy, later than now, and so that something can be ordered afterwards.

    A cancelled item is never extended: it is prescribed anew.
    """
    if item.is_cancelled:
        return (Problem(ProblemKind.CANCELLED),)
    found = []
    is_empty = item.orders_remaining == 0 or item.is_delivered_out
    least = item.overdrawn + 1 if is_empty else 0
    most = item.overdrawn + max(0, policy.withdrawals_at_most - item.orders_remaining)
    only_home_region = wanted.home_region_agreed and not wanted.more_orders and wanted.last_valid_date is None
    if wanted == Extension():
        return (Problem(ProblemKind.NOTHING_CHANGES),)
    if not least <= wanted.more_orders <= most and not only_home_region:
        found.append(Problem(ProblemKind.WITHDRAWALS_OUT_OF_RANGE, least, most))
    return tuple(found) + (() if only_home_region else _check_new_end(item, wanted, policy, today))


def _check_new_end(
    item: ExtensionFacts, wanted: Extension, policy: PrescribingPolicy, today: date
) -> tuple[Problem, ...]:
    latest = latest_valid_date(item.kind, policy, today)
    if wanted.last_valid_date is None:
        ends = item.last_valid_date
        if item.is_over:
            return (Problem(ProblemKind.ENDS_TOO_EARLY, day=max(today, ends + timedelta(days=1))),)
    else:
        ends = wanted.last_valid_date
        if ends > latest:
            return (Problem(ProblemKind.ENDS_TOO_LATE, day=latest),)
        if ends <= item.last_valid_date or ends < today:
            return (Problem(ProblemKind.ENDS_TOO_EARLY, day=max(today, item.last_valid_date + timedelta(days=1))),)
    if item.next_earliest_order_date is not None and item.next_earliest_order_date > ends:
        return (Problem(ProblemKind.ENDS_TOO_EARLY, day=item.next_earliest_order_date),)
    return ()


@dataclass(frozen=True)
class DecidedHere:
    """What a prescriber has decided here about an item of another system: it stays, whatever that system says later."""

    orders_added: int = 0
    extended_until: date | None = None
    is_stopped: bool = False


NOTHING_DECIDED = DecidedHere()


def status_here(source: PrescriptionStatus, source_last_valid: date, decided: DecidedHere) -> PrescriptionStatus:
    """Return the status of an item that its source gives another one than what was decided here.

    Stopped here stays cancelled; cancelled at the source is cancelled; expired there lives on until the day it was extended to, and
    delivered out there while withdrawals were added.
    """
    if decided.is_stopped:
        return PrescriptionStatus.CANCELLED
    is_longer = decided.extended_until is not None and decided.extended_until > source_last_valid
    if source is PrescriptionStatus.EXPIRED and is_longer:
        return PrescriptionStatus.ACTIVE
    if source is PrescriptionStatus.DELIVERED and decided.orders_added > 0:
        return PrescriptionStatus.ACTIVE
    return source


def last_valid_here(source_last_valid: date, decided: DecidedHere) -> date:
    """Return the later of the source's last day and the one decided here."""
    return max(source_last_valid, decided.extended_until or source_last_valid)


def used_up_on(next_earliest: date | None, orders_remaining: int, days_per_order: int, today: date) -> date:
    """Return the day on which a withdrawal falls due that is not there any more, when each is made on its first day."""
    return max(today, next_earliest or today) + timedelta(days=orders_remaining * days_per_order)


def use_share(
    pieces_withdrawn: int,
    first_withdrawn_on: date | None,
    pieces_per_order: int,
    days_per_order: int,
    counted_until: date,
) -> int | None:
    """Return withdrawn against prescribed since the first withdrawal, in whole percent; None before a whole withdrawal is due to be used.

    `counted_until` is today or the prescription's last day, whichever comes first (§9, consumption against prescription).
    """
    if first_withdrawn_on is None:
        return None
    days = (counted_until - first_withdrawn_on).days
    if days < days_per_order:
        return None
    return 100 * pieces_withdrawn * days_per_order // (pieces_per_order * days)
