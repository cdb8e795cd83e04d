"""One article to prescribe with its varieties, and what stopping an item would stop: what a prescriber's pages ask beside the lists."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from auth.identity import Identity
from auth.permissions import Permission, require
from core.errors import NotFound
from orders.models import Article, OrderRow, PrescriptionItem, RowStatus, Withdrawal
from orders.stopping import NOT_PICKED


@dataclass(frozen=True)
class Prescribable:
    """One article with the varieties that can be ordered now; none for an article that is its own."""

    article: Article
    varieties: tuple[Article, ...]


def prescribable(session: Session, identity: Identity, article_id: int) -> Prescribable:
    """Return an article of the region to prescribe, orderable or not, with its orderable varieties. Raises NotPermitted, NotFound."""
    require(identity, Permission.PRESCRIBE)
    article = session.scalar(select(Article).where(Article.id == article_id, Article.region == identity.region))
    if article is None:
        raise NotFound
    varieties = session.scalars(
        select(Article)
        .where(
            Article.generic_article_id == article.id,
            Article.is_orderable,
            Article.package_size == article.package_size,
            Article.compatibility_group == article.compatibility_group,
        )
        .order_by(Article.article_no)
    ).all()
    return Prescribable(article, tuple(varieties))


@dataclass(frozen=True)
class UnderWay:
    """Packages of an item that stopping it cancels, and those that are being picked right now."""

    waiting: int
    being_picked: int


def under_way(session: Session, item: PrescriptionItem) -> UnderWay:
    """Return what of an item has been ordered and not sent, for a page that has logged the look; one statement."""
    rows = session.execute(
        select(OrderRow.status, OrderRow.packages)
        .join(Withdrawal, OrderRow.withdrawal_id == Withdrawal.id)
        .where(Withdrawal.prescription_item_id == item.id, OrderRow.status.in_((*NOT_PICKED, RowStatus.PICKING)))
    ).all()
    return UnderWay(
        waiting=sum(packages for status, packages in rows if status in NOT_PICKED),
        being_picked=sum(packages for status, packages in rows if status is RowStatus.PICKING),
    )
