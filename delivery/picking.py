"""Picking: an order is claimed, its lots reserved, and each package checked on its way into the box. Handbook §6."""

from __future__ import annotations

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from auth.identity import Identity
from auth.models import StaffMember
from auth.permissions import Permission, require
from core import idempotency
from core.clock import now, today
from core.errors import NotFound
from delivery import errors
from delivery.allocation import LotProblem, judge_lot
from delivery.claims import is_free_now, line_of, live_lines, lock_depot_order, lock_own_pick, record_act
from delivery.demand import reserve_fairly
from delivery.goods_models import UnitStatus
from delivery.models import DepotOrder, DepotOrderStatus, Lot, MovementReason, PickedLot, PickLine, StockBalance
from delivery.serials import lot_of_serial, require_one_each, take_unit
from delivery.stock import book, lock_balances, lot_facts, need_of
from delivery.udi import NotACode, ScannedCode, normalise_gtin, read_code
from orders.models import Article, RowStatus
from orders.progress import advance_rows

_REFUSALS = {
    LotProblem.RECALLED: errors.LotRecalled,
    LotProblem.QUARANTINED: errors.LotQuarantined,
    LotProblem.ON_HOLD: errors.LotOnHold,
    LotProblem.EXPIRED: errors.LotExpired,
    LotProblem.SAME_AS_FAULTY: errors.SameLotAsFaulty,
}


def start_picking(session: Session, identity: Identity, depot_order_id: int) -> DepotOrder:
    """Claim a waiting order for the picker, reserve its lots and move its rows to PICKING; again by the same picker changes nothing.

    Locks the rows, the depot order, then the balances of its articles' lots. Rows cancelled meanwhile are left out; when all were,
    the order comes back with status CANCELLED, and nothing else has happened: the caller must look. Raises NotPermitted, NotFound,
    PickedBySomebodyElse, WrongStep, ReceiverDeceased.
    """
    depot_order = lock_depot_order(session, identity, depot_order_id, Permission.PICK)
    if depot_order.status is DepotOrderStatus.PICKING:
        if depot_order.picker_id == identity.staff_id:
            return depot_order
        raise errors.PickedBySomebodyElse(session.get_one(StaffMember, depot_order.picker_id).name)
    if depot_order.status is not DepotOrderStatus.WAITING:
        raise errors.WrongStep(depot_order.status)
    if depot_order.order.receiver_has_died:
        raise errors.ReceiverDeceased
    claim(session, identity, depot_order)
    return depot_order


def claim(session: Session, identity: Identity, depot_order: DepotOrder) -> bool:
    """Give a locked order to the picker and move its rows to PICKING; reserves its lots unless a wave has.

    False when there is nothing to pick: the patient has died, or all rows were cancelled; the order is CANCELLED then.
    """
    lines = live_lines(depot_order)
    if not lines:
        depot_order.status = DepotOrderStatus.CANCELLED
        return False
    if depot_order.order.receiver_has_died:
        return False
    if depot_order.wave_id is None and depot_order.status is DepotOrderStatus.WAITING:
        reserve_fairly(session, depot_order, lines)
    depot_order.status = DepotOrderStatus.PICKING
    depot_order.picker_id, depot_order.picking_started_at = identity.staff_id, now(session)
    # A row of which a part is already sent does not go back to being picked in the patient's eyes.
    begun = {RowStatus.RECEIVED, RowStatus.BACK_ORDERED}
    advance_rows(session, [line.order_row_id for line in lines if line.order_row.status in begun], RowStatus.PICKING)
    record_act(session, identity, depot_order, "pick.started")
    return True


def start_next(session: Session, identity: Identity) -> DepotOrder | None:
    """Return the order that the picker has begun, else claim the waiting one with the oldest promise; None when there is none.

    Locks and writes as `start_picking`; orders that somebody else takes in the same moment are passed by.
    """
    require(identity, Permission.PICK)
    begun = session.scalar(
        select(DepotOrder)
        .where(
            DepotOrder.region == identity.region,
            DepotOrder.status == DepotOrderStatus.PICKING,
            DepotOrder.picker_id == identity.staff_id,
        )
        .order_by(DepotOrder.id)
        .limit(1)
    )
    if begun is not None:
        return begun
    waiting = session.scalars(
        select(DepotOrder.id)
        .where(DepotOrder.region == identity.region, DepotOrder.status == DepotOrderStatus.WAITING)
        .order_by(DepotOrder.promised_date, DepotOrder.id)
        .limit(50)
    ).all()
    for depot_order_id in waiting:
        if not is_free_now(session, depot_order_id):
            continue
        try:
            depot_order = start_picking(session, identity, depot_order_id)
        except (errors.PickedBySomebodyElse, errors.WrongStep, errors.ReceiverDeceased):
            continue
        if depot_order.status is DepotOrderStatus.PICKING:
            return depot_order
    return None


def scan(
    session: Session,
    identity: Identity,
    depot_order_id: int,
    raw: str,
    *,
    packages: int = 1,
    key: str = "",
    scanned: bool = True,
    serial_no: str = "",
) -> PickedLot | None:
    """Pick what the scanner typed (or a person, `scanned` tells): one package, or as many as stated; None when the key was spent.

    An article whose packages have serial numbers is picked one by one, each with its number (in the code, else `serial_no`). Locks the
    rows, the depot order, the balances of the lots concerned, the lot (shared), then the unit. Another lot than the reserved one is taken
    when it is as good. Raises NotPermitted, NotFound, PickedBySomebodyElse, WrongStep, RowCancelled, or a ScanRefused that says why.
    """
    depot_order = lock_own_pick(session, identity, depot_order_id)
    if not _spend(session, identity, key):
        return None
    try:
        code = read_code(raw)
    except NotACode as problem:
        raise errors.UnreadableCode(raw[:60]) from problem
    line = _line_for(session, depot_order, code)
    lot = _lot_for(session, depot_order, line, code)
    if code.expires_on is not None and code.expires_on != lot.expires_on:
        raise errors.ExpiryDiffers(lot.lot_no, code.expires_on, lot.expires_on)
    serial_no = code.serial_no or serial_no
    return _pick(session, identity, depot_order, line, lot.id, packages, scanned=scanned, serial_no=serial_no)


def tick(
    session: Session,
    identity: Identity,
    depot_order_id: int,
    pick_line_id: int,
    lot_id: int,
    packages: int,
    *,
    key: str = "",
) -> PickedLot | None:
    """Pick packages of a lot by hand instead of by scanner: the same locks, checks and errors as `scan`."""
    depot_order = lock_own_pick(session, identity, depot_order_id)
    if not _spend(session, identity, key):
        return None
    return _pick(session, identity, depot_order, line_of(depot_order, pick_line_id), lot_id, packages, scanned=False)


def _spend(session: Session, identity: Identity, key: str) -> bool:
    return not key or idempotency.spend(session, "pick", f"staff:{identity.staff_id}", key).is_first


def _line_for(session: Session, depot_order: DepotOrder, code: ScannedCode) -> PickLine:
    found = [line for line in depot_order.lines if is_article(line.article, code)]
    if not found:
        gtins = {code.gtin, (code.gtin or "").removeprefix("0")}
        name = session.scalar(
            select(Article.name).where(
                Article.region == depot_order.region,
                Article.gtin.in_(gtins) if code.gtin else Article.article_no == code.article_no,
            )
        )
        raise errors.NotOnOrder(name or "")
    # Two lines may share an article: the one that still wants some comes first.
    return max(found, key=lambda line: need_of(line).packages)


def is_article(article: Article, code: ScannedCode) -> bool:
    """Tell whether a code is on this article's packages."""
    if code.gtin is None:
        return article.article_no == code.article_no
    try:
        return article.gtin is not None and normalise_gtin(article.gtin) == code.gtin
    except NotACode:
        return False


def _lot_for(session: Session, depot_order: DepotOrder, line: PickLine, code: ScannedCode) -> Lot:
    here = (
        select(Lot)
        .join(StockBalance, StockBalance.lot_id == Lot.id)
        .where(StockBalance.depot_id == depot_order.depot_id, Lot.article_id == line.article_id)
    )
    if code.lot_no is not None:
        # The printed code may be upper case where the delivery file was not.
        lots = session.scalars(here.where(func.upper(Lot.lot_no) == code.lot_no.upper())).all()
        exact = next((lot for lot in lots if lot.lot_no == code.lot_no), None)
        if not lots:
            raise errors.UnknownLot(code.lot_no)
        return exact or lots[0]
    if line.article.is_serialised and code.serial_no is not None:
        known = lot_of_serial(session, line.article_id, code.serial_no)
        if known is None:
            raise errors.UnknownSerial(code.serial_no)
        return known
    # Without a lot in the code only a shelf with a single lot leaves no doubt about what the patient gets.
    lots = session.scalars(here.where(StockBalance.on_hand > 0)).all()
    if len(lots) != 1:
        raise errors.LotNotStated
    return lots[0]


def _pick(
    session: Session,
    identity: Identity,
    depot_order: DepotOrder,
    line: PickLine,
    lot_id: int,
    packages: int,
    *,
    scanned: bool,
    serial_no: str = "",
) -> PickedLot:
    if line.order_row.status is RowStatus.CANCELLED:
        raise errors.RowCancelled
    left = line.packages - line.picked - line.short
    if not 1 <= packages <= left:
        raise errors.NothingLeftToPick(line.article.display_name)
    concerned = {lot_id} | {reservation.lot_id for reservation in line.reservations}
    balances = lock_balances(session, depot_order.depot_id, lot_ids=concerned)
    balance = balances.get(lot_id)
    if balance is None or balance.lot.article_id != line.article_id:
        raise NotFound
    _check_lot(session, line, balance)
    unit = None
    if line.article.is_serialised:
        unit = take_unit(session, balance.lot, serial_no)
        require_one_each(line.article, packages, [serial_no])
    _take_reserved(session, line, balances, lot_id, packages)
    book(session, identity, balance, -packages, MovementReason.PICKED, f"pick_line:{line.id}")
    line.picked += packages
    pick = next((one for one in line.picked_lots if one.lot_id == lot_id), None)
    if pick is None:
        pick = PickedLot(lot_id=lot_id, lot=balance.lot, packages=packages, scanned=scanned)
        line.picked_lots.append(pick)
    else:
        pick.packages, pick.scanned = pick.packages + packages, pick.scanned and scanned
    pick.picked_at, pick.picker_id = now(session), identity.staff_id
    session.flush()
    if unit is not None:
        unit.status, unit.picked_lot_id = UnitStatus.PICKED, pick.id
        session.flush()
    record_act(session, identity, depot_order, "package.picked")
    return pick


def _check_lot(session: Session, line: PickLine, balance: StockBalance) -> None:
    # Held until the pick is booked: a recall is either opened before, and found here, or waits and finds what was picked.
    lot = session.get_one(Lot, balance.lot_id, with_for_update={"read": True}, populate_existing=True)
    problem = judge_lot(lot_facts(balance), need_of(line), today(session))
    if problem is LotProblem.EXPIRES_TOO_SOON:
        raise errors.ExpiresTooSoon(lot.lot_no, lot.expires_on, line.use_until)
    if problem is not None:
        raise _REFUSALS[problem](lot.lot_no)


def _take_reserved(
    session: Session, line: PickLine, balances: dict[int, StockBalance], lot_id: int, packages: int
) -> None:
    """Use the line's reservation of the lot, else what is free of it, and give up what the line then has reserved too much."""
    balance = balances[lot_id]
    mine = {reservation.lot_id: reservation for reservation in line.reservations}
    reserved = mine[lot_id].packages if lot_id in mine else 0
    if balance.on_hand < packages:
        raise errors.NotOnHand(balance.lot.lot_no)
    if balance.on_hand - balance.reserved + reserved < packages:
        raise errors.ReservedForOthers(balance.lot.lot_no)
    give_up = {lot_id: min(packages, reserved)}
    too_many = sum(one.packages for one in line.reservations) - give_up[lot_id] - (need_of(line).packages - packages)
    # The latest expiry goes back first, so that what is left for the line is still first expired, first out.
    for reservation in sorted(line.reservations, key=lambda one: one.lot.expires_on, reverse=True):
        spare = reservation.packages - give_up.get(reservation.lot_id, 0)
        returned = max(0, min(spare, too_many))
        give_up[reservation.lot_id] = give_up.get(reservation.lot_id, 0) + returned
        too_many -= returned
    for reservation in list(line.reservations):
        count = give_up[reservation.lot_id]
        balances[reservation.lot_id].reserved -= count
        if count == reservation.packages:
            line.reservations.remove(reservation)
            session.delete(reservation)
        else:
            reservation.packages -= count
    session.flush()
