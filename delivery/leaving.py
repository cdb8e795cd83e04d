"""The last look before a parcel leaves: what has happened to its lots since they were picked. Handbook §6."""

from __future__ import annotations

from sqlalchemy.orm import Session

from core.clock import today
from delivery import errors
from delivery.models import DepotOrder, LotStatus

_REFUSALS = {
    LotStatus.RECALLED: errors.LotRecalled,
    LotStatus.QUARANTINED: errors.LotQuarantined,
    LotStatus.ON_HOLD: errors.LotOnHold,
}


def check_lots_may_leave(session: Session, depot_order: DepotOrder) -> None:
    """Raise LotRecalled, LotQuarantined, LotOnHold or LotExpired for a picked lot that may not leave any more.

    The caller holds the depot order's lock and has loaded its lots anew.
    """
    for line in depot_order.lines:
        for pick in line.picked_lots:
            if pick.lot.status in _REFUSALS:
                raise _REFUSALS[pick.lot.status](pick.lot.lot_no)
            if pick.lot.expires_on < today(session):
                raise errors.LotExpired(pick.lot.lot_no)
