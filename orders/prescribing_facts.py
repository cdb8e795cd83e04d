"""What the rules of prescribing need to know, read from the database; and how what is prescribed here may be delivered."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.orm import Session

from auth.models import Person, Unit
from core.clock import today
from core.errors import NotFound
from core.policy import policy_of
from orders import prescription_rules as rules
from orders.kinds import (
    OWN_SOURCE,
    DeliveryMethod,
    Notification,
    PrescriptionStatus,
    ProductKind,
    RowStatus,
    ServicePointProvider,
)
from orders.models import Article, DeliveryAlternative, Order, OrderRow, Prescription, PrescriptionItem
from orders.policy import OrderingPolicy
from orders.queries import person_facts
from orders.rules import fits_same_meter
from orders.source.policy import source_of


def article_to_prescribe(session: Session, region: str, article_id: int) -> Article:
    """Return an article of the region; raise NotFound."""
    article = session.scalar(select(Article).where(Article.id == article_id, Article.region == region))
    if article is None:
        raise NotFound
    return article


def article_facts(session: Session, article: Article) -> rules.ArticleFacts:
    """Return what the rules need to know of an article; a generic one is orderable as its variants in the same packages."""
    subs = session.scalars(select(Article).where(Article.generic_article_id == article.id)).all()
    orderable = {
        one.id
        for one in subs or [article]
        if one.is_orderable
        and one.package_size == article.package_size
        and fits_same_meter(article.compatibility_group, one.compatibility_group)
    }
    return rules.ArticleFacts(
        article_id=article.id,
        kind=article.kind,
        has_agreement=bool(article.agreement_no),
        compatibility_group=article.compatibility_group,
        orderable=frozenset(orderable),
        has_sub_articles=bool(subs),
    )


def sub_articles_of(session: Session, article: Article, chosen: Collection[int]) -> list[Article]:
    """Return the chosen variants, every orderable one when none is chosen; none for an article without variants."""
    facts = article_facts(session, article)
    if not facts.has_sub_articles:
        return []
    wanted = facts.orderable & set(chosen) if chosen else facts.orderable
    return list(session.scalars(select(Article).where(Article.id.in_(wanted)).order_by(Article.article_no)))


def patient_facts(session: Session, person: Person, unit: Unit, article: Article | None) -> rules.PatientFacts:
    """Return what the rules need to know of a patient, about one article or (None) about none."""
    policy = policy_of(person.region).section(OrderingPolicy)
    is_strip = article is not None and article.kind is ProductKind.TEST_STRIP
    return rules.PatientFacts(
        person=person_facts(person, policy),
        meter_groups=_meter_groups(session, person.id) if is_strip else frozenset(),
        active_until=None if article is None else _active_until(session, person.id, article),
        needs_unit_address=person.is_protected and not (unit.street and unit.postal_code),
        is_kept_elsewhere=source_of(person.region).lives_elsewhere,
    )


def _meter_groups(session: Session, person_id: int) -> frozenset[str]:
    """The groups of the meters that the patient has been prescribed or sent; one without a group says nothing."""
    prescribed = (
        select(Article.compatibility_group)
        .join(PrescriptionItem, PrescriptionItem.article_id == Article.id)
        .join(Prescription)
        .where(Prescription.person_id == person_id, PrescriptionItem.status != PrescriptionStatus.CANCELLED)
    )
    sent = (
        select(Article.compatibility_group)
        .join(OrderRow, OrderRow.article_id == Article.id)
        .join(Order)
        .where(Order.person_id == person_id, OrderRow.status != RowStatus.CANCELLED)
    )
    is_meter = (Article.kind == ProductKind.METER) & (Article.compatibility_group != "")
    return frozenset(session.scalars(prescribed.where(is_meter).union(sent.where(is_meter))))


def _active_until(session: Session, person_id: int, article: Article) -> date | None:
    """Until when the patient can still order the article, or another variant of it, by what any unit has prescribed."""
    return session.scalar(
        select(func.max(PrescriptionItem.last_valid_date))
        .join(Prescription)
        .join(Article, PrescriptionItem.article_id == Article.id)
        .where(
            Prescription.person_id == person_id,
            same_product(article),
            PrescriptionItem.status == PrescriptionStatus.ACTIVE,
            PrescriptionItem.orders_remaining > 0,
            PrescriptionItem.last_valid_date >= today(session),
        )
    )


def same_product(article: Article) -> ColumnElement[bool]:
    """Match the article, its generic one and that one's other variants, in a statement that selects from Article."""
    generic_id = article.generic_article_id or article.id
    return or_(Article.id == generic_id, Article.generic_article_id == generic_id)


def extension_facts(item: PrescriptionItem, day: date) -> rules.ExtensionFacts:
    """Return what the rules need to know of an item to extend, its article loaded."""
    return rules.ExtensionFacts(
        kind=item.article.kind,
        is_cancelled=item.status is PrescriptionStatus.CANCELLED,
        is_delivered_out=item.status is PrescriptionStatus.DELIVERED,
        is_over=item.status is PrescriptionStatus.EXPIRED or item.last_valid_date < day,
        orders_remaining=item.orders_remaining,
        overdrawn=max(0, item.orders_used_here + item.orders_used_elsewhere - item.orders_allowed),
        last_valid_date=item.last_valid_date,
        next_earliest_order_date=item.next_earliest_order_date,
    )


def is_kept_elsewhere(item: PrescriptionItem) -> bool:
    """Tell whether another system has the item, its prescription loaded: it ends and is renewed there."""
    return item.prescription.source != OWN_SOURCE and source_of(item.prescription.region).lives_elsewhere


def alternatives_of_region(region: str) -> list[DeliveryAlternative]:
    """Build the ways of delivery of something prescribed here: all that the region's policy offers, its usual one first."""
    methods = policy_of(region).section(OrderingPolicy).delivery_methods
    return [_alternative(method) for method in methods if method is not DeliveryMethod.UNIT]


def _alternative(method: DeliveryMethod) -> DeliveryAlternative:
    match method:
        case DeliveryMethod.HOME_DELIVERY:
            return DeliveryAlternative(method_id="HOME", name="Hemleverans", method=method, allow_delivery_comment=True)
        case DeliveryMethod.SERVICE_POINT:
            return DeliveryAlternative(
                method_id="SERVICE_POINT",
                name="Utlämningsställe",
                method=method,
                provider=ServicePointProvider.POSTNORD.value,
                allow_choice_of_delivery_points=True,
                notifications=[Notification.SMS.value, Notification.EMAIL.value, Notification.LETTER.value],
                allow_contact_person=True,
            )
        case _:
            return DeliveryAlternative(method_id=method.value, name="Vårdcentral", method=method)
