"""Units with a serial number of their own: into the box, out of it, to the patient with a warranty, and back. Handbook §6.

Units are locked after the stock balances, in id order.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from sqlalchemy import ColumnElement, and_, or_, select
from sqlalchemy.orm import Session, aliased

from core.clock import today
from core.policy import policy_of
from delivery import errors
from delivery.complaints.models import FaultReport
from delivery.complaints.policy import ComplaintsPolicy
from delivery.complaints.recall_models import RecallItem
from delivery.goods_models import SerialisedUnit, UnitStatus
from delivery.models import DepotOrder, Lot, LotStatus, PickedLot, PickLine
from delivery.warranty import inherited_warranty, own_warranty
from orders.models import Article

_GONE = (UnitStatus.RETURNED, UnitStatus.SCRAPPED)


def take_unit(session: Session, lot: Lot, serial_no: str) -> SerialisedUnit:
    """Lock the unit that is to go into a box; it must be in stock, of the lot and not called back.

    Raises SerialNotStated, UnknownSerial, SerialRecalled, SerialSent, SerialInABox, SerialScrapped, SerialOfOtherLot.
    """
    if not serial_no:
        raise errors.SerialNotStated
    (unit,) = _lock_named(session, lot.article_id, [serial_no])
    if unit.is_recalled:
        raise errors.SerialRecalled(serial_no)
    _require_in_stock(session, unit, lot)
    return unit


def lot_of_serial(session: Session, article_id: int, serial_no: str) -> Lot | None:
    """Return the lot that a unit was received with; None when nobody has received it."""
    return session.scalar(
        select(Lot)
        .join(SerialisedUnit, SerialisedUnit.lot_id == Lot.id)
        .where(SerialisedUnit.article_id == article_id, SerialisedUnit.serial_no == serial_no)
    )


def put_unit_back(session: Session, pick: PickedLot, serial_no: str) -> None:
    """Take one unit out of the box again; without a number it is the only one there. Raises SerialNotStated, PickNotFound."""
    units = _lock(session, SerialisedUnit.picked_lot_id == pick.id, SerialisedUnit.status == UnitStatus.PICKED)
    if not serial_no and len(units) > 1:
        raise errors.SerialNotStated
    unit = next((one for one in units if serial_no in ("", one.serial_no)), None)
    if unit is None:
        raise errors.PickNotFound
    _shelve(unit)
    session.flush()


def put_units_back(session: Session, picked_lot_ids: Collection[int]) -> None:
    """Take every unit of the picks out of its box; the caller deletes the picks afterwards."""
    if not picked_lot_ids:
        return
    for unit in _lock(
        session, SerialisedUnit.picked_lot_id.in_(picked_lot_ids), SerialisedUnit.status == UnitStatus.PICKED
    ):
        _shelve(unit)
    session.flush()


def send_units(session: Session, depot_order: DepotOrder) -> None:
    """Bind the units in an order's box to the patient: the box leaves now."""
    for line in depot_order.lines:
        if line.article.is_serialised:
            picks = [pick.id for pick in line.picked_lots]
            units = _lock(session, SerialisedUnit.picked_lot_id.in_(picks), SerialisedUnit.status == UnitStatus.PICKED)
            bind_units(session, depot_order, line, units)


def bind_units(session: Session, depot_order: DepotOrder, line: PickLine, units: Sequence[SerialisedUnit]) -> None:
    """Bind locked units to the patient from today, with the warranty of the region's policy.

    A replacement inherits what is left of the warranty of the unit that was complained about or called back, and points at it; one whose
    warranty had ended leaves nothing to inherit.
    """
    day = today(session)
    policy = policy_of(depot_order.region).section(ComplaintsPolicy)
    replaced = list(_replaced_by(session, line)) if units else []
    for unit in units:
        unit.person_id, unit.shipped_on, unit.status = depot_order.order.person_id, day, UnitStatus.SHIPPED
        unit.warranty_until = own_warranty(unit.arrived_on, day, policy)
        if replaced:
            old = replaced.pop(0)
            unit.replaces_id = old.id
            unit.warranty_until = inherited_warranty(old.warranty_until, day, unit.warranty_until)
    session.flush()


def _replaced_by(session: Session, line: PickLine) -> Sequence[SerialisedUnit]:
    """The units, complained about or called back, that a replacement line is because of: those that nothing has replaced yet."""
    row = line.order_row
    because: ColumnElement[bool]
    if row.complaint_ref is not None:
        because = SerialisedUnit.picked_lot_id.in_(
            select(FaultReport.picked_lot_id).where(FaultReport.complaint_id == row.complaint_ref)
        )
    elif row.recall_ref is not None:
        of_lot = select(Lot.id).where(Lot.id == SerialisedUnit.lot_id, Lot.status == LotStatus.RECALLED).exists()
        because = and_(
            SerialisedUnit.picked_lot_id.in_(
                select(RecallItem.picked_lot_id).where(RecallItem.recipient_id == row.recall_ref)
            ),
            SerialisedUnit.article_id == line.article_id,
            or_(SerialisedUnit.is_recalled, of_lot),
        )
    else:
        return ()
    newer = aliased(SerialisedUnit)
    return _lock(session, because, ~select(newer.id).where(newer.replaces_id == SerialisedUnit.id).exists())


def take_back_units(
    session: Session, pick: PickedLot, serials: Sequence[str], *, to_stock: bool
) -> list[SerialisedUnit]:
    """Note that units which were sent have come back, and return them: on the shelf again where the policy says so, else scrapped.

    What is scrapped keeps whose it was. Raises UnknownSerial for a unit that was not sent with this pick, or has come back before, and
    SerialOfOtherLot when one would be put on the shelf that is not of the pick's lot: the ledger counts that lot.
    """
    sent = {
        unit.serial_no: unit
        for unit in _lock(session, SerialisedUnit.picked_lot_id == pick.id, SerialisedUnit.status == UnitStatus.SHIPPED)
    }
    for serial_no in serials:
        if serial_no not in sent:
            raise errors.UnknownSerial(serial_no)
        unit = sent[serial_no]
        if to_stock:
            _require_of_lot(session, unit, pick.lot_id)
            _shelve(unit)
        else:
            unit.status = UnitStatus.SCRAPPED
    session.flush()
    return [sent[serial_no] for serial_no in serials]


def scrap_units(session: Session, lot: Lot, serials: Sequence[str]) -> None:
    """Note that units on the shelf are scrapped. Raises as `take_unit`."""
    for unit in _lock_named(session, lot.article_id, serials):
        _require_in_stock(session, unit, lot)
        unit.status = UnitStatus.SCRAPPED
    session.flush()


def missing_serials(session: Session, lot: Lot, counted: Sequence[str]) -> list[str]:
    """Return the numbers that should be on the shelf and were not counted. Raises UnknownSerial for one that should not be there."""
    there = {
        unit.serial_no
        for unit in _lock(session, SerialisedUnit.lot_id == lot.id, SerialisedUnit.status == UnitStatus.IN_STOCK)
    }
    for serial_no in counted:
        if serial_no not in there:
            raise errors.UnknownSerial(serial_no)
    return sorted(there - set(counted))


def serials_in_box(session: Session, lines: Collection[PickLine]) -> Mapping[int, tuple[str, ...]]:
    """Return the serial numbers in an order's box by picked lot, in number order; asks nothing for lines without any."""
    return serials_of(session, [pick.id for line in lines for pick in line.picked_lots], UnitStatus.PICKED)


def serials_of(session: Session, picked_lot_ids: Collection[int], status: UnitStatus) -> Mapping[int, tuple[str, ...]]:
    """Return the serial numbers of picked lots that are in a state, in number order; the caller has checked what it may see."""
    found: dict[int, tuple[str, ...]] = {}
    if not picked_lot_ids:
        return found
    for picked_lot_id, serial_no in session.execute(
        select(SerialisedUnit.picked_lot_id, SerialisedUnit.serial_no)
        .where(SerialisedUnit.picked_lot_id.in_(picked_lot_ids), SerialisedUnit.status == status)
        .order_by(SerialisedUnit.serial_no)
    ):
        if picked_lot_id is not None:
            found[picked_lot_id] = (*found.get(picked_lot_id, ()), serial_no)
    return found


def require_one_each(article: Article, packages: int, serials: Sequence[str]) -> None:
    """Raise SerialsDiffer unless a serialised article comes with one serial number per package, all different."""
    if article.is_serialised and (len(serials) != packages or len(set(serials)) != packages):
        raise errors.SerialsDiffer(packages, len(set(serials)))


def _shelve(unit: SerialisedUnit) -> None:
    unit.status, unit.picked_lot_id = UnitStatus.IN_STOCK, None
    unit.person_id = unit.shipped_on = unit.warranty_until = unit.replaces_id = None


def _require_in_stock(session: Session, unit: SerialisedUnit, lot: Lot) -> None:
    if unit.status is UnitStatus.SHIPPED:
        raise errors.SerialSent(unit.serial_no)
    if unit.status is UnitStatus.PICKED:
        raise errors.SerialInABox(unit.serial_no)
    if unit.status in _GONE:
        raise errors.SerialScrapped(unit.serial_no)
    _require_of_lot(session, unit, lot.id)


def _require_of_lot(session: Session, unit: SerialisedUnit, lot_id: int) -> None:
    if unit.lot_id != lot_id:
        raise errors.SerialOfOtherLot(unit.serial_no, session.get_one(Lot, unit.lot_id).lot_no)


def _lock_named(session: Session, article_id: int, serials: Sequence[str]) -> list[SerialisedUnit]:
    units = _lock(session, SerialisedUnit.article_id == article_id, SerialisedUnit.serial_no.in_(serials))
    known = {unit.serial_no for unit in units}
    for serial_no in serials:
        if serial_no not in known:
            raise errors.UnknownSerial(serial_no)
    return units


def _lock(session: Session, *conditions: ColumnElement[bool]) -> list[SerialisedUnit]:
    return list(
        session.scalars(
            select(SerialisedUnit)
            .where(*conditions)
            .order_by(SerialisedUnit.id)
            .with_for_update()
            .execution_options(populate_existing=True)
        )
    )
