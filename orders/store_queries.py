"""What a unit can order for its store: what its pages show, in a fixed number of statements."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import ColumnElement, Select, or_, select
from sqlalchemy.orm import Session, aliased

from auth.identity import Identity
from auth.permissions import Permission, require
from orders.assortment import MOST_SHOWN, MOST_WORDS
from orders.models import Article
from orders.store_rules import StoreFacts

# No id in the database is larger.
_LARGEST_ID = 2**63 - 1
_generic, _variety = aliased(Article), aliased(Article)


def find_storable(session: Session, identity: Identity, words: str) -> list[Article]:
    """Return what a unit may order for its store, by name; every word must be in a name or a number of it.

    At most `MOST_SHOWN`, one statement. Raises NotPermitted.
    """
    require(identity, Permission.SEE_STORE)
    chosen = _assortment(identity).where(~Article.is_serialised)
    for word in words.replace("\x00", " ").split()[:MOST_WORDS]:
        chosen = chosen.where(
            or_(
                Article.name.icontains(word, autoescape=True),
                Article.plain_name.icontains(word, autoescape=True),
                Article.variety.icontains(word, autoescape=True),
                Article.article_no.startswith(word, autoescape=True),
            )
        )
    return list(
        session.scalars(
            chosen.where(Article.is_orderable)
            .order_by(Article.product_area, Article.kind, Article.name, Article.variety, Article.id)
            .limit(MOST_SHOWN)
        )
    )


def storable(session: Session, identity: Identity, article_ids: Iterable[int]) -> list[Article]:
    """Return those of the articles that the agreement has, orderable or not, by name; one statement. Raises NotPermitted."""
    require(identity, Permission.SEE_STORE)
    known = [article_id for article_id in article_ids if 0 < article_id <= _LARGEST_ID]
    chosen = _assortment(identity).where(Article.id.in_(known))
    return list(session.scalars(chosen.order_by(Article.name, Article.variety, Article.id)))


def facts_of(article: Article | None) -> StoreFacts | None:
    """Return what the rule needs to know of an article that the agreement has."""
    return StoreFacts(article.is_orderable, article.is_serialised) if article is not None else None


def _assortment(identity: Identity) -> Select[Article]:
    """What can lie on a shelf: no generic article that only stands for its varieties."""
    has_agreement: ColumnElement[bool] = or_(
        Article.agreement_no != "",
        select(_generic.id).where(_generic.id == Article.generic_article_id, _generic.agreement_no != "").exists(),
    )
    stands_for_varieties = select(_variety.id).where(_variety.generic_article_id == Article.id).exists()
    return select(Article).where(Article.region == identity.region, has_agreement, ~stands_for_varieties)
