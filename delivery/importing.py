"""Imports of the depot: which units are depots, and goods on their shelves."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date

from sqlalchemy import select
from sqlalchemy.orm import Session

from auth.identity import Identity
from auth.models import Unit
from auth.permissions import Permission, require
from core.audit import record
from core.importing import FileRefused, Outcome, Progress, RowRefused, file_ref, finish, no_progress, one_at_a_time
from core.policy import policy_of
from core.tables import Row, read_table
from delivery.errors import ExpiryDiffers
from delivery.models import Depot, Lot, StockMovement
from delivery.policy import DeliveryPolicy
from delivery.stock import ReceiveStock, lock_balances, receive_stock
from orders.models import Article

STOCK_COLUMNS = ("article_no", "lot", "expiry", "packages", "source_ref")
DEPOT_COLUMNS = ("unit_hsa_id", "gs1_prefix")
# What a GS1 lot number may be made of (GS1 General Specifications, character set 82), without the characters that CSV minds.
_LOT = re.compile(r"[!%&'()*+\-./0-9:<=>?A-Z_a-z]{1,20}")


@dataclass(frozen=True)
class StockRow:
    """Goods of one lot as the file states them."""

    line: int
    article_no: str
    lot_no: str
    expires_on: date
    packages: int
    source_ref: str


def parse_stock(raw: bytes) -> tuple[list[StockRow], Outcome]:
    """Read the file; refused rows are in the outcome. Raise FileRefused."""
    outcome, rows = Outcome(), []
    references, expiries = set[str](), dict[tuple[str, str], date]()
    for row in read_table(raw, STOCK_COLUMNS, ()):
        try:
            stock = _parse_row(row)
            if stock.source_ref in references:
                raise RowRefused("the same source_ref is on an earlier line")
            if expiries.setdefault((stock.article_no, stock.lot_no), stock.expires_on) != stock.expires_on:
                raise RowRefused("the lot has another expiry on an earlier line")
        except RowRefused as refusal:
            outcome.refuse(row.line, refusal.reason)
            continue
        references.add(stock.source_ref)
        rows.append(stock)
    return rows, outcome


def _parse_row(row: Row) -> StockRow:
    lot_no = row.text("lot", 20, required=True)
    if not _LOT.fullmatch(lot_no):
        raise RowRefused("lot holds characters that a GS1 code cannot carry")
    return StockRow(
        line=row.line,
        article_no=row.digits("article_no", 5, required=True),
        lot_no=lot_no,
        expires_on=row.required_day("expiry"),
        packages=row.number("packages", least=1),
        source_ref=row.text("source_ref", 80, required=True),
    )


def import_stock(
    session: Session, identity: Identity, raw: bytes, *, skip_bad: bool = False, progress: Progress = no_progress
) -> Outcome:
    """Book goods into the depot of the identity's region; a source_ref that is booked already changes nothing.

    Locks the balances of the file's articles, and publishes `stock.received`. Raises FileRefused (also when the region has no
    depot), ImportRefused.
    """
    require(identity, Permission.RUN_IMPORT)
    depot_hsa_id = policy_of(identity.region).section(DeliveryPolicy).depot_hsa_id
    one_at_a_time(session, f"stock:{identity.region}")
    depot = session.scalar(select(Depot).join(Unit, Depot.unit_id == Unit.id).where(Unit.hsa_id == depot_hsa_id))
    if depot is None:
        raise FileRefused("the region has no depot yet; import units and depots first")
    rows, outcome = parse_stock(raw)
    articles = {
        article.article_no: article
        for article in session.scalars(
            select(Article).where(
                Article.region == identity.region, Article.article_no.in_([row.article_no for row in rows])
            )
        )
    }
    booked = _booked(session, depot, rows)
    # All at once and in the order of picking: row by row, in the file's order, would meet a picker half-way.
    lock_balances(session, depot.id, article_ids={article.id for article in articles.values()})
    for done, row in enumerate(rows, start=1):
        try:
            outcome.count(_receive(session, identity, depot, articles.get(row.article_no), row, booked), False)
        except RowRefused as refusal:
            outcome.refuse(row.line, refusal.reason)
        progress(done, len(rows))
    if outcome.wrote_something:
        record(session, identity.actor, "stock.imported", subject_person_id=None, object_ref=file_ref(raw))
    return finish(outcome, skip_bad=skip_bad)


Booked = dict[str, tuple[int, str, date, int]]


def _booked(session: Session, depot: Depot, rows: list[StockRow]) -> Booked:
    found = session.execute(
        select(StockMovement.source_ref, Lot.article_id, Lot.lot_no, Lot.expires_on, StockMovement.packages)
        .join(Lot, StockMovement.lot_id == Lot.id)
        .where(StockMovement.depot_id == depot.id, StockMovement.source_ref.in_([row.source_ref for row in rows]))
    )
    return {ref or "": (article_id, lot_no, expiry, packages) for ref, article_id, lot_no, expiry, packages in found}


def _receive(
    session: Session, identity: Identity, depot: Depot, article: Article | None, row: StockRow, booked: Booked
) -> bool:
    if article is None:
        raise RowRefused("the article is not known; import articles first")
    stated = (article.id, row.lot_no, row.expires_on, row.packages)
    if row.source_ref in booked:
        if booked[row.source_ref] != stated:
            raise RowRefused("source_ref is booked already, with other goods")
        return False
    try:
        return receive_stock(
            session,
            identity,
            ReceiveStock(depot.id, article.id, row.lot_no, row.expires_on, row.packages, row.source_ref),
        )
    except ExpiryDiffers:
        raise RowRefused("the lot is known with another expiry") from None


def import_depots(
    session: Session, identity: Identity, raw: bytes, *, skip_bad: bool = False, progress: Progress = no_progress
) -> Outcome:
    """Make units of the identity's region depots, with the GS1 company prefix of their parcels; raises FileRefused, ImportRefused."""
    require(identity, Permission.RUN_IMPORT)
    one_at_a_time(session, f"depots:{identity.region}")
    outcome, rows = Outcome(), read_table(raw, DEPOT_COLUMNS, ())
    for done, row in enumerate(rows, start=1):
        try:
            _write_depot(session, identity, row, outcome)
        except RowRefused as refusal:
            outcome.refuse(row.line, refusal.reason)
        progress(done, len(rows))
    if outcome.wrote_something:
        record(session, identity.actor, "depots.imported", subject_person_id=None, object_ref=file_ref(raw))
    return finish(outcome, skip_bad=skip_bad)


def _write_depot(session: Session, identity: Identity, row: Row, outcome: Outcome) -> None:
    prefix = row.digits("gs1_prefix", 7, 8, 9, required=True)
    unit = session.scalar(
        select(Unit).where(Unit.hsa_id == row.text("unit_hsa_id", 31, required=True), Unit.region == identity.region)
    )
    if unit is None:
        raise RowRefused("unit_hsa_id is not a known unit of the region")
    depot = session.scalar(select(Depot).where(Depot.unit_id == unit.id).with_for_update(of=Depot))
    if depot is None:
        session.add(Depot(region=identity.region, unit_id=unit.id, gs1_prefix=prefix))
        session.flush()
        outcome.added += 1
    else:
        outcome.count(False, depot.gs1_prefix != prefix)
        depot.gs1_prefix = prefix
