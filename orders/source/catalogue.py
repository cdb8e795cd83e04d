"""The articles and units that a source's answer speaks of: whoever reads from a source needs no files of them beside it.

Each in a transaction of its own, and in one order, because several answers speak of the same ones at once; what is known already is
not even locked, for every answer speaks of it.
"""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from auth.models import Unit
from auth.numbers import is_hsa_id
from orders.importing.parsed import ParsedItem, ToldArticle
from orders.models import Article, ProductArea, ProductKind


def learn_articles(session: Session, region: str, items: Iterable[ParsedItem]) -> None:
    """Add articles that are not known yet, and take over whether they can be ordered, which the source decides.

    What an import has told of an article stays. An article without a name or of an unknown area is left out; its items are refused
    then. Locks what it changes, in number order.
    """
    told = {article.article_no: article for item in items for article in item.articles if _has_number(article)}
    statement = select(Article.article_no, Article.is_orderable).where(
        Article.region == region, Article.article_no.in_(told)
    )
    known = dict(session.execute(statement).all())
    new = [_values(region, told[number]) for number in sorted(told.keys() - known.keys()) if _is_usable(told[number])]
    if new:
        put = insert(Article).values(new)
        session.execute(put.on_conflict_do_nothing(index_elements=[Article.region, Article.article_no]))
    changed = [number for number, is_orderable in known.items() if told[number].is_orderable != is_orderable]
    if not changed:
        return
    for article in session.scalars(
        select(Article)
        .where(Article.region == region, Article.article_no.in_(changed))
        .order_by(Article.article_no)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    ):
        article.is_orderable = told[article.article_no].is_orderable


def learn_units(session: Session, region: str, items: Iterable[ParsedItem]) -> None:
    """Add prescribing units that are not known yet, by HSA-id and name, in HSA-id order."""
    names = {item.prescriber.unit_id: item.prescriber.unit_name for item in items}
    known = set(session.scalars(select(Unit.hsa_id).where(Unit.hsa_id.in_(names))))
    new = [
        {"region": region, "hsa_id": hsa_id, "name": names[hsa_id], "street": "", "postal_code": ""}
        for hsa_id in sorted(names.keys() - known)
        if is_hsa_id(hsa_id)
    ]
    if new:
        session.execute(insert(Unit).values(new).on_conflict_do_nothing(index_elements=[Unit.hsa_id]))


def _has_number(article: ToldArticle) -> bool:
    number = article.article_no
    return len(number) == 5 and number.isascii() and number.isdigit()


def _is_usable(article: ToldArticle) -> bool:
    return bool(article.name and article.product_area)


def _values(region: str, article: ToldArticle) -> dict[str, object]:
    return {
        "region": region,
        "article_no": article.article_no,
        "name": article.name,
        "variety": article.variety,
        "package_size": article.package_size,
        "unit": article.unit or "st",
        "product_area": article.product_area,
        "kind": _kind(article.product_area),
        "is_orderable": article.is_orderable,
    }


def _kind(area: ProductArea | None) -> ProductKind:
    """What can be told of an article by its area alone; the areas of diabetes hold too many kinds."""
    match area:
        case ProductArea.STOMA:
            return ProductKind.STOMA
        case ProductArea.INCONTINENCE:
            return ProductKind.INCONTINENCE
        case ProductArea.NUTRITION | ProductArea.SPECIAL_NUTRITION:
            return ProductKind.NUTRITION
        case _:
            return ProductKind.OTHER
