"""From what is called back to whom it was sent to, and to what is under way with it: the trace of every recall. Handbook §7."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import (
    ARRAY,
    BigInteger,
    CollectionAggregate,
    Integer,
    Select,
    Subquery,
    all_,
    any_,
    case,
    cast,
    func,
    literal,
    null,
    or_,
    select,
    union_all,
)
from sqlalchemy.orm import Session

from auth.models import Person
from delivery.goods_models import SerialisedUnit, UnitStatus
from delivery.models import (
    DepotOrder,
    DepotOrderStatus,
    MovementReason,
    PickedLot,
    PickLine,
    Reservation,
    StockBalance,
    StockMovement,
)
from orders.models import Order

SENT = (DepotOrderStatus.SHIPPED, DepotOrderStatus.DELIVERED)
# Begun and not yet away: what a recall stops.
IN_PROGRESS = (DepotOrderStatus.WAITING, DepotOrderStatus.PICKING, DepotOrderStatus.PICKED, DepotOrderStatus.PACKED)


@dataclass(frozen=True)
class Affected:
    """How much a recall is about: packages in stock and sent, receivers, and what is under way at the depot."""

    persons: int
    units: int
    deceased: int
    packages_sent: int
    packages_in_stock: int
    picks: int
    parcels: int

    @property
    def recipients(self) -> int:
        """Patients and units together: the number that whoever opens the recall types."""
        return self.persons + self.units


def _every_id(values: Collection[int]) -> CollectionAggregate[bool]:
    return all_(literal(sorted(values), ARRAY(BigInteger)))


def any_id(values: Collection[int]) -> CollectionAggregate[bool]:
    """Return the ids as one parameter, however many they are."""
    return any_(literal(sorted(values), ARRAY(BigInteger)))


def traced(lot_ids: Collection[int], unit_ids: Collection[int]) -> Subquery:
    """Return whom what of it was sent to: person or unit, the pick, and the packages that have not come back.

    Of units with numbers those count that are with somebody now; of everything else what was sent less what the ledger has back.
    """
    units_of = (
        select(
            SerialisedUnit.picked_lot_id,
            func.count().filter(SerialisedUnit.status == UnitStatus.SHIPPED).label("out"),
        )
        .where(SerialisedUnit.lot_id == any_id(lot_ids), SerialisedUnit.picked_lot_id.is_not(None))
        .group_by(SerialisedUnit.picked_lot_id)
        .subquery()
    )
    returned = (
        select(StockMovement.object_ref, func.sum(StockMovement.packages).label("back"))
        .where(StockMovement.lot_id == any_id(lot_ids), StockMovement.reason == MovementReason.RETURNED)
        .group_by(StockMovement.object_ref)
        .subquery()
    )
    left = PickedLot.packages - func.coalesce(returned.c.back, 0)
    by_lot = _sent(
        select(
            Order.person_id,
            Order.unit_id,
            PickedLot.id.label("picked_lot_id"),
            cast(case((units_of.c.out.is_not(None), units_of.c.out), else_=left), Integer).label("packages"),
        )
        .select_from(PickedLot)
        .outerjoin(units_of, units_of.c.picked_lot_id == PickedLot.id)
        .outerjoin(returned, returned.c.object_ref == func.concat("picked_lot:", PickedLot.id))
    ).where(PickedLot.lot_id == any_id(lot_ids))
    by_unit = (
        _sent(
            select(
                Order.person_id,
                Order.unit_id,
                PickedLot.id.label("picked_lot_id"),
                cast(func.count(), Integer).label("packages"),
            )
            .select_from(SerialisedUnit)
            .join(PickedLot, SerialisedUnit.picked_lot_id == PickedLot.id)
        )
        .where(
            SerialisedUnit.id == any_id(unit_ids),
            SerialisedUnit.status == UnitStatus.SHIPPED,
            SerialisedUnit.lot_id != _every_id(lot_ids),
        )
        .group_by(Order.person_id, Order.unit_id, PickedLot.id)
    )
    # What came from elsewhere was never picked here: the one who has it is named on the unit.
    exchanged = (
        select(
            SerialisedUnit.person_id,
            cast(null(), BigInteger).label("unit_id"),
            cast(null(), BigInteger).label("picked_lot_id"),
            cast(func.count(), Integer).label("packages"),
        )
        .where(
            or_(SerialisedUnit.id == any_id(unit_ids), SerialisedUnit.lot_id == any_id(lot_ids)),
            SerialisedUnit.status == UnitStatus.SHIPPED,
            SerialisedUnit.picked_lot_id.is_(None),
        )
        .group_by(SerialisedUnit.person_id)
    )
    every = union_all(by_lot, by_unit, exchanged).subquery()
    packages = cast(func.sum(every.c.packages), Integer)
    return (
        select(every.c.person_id, every.c.unit_id, every.c.picked_lot_id, packages.label("packages"))
        .group_by(every.c.person_id, every.c.unit_id, every.c.picked_lot_id)
        .having(packages > 0)
        .subquery("traced")
    )


def _sent(
    statement: Select[int | None, int | None, int, int],
) -> Select[int | None, int | None, int, int]:
    return (
        statement.join(PickLine, PickedLot.pick_line_id == PickLine.id)
        .join(DepotOrder, PickLine.depot_order_id == DepotOrder.id)
        .join(Order, DepotOrder.order_id == Order.id)
        .where(DepotOrder.status.in_(SENT))
    )


def affected_by(session: Session, lot_ids: Collection[int], unit_ids: Collection[int]) -> Affected:
    """Count whom and what a recall of these lots and units is about, in three statements."""
    trace = traced(lot_ids, unit_ids)
    persons, units, deceased, sent = session.execute(
        select(
            func.count(trace.c.person_id.distinct()),
            func.count(trace.c.unit_id.distinct()),
            func.count(trace.c.person_id.distinct()).filter(Person.deceased_on.is_not(None)),
            func.coalesce(func.sum(trace.c.packages), 0),
        )
        .select_from(trace)
        .outerjoin(Person, Person.id == trace.c.person_id)
    ).one()
    on_hand = session.scalar(
        select(func.coalesce(func.sum(StockBalance.on_hand), 0)).where(StockBalance.lot_id == any_id(lot_ids))
    )
    on_shelf = session.scalar(
        select(func.count())
        .select_from(SerialisedUnit)
        .where(
            SerialisedUnit.id == any_id(unit_ids),
            SerialisedUnit.status == UnitStatus.IN_STOCK,
            SerialisedUnit.lot_id != _every_id(lot_ids),
        )
    )
    picks, parcels = session.execute(
        select(
            func.count().filter(DepotOrder.status.in_((DepotOrderStatus.WAITING, DepotOrderStatus.PICKING))),
            func.count().filter(DepotOrder.status.in_((DepotOrderStatus.PICKED, DepotOrderStatus.PACKED))),
        ).where(DepotOrder.id.in_(in_progress(lot_ids, unit_ids)))
    ).one()
    return Affected(
        persons=persons,
        units=units,
        deceased=deceased,
        packages_sent=int(sent),
        packages_in_stock=int(on_hand or 0) + int(on_shelf or 0),
        picks=picks,
        parcels=parcels,
    )


def in_progress(lot_ids: Collection[int], unit_ids: Collection[int]) -> Select[int]:
    """Return the ids of depot orders that have begun with something of it and not left."""
    reserved = select(Reservation.pick_line_id).where(Reservation.lot_id == any_id(lot_ids))
    picked = select(PickedLot.pick_line_id).where(PickedLot.lot_id == any_id(lot_ids))
    boxed = (
        select(PickedLot.pick_line_id)
        .join(SerialisedUnit, SerialisedUnit.picked_lot_id == PickedLot.id)
        .where(SerialisedUnit.id == any_id(unit_ids), SerialisedUnit.status == UnitStatus.PICKED)
    )
    # A unit on the shelf may be the one that a line was to get: the others of its lot may not be enough any more.
    shelved = (
        select(Reservation.pick_line_id)
        .join(SerialisedUnit, SerialisedUnit.lot_id == Reservation.lot_id)
        .where(SerialisedUnit.id == any_id(unit_ids), SerialisedUnit.status == UnitStatus.IN_STOCK)
    )
    lines = union_all(reserved, picked, boxed, shelved).subquery()
    return (
        select(DepotOrder.id)
        .join(PickLine, PickLine.depot_order_id == DepotOrder.id)
        .where(PickLine.id.in_(select(lines.c.pick_line_id)), DepotOrder.status.in_(IN_PROGRESS))
        .distinct()
    )
