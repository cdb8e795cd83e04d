"""What the look at all lots goes by: what was sent of each and came back, and the first report of each patient."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Date, Select, String, and_, cast, func, literal, select
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.orm import InstrumentedAttribute, Session
from sqlalchemy.sql.selectable import Subquery

from core.clock import STOCKHOLM, now
from delivery.complaints.models import Complaint, ComplaintState, FaultReport
from delivery.complaints.signal_rules import LotFacts, add_in_use, curve_of, week_of
from delivery.models import DepotOrder, Lot, LotStatus, MovementReason, Parcel, PickedLot, PickLine, StockMovement
from orders.models import Article, ProductKind

# What is older no longer says how an article does.
HISTORY = timedelta(days=546)


@dataclass
class LotHistory:
    """One lot as it was sent and reported: (day, packages) sent, less what came back, and (day, age in days) of first reports.

    The age is None where it is not known which delivery the product came with.
    """

    lot_id: int
    article_id: int
    kind: ProductKind
    is_recalled: bool
    sent: list[tuple[date, int]] = field(default_factory=list)
    reported: list[tuple[date, int | None]] = field(default_factory=list)


def histories(session: Session, region: str, lot_ids: Collection[int] | None = None) -> dict[int, LotHistory]:
    """Return the lots that the region's patients were sent something of in the last year and a half, in two statements."""
    since = now(session) - HISTORY
    found: dict[int, LotHistory] = {}
    for lot_id, article_id, kind, status, day, packages in session.execute(_sent(region, since, lot_ids)):
        lot = found.setdefault(lot_id, LotHistory(lot_id, article_id, kind, status is LotStatus.RECALLED))
        if packages > 0:
            lot.sent.append((day, int(packages)))
    for lot_id, reported_on, sent_on in session.execute(_first_reports(region, since, lot_ids)):
        if lot_id in found:
            age = None if sent_on is None else max(0, (reported_on - sent_on).days)
            found[lot_id].reported.append((reported_on, age))
    return found


def facts_of(lots: Collection[LotHistory], flagged: Collection[int], today: date) -> list[LotFacts]:
    """Return the facts that the rules look at; lots in `flagged` and those called back do not set the norm."""
    day = today.toordinal()
    of_kind: dict[ProductKind, list[LotHistory]] = defaultdict(list)
    for lot in lots:
        of_kind[lot.kind].append(lot)
    facts = []
    for kind, alike in of_kind.items():
        curve = curve_of(
            [(day - sent_on.toordinal(), packages) for lot in alike for sent_on, packages in lot.sent],
            [age for lot in alike for _reported_on, age in lot.reported if age is not None],
        )
        for lot in alike:
            one = LotFacts(
                lot.lot_id, lot.article_id, kind.value, sets_norm=lot.lot_id not in flagged and not lot.is_recalled
            )
            for sent_on, packages in lot.sent:
                add_in_use(one.in_use, sent_on.toordinal(), packages, curve, day)
                one.delivered += packages
                one.last_delivered_on = max(one.last_delivered_on, sent_on.toordinal())
            for reported_on, _age in lot.reported:
                week = week_of(reported_on.toordinal())
                one.reports[week] = one.reports.get(week, 0) + 1
            facts.append(one)
    return facts


def swedish_day(instant: InstrumentedAttribute[datetime] | ColumnElement[datetime]) -> ColumnElement[date]:
    """Return in SQL the Swedish calendar day of an instant."""
    return cast(func.timezone(str(STOCKHOLM), instant), Date)


def first_shipped(since: datetime | None = None) -> Subquery:
    """When each depot order left: what left in several boxes is counted once, on the day of the first."""
    chosen = select(Parcel.depot_order_id, func.min(Parcel.shipped_at).label("at")).where(
        Parcel.shipped_at.is_not(None)
    )
    if since is not None:
        chosen = chosen.where(Parcel.shipped_at >= since)
    return chosen.group_by(Parcel.depot_order_id).subquery()


def came_back() -> Subquery:
    """How many packages of each picked lot have come back; `ref` is the ledger's word for it."""
    return (
        select(StockMovement.object_ref.label("ref"), func.sum(StockMovement.packages).label("packages"))
        .where(StockMovement.reason == MovementReason.RETURNED)
        .group_by(StockMovement.object_ref)
        .subquery()
    )


def ref_of_picked_lot() -> ColumnElement[str]:
    """Return in SQL the ledger's word for a picked lot."""
    return literal("picked_lot:") + cast(PickedLot.id, String)


def counts_as_fault() -> ColumnElement[bool]:
    """Tell in SQL whether a case counts: neither declined nor the same as another."""
    return and_(Complaint.state != ComplaintState.DECLINED, Complaint.duplicate_of_id.is_(None))


def _sent(region: str, since: datetime, lot_ids: Collection[int] | None) -> Select[*tuple[Any, ...]]:
    shipped, returned = first_shipped(since), came_back()
    day = swedish_day(shipped.c.at)
    chosen = (
        select(
            Lot.id,
            Lot.article_id,
            Article.kind,
            Lot.status,
            day.label("day"),
            func.sum(PickedLot.packages - func.coalesce(returned.c.packages, 0)).label("packages"),
        )
        .join(PickLine, PickedLot.pick_line_id == PickLine.id)
        .join(DepotOrder, PickLine.depot_order_id == DepotOrder.id)
        .join(shipped, shipped.c.depot_order_id == DepotOrder.id)
        .join(Lot, PickedLot.lot_id == Lot.id)
        .join(Article, Lot.article_id == Article.id)
        .outerjoin(returned, returned.c.ref == ref_of_picked_lot())
        .where(DepotOrder.region == region)
        .group_by(Lot.id, Article.kind, day)
        .order_by(Lot.id, day)
    )
    return chosen if lot_ids is None else chosen.where(Lot.id.in_(lot_ids))


def _first_reports(region: str, since: datetime, lot_ids: Collection[int] | None) -> Select[*tuple[Any, ...]]:
    shipped = first_shipped()
    chosen = (
        select(
            Complaint.lot_id,
            swedish_day(Complaint.received_at),
            swedish_day(shipped.c.at),
        )
        .ext(distinct_on(Complaint.lot_id, Complaint.person_id))
        .join(FaultReport, FaultReport.complaint_id == Complaint.id)
        .outerjoin(PickedLot, FaultReport.picked_lot_id == PickedLot.id)
        .outerjoin(PickLine, PickedLot.pick_line_id == PickLine.id)
        .outerjoin(shipped, shipped.c.depot_order_id == PickLine.depot_order_id)
        .where(
            Complaint.region == region,
            Complaint.lot_id.is_not(None),
            Complaint.received_at >= since,
            counts_as_fault(),
        )
        .order_by(Complaint.lot_id, Complaint.person_id, Complaint.received_at, Complaint.id)
    )
    return chosen if lot_ids is None else chosen.where(Complaint.lot_id.in_(lot_ids))
