"""Read models of the day: how much was done in each hour, what there is too little of, and what waits to be counted again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time

from sqlalchemy import ColumnElement, Integer, cast, func, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from auth.identity import Identity
from auth.permissions import Permission, require
from core.clock import STOCKHOLM, now, today
from core.policy import policy_of
from delivery.count_models import CountStatus, StockCount
from delivery.models import (
    Depot,
    DepotOrder,
    DepotOrderStatus,
    Lot,
    LotStatus,
    Parcel,
    PickedLot,
    PickLine,
    StockBalance,
)
from delivery.policy import DeliveryPolicy
from delivery.waves import carriers_waiting, next_cut_off
from orders.models import Article, OrderRow, RowStatus

# Hours that the chart shows however quiet they were.
FIRST_HOUR, LAST_HOUR = 7, 16


@dataclass(frozen=True)
class Hour:
    """One hour of the day in Swedish time: packages picked and parcels handed over."""

    hour: int
    packages: int
    parcels: int


@dataclass(frozen=True)
class TooFew:
    """An article of which waiting orders want more packages than may be sent of it."""

    article_no: str
    name: str
    wanted: int
    free: int
    orders: int
    first_promise: date

    @property
    def missing(self) -> int:
        """How many packages lack."""
        return self.wanted - self.free


@dataclass(frozen=True)
class CarrierWork:
    """Orders that wait for a wave with one carrier, and when it next fetches parcels."""

    carrier: str
    orders: int
    cut_off: datetime


def waves_to_plan(session: Session, identity: Identity) -> list[CarrierWork]:
    """Return what could be planned now, the soonest cut-off first, in one statement. Raises NotPermitted."""
    policy = policy_of(identity.region).section(DeliveryPolicy)
    instant = now(session)
    waiting = carriers_waiting(session, identity)
    found = [CarrierWork(name, orders, next_cut_off(policy, name, instant)) for name, orders in waiting.items()]
    return sorted(found, key=lambda one: (one.cut_off, -one.orders, one.carrier))


def throughput(session: Session, identity: Identity) -> list[Hour]:
    """Return the day so far by the hour, in two statements. Raises NotPermitted."""
    require(identity, Permission.SEE_DEPOT)
    midnight = datetime.combine(today(session), time.min, STOCKHOLM)
    picked = {
        row.hour: row.packages
        for row in session.execute(
            select(_hour(PickedLot.picked_at), func.sum(PickedLot.packages).label("packages"))
            .join(PickLine, PickedLot.pick_line_id == PickLine.id)
            .join(DepotOrder, PickLine.depot_order_id == DepotOrder.id)
            .where(DepotOrder.region == identity.region, PickedLot.picked_at >= midnight)
            .group_by("hour")
        )
    }
    shipped = {
        row.hour: row.parcels
        for row in session.execute(
            select(_hour(Parcel.shipped_at), func.count().label("parcels"))
            .join(DepotOrder, Parcel.depot_order_id == DepotOrder.id)
            .where(DepotOrder.region == identity.region, Parcel.shipped_at >= midnight)
            .group_by("hour")
        )
    }
    hours = {FIRST_HOUR, LAST_HOUR} | set(picked) | set(shipped)
    return [Hour(hour, int(picked.get(hour, 0)), shipped.get(hour, 0)) for hour in range(min(hours), max(hours) + 1)]


def too_few(session: Session, identity: Identity, limit: int = 20) -> list[TooFew]:
    """Return the articles that waiting orders want more of than there is, the first promise first; in one statement.

    Counts lots that may leave and have not expired, whatever horizon each patient has. Raises NotPermitted.
    """
    require(identity, Permission.SEE_DEPOT)
    left = PickLine.packages - PickLine.picked - PickLine.short
    wanted = (
        select(
            PickLine.article_id,
            func.sum(left).label("packages"),
            func.count(DepotOrder.id.distinct()).label("orders"),
            func.min(DepotOrder.promised_date).label("first_promise"),
        )
        .join(DepotOrder, PickLine.depot_order_id == DepotOrder.id)
        .join(OrderRow, PickLine.order_row_id == OrderRow.id)
        .where(
            DepotOrder.region == identity.region,
            DepotOrder.status == DepotOrderStatus.WAITING,
            DepotOrder.wave_id.is_(None),
            OrderRow.status != RowStatus.CANCELLED,
        )
        .group_by(PickLine.article_id)
        .subquery()
    )
    free = (
        select(Lot.article_id, func.sum(StockBalance.on_hand - StockBalance.reserved).label("packages"))
        .join(StockBalance, StockBalance.lot_id == Lot.id)
        .join(Depot, StockBalance.depot_id == Depot.id)
        .where(
            Depot.region == identity.region,
            Lot.article_id.in_(select(wanted.c.article_id)),
            Lot.status == LotStatus.AVAILABLE,
            Lot.expires_on >= today(session),
        )
        .group_by(Lot.article_id)
        .subquery()
    )
    there = func.coalesce(free.c.packages, 0)
    rows = session.execute(
        select(Article, wanted.c.packages, there.label("free"), wanted.c.orders, wanted.c.first_promise)
        .join(wanted, wanted.c.article_id == Article.id)
        .outerjoin(free, free.c.article_id == Article.id)
        .where(wanted.c.packages > there)
        .order_by(wanted.c.first_promise, Article.article_no)
        .limit(limit)
    )
    return [
        TooFew(article.article_no, article.display_name, int(packages), int(there), orders, promise)
        for article, packages, there, orders, promise in rows
    ]


def counts_waiting(session: Session, identity: Identity) -> int:
    """Return how many counts wait for a second, blind one, in one statement. Raises NotPermitted."""
    require(identity, Permission.SEE_DEPOT)
    return session.scalars(
        select(func.count())
        .select_from(StockCount)
        .join(Depot, StockCount.depot_id == Depot.id)
        .where(Depot.region == identity.region, StockCount.status == CountStatus.RECOUNT)
    ).one()


def _hour(instant: InstrumentedAttribute[datetime] | InstrumentedAttribute[datetime | None]) -> ColumnElement[int]:
    # PostgreSQL extracts a numeric, and nothing counts from one numeric to another.
    return cast(func.extract("hour", func.timezone(str(STOCKHOLM), instant)), Integer).label("hour")
