"""Which of a unit's items and patients need it: what is asked for, ends or is hardly used, and who has moved. Handbook §§4 and 9."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Date, Select, and_, case, func, literal, or_, select
from sqlalchemy.orm import Session, aliased

from auth.identity import Identity
from auth.models import Person, PersonCategory
from core.policy import policy_of
from orders.kinds import PrescriptionStatus, RenewalStatus
from orders.models import Article, Prescription, PrescriptionItem
from orders.policy import OrderingPolicy
from orders.renewal_models import RenewalRequest
from orders.unit_history import uses_of
from orders.unit_views import Moved

MOST_SHOWN = 30


def of_unit(identity: Identity) -> ColumnElement[bool]:
    """Match what the identity's unit has prescribed, in a statement that selects from Prescription."""
    return and_(Prescription.unit_id == identity.unit_id, Prescription.region == identity.region)


def is_active(day: date) -> ColumnElement[bool]:
    return and_(
        PrescriptionItem.status == PrescriptionStatus.ACTIVE,
        PrescriptionItem.orders_remaining > 0,
        PrescriptionItem.last_valid_date >= day,
    )


def counted(session: Session, statement: Select[Any]) -> tuple[list[int], int]:
    """Return the first ids of a statement, and how many there are in all."""
    rows = session.execute(statement.add_columns(func.count().over()).limit(MOST_SHOWN)).all()
    return [row[0] for row in rows], rows[0][-1] if rows else 0


def open_requests(identity: Identity) -> Select[Any]:
    return (
        select(RenewalRequest.prescription_item_id)
        .join(RenewalRequest.item)
        .join(PrescriptionItem.prescription)
        .join(Prescription.person)
        .where(of_unit(identity), RenewalRequest.status == RenewalStatus.OPEN, Person.deceased_on.is_(None))
        .order_by(RenewalRequest.asked_at, RenewalRequest.id)
    )


def ending_items(identity: Identity, day: date, days: int) -> Select[Any]:
    """What ends or is used up within `days`, or did so at most as long ago, and has nothing that takes its place."""
    remaining = case(
        (PrescriptionItem.status == PrescriptionStatus.DELIVERED, 0), else_=PrescriptionItem.orders_remaining
    )
    begins = func.greatest(literal(day, Date), PrescriptionItem.next_earliest_order_date, type_=Date)
    runs_out = func.least(
        PrescriptionItem.last_valid_date, begins + remaining * PrescriptionItem.days_per_order, type_=Date
    )
    other, others, product = aliased(PrescriptionItem), aliased(Prescription), aliased(Article)
    replaced = (
        select(other.id)
        .join(others, other.prescription_id == others.id)
        .join(product, other.article_id == product.id)
        .where(
            others.person_id == Prescription.person_id,
            other.id != PrescriptionItem.id,
            or_(
                product.id.in_([Article.id, Article.successor_id, Article.generic_article_id]),
                product.generic_article_id.in_([Article.id, Article.generic_article_id]),
            ),
            other.status == PrescriptionStatus.ACTIVE,
            other.orders_remaining > 0,
            other.last_valid_date > day + timedelta(days=days),
        )
        .exists()
    )
    return (
        select(PrescriptionItem.id)
        .join(PrescriptionItem.prescription)
        .join(PrescriptionItem.article)
        .join(Prescription.person)
        .where(
            of_unit(identity),
            PrescriptionItem.status != PrescriptionStatus.CANCELLED,
            runs_out.between(day - timedelta(days=days), day + timedelta(days=days)),
            Person.deceased_on.is_(None),
            ~replaced,
        )
        .order_by(runs_out, PrescriptionItem.id)
    )


def little_used(session: Session, identity: Identity, day: date, below: int) -> list[int]:
    """The unit's active items of which less than `below` percent is used, the least used first."""
    alive = select(Person.id).where(Person.id == Prescription.person_id, Person.deceased_on.is_(None)).exists()
    uses = uses_of(session, and_(of_unit(identity), is_active(day), alive), day)
    shares = [(use.percent, item_id) for item_id, use in uses.items() if use.percent is not None]
    return [item_id for percent, item_id in sorted(shares) if percent < below]


def moved_patients(session: Session, identity: Identity, day: date) -> tuple[tuple[Moved, ...], int]:
    """Residents who have moved out of the region with something active (handbook §4)."""
    county = policy_of(identity.region).section(OrderingPolicy).county_code
    rows = session.execute(
        select(Person, func.count(PrescriptionItem.id), func.count().over())
        .join(Prescription, Prescription.person_id == Person.id)
        .join(PrescriptionItem, PrescriptionItem.prescription_id == Prescription.id)
        .where(
            of_unit(identity),
            is_active(day),
            Person.category == PersonCategory.RESIDENT,
            Person.county_code != county,
            Person.deceased_on.is_(None),
        )
        .group_by(Person.id)
        .order_by(Person.id)
        .limit(MOST_SHOWN)
    ).all()
    return tuple(Moved(person, items) for person, items, _total in rows), rows[0][-1] if rows else 0
