"""Read model of the shelves: what is on hand, reserved and about to expire. Staff see their own region only."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import or_, select
from sqlalchemy.orm import Session, joinedload

from auth.identity import Identity
from auth.permissions import Permission, require
from core.clock import today
from delivery.models import Depot, Lot, LotStatus, StockBalance
from orders.models import Article

EXPIRY_WARNING = timedelta(days=90)


@dataclass(frozen=True)
class StockLine:
    """One lot on a shelf; packages."""

    article: Article
    lot: Lot
    on_hand: int
    reserved: int
    is_expired: bool
    expires_soon: bool


def stock_overview(session: Session, identity: Identity, search: str = "", limit: int = 300) -> list[StockLine]:
    """Return the lots on the region's shelves by article, the soonest expiry first; `search` is in number, name, lot or shelf."""
    require(identity, Permission.SEE_STOCK)
    statement = (
        select(StockBalance)
        .join(Depot, StockBalance.depot_id == Depot.id)
        .join(StockBalance.lot)
        .join(Lot.article)
        .where(Depot.region == identity.region, StockBalance.on_hand > 0)
        .options(joinedload(StockBalance.lot).joinedload(Lot.article))
        .order_by(Article.article_no, Lot.expires_on, Lot.id)
        .limit(limit)
    )
    words = search.split()
    for word in words:
        fields = (Article.article_no, Article.name, Article.plain_name, Lot.lot_no, Article.location)
        statement = statement.where(or_(*(field.icontains(word, autoescape=True) for field in fields)))
    day = today(session)
    return [
        StockLine(
            article=balance.lot.article,
            lot=balance.lot,
            on_hand=balance.on_hand,
            reserved=balance.reserved,
            is_expired=balance.lot.expires_on < day,
            expires_soon=balance.lot.status is LotStatus.AVAILABLE and balance.lot.expires_on < day + EXPIRY_WARNING,
        )
        for balance in session.scalars(statement)
    ]
