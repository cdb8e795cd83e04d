"""The units that a supplier's file is about: found, locked, and followed by those that came instead. Handbook §§6 and 7."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import date

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session, aliased

from core.policy import policy_of
from delivery.complaints.exchange_matching import UnitFacts, Verdict
from delivery.complaints.exchange_reading import StatedExchange
from delivery.complaints.policy import ComplaintsPolicy
from delivery.goods_models import SerialisedUnit, UnitStatus
from delivery.models import Lot
from delivery.warranty import inherited_warranty, own_warranty
from orders.models import Article

# The lot of what never passed the depot: each article has one, that nothing on any shelf is of.
UNKNOWN_LOT = "–"
_NEVER = date(2199, 12, 31)


def unit_facts(session: Session, region: str, supplier_id: int, rows: Sequence[StatedExchange]) -> list[UnitFacts]:
    """Return what is known of every unit of the supplier's that the rows name, in one statement; locks nothing."""
    serials = sorted({serial.upper() for row in rows for serial in (row.old_serial, row.new_serial) if serial})
    newer = aliased(SerialisedUnit)
    found = session.execute(
        select(SerialisedUnit, func.max(newer.serial_no), Article)
        .join(Article, SerialisedUnit.article_id == Article.id)
        .outerjoin(newer, newer.replaces_id == SerialisedUnit.id)
        .where(
            Article.region == region,
            Article.supplier_id == supplier_id,
            func.upper(SerialisedUnit.serial_no).in_(serials),
        )
        .group_by(SerialisedUnit.id, Article.id)
        .order_by(SerialisedUnit.id)
        .execution_options(populate_existing=True)
    )
    return [
        UnitFacts(
            unit_id=unit.id,
            article_id=unit.article_id,
            article_marks=_marks(article),
            serial_no=unit.serial_no,
            status=unit.status,
            shipped_on=unit.shipped_on,
            replaced_by=replaced_by or "",
        )
        for unit, replaced_by, article in found
    ]


def _marks(article: Article) -> frozenset[str]:
    names = (article.article_no, article.gtin or "", article.name, article.plain_name)
    return frozenset(name.strip().lstrip("0").upper() for name in names if name.strip())


def persons_of(session: Session, unit_ids: Collection[int]) -> set[int]:
    """Return whose units these are, without locking."""
    rows = session.scalars(
        select(SerialisedUnit.person_id)
        .where(SerialisedUnit.id.in_(unit_ids), SerialisedUnit.person_id.is_not(None))
        .distinct()
    )
    return {person_id for person_id in rows if person_id is not None}


def lock_units(session: Session, unit_ids: Collection[int]) -> Mapping[int, SerialisedUnit]:
    """Lock units in id order and return them fresh."""
    units = session.scalars(
        select(SerialisedUnit)
        .where(SerialisedUnit.id.in_(unit_ids))
        .order_by(SerialisedUnit.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    return {unit.id: unit for unit in units}


def make_units(
    session: Session, region: str, verdicts: Sequence[Verdict], units: Mapping[int, SerialisedUnit]
) -> dict[int, SerialisedUnit]:
    """Make the new units by their row's place, instead of the locked ones; a row that follows another one comes after it."""
    made: dict[int, SerialisedUnit] = {}
    waiting = [place for place, verdict in enumerate(verdicts) if verdict.is_new]
    while waiting:
        later = []
        for place in waiting:
            verdict = verdicts[place]
            if verdict.follows is not None and verdict.follows not in made:
                later.append(place)
                continue
            old = (
                made[verdict.follows]
                if verdict.follows is not None
                else units[verdict.old.unit_id]
                if verdict.old
                else None
            )
            assert old is not None
            assert verdict.row.exchanged_on is not None
            made[place] = give_instead(session, old, verdict.row.new_serial, verdict.row.exchanged_on, region)
        waiting = later
    return made


def give_instead(session: Session, old: SerialisedUnit, serial_no: str, day: date, region: str) -> SerialisedUnit:
    """Make a new unit the patient's from `day` in place of a locked old one, which has gone back to the supplier.

    It inherits what was left of the warranty that day. It is kept with the delivery of the old one, so that a fault report, a return and
    the next replacement find it there.
    """
    policy = policy_of(region).section(ComplaintsPolicy)
    new = SerialisedUnit(
        article_id=old.article_id,
        serial_no=serial_no,
        lot_id=_unknown_lot(session, old.article_id),
        status=UnitStatus.SHIPPED,
        arrived_on=day,
        picked_lot_id=old.picked_lot_id,
        person_id=old.person_id,
        shipped_on=day,
        warranty_until=inherited_warranty(old.warranty_until, day, own_warranty(day, day, policy)),
        replaces_id=old.id,
    )
    old.status = UnitStatus.RETURNED
    session.add(new)
    session.flush()
    return new


def _unknown_lot(session: Session, article_id: int) -> int:
    known = select(Lot.id).where(Lot.article_id == article_id, Lot.lot_no == UNKNOWN_LOT)
    lot_id = session.scalar(known)
    if lot_id is None:
        session.execute(
            insert(Lot)
            .values(article_id=article_id, lot_no=UNKNOWN_LOT, expires_on=_NEVER, status="AVAILABLE")
            .on_conflict_do_nothing()
        )
        lot_id = session.scalars(known).one()
    return lot_id
