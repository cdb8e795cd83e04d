"""Stock: the ledger, what is reserved of it, and goods received. Balances are always locked in lot id order."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date

from sqlalchemy import select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session, contains_eager

from auth.identity import Identity
from auth.permissions import Permission, require
from core.clock import now, today
from core.errors import NotFound
from core.outbox import publish
from delivery.allocation import LotFacts, Need, allocate
from delivery.errors import ExpiryDiffers
from delivery.models import Depot, Lot, LotStatus, MovementReason, PickLine, Reservation, StockBalance, StockMovement
from orders.models import Article


@dataclass(frozen=True)
class ReceiveStock:
    """Goods of one lot, in packages; `source_ref` is the source's own reference and makes a repeat change nothing."""

    depot_id: int
    article_id: int
    lot_no: str
    expires_on: date
    packages: int
    source_ref: str


def receive_stock(session: Session, identity: Identity, command: ReceiveStock) -> bool:
    """Book received goods and publish `stock.received`; False when this source reference is booked already.

    Raises NotPermitted, NotFound for an article of another region, ExpiryDiffers when the lot is known with another expiry, and
    ValueError for less than one package.
    """
    depot = session.get(Depot, command.depot_id)
    if depot is None:
        raise NotFound
    require(identity, Permission.RUN_IMPORT, region=depot.region)
    article = session.get(Article, command.article_id)
    if article is None or article.region != depot.region:
        raise NotFound
    if command.packages < 1:
        raise ValueError("at least one package is received")
    lot = find_or_add_lot(session, command.article_id, command.lot_no, command.expires_on)
    if lot.expires_on != command.expires_on:
        raise ExpiryDiffers(lot.lot_no, command.expires_on, lot.expires_on)
    movement = (
        insert(StockMovement)
        .values(
            depot_id=depot.id,
            lot_id=lot.id,
            packages=command.packages,
            reason=MovementReason.RECEIVED,
            source_ref=command.source_ref,
            at=now(session),
            staff_id=identity.staff_id,
        )
        .on_conflict_do_nothing(index_elements=["depot_id", "source_ref"], index_where=text("source_ref IS NOT NULL"))
        .returning(StockMovement.id)
    )
    if session.scalar(movement) is None:
        return False
    publish(session, "stock.received", depot_id=depot.id)
    return True


def find_or_add_lot(session: Session, article_id: int, lot_no: str, expires_on: date) -> Lot:
    """Return the lot of that number, added with this expiry if nobody has it yet; the caller compares the expiry."""
    session.execute(
        insert(Lot)
        .values(article_id=article_id, lot_no=lot_no, expires_on=expires_on, status=LotStatus.AVAILABLE)
        .on_conflict_do_nothing(index_elements=["article_id", "lot_no"])
    )
    return session.scalars(select(Lot).where(Lot.article_id == article_id, Lot.lot_no == lot_no)).one()


def book(
    session: Session,
    identity: Identity,
    balance: StockBalance,
    packages: int,
    reason: MovementReason,
    object_ref: str,
    *,
    note: str = "",
) -> None:
    """Write one movement of a lot whose balance the caller has locked; the database refuses to go below zero or below what is reserved."""
    session.flush()
    session.add(
        StockMovement(
            depot_id=balance.depot_id,
            lot_id=balance.lot_id,
            packages=packages,
            reason=reason,
            object_ref=object_ref,
            note=note,
            at=now(session),
            staff_id=identity.staff_id,
        )
    )
    session.flush()
    session.refresh(balance, ["on_hand"])


def lock_balances(
    session: Session, depot_id: int, *, article_ids: Collection[int] = (), lot_ids: Collection[int] = ()
) -> dict[int, StockBalance]:
    """Lock the balances of the articles' lots and of the lots given, in lot id order; by lot id, lots loaded anew."""
    balances = session.scalars(
        select(StockBalance)
        .join(StockBalance.lot)
        .where(StockBalance.depot_id == depot_id, Lot.article_id.in_(article_ids) | Lot.id.in_(lot_ids))
        .order_by(StockBalance.lot_id)
        .options(contains_eager(StockBalance.lot))
        .with_for_update(of=StockBalance)
        .execution_options(populate_existing=True)
    )
    return {balance.lot_id: balance for balance in balances}


def lot_facts(balance: StockBalance, *, free: int | None = None) -> LotFacts:
    """Return what decides about a balance's lot; `free` where the caller has already given some of it away."""
    return LotFacts(
        lot_id=balance.lot_id,
        expires_on=balance.lot.expires_on,
        is_quarantined=balance.lot.status is LotStatus.QUARANTINED,
        is_recalled=balance.lot.status is LotStatus.RECALLED,
        free=free_of(balance) if free is None else free,
        is_on_hold=balance.lot.status is LotStatus.ON_HOLD,
    )


def free_of(balance: StockBalance) -> int:
    """Return the packages of a locked balance that may be promised: on hand, not promised yet, and not called back by number."""
    return max(0, balance.on_hand - balance.reserved - balance.held_back)


def need_of(line: PickLine) -> Need:
    """Return what is still to be picked of a line."""
    return Need(
        line.packages - line.picked - line.short, line.use_until, line.avoid_lot_id, frozenset(line.avoid_more or ())
    )


def reserve_lots(session: Session, depot_id: int, lines: Iterable[PickLine]) -> None:
    """Reserve lots for what is left of the lines, first expired first out; less where there is less.

    Locks the balances of all lots of the lines' articles. The lines have no reservations yet.
    """
    wanted = list(lines)
    balances = lock_balances(session, depot_id, article_ids={line.article_id for line in wanted})
    for line in wanted:
        lots = [lot_facts(balance) for balance in balances.values() if balance.lot.article_id == line.article_id]
        for lot_id, packages in allocate(need_of(line), lots, today(session)).items():
            balances[lot_id].reserved += packages
            line.reservations.append(Reservation(lot_id=lot_id, packages=packages, lot=balances[lot_id].lot))
    session.flush()


def release_reservations(session: Session, depot_id: int, lines: Iterable[PickLine]) -> None:
    """Give back everything that is reserved for the lines. Locks the reserved lots' balances."""
    reservations = [reservation for line in lines for reservation in line.reservations]
    if not reservations:
        return
    balances = lock_balances(session, depot_id, lot_ids={reservation.lot_id for reservation in reservations})
    for reservation in reservations:
        balances[reservation.lot_id].reserved -= reservation.packages
        session.delete(reservation)
    session.flush()
    for line in {reservation.pick_line_id for reservation in reservations}:
        session.expire(session.get_one(PickLine, line), ["reservations"])
