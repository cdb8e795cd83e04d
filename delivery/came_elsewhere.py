"""What a source elsewhere says that a person was sent: products whose lot nobody told us, that a fault report can be about all the same."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from core.clock import STOCKHOLM, swedish_date, today
from delivery.history import REPORTABLE_FOR
from orders.models import (
    Article,
    ExternalWithdrawal,
    Order,
    OrderRow,
    Prescription,
    PrescriptionItem,
    Registration,
    RowStatus,
)
from orders.source.policy import source_of


@dataclass(frozen=True)
class CameElsewhere:
    """One article that was delivered from elsewhere in the last twelve months, and the day it came last."""

    article: Article
    came_on: date


def came_elsewhere(session: Session, region: str, person_id: int | None) -> list[CameElsewhere]:
    """Return what a person was sent from elsewhere, newest first; two statements, or none where the prescriptions live here.

    The caller checks and logs. Nothing is known of lots and packages: the reporter reads them off the package.
    """
    if not source_of(region).lives_elsewhere:
        return []
    first_day = today(session) - REPORTABLE_FOR
    rows = session.scalars(
        select(OrderRow)
        .join(Order)
        .where(
            Order.person_id == person_id,
            Order.registration == Registration.AT_SOURCE,
            OrderRow.status == RowStatus.DELIVERED,
            OrderRow.status_at >= datetime.combine(first_day, time(), STOCKHOLM),
        )
        .options(joinedload(OrderRow.article))
    )
    withdrawals = session.scalars(
        select(ExternalWithdrawal)
        .join(ExternalWithdrawal.prescription_item)
        .join(Prescription)
        .where(Prescription.person_id == person_id, ExternalWithdrawal.delivered_date >= first_day)
        .options(
            joinedload(ExternalWithdrawal.article),
            joinedload(ExternalWithdrawal.prescription_item).joinedload(PrescriptionItem.article),
        )
    )
    came = [(row.article, swedish_date(row.status_at)) for row in rows]
    came += [
        (one.article or one.prescription_item.article, one.delivered_date) for one in withdrawals if one.delivered_date
    ]
    latest: dict[int, CameElsewhere] = {}
    for article, day in came:
        if article.id not in latest or latest[article.id].came_on < day:
            latest[article.id] = CameElsewhere(article, day)
    return sorted(latest.values(), key=lambda one: (one.came_on, one.article.id), reverse=True)
