"""What can be prescribed: the agreement's assortment of a region. Handbook §3.9."""

from __future__ import annotations

from sqlalchemy import or_, select
from sqlalchemy.orm import Session, aliased

from auth.identity import Identity
from auth.permissions import Permission, require
from orders.kinds import ProductArea
from orders.models import Article

MOST_SHOWN = 50
MOST_WORDS = 8


def assortment(session: Session, identity: Identity, words: str = "", area: ProductArea | None = None) -> list[Article]:
    """Return what the agreement has and can be ordered, by name; every word must be in a name, a number or a variety of it.

    A generic article stands for its varieties, of which one must be orderable. At most `MOST_SHOWN`, one statement; raises NotPermitted.
    """
    require(identity, Permission.PRESCRIBE)
    variety = aliased(Article)
    chosen = (
        select(Article)
        .where(
            Article.region == identity.region,
            or_(
                Article.is_orderable & ~select(variety.id).where(variety.generic_article_id == Article.id).exists(),
                select(variety.id).where(variety.generic_article_id == Article.id, variety.is_orderable).exists(),
            ),
            Article.agreement_no != "",
            Article.generic_article_id.is_(None),
        )
        .order_by(Article.product_area, Article.kind, Article.name, Article.id)
        .limit(MOST_SHOWN)
    )
    if area is not None:
        chosen = chosen.where(Article.product_area == area)
    for word in words.replace("\x00", " ").split()[:MOST_WORDS]:
        of_variety = or_(
            variety.variety.icontains(word, autoescape=True), variety.article_no.startswith(word, autoescape=True)
        )
        chosen = chosen.where(
            or_(
                Article.name.icontains(word, autoescape=True),
                Article.plain_name.icontains(word, autoescape=True),
                Article.article_no.startswith(word, autoescape=True),
                select(variety.id).where(variety.generic_article_id == Article.id, of_variety).exists(),
            )
        )
    return list(session.scalars(chosen))
