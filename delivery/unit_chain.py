"""Which unit replaced which: the chain of a serialised product's replacements under one warranty. Handbook §6."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date

from sqlalchemy import literal, select
from sqlalchemy.orm import Session, aliased

from delivery.goods_models import SerialisedUnit

LONGEST_CHAIN = 50


@dataclass(frozen=True)
class SentUnit:
    """One unit that was sent: what it replaced, the latest first, and what has replaced it since."""

    serial_no: str
    shipped_on: date | None
    warranty_until: date | None
    replaced: tuple[str, ...]
    replaced_by: str


def units_sent(session: Session, picked_lot_id: int) -> tuple[SentUnit, ...]:
    """Return the units of one picked lot that have left, with their chains, in two statements. The caller has checked what it may see."""
    newer = aliased(SerialisedUnit)
    rows = session.execute(
        select(SerialisedUnit, newer.serial_no)
        .outerjoin(newer, newer.replaces_id == SerialisedUnit.id)
        .where(SerialisedUnit.picked_lot_id == picked_lot_id, SerialisedUnit.shipped_on.is_not(None))
        .order_by(SerialisedUnit.serial_no)
    ).all()
    older = _older(session, [unit.id for unit, _newer in rows])
    return tuple(
        SentUnit(unit.serial_no, unit.shipped_on, unit.warranty_until, older.get(unit.id, ()), replaced_by or "")
        for unit, replaced_by in rows
    )


def chains_behind(session: Session, unit_ids: Collection[int]) -> Mapping[int, tuple[str, ...]]:
    """Return the serial numbers that each unit came instead of, the latest first, in one statement; without those that replaced none."""
    return _older(session, sorted(set(unit_ids)))


def _older(session: Session, unit_ids: list[int]) -> dict[int, tuple[str, ...]]:
    first = (
        select(SerialisedUnit.id.label("last_id"), SerialisedUnit.replaces_id, literal(0).label("step"))
        .where(SerialisedUnit.id.in_(unit_ids), SerialisedUnit.replaces_id.is_not(None))
        .cte("chain", recursive=True)
    )
    unit = aliased(SerialisedUnit)
    chain = first.union_all(
        select(first.c.last_id, unit.replaces_id, first.c.step + 1)
        .join(unit, unit.id == first.c.replaces_id)
        .where(first.c.step < LONGEST_CHAIN, unit.replaces_id.is_not(None))
    )
    found: dict[int, tuple[str, ...]] = {}
    for last_id, serial_no in session.execute(
        select(chain.c.last_id, unit.serial_no)
        .join(unit, unit.id == chain.c.replaces_id)
        .order_by(chain.c.last_id, chain.c.step)
    ):
        found[last_id] = (*found.get(last_id, ()), serial_no)
    return found
