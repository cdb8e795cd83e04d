"""Every combination of what decides an order: who acts for whom, who is supplied how, and what the item says. Handbook §§3, 4, 8, 10.

The expected answer is written here a second time, as sentences of the handbook in the order in which they win; the program's rules
have another shape, so a slip in one does not repeat itself in the other.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import product

import pytest

from auth.identity import ALL_TASKS, Relation, Task
from auth.models import Person, PersonCategory, Protection, ProxyAppointment
from auth.relations import ActingPolicy, guardian_tasks, own_tasks, proxy_tasks
from core.policy import Policies, Policy
from orders.kinds import DeliveryMethod, PrescriptionStatus
from orders.models import Article, DeliveryAlternative, PrescriptionItem
from orders.policy import OrderingPolicy, Supply
from orders.queries import item_facts, person_facts
from orders.rules import Reason, Verdict, decide_withdrawal
from portal.config import PACKAGED_POLICIES

TODAY = date(2026, 12, 1)
YESTERDAY, TOMORROW = TODAY - timedelta(days=1), TODAY + timedelta(days=1)
ADULT = date(1980, 5, 5)
# In years, on the day itself: twelve, thirteen at midnight, seventeen, eighteen at midnight.
BIRTHS = {12: date(2013, 12, 2), 13: date(2013, 12, 1), 17: date(2008, 12, 2), 18: date(2008, 12, 1)}
POLICIES = Policies.load(PACKAGED_POLICIES)


@dataclass(frozen=True)
class Acting:
    """Who acts for a person of what age, with which task, and whose identity is protected."""

    relation: Relation
    age: int
    task: Task
    patient_protection: Protection
    actor_protection: Protection


@dataclass(frozen=True)
class Living:
    """Whether and where the patient lives, and on what ground they are supplied."""

    is_deceased: bool
    is_in_county: bool
    category: PersonCategory
    home_region_agreed: bool


@dataclass(frozen=True)
class Item:
    """What the prescription item and its article say."""

    status: PrescriptionStatus
    remaining: int
    last_valid: date
    earliest: date | None
    article: str
    ways: tuple[DeliveryMethod, ...]
    price: Decimal | None


ACTINGS = [
    Acting(*combination)
    for combination in product(
        (Relation.SELF, Relation.GUARDIAN, Relation.PROXY, Relation.CALL),
        BIRTHS,
        (Task.ORDER, Task.REPORT_FAULTS),
        (Protection.NONE, Protection.CONFIDENTIALITY_FLAG, Protection.PROTECTED_REGISTRATION),
        (Protection.NONE, Protection.CONFIDENTIALITY_FLAG),
    )
]
LIVINGS = [Living(*c) for c in product((False, True), (True, False), PersonCategory, (False, True))]
ITEMS = [
    Item(*c)
    for c in product(
        PrescriptionStatus,
        (0, 1),
        (YESTERDAY, TODAY, TOMORROW),
        (None, YESTERDAY, TODAY, TOMORROW, TOMORROW + timedelta(days=1)),
        ("orderable", "discontinued", "succeeded", "succeeded for another meter"),
        ((DeliveryMethod.HOME_DELIVERY,), (DeliveryMethod.SERVICE_POINT,)),
        (Decimal("10000.00"), Decimal("10000.01"), None),
    )
]


def _may_order(acting: Acting, policy: ActingPolicy) -> bool:
    """What the program says."""
    patient = Person(birth_date=BIRTHS[acting.age], protection=acting.patient_protection)
    actor = Person(birth_date=ADULT, protection=acting.actor_protection)
    match acting.relation:
        case Relation.SELF:
            tasks = own_tasks(patient.birth_date, TODAY, policy)
        case Relation.GUARDIAN:
            tasks = guardian_tasks(patient, actor, TODAY, policy)
        case Relation.PROXY:
            given = ProxyAppointment(
                tasks=[acting.task.value],
                valid_from=YESTERDAY,
                valid_until=TOMORROW,
                accepted_at=datetime(2026, 1, 1, tzinfo=UTC),
            )
            tasks = proxy_tasks(given, patient, actor, TODAY)
        case Relation.CALL:
            tasks = ALL_TASKS
    return Task.ORDER in tasks


def _should_order(acting: Acting, policy: ActingPolicy) -> bool:
    """What handbook §4 says."""
    if acting.relation is Relation.CALL:
        return True
    if acting.relation is Relation.SELF:
        return acting.age >= policy.own_account_from_age
    if acting.patient_protection is not Protection.NONE or acting.actor_protection is not Protection.NONE:
        return False
    if acting.relation is Relation.GUARDIAN:
        return acting.age < policy.guardian_until_age
    return acting.task is Task.ORDER


def _person(is_protected: bool) -> Person:
    return Person(protection=Protection.CONFIDENTIALITY_FLAG if is_protected else Protection.NONE)


def _row(item: Item, home_region_agreed: bool) -> PrescriptionItem:
    article = Article(
        id=1, is_orderable=item.article == "orderable", compatibility_group="VIK", price=item.price, package_size=1
    )
    if item.article.startswith("succeeded"):
        fits = item.article == "succeeded"
        article.successor_id = 2
        article.successor = Article(id=2, is_orderable=True, compatibility_group="VIK" if fits else "SUND")
    return PrescriptionItem(
        status=item.status,
        orders_remaining=item.remaining,
        last_valid_date=item.last_valid,
        next_earliest_order_date=item.earliest,
        packages_per_order=1,
        home_region_agreed=home_region_agreed,
        article=article,
        delivery_alternatives=[
            DeliveryAlternative(method=way, provider="INGEN", method_id=way.value, notifications=[])
            for way in item.ways
        ],
    )


# The handbook's sentences, the one that wins first.
Fact = Callable[[Item, Living, bool, bool, OrderingPolicy], bool]
SENTENCES: list[tuple[Reason, Fact]] = [
    (Reason.DECEASED, lambda i, p, call, prot, pol: p.is_deceased),
    (Reason.MOVED_OUT, lambda i, p, call, prot, pol: p.category == "RESIDENT" and not p.is_in_county),
    (Reason.PHARMACY, lambda i, p, call, prot, pol: _supply(p, pol) is Supply.PHARMACY),
    (
        Reason.CUSTOMER_SERVICE_ORDERS,
        lambda i, p, call, prot, pol: _supply(p, pol) is Supply.CUSTOMER_SERVICE and not call,
    ),
    (Reason.CANCELLED, lambda i, p, call, prot, pol: i.status == "CANCELLED"),
    (Reason.EXPIRED, lambda i, p, call, prot, pol: i.status == "EXPIRED" or i.last_valid == YESTERDAY),
    (Reason.USED_UP, lambda i, p, call, prot, pol: i.status == "DELIVERED" or i.remaining == 0),
    (Reason.DISCONTINUED, lambda i, p, call, prot, pol: i.article == "succeeded"),
    (Reason.NOT_ORDERABLE_HERE, lambda i, p, call, prot, pol: i.article != "orderable"),
    (Reason.NOT_ORDERABLE_HERE, lambda i, p, call, prot, pol: not prot and not set(i.ways) & set(pol.delivery_methods)),
    (
        Reason.ASK_HOME_REGION,
        lambda i, p, call, prot, pol: (
            _supply(p, pol) is Supply.HOME_REGION_PAYS
            and not p.home_region_agreed
            and (i.price is None or i.price > pol.ask_home_region_above)
        ),
    ),
    (Reason.EXPIRED, lambda i, p, call, prot, pol: i.earliest is not None and i.earliest > max(i.last_valid, TODAY)),
    (Reason.NOT_YET, lambda i, p, call, prot, pol: i.earliest is not None and i.earliest > TODAY),
    (Reason.ALLOWED, lambda i, p, call, prot, pol: True),
]


def _supply(living: Living, policy: OrderingPolicy) -> Supply | None:
    match living.category:
        case PersonCategory.OUT_OF_COUNTY:
            return policy.out_of_county
        case PersonCategory.ASYLUM_SEEKER:
            return policy.asylum_seekers
        case _:
            return None


@pytest.mark.parametrize("region", POLICIES.regions)
def test_every_combination_gets_the_verdict_and_the_reason_of_the_handbook(
    region: str, capsys: pytest.CaptureFixture[str]
) -> None:
    policy: Policy = POLICIES.of(region)
    ordering, acting_policy = policy.section(OrderingPolicy), policy.section(ActingPolicy)
    actings = Counter[tuple[bool, bool]]()
    for acting in ACTINGS:
        assert _may_order(acting, acting_policy) == _should_order(acting, acting_policy), acting
        if _should_order(acting, acting_policy):
            actings[acting.relation is Relation.CALL, acting.patient_protection is not Protection.NONE] += 1
    reasons = Counter[Reason]()
    items = {
        (agreed, is_protected): [
            (item, item_facts(_row(item, agreed), _person(is_protected), ordering)) for item in ITEMS
        ]
        for agreed, is_protected in product((False, True), (False, True))
    }
    for living, (by_call, is_protected) in product(LIVINGS, actings):
        person = _person(is_protected)
        person.deceased_on = YESTERDAY if living.is_deceased else None
        person.county_code = ordering.county_code if living.is_in_county else "99"
        person.category = living.category
        facts = person_facts(person, ordering)
        for item, known in items[living.home_region_agreed, is_protected]:
            verdict = decide_withdrawal(known, facts, TODAY, by_customer_service=by_call)
            expected = next(
                reason for reason, holds in SENTENCES if holds(item, living, by_call, is_protected, ordering)
            )
            assert verdict.reason is expected, (item, living, by_call, is_protected, verdict)
            assert verdict.day == _day(verdict, item), (item, verdict)
            reasons[expected] += actings[by_call, is_protected]
    refused = (len(ACTINGS) - actings.total()) * len(LIVINGS) * len(ITEMS)
    combinations = reasons.total() + refused
    with capsys.disabled():
        told = ", ".join(f"{reason} {number:,}" for reason, number in reasons.most_common())
        print(f"\n{region}: {combinations:,} combinations, {refused:,} may not order; {told}")  # noqa: T201
    assert combinations == len(ACTINGS) * len(LIVINGS) * len(ITEMS)


def _day(verdict: Verdict, item: Item) -> date | None:
    """The date that the patient is told with the reason (handbook §3.5)."""
    return {Reason.EXPIRED: item.last_valid, Reason.NOT_YET: item.earliest}.get(verdict.reason)
