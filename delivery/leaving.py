"""The last look before a parcel leaves: what has happened to its lots since they were picked. Handbook §6."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.clock import today
from delivery import errors
from delivery.goods_models import SerialisedUnit
from delivery.models import DepotOrder, Lot, LotStatus

_REFUSALS = {
    LotStatus.QUARANTINED: errors.LotQuarantined,
    LotStatus.ON_HOLD: errors.LotOnHold,
}


def check_lots_may_leave(session: Session, depot_order: DepotOrder) -> None:
    """Raise LotRecalled, SerialRecalled, LotQuarantined, LotOnHold or LotExpired for what may not leave any more.

    The caller holds the depot order's lock. Locks the lots as `check_not_recalled` does.
    """
    check_not_recalled(session, depot_order)
    for line in depot_order.lines:
        for pick in line.picked_lots:
            if pick.lot.status in _REFUSALS:
                raise _REFUSALS[pick.lot.status](pick.lot.lot_no)
            if pick.lot.expires_on < today(session):
                raise errors.LotExpired(pick.lot.lot_no)


def check_not_recalled(session: Session, depot_order: DepotOrder) -> None:
    """Raise LotRecalled or SerialRecalled for something in the box that is called back. Handbook §7.

    Locks the lots shared, in id order, until the transaction ends: a recall that is being opened is waited for, one that comes later
    waits for this. The caller holds the depot order's lock.
    """
    picks = [pick for line in depot_order.lines for pick in line.picked_lots]
    if not picks:
        return
    lots = session.scalars(
        select(Lot)
        .where(Lot.id.in_({pick.lot_id for pick in picks}))
        .order_by(Lot.id)
        .with_for_update(read=True)
        .execution_options(populate_existing=True)
    ).all()
    for lot in lots:
        if lot.status is LotStatus.RECALLED:
            raise errors.LotRecalled(lot.lot_no)
    with_numbers = [pick.id for line in depot_order.lines if line.article.is_serialised for pick in line.picked_lots]
    if with_numbers:
        recalled = session.scalar(
            select(SerialisedUnit.serial_no)
            .where(SerialisedUnit.picked_lot_id.in_(with_numbers), SerialisedUnit.is_recalled)
            .order_by(SerialisedUnit.id)
            .limit(1)
        )
        if recalled is not None:
            raise errors.SerialRecalled(recalled)
