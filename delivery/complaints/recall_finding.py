"""What a recall is about: a notice matched to lots and units that have been here. Handbook §7."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sqlalchemy import ARRAY, CollectionAggregate, ColumnElement, String, any_, cast, func, literal, select
from sqlalchemy.orm import Session, joinedload

from auth.identity import Identity
from auth.permissions import Permission, require
from delivery.complaints.recall_rules import Notice, read_notice
from delivery.complaints.recall_trace import any_id
from delivery.goods_models import SerialisedUnit
from delivery.models import Lot
from delivery.picking import is_article
from delivery.udi import ScannedCode
from orders.models import Article


@dataclass(frozen=True)
class Found:
    """What of a notice has ever been here; the pieces that name nothing here are kept as they were written."""

    lots: tuple[Lot, ...]
    units: tuple[SerialisedUnit, ...]
    unknown: tuple[str, ...]
    # Of each range how many of its numbers have been here: (as written, known, all).
    ranges: tuple[tuple[str, int, int], ...] = ()

    @property
    def lot_ids(self) -> list[int]:
        """The lots' ids, in order."""
        return sorted(lot.id for lot in self.lots)

    @property
    def unit_ids(self) -> list[int]:
        """The units' ids, in order."""
        return sorted(unit.id for unit in self.units)


def find_recalled(session: Session, identity: Identity, text: str, article_no: str = "") -> Found:
    """Match a notice to the region's lots and units, of one article when it is given; a handful of statements however long it is.

    Lot numbers are compared without regard to case. Raises NotPermitted, NoticeTooLong.
    """
    require(identity, Permission.RECALL)
    notice = read_notice(text)
    lots = _lots_named(session, identity, notice, article_no)
    units = _units_named(session, identity, notice, article_no)
    lots_by_no: dict[str, list[Lot]] = {}
    for lot in lots:
        lots_by_no.setdefault(lot.lot_no.upper(), []).append(lot)
    units_by_no: dict[str, list[SerialisedUnit]] = {}
    for unit in units:
        units_by_no.setdefault(unit.serial_no.upper(), []).append(unit)
    chosen_lots: dict[int, Lot] = {}
    chosen_units: dict[int, SerialisedUnit] = {}
    unknown, ranges = list(notice.unreadable), []
    for number in notice.numbers:
        here, these = lots_by_no.get(number.upper(), []), units_by_no.get(number.upper(), [])
        chosen_lots |= {lot.id: lot for lot in here}
        chosen_units |= {unit.id: unit for unit in these}
        if not here and not these:
            unknown.append(number)
    for piece, numbers in notice.ranges:
        # What is a lot's number as it stands is that lot, whatever its dash could mean.
        if here := lots_by_no.get(piece.upper(), []):
            chosen_lots |= {lot.id: lot for lot in here}
            continue
        these = [unit for number in numbers for unit in units_by_no.get(number.upper(), [])]
        chosen_units |= {unit.id: unit for unit in these}
        ranges.append((piece, len({unit.serial_no for unit in these}), len(numbers)))
        if not these:
            unknown.append(piece)
    for piece, code in notice.codes:
        here = [one for one in lots_by_no.get((code.lot_no or "").upper(), []) if is_article(one.article, code)]
        these = [one for one in units_by_no.get((code.serial_no or "").upper(), []) if is_article(one.article, code)]
        if these:
            chosen_units |= {unit.id: unit for unit in these}
        elif here and not code.serial_no:
            chosen_lots |= {lot.id: lot for lot in here}
        else:
            unknown.append(piece)
    return Found(
        lots=tuple(sorted(chosen_lots.values(), key=lambda lot: (lot.article.article_no, lot.lot_no))),
        units=tuple(sorted(chosen_units.values(), key=lambda unit: (unit.article_id, unit.serial_no))),
        unknown=tuple(unknown),
        ranges=tuple(ranges),
    )


def _lots_named(session: Session, identity: Identity, notice: Notice, article_no: str) -> Sequence[Lot]:
    numbers = {number.upper() for number in notice.numbers} | {piece.upper() for piece, _numbers in notice.ranges}
    numbers |= _of_codes(notice, "lot_no")
    if not numbers:
        return []
    return session.scalars(
        select(Lot)
        .join(Lot.article)
        .where(func.upper(Lot.lot_no) == _any_text(numbers), *_of(identity, article_no))
        .options(joinedload(Lot.article))
        .order_by(Lot.id)
    ).all()


def _units_named(session: Session, identity: Identity, notice: Notice, article_no: str) -> Sequence[SerialisedUnit]:
    numbers = set(notice.numbers) | {number for _piece, range_ in notice.ranges for number in range_}
    numbers |= {number.upper() for number in numbers} | _of_codes(notice, "serial_no")
    if not numbers:
        return []
    # By article and number, as the index has them: there are few articles with numbers and many units.
    articles = session.scalars(select(Article.id).where(Article.is_serialised, *_of(identity, article_no))).all()
    return session.scalars(
        select(SerialisedUnit)
        .where(
            SerialisedUnit.article_id == any_id(articles),
            SerialisedUnit.serial_no == _any_text(numbers),
        )
        .options(joinedload(SerialisedUnit.article), joinedload(SerialisedUnit.lot))
        .order_by(SerialisedUnit.id)
    ).all()


def _of_codes(notice: Notice, part: str) -> set[str]:
    def written(code: ScannedCode) -> str:
        return getattr(code, part) or ""

    return {text for _piece, code in notice.codes for one in [written(code)] if one for text in (one, one.upper())}


def _of(identity: Identity, article_no: str) -> list[ColumnElement[bool]]:
    own = [Article.region == identity.region]
    return [*own, Article.article_no == article_no] if article_no else own


def _any_text(values: Collection[str]) -> CollectionAggregate[bool]:
    return any_(cast(literal(sorted(values), ARRAY(String)), ARRAY(String)))
