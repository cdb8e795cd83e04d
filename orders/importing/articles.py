"""Articles of a region's assortment, with their suppliers. Handbook §§2, 3.7 and 3.9."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from sqlalchemy import select
from sqlalchemy.orm import Session
from stdnum import ean

from auth.identity import Identity
from auth.permissions import Permission, require
from core.audit import record
from core.importing import Outcome, Progress, RowRefused, file_ref, finish, no_progress, one_at_a_time
from core.tables import Row, read_table
from orders.models import Article, PrescriptionItem, ProductArea, ProductKind, Supplier

REQUIRED = ("article_no", "name", "package_size", "product_area")
TEXTS = {"plain_name": 200, "variety": 100, "agreement_no": 40, "compatibility_group": 40, "location": 20}
SUPPLIER_TEXTS = {
    "supplier_name": ("name", 200),
    "supplier_complaints_email": ("complaints_email", 254),
    "supplier_support_phone": ("support_phone", 40),
}
# With the least that each may be: goods may be taken in on their last day, and come the day they are ordered.
DAYS_AND_GRAMS = {"shelf_life_days": 1, "least_days_left": 0, "lead_time_days": 0, "weight_grams": 1}
CENT = Decimal("0.01")
LINKS = {"generic_article_no": "generic_article_id", "successor_no": "successor_id"}
OPTIONAL = (
    *TEXTS,
    *SUPPLIER_TEXTS,
    *LINKS,
    "gtin",
    "unit",
    "kind",
    "is_orderable",
    "is_serialised",
    "supplier_no",
    "price",
    *DAYS_AND_GRAMS,
)


@dataclass(frozen=True)
class ArticleRow:
    """One article as the file states it: its own columns, its supplier's, and the numbers of the articles it points at."""

    line: int
    article_no: str
    values: Mapping[str, object]
    supplier_no: str | None
    supplier: Mapping[str, str]
    links: Mapping[str, str] = field(default_factory=dict)


def parse_articles(raw: bytes) -> tuple[list[ArticleRow], Outcome]:
    """Read the file; refused rows are in the outcome. Raise FileRefused."""
    outcome, rows = Outcome(), []
    numbers, gtins, suppliers = set[str](), set[object](), dict[str, Mapping[str, str]]()
    for row in read_table(raw, REQUIRED, OPTIONAL):
        try:
            article = _parse_row(row)
            gtin = article.values.get("gtin")
            if article.article_no in numbers:
                raise RowRefused("the same article_no is on an earlier line")
            if gtin and gtin in gtins:
                raise RowRefused("the same gtin is on an earlier line")
            if article.supplier_no and suppliers.setdefault(article.supplier_no, article.supplier) != article.supplier:
                raise RowRefused("the supplier is described otherwise on an earlier line")
        except RowRefused as refusal:
            outcome.refuse(row.line, refusal.reason)
            continue
        numbers.add(article.article_no)
        gtins.add(gtin)
        rows.append(article)
    return rows, outcome


def _parse_row(row: Row) -> ArticleRow:
    number = row.digits("article_no", 5, required=True)
    values: dict[str, object] = {
        "name": row.text("name", 200, required=True),
        "package_size": row.number("package_size", least=1),
        "product_area": row.choice("product_area", ProductArea),
    }
    values |= {name: row.text(name, longest) for name, longest in TEXTS.items() if row.has(name)}
    if row.has("gtin"):
        values["gtin"] = _gtin(row)
    if row.has("unit"):
        values["unit"] = row.text("unit", 20) or "st"
    if row.has("kind"):
        values["kind"] = row.choice("kind", ProductKind, ProductKind.OTHER)
    if row.has("is_orderable"):
        values["is_orderable"] = row.flag("is_orderable", True)
    if row.has("is_serialised"):
        values["is_serialised"] = row.flag("is_serialised", False)
    if row.has("price"):
        values["price"] = _price(row)
    for name, least in DAYS_AND_GRAMS.items():
        if row.has(name):
            values[name] = row.whole(name, least=least, required=False)
    links = {column: row.digits(column, 5) for column in LINKS if row.has(column)}
    if number in links.values():
        raise RowRefused("the article points at itself")
    supplier = {name: row.text(column, most) for column, (name, most) in SUPPLIER_TEXTS.items() if row.has(column)}
    return ArticleRow(
        row.line, number, values, row.text("supplier_no", 20) if row.has("supplier_no") else None, supplier, links
    )


def _gtin(row: Row) -> str | None:
    value = row.digits("gtin", 8, 12, 13, 14)
    if value and not ean.is_valid(value):
        raise RowRefused("gtin has a wrong check digit")
    return value.zfill(14) or None if value else None


def _price(row: Row) -> object:
    price = row.decimal("price")
    if price is not None and (price >= 10**10 or price != price.quantize(CENT)):
        raise RowRefused("price has more than two decimals, or is far too high")
    return None if price is None else price.quantize(CENT)


def import_articles(
    session: Session, identity: Identity, raw: bytes, *, skip_bad: bool = False, progress: Progress = no_progress
) -> Outcome:
    """Add and change articles and suppliers of the identity's region; raises FileRefused, ImportRefused.

    Locks the articles in id order. The package size of an article that is prescribed does not change: quantities already decided
    would mean something else.
    """
    require(identity, Permission.RUN_IMPORT)
    one_at_a_time(session, f"articles:{identity.region}")
    rows, outcome = parse_articles(raw)
    existing = _lock_articles(session, identity.region, rows)
    rows = _acceptable(session, identity.region, rows, existing, outcome)
    suppliers, changed = _write_suppliers(session, identity.region, rows)
    new: set[str] = set()
    for done, row in enumerate(rows, start=1):
        article = existing.get(row.article_no)
        if article is None:
            article = existing[row.article_no] = Article(region=identity.region, article_no=row.article_no)
            new.add(row.article_no)
        values = dict(row.values)
        if row.supplier_no is not None:
            values["supplier_id"] = suppliers[row.supplier_no].id if row.supplier_no else None
        if _set(article, values):
            changed.add(row.article_no)
        session.add(article)
        progress(done, len(rows))
    session.flush()
    for row in rows:
        links = {LINKS[column]: existing[no].id if no else None for column, no in row.links.items()}
        if _set(existing[row.article_no], links):
            changed.add(row.article_no)
        outcome.count(row.article_no in new, row.article_no in changed)
    session.flush()
    if outcome.wrote_something:
        record(session, identity.actor, "articles.imported", subject_person_id=None, object_ref=file_ref(raw))
    return finish(outcome, skip_bad=skip_bad)


def _lock_articles(session: Session, region: str, rows: list[ArticleRow]) -> dict[str, Article]:
    numbers = {row.article_no for row in rows} | {number for row in rows for number in row.links.values() if number}
    articles = session.scalars(
        select(Article)
        .where(Article.region == region, Article.article_no.in_(numbers))
        .order_by(Article.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    return {article.article_no: article for article in articles}


def _acceptable(
    session: Session, region: str, rows: list[ArticleRow], existing: Mapping[str, Article], outcome: Outcome
) -> list[ArticleRow]:
    prescribed = set(
        session.scalars(
            select(PrescriptionItem.article_id)
            .where(PrescriptionItem.article_id.in_([article.id for article in existing.values()]))
            .distinct()
        )
    )
    in_file = {row.article_no for row in rows}
    taken = {
        gtin: number
        for gtin, number in session.execute(
            select(Article.gtin, Article.article_no).where(
                Article.region == region,
                Article.gtin.in_([row.values["gtin"] for row in rows if row.values.get("gtin")]),
                Article.article_no.not_in(in_file),
            )
        )
        if gtin
    }
    named = set(session.scalars(select(Supplier.supplier_no).where(Supplier.region == region)))
    kept = []
    for row in rows:
        article = existing.get(row.article_no)
        reason = None
        if article is not None and article.id in prescribed and article.package_size != row.values["package_size"]:
            reason = "package_size of a prescribed article cannot change; give the new size a new article number"
        elif row.values.get("gtin") in taken:
            reason = "gtin belongs to another article"
        elif row.supplier_no and row.supplier_no not in named and not row.supplier.get("name"):
            reason = "supplier_no is not known and supplier_name is missing"
        if reason is None:
            kept.append(row)
        else:
            outcome.refuse(row.line, reason)
    return _with_known_links(kept, existing, outcome)


def _with_known_links(rows: list[ArticleRow], existing: Mapping[str, Article], outcome: Outcome) -> list[ArticleRow]:
    by_number = {row.article_no: row for row in rows}
    kept = []
    for row in rows:
        generic = row.links.get("generic_article_no")
        if any(number and number not in by_number and number not in existing for number in row.links.values()):
            outcome.refuse(row.line, "generic_article_no or successor_no is neither in the file nor known")
        elif generic and _is_variant(generic, by_number, existing):
            outcome.refuse(row.line, "generic_article_no is itself a variant of another article")
        else:
            kept.append(row)
    # A row that falls may be what another points at.
    return kept if len(kept) == len(rows) else _with_known_links(kept, existing, outcome)


def _is_variant(number: str, by_number: Mapping[str, ArticleRow], existing: Mapping[str, Article]) -> bool:
    row = by_number.get(number)
    if row is not None and "generic_article_no" in row.links:
        return bool(row.links["generic_article_no"])
    return number in existing and existing[number].generic_article_id is not None


def _write_suppliers(session: Session, region: str, rows: list[ArticleRow]) -> tuple[dict[str, Supplier], set[str]]:
    """Return the suppliers by number, and the articles whose supplier is new or different."""
    suppliers = {
        supplier.supplier_no: supplier
        for supplier in session.scalars(
            select(Supplier).where(Supplier.region == region).order_by(Supplier.id).with_for_update()
        )
    }
    touched = set()
    for row in rows:
        if row.supplier_no:
            supplier = suppliers.get(row.supplier_no) or Supplier(region=region, supplier_no=row.supplier_no)
            if _set(supplier, {name: value for name, value in row.supplier.items() if value or name != "name"}):
                touched.add(row.article_no)
            suppliers[row.supplier_no] = supplier
            session.add(supplier)
    session.flush()
    return suppliers, touched


def _set(thing: Article | Supplier, wanted: Mapping[str, object]) -> bool:
    changed = False
    for name, value in wanted.items():
        if getattr(thing, name) != value:
            setattr(thing, name, value)
            changed = True
    return changed
