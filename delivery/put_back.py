"""Back onto the shelf: one pick undone, a whole order put back. Nothing in the ledger is edited, only counter-booked."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy.orm import Session

from auth.identity import Identity
from auth.permissions import Permission
from core import idempotency
from delivery.bookings import take_back_bookings
from delivery.claims import line_of, live_lines, lock_depot_order, lock_own_pick, record_act, require_own_pick
from delivery.errors import PickNotFound, SerialsDiffer, WrongStep
from delivery.models import DepotOrder, DepotOrderStatus, MovementReason, PickedLot, PickLine, Reservation
from delivery.serials import put_unit_back, put_units_back
from delivery.stock import book, lock_balances, release_reservations, reserve_lots
from orders.models import RowStatus
from orders.progress import advance_rows


def undo_pick(
    session: Session,
    identity: Identity,
    depot_order_id: int,
    picked_lot_id: int,
    *,
    packages: int = 1,
    key: str = "",
    serial_no: str = "",
) -> None:
    """Take packages out of the box again: counter-booked, and reserved for the same line anew.

    Of an article with serial numbers one package at a time, the unit of `serial_no` where several lie in the box. Locks rows, depot order,
    the lot's balance and the unit. Raises NotPermitted, NotFound, WrongStep, PickedBySomebodyElse, PickNotFound, SerialNotStated,
    SerialsDiffer. A key that was spent changes nothing.
    """
    depot_order = lock_own_pick(session, identity, depot_order_id)
    if key and not idempotency.spend(session, "undo-pick", f"staff:{identity.staff_id}", key).is_first:
        return
    picks = {pick.id: (line, pick) for line in depot_order.lines for pick in line.picked_lots}
    if picked_lot_id not in picks or not 1 <= packages <= picks[picked_lot_id][1].packages:
        raise PickNotFound
    line, pick = picks[picked_lot_id]
    balance = lock_balances(session, depot_order.depot_id, lot_ids={pick.lot_id})[pick.lot_id]
    if line.article.is_serialised:
        if packages != 1:
            raise SerialsDiffer(packages, 1)
        put_unit_back(session, pick, serial_no)
    book(session, identity, balance, packages, MovementReason.PICK_UNDONE, f"pick_line:{line.id}")
    balance.reserved += packages
    earlier = next((one for one in line.reservations if one.lot_id == pick.lot_id), None)
    if earlier is None:
        line.reservations.append(Reservation(lot_id=pick.lot_id, packages=packages, lot=pick.lot))
    else:
        earlier.packages += packages
    line.picked -= packages
    _lessen(session, line, pick, packages)
    session.flush()
    record_act(session, identity, depot_order, "pick.undone")


def undo_short(session: Session, identity: Identity, depot_order_id: int, pick_line_id: int) -> None:
    """Take back that a line was short, and reserve for it anew. Locks and raises as `undo_pick`."""
    depot_order = lock_own_pick(session, identity, depot_order_id)
    line = line_of(depot_order, pick_line_id)
    if not line.short:
        return
    line.short, line.short_reason = 0, None
    session.flush()
    reserve_lots(session, depot_order.depot_id, [line])
    record_act(session, identity, depot_order, "short.undone")


def put_back(session: Session, identity: Identity, depot_order_id: int) -> DepotOrder:
    """Put everything of an order back onto the shelf: the picker walks away, or a parcel not yet handed over is unpacked.

    The order waits again, or is cancelled when nothing of it is wanted any more; a transport that is booked is to be cancelled. Locks
    rows, depot order, bookings, then the balances of its lots. Raises NotPermitted, NotFound, PickedBySomebodyElse while another picks
    it, WrongStep once it is shipped.
    """
    depot_order = lock_depot_order(session, identity, depot_order_id, Permission.PICK)
    if depot_order.status not in (DepotOrderStatus.PICKED, DepotOrderStatus.PACKED):
        require_own_pick(session, identity, depot_order)
    take_back_bookings(session, [parcel.id for parcel in depot_order.parcels if parcel.shipped_at is None])
    for parcel in depot_order.parcels:
        if parcel.shipped_at is not None:
            raise WrongStep(depot_order.status)
        session.delete(parcel)
    empty_lines(session, identity, depot_order, depot_order.lines)
    wanted = live_lines(depot_order)
    depot_order.status = DepotOrderStatus.WAITING if wanted else DepotOrderStatus.CANCELLED
    depot_order.picker_id, depot_order.picking_started_at = None, None
    # The next wave plans it anew.
    depot_order.wave_id, depot_order.pick_round_id, depot_order.box = None, None, ""
    row_ids = [line.order_row_id for line in wanted if line.order_row.status is RowStatus.PICKING]
    advance_rows(session, row_ids, RowStatus.BACK_ORDERED if depot_order.part else RowStatus.RECEIVED)
    record_act(session, identity, depot_order, "pick.put_back")
    return depot_order


def empty_lines(session: Session, identity: Identity, depot_order: DepotOrder, lines: Collection[PickLine]) -> None:
    """Counter-book every pick of the lines and release their reservations; the caller holds the depot order's lock."""
    lot_ids = lots_of(lines)
    balances = lock_balances(session, depot_order.depot_id, lot_ids=lot_ids) if lot_ids else {}
    serialised = [line for line in lines if line.article.is_serialised]
    put_units_back(session, [pick.id for line in serialised for pick in line.picked_lots])
    for line in lines:
        for pick in line.picked_lots:
            book(
                session,
                identity,
                balances[pick.lot_id],
                pick.packages,
                MovementReason.PICK_UNDONE,
                f"pick_line:{line.id}",
            )
            session.delete(pick)
        line.picked, line.short, line.short_reason = 0, 0, None
    release_reservations(session, depot_order.depot_id, lines)
    session.flush()
    for line in lines:
        session.expire(line, ["picked_lots"])


def lots_of(lines: Collection[PickLine]) -> set[int]:
    """Return the lots that are picked or reserved for the lines."""
    picked = {pick.lot_id for line in lines for pick in line.picked_lots}
    return picked | {reservation.lot_id for line in lines for reservation in line.reservations}


def _lessen(session: Session, line: PickLine, pick: PickedLot, packages: int) -> None:
    pick.packages -= packages
    if pick.packages == 0:
        line.picked_lots.remove(pick)
        session.delete(pick)
