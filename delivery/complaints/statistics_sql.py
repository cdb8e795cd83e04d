"""The two questions that statistics of complaints ask the database: what was reported, and what was delivered."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Select, Subquery, func, select
from sqlalchemy.orm import InstrumentedAttribute

from core.clock import STOCKHOLM
from delivery.complaints.claim_models import ClaimLine, ClaimOutcome
from delivery.complaints.models import Complaint, FaultReport
from delivery.complaints.signal_facts import came_back, counts_as_fault, first_shipped, ref_of_picked_lot
from delivery.models import DepotOrder, PickedLot, PickLine
from orders.models import (
    Article,
    OrderRow,
    Prescription,
    PrescriptionItem,
    ProductArea,
    RowKind,
    RowStatus,
    Withdrawal,
)


class By(StrEnum):
    """What the complaints are counted by."""

    SUPPLIER = "supplier"
    ARTICLE = "article"
    LOT = "lot"
    FAULT = "fault"
    UNIT = "unit"
    MONTH = "month"


@dataclass(frozen=True)
class Asked:
    """What to count: received and delivered from `first` to `last`, both included; None is all."""

    by: By
    first: date
    last: date
    area: ProductArea | None = None
    supplier_id: int | None = None
    article_id: int | None = None


def reported_by(region: str, asked: Asked) -> Select[*tuple[Any, ...]]:
    """Select cases, red flags and money (SEK) of what was reported, by `key`; declined cases and duplicates do not count."""
    begins, ends = _bounds(asked)
    key = _key(asked.by, Complaint.received_at, Complaint.lot_id)
    replaced, claimed = _replaced(), _claimed()
    return (
        select(
            key.label("key"),
            func.count().label("cases"),
            func.count().filter(Complaint.has_red_flag).label("red_flags"),
            func.coalesce(func.sum(replaced.c.cost), 0).label("replaced"),
            func.coalesce(func.sum(claimed.c.value), 0).label("claimed"),
            func.coalesce(func.sum(claimed.c.credited), 0).label("credited"),
        )
        .select_from(Complaint)
        .join(FaultReport, FaultReport.complaint_id == Complaint.id)
        .join(Article, Complaint.article_id == Article.id)
        .outerjoin(PickedLot, FaultReport.picked_lot_id == PickedLot.id)
        .outerjoin(PickLine, PickedLot.pick_line_id == PickLine.id)
        .outerjoin(OrderRow, PickLine.order_row_id == OrderRow.id)
        .outerjoin(Withdrawal, OrderRow.withdrawal_id == Withdrawal.id)
        .outerjoin(PrescriptionItem, Withdrawal.prescription_item_id == PrescriptionItem.id)
        .outerjoin(Prescription, PrescriptionItem.prescription_id == Prescription.id)
        .outerjoin(replaced, replaced.c.complaint_id == Complaint.id)
        .outerjoin(claimed, claimed.c.complaint_id == Complaint.id)
        .where(
            Complaint.region == region,
            Complaint.received_at >= begins,
            Complaint.received_at < ends,
            counts_as_fault(),
            *_chosen(asked),
        )
        .group_by(key)
    )


def delivered_by(region: str, asked: Asked) -> Select[*tuple[Any, ...]]:
    """Select packages sent, less what came back, by `key`."""
    begins, ends = _bounds(asked)
    shipped, returned = first_shipped(begins), came_back()
    # A fault is no property of what was sent: all of it stands against each.
    key = _key(By.MONTH if asked.by is By.FAULT else asked.by, shipped.c.at, PickedLot.lot_id)
    return (
        select(key.label("key"), func.sum(PickedLot.packages - func.coalesce(returned.c.packages, 0)).label("packages"))
        .select_from(PickedLot)
        .join(PickLine, PickedLot.pick_line_id == PickLine.id)
        .join(DepotOrder, PickLine.depot_order_id == DepotOrder.id)
        .join(shipped, shipped.c.depot_order_id == DepotOrder.id)
        .join(Article, PickLine.article_id == Article.id)
        .join(OrderRow, PickLine.order_row_id == OrderRow.id)
        .outerjoin(Withdrawal, OrderRow.withdrawal_id == Withdrawal.id)
        .outerjoin(PrescriptionItem, Withdrawal.prescription_item_id == PrescriptionItem.id)
        .outerjoin(Prescription, PrescriptionItem.prescription_id == Prescription.id)
        .outerjoin(returned, returned.c.ref == ref_of_picked_lot())
        .where(DepotOrder.region == region, shipped.c.at >= begins, shipped.c.at < ends, *_chosen(asked))
        .group_by(key)
    )


def _key(
    by: By, at: InstrumentedAttribute[datetime] | ColumnElement[datetime], lot_id: InstrumentedAttribute[Any]
) -> ColumnElement[Any]:
    match by:
        case By.SUPPLIER:
            return Article.supplier_id.expression
        case By.ARTICLE:
            return Article.id.expression
        case By.LOT:
            return lot_id.expression
        case By.FAULT:
            return FaultReport.kind.expression
        case By.UNIT:
            return Prescription.unit_id.expression
        case By.MONTH:
            return func.to_char(func.timezone(str(STOCKHOLM), at), "YYYY-MM")


def _chosen(asked: Asked) -> list[ColumnElement[bool]]:
    chosen = [
        None if asked.area is None else Article.product_area == asked.area,
        None if asked.supplier_id is None else Article.supplier_id == asked.supplier_id,
        None if asked.article_id is None else Article.id == asked.article_id,
    ]
    return [condition for condition in chosen if condition is not None]


def _replaced() -> Subquery:
    return (
        select(
            OrderRow.complaint_ref.label("complaint_id"),
            func.sum(OrderRow.packages * OrderRow.package_price).label("cost"),
        )
        .where(
            OrderRow.kind == RowKind.REPLACEMENT,
            OrderRow.complaint_ref.is_not(None),
            OrderRow.status != RowStatus.CANCELLED,
        )
        .group_by(OrderRow.complaint_ref)
        .subquery()
    )


def _claimed() -> Subquery:
    return (
        select(
            ClaimLine.complaint_id,
            func.sum(ClaimLine.value).filter(ClaimLine.outcome.is_distinct_from(ClaimOutcome.REJECTED)).label("value"),
            func.sum(ClaimLine.credited).label("credited"),
        )
        .group_by(ClaimLine.complaint_id)
        .subquery()
    )


def _bounds(asked: Asked) -> tuple[datetime, datetime]:
    days = (asked.first, asked.last + timedelta(days=1))
    begins, ends = (datetime.combine(day, time.min, STOCKHOLM) for day in days)
    return begins, ends
