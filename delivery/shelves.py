"""Read model of the shelves: what is on hand, reserved and about to expire. Staff see their own region only."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.orm import Session, joinedload

from auth.identity import Identity
from auth.permissions import Permission, require
from core.clock import today
from delivery.models import Depot, Lot, LotStatus, StockBalance
from orders.models import Article

EXPIRY_WARNING = timedelta(days=90)


class ShelfFilter(StrEnum):
    """Which lots to show: all, or those that need somebody."""

    ALL = "all"
    EXPIRING = "expiring"
    ON_HOLD = "on-hold"
    QUARANTINED = "quarantined"


@dataclass(frozen=True)
class StockLine:
    """One lot on a shelf; packages. `location` is where the lot was put, else the article's own shelf."""

    article: Article
    lot: Lot
    on_hand: int
    reserved: int
    location: str
    is_expired: bool
    expires_soon: bool


def stock_overview(
    session: Session,
    identity: Identity,
    search: str = "",
    limit: int = 300,
    *,
    chosen: ShelfFilter = ShelfFilter.ALL,
) -> list[StockLine]:
    """Return the lots on the region's shelves by article, the soonest expiry first; `search` is in number, name, lot or shelf."""
    require(identity, Permission.SEE_STOCK)
    day = today(session)
    statement = (
        select(StockBalance)
        .join(Depot, StockBalance.depot_id == Depot.id)
        .join(StockBalance.lot)
        .join(Lot.article)
        .where(Depot.region == identity.region, StockBalance.on_hand > 0, *_chosen(chosen, day))
        .options(joinedload(StockBalance.lot).joinedload(Lot.article))
        .order_by(Article.article_no, Lot.expires_on, Lot.id)
        .limit(limit)
    )
    words = search.split()
    for word in words:
        fields = (
            Article.article_no,
            Article.name,
            Article.plain_name,
            Lot.lot_no,
            Article.location,
            StockBalance.location,
        )
        statement = statement.where(or_(*(field.icontains(word, autoescape=True) for field in fields)))
    return [
        StockLine(
            article=balance.lot.article,
            lot=balance.lot,
            on_hand=balance.on_hand,
            reserved=balance.reserved,
            location=balance.location or balance.lot.article.location,
            is_expired=balance.lot.expires_on < day,
            expires_soon=balance.lot.status is LotStatus.AVAILABLE and balance.lot.expires_on < day + EXPIRY_WARNING,
        )
        for balance in session.scalars(statement)
    ]


def _chosen(chosen: ShelfFilter, day: date) -> list[ColumnElement[bool]]:
    match chosen:
        case ShelfFilter.EXPIRING:
            return [Lot.expires_on < day + EXPIRY_WARNING]
        case ShelfFilter.ON_HOLD:
            return [Lot.status == LotStatus.ON_HOLD]
        case ShelfFilter.QUARANTINED:
            return [Lot.status.in_((LotStatus.QUARANTINED, LotStatus.RECALLED))]
    return []
