"""Serial numbers that a warehouse has sent: each bound to its patient, none of them twice. Handbook §6."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from core.clock import today
from delivery.goods_models import SerialisedUnit, UnitStatus
from delivery.models import DepotOrder, PickedLot, PickLine
from delivery.serials import bind_units
from delivery.ubl.despatch_advice import DespatchLine
from delivery.ubl.names import MessageRefused, Reason


def bind_serials(
    session: Session, depot_order: DepotOrder, line: PickLine, pick: PickedLot, despatched: DespatchLine
) -> None:
    """Bind the line's serial numbers to the patient; an article that is not serialised has none that is kept.

    Locks the units that are known, in id order. Raises MessageRefused when there are not as many as pieces, or one has been sent before.
    """
    article = line.article
    if not article.is_serialised:
        return
    pieces = despatched.packages * article.package_size
    if len(despatched.serials) != pieces:
        raise MessageRefused(Reason.BAD_SERIAL, f"line {line.order_row_id} must state {pieces} serial numbers")
    known = {
        unit.serial_no: unit
        for unit in session.scalars(
            select(SerialisedUnit)
            .where(SerialisedUnit.article_id == article.id, SerialisedUnit.serial_no.in_(despatched.serials))
            .order_by(SerialisedUnit.id)
            .with_for_update()
            .execution_options(populate_existing=True)
        )
    }
    if any(unit.status in (UnitStatus.SHIPPED, UnitStatus.SCRAPPED) for unit in known.values()):
        raise _taken(line)
    day, units = today(session), []
    for serial_no in despatched.serials:
        unit = known.get(serial_no) or SerialisedUnit(article_id=article.id, serial_no=serial_no, arrived_on=day)
        unit.lot_id, unit.picked_lot_id = pick.lot_id, pick.id
        units.append(unit)
    try:
        with session.begin_nested():
            session.add_all(units)
            bind_units(session, depot_order, line, units)
    except IntegrityError:
        # Somebody else was sent one of them in this very moment.
        raise _taken(line) from None


def _taken(line: PickLine) -> MessageRefused:
    return MessageRefused(Reason.SERIAL_TAKEN, f"a serial number of line {line.order_row_id} has been sent before")
