"""What a month cost and whom: the basis of invoices, counted when goods leave the depot. Handbook §8."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal

from sqlalchemy import ColumnElement, and_, false, func, or_, select
from sqlalchemy.orm import Session

from auth.identity import Identity
from auth.models import Unit
from auth.permissions import Permission, require
from core.audit import record
from core.clock import STOCKHOLM
from delivery.models import DepotOrder, Parcel, PickLine
from orders.models import Article, Order, OrderRow, PayerKind, RowKind

# The kinds whose code is a cost centre; municipalities and counties have other numbers that may look like one.
COST_CENTRES = (PayerKind.UNIT, PayerKind.ADULT_UNIT, PayerKind.CENTRAL)


@dataclass(frozen=True)
class BasisLine:
    """What one payer pays for one article at one price; `package_price` is SEK, None when it was not known at the order."""

    payer: PayerKind
    payer_ref: str
    article_no: str
    article: str
    is_replacement: bool
    packages: int
    package_price: Decimal | None

    @property
    def is_for_store(self) -> bool:
        """Whether the unit ordered it for its own store, at that cost centre."""
        return self.payer is PayerKind.UNIT_STORE

    @property
    def amount(self) -> Decimal | None:
        """Price × packages, to the öre."""
        return None if self.package_price is None else self.package_price * self.packages


@dataclass(frozen=True)
class Basis:
    """One month's lines, and whose they are: a unit's cost centres, or empty for all of a region's payers."""

    month: date
    cost_centre: str
    lines: tuple[BasisLine, ...]
    store_cost_centre: str = ""

    @property
    def for_patients(self) -> tuple[BasisLine, ...]:
        """What was prescribed."""
        return tuple(line for line in self.lines if not line.is_for_store)

    @property
    def for_store(self) -> tuple[BasisLine, ...]:
        """What the unit ordered for its own store."""
        return tuple(line for line in self.lines if line.is_for_store)

    @property
    def total(self) -> Decimal:
        """SEK of all lines whose price is known."""
        return total_of(self.lines)

    @property
    def packages_without_price(self) -> int:
        """Packages that the total leaves out."""
        return sum(line.packages for line in self.lines if line.package_price is None)


def total_of(lines: Iterable[BasisLine]) -> Decimal:
    """Add up the known amounts exactly, in SEK with öre."""
    return sum((line.amount for line in lines if line.amount is not None), Decimal("0.00"))


def basis_of_unit(session: Session, identity: Identity, month: date, *, download: bool = False) -> Basis:
    """Return what the identity's own unit pays for a month's parcels; names no patient and logs the look. Raises NotPermitted.

    A unit without a cost centre pays for nothing that could be told apart, so it sees nothing but its own store's.
    """
    require(identity, Permission.SEE_PAYERS)
    unit = session.get_one(Unit, identity.unit_id)
    lines = _lines(session, identity.region, month, _paid_by(unit))
    record(
        session,
        identity.actor,
        "payers.exported" if download else "payers.seen",
        subject_person_id=None,
        manner="LOOK",
        object_ref=_ref(month),
    )
    return Basis(month, unit.cost_centre, lines, unit.store_cost_centre)


def _paid_by(unit: Unit) -> ColumnElement[bool]:
    by_centre = (
        and_(OrderRow.payer.in_(COST_CENTRES), OrderRow.payer_ref == unit.cost_centre) if unit.cost_centre else false()
    )
    # Its own orders only: several units may share the cost centre of a store, and see their own part.
    return or_(by_centre, and_(OrderRow.payer == PayerKind.UNIT_STORE, Order.unit_id == unit.id))


def basis_of_region(session: Session, identity: Identity, month: date) -> Basis:
    """Return what every payer of the region pays for a month's parcels, for its economy system. Raises NotPermitted."""
    require(identity, Permission.EXPORT_PAYERS)
    record(session, identity.actor, "payers.exported", subject_person_id=None, manner="LOOK", object_ref=_ref(month))
    return Basis(month, "", _lines(session, identity.region, month, OrderRow.payer.is_not(None)))


def _ref(month: date) -> str:
    return f"day:{month.isoformat()}"


def _lines(session: Session, region: str, month: date, *conditions: ColumnElement[bool]) -> tuple[BasisLine, ...]:
    following = date(month.year + month.month // 12, month.month % 12 + 1, 1)
    begins, ends = (datetime.combine(day, time.min, STOCKHOLM) for day in (month.replace(day=1), following))
    # What left in several boxes is counted once, on the day of the first.
    shipped = (
        select(Parcel.depot_order_id, func.min(Parcel.shipped_at).label("at"))
        .group_by(Parcel.depot_order_id)
        .subquery()
    )
    key = (
        OrderRow.payer,
        OrderRow.payer_ref,
        Article.article_no,
        Article.name,
        OrderRow.kind,
        OrderRow.package_price,
    )
    rows = session.execute(
        select(*key, func.sum(PickLine.picked))
        .join(OrderRow, PickLine.order_row_id == OrderRow.id)
        .join(Order, OrderRow.order_id == Order.id)
        .join(Article, PickLine.article_id == Article.id)
        .join(DepotOrder, PickLine.depot_order_id == DepotOrder.id)
        .join(shipped, shipped.c.depot_order_id == DepotOrder.id)
        .where(Order.region == region, shipped.c.at >= begins, shipped.c.at < ends, PickLine.picked > 0, *conditions)
        .group_by(*key)
        .order_by(*key)
    ).all()
    return tuple(
        # Rows without a payer are from before payers were kept.
        BasisLine(payer, ref, article_no, name, kind is RowKind.REPLACEMENT, int(packages), price)
        for payer, ref, article_no, name, kind, price, packages in rows
        if payer is not None
    )
