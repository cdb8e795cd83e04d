"""The articles and units that a source's answer speaks of: whoever reads from a source needs no files of them beside it."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import or_
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from auth.models import Unit
from auth.numbers import is_hsa_id
from orders.importing.parsed import ParsedItem, ToldArticle
from orders.models import Article


def learn_articles(session: Session, region: str, items: Iterable[ParsedItem]) -> None:
    """Add articles that are not known yet, and take over whether they can be ordered, which the source decides.

    What an import has told of an article stays. In a transaction of its own, in number order: several answers speak of the same articles.
    An article without a name or of an unknown area is left out; its items are refused then.
    """
    told = {article.article_no: article for item in items for article in item.articles}
    values = [_values(region, told[number]) for number in sorted(told) if _is_usable(told[number])]
    if not values:
        return
    put = insert(Article).values(values)
    session.execute(
        put.on_conflict_do_update(
            index_elements=[Article.region, Article.article_no],
            set_={"is_orderable": put.excluded.is_orderable},
            where=or_(Article.is_orderable.is_distinct_from(put.excluded.is_orderable)),
        )
    )


def learn_units(session: Session, region: str, items: Iterable[ParsedItem]) -> None:
    """Add prescribing units that are not known yet, by HSA-id and name; in a transaction of its own, in HSA-id order."""
    names = {item.prescriber.unit_id: item.prescriber.unit_name for item in items}
    values = [
        {"region": region, "hsa_id": hsa_id, "name": names[hsa_id], "street": "", "postal_code": ""}
        for hsa_id in sorted(names)
        if is_hsa_id(hsa_id)
    ]
    if values:
        session.execute(insert(Unit).values(values).on_conflict_do_nothing(index_elements=[Unit.hsa_id]))


def _is_usable(article: ToldArticle) -> bool:
    number = article.article_no
    return bool(len(number) == 5 and number.isascii() and number.isdigit() and article.name and article.product_area)


def _values(region: str, article: ToldArticle) -> dict[str, object]:
    return {
        "region": region,
        "article_no": article.article_no,
        "name": article.name,
        "variety": article.variety,
        "package_size": article.package_size,
        "unit": article.unit or "st",
        "product_area": article.product_area,
        "is_orderable": article.is_orderable,
    }
