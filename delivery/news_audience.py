"""Which patients use an article, so that news of it reaches them: prescribed now, sent within a year, or a unit of it is with them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from typing import Any

from sqlalchemy import ColumnElement, CompoundSelect, Select, exists, func, or_, select, union
from sqlalchemy.orm import Session

from auth.models import Person
from core.clock import STOCKHOLM
from delivery.goods_models import SerialisedUnit, UnitStatus
from delivery.models import DepotOrder, Parcel, PickLine
from orders.models import (
    Article,
    Order,
    Prescription,
    PrescriptionItem,
    PrescriptionItemSubArticle,
    PrescriptionStatus,
)

# A delivery lasts some months; what came longer ago than this has been used up.
SENT_WITHIN = timedelta(days=365)


def count_patients(session: Session, region: str, article_id: int, day: date) -> int:
    """Return how many patients of the region use the article or one of its varieties on `day`; the dead use nothing."""
    users = _users(region, article_id, day).subquery()
    return session.scalars(
        select(func.count()).select_from(Person).join(users, users.c.id == Person.id).where(_reached(region))
    ).one()


def next_patients(
    session: Session, region: str, article_id: int, day: date, *, after: int, limit: int
) -> Sequence[Person]:
    """Return the next patients who use the article, in id order."""
    users = _users(region, article_id, day).subquery()
    return session.scalars(
        select(Person)
        .join(users, users.c.id == Person.id)
        .where(_reached(region), Person.id > after)
        .order_by(Person.id)
        .limit(limit)
    ).all()


def _reached(region: str) -> ColumnElement[bool]:
    return (Person.region == region) & Person.deceased_on.is_(None)


def _users(region: str, article_id: int, day: date) -> CompoundSelect[Any]:
    ids = select(Article.id).where(or_(Article.id == article_id, Article.generic_article_id == article_id))
    variety = exists().where(
        PrescriptionItemSubArticle.prescription_item_id == PrescriptionItem.id,
        PrescriptionItemSubArticle.article_id.in_(ids),
    )
    prescribed: Select[int] = (
        select(Prescription.person_id.label("id"))
        .join(PrescriptionItem, PrescriptionItem.prescription_id == Prescription.id)
        .where(
            Prescription.region == region,
            PrescriptionItem.status == PrescriptionStatus.ACTIVE,
            PrescriptionItem.last_valid_date >= day,
            or_(PrescriptionItem.article_id.in_(ids), variety),
        )
    )
    since = datetime.combine(day - SENT_WITHIN, time(), STOCKHOLM)
    sent = (
        select(Order.person_id.label("id"))
        .join(DepotOrder, DepotOrder.order_id == Order.id)
        .join(PickLine, PickLine.depot_order_id == DepotOrder.id)
        .join(Parcel, Parcel.depot_order_id == DepotOrder.id)
        .where(
            Order.region == region,
            Order.person_id.is_not(None),
            PickLine.article_id.in_(ids),
            PickLine.picked > 0,
            Parcel.shipped_at >= since,
        )
    )
    kept = select(SerialisedUnit.person_id.label("id")).where(
        SerialisedUnit.article_id.in_(ids), SerialisedUnit.status == UnitStatus.SHIPPED
    )
    return union(prescribed, sent, kept)
