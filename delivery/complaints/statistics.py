"""Complaints counted per supplier, article, lot, fault, unit or month, against what was delivered. Nobody is named. Handbook §7."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sqlalchemy import ColumnElement, Select, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from auth.identity import Identity
from auth.models import Unit
from auth.permissions import Permission, require
from core.audit import record
from delivery.complaints.statistics_sql import Asked as Asked, By as By, delivered_by, reported_by
from delivery.models import Lot
from orders.models import Article, Supplier


@dataclass(frozen=True)
class Counted:
    """One line: cases that were reported and packages delivered, both in the period; money in SEK.

    `key` is the id, the fault's code or the month; None is what belongs nowhere, such as a product whose lot nobody knows. `replaced` is
    what replacements cost, `claimed` what suppliers are asked for, and `credited` what has come back, of the cases of the line. `delivered`
    is None where packages cannot be told apart so: a fault has none of its own.
    """

    key: int | str | None
    code: str
    name: str
    cases: int
    red_flags: int
    delivered: int | None
    replaced: Decimal
    claimed: Decimal
    credited: Decimal

    @property
    def per_thousand(self) -> Decimal | None:
        """Cases per 1,000 packages delivered; None when nothing was."""
        return Decimal(1000 * self.cases) / self.delivered if self.delivered else None


@dataclass(frozen=True)
class Statistics:
    """The lines, what has most cases first (months in their order), and all of it together; the names of what was chosen."""

    asked: Asked
    lines: tuple[Counted, ...]
    total: Counted
    supplier_name: str = ""
    article_name: str = ""


def statistics_of(session: Session, identity: Identity, asked: Asked, *, download: bool = False) -> Statistics:
    """Count the region's complaints; at most five statements however much there is, and the look is logged. Raises NotPermitted.

    Declined cases and duplicates do not count. A line without any case is left out where there are too many of them: lots and units.
    """
    require(identity, Permission.SEE_STATISTICS)
    reported = {row.key: row for row in session.execute(reported_by(identity.region, asked))}
    delivered = {row.key: int(row.packages) for row in session.execute(delivered_by(identity.region, asked))}
    keys = set(reported) if asked.by in (By.LOT, By.UNIT, By.FAULT) else set(reported) | set(delivered)
    names = _names(session, asked.by, keys)
    everything = sum(delivered.values())
    lines = [
        _line(
            key,
            names.get(key, ("", "")),
            reported.get(key),
            everything if asked.by is By.FAULT else delivered.get(key, 0),
        )
        for key in keys
    ]
    if asked.by is By.MONTH:
        lines.sort(key=lambda line: str(line.key))
    else:
        lines.sort(key=lambda line: (-line.cases, -(line.per_thousand or 0), line.name, line.code))
    record(
        session,
        identity.actor,
        "statistics.exported" if download else "statistics.seen",
        subject_person_id=None,
        manner="LOOK",
    )
    return Statistics(
        asked,
        tuple(lines),
        _total(lines, everything),
        _name_of(session, Supplier.name, Supplier.region == identity.region, Supplier.id, asked.supplier_id),
        _name_of(session, Article.name, Article.region == identity.region, Article.id, asked.article_id),
    )


def _line(key: Any, name: tuple[str, str], row: Any, delivered: int) -> Counted:
    return Counted(
        key=key,
        code=name[0],
        name=name[1],
        cases=row.cases if row else 0,
        red_flags=row.red_flags if row else 0,
        delivered=delivered,
        replaced=row.replaced if row else Decimal(0),
        claimed=row.claimed if row else Decimal(0),
        credited=row.credited if row else Decimal(0),
    )


def _total(lines: list[Counted], delivered: int) -> Counted:
    return Counted(
        key=None,
        code="",
        name="",
        cases=sum(line.cases for line in lines),
        red_flags=sum(line.red_flags for line in lines),
        delivered=delivered,
        replaced=sum((line.replaced for line in lines), Decimal(0)),
        claimed=sum((line.claimed for line in lines), Decimal(0)),
        credited=sum((line.credited for line in lines), Decimal(0)),
    )


def _names(session: Session, by: By, keys: set[Any]) -> Mapping[Any, tuple[str, str]]:
    """Return code and name of each key, in one statement; faults and months have none here."""
    known = [key for key in keys if key is not None]
    statement: Select[*tuple[Any, ...]]
    match by:
        case By.SUPPLIER:
            statement = select(Supplier.id, Supplier.supplier_no, Supplier.name).where(Supplier.id.in_(known))
        case By.ARTICLE:
            statement = select(Article.id, Article.article_no, Article.name).where(Article.id.in_(known))
        case By.LOT:
            statement = (
                select(Lot.id, Lot.lot_no, Article.name)
                .join(Article, Lot.article_id == Article.id)
                .where(Lot.id.in_(known))
            )
        case By.UNIT:
            statement = select(Unit.id, Unit.hsa_id, Unit.name).where(Unit.id.in_(known))
        case By.FAULT | By.MONTH:
            return {}
    return {key: (code, name) for key, code, name in session.execute(statement)}


def _name_of(
    session: Session,
    name: InstrumentedAttribute[str],
    in_region: ColumnElement[bool],
    column: InstrumentedAttribute[int],
    chosen: int | None,
) -> str:
    if chosen is None:
        return ""
    return session.scalar(select(name).where(in_region, column == chosen)) or ""
