"""What happens to stock besides coming and going: scrapped, held, moved, counted, returned. The ledger only grows. Handbook §6."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from auth.identity import Identity
from auth.permissions import Permission, require
from core import idempotency
from core.audit import record
from core.clock import now
from core.errors import NotFound
from core.outbox import publish
from core.policy import policy_of
from delivery import errors
from delivery.complaints.recall_returns import count_return, must_stay_out
from delivery.count_models import CountStatus, StockCount
from delivery.goods_models import SerialisedUnit
from delivery.models import (
    DepotOrder,
    DepotOrderStatus,
    Lot,
    LotStatus,
    MovementReason,
    PickedLot,
    PickLine,
    StockBalance,
    StockMovement,
)
from delivery.policy import DeliveryPolicy
from delivery.receipts import depot_of_region
from delivery.serials import missing_serials, require_one_each, scrap_units, take_back_units
from delivery.stock import book, lock_balances
from orders.models import Order

_SENT = (DepotOrderStatus.SHIPPED, DepotOrderStatus.DELIVERED)


def scrap(
    session: Session,
    identity: Identity,
    lot_id: int,
    packages: int,
    note: str,
    *,
    serials: Sequence[str] = (),
    key: str = "",
) -> bool:
    """Book packages off the shelf for good; False when the key was spent. What is promised to orders cannot be scrapped.

    A serialised article needs the number of each package. Locks the lot's balance, then the units. Raises NotPermitted, NotFound,
    NoteMissing, NotThatMany, SerialsDiffer, or a SerialRefused.
    """
    require(identity, Permission.ADJUST_STOCK)
    if not note.strip():
        raise errors.NoteMissing
    if not _spend(session, identity, "scrap", key):
        return False
    balance = _lock_balance(session, identity, lot_id)
    free = balance.on_hand - balance.reserved
    if not 1 <= packages <= free:
        raise errors.NotThatMany(balance.lot.lot_no, free)
    require_one_each(balance.lot.article, packages, serials)
    if balance.lot.article.is_serialised:
        scrap_units(session, balance.lot, serials)
    book(session, identity, balance, -packages, MovementReason.SCRAPPED, f"lot:{lot_id}", note=note.strip())
    return True


def set_lot_status(session: Session, identity: Identity, lot_id: int, status: LotStatus, note: str) -> Lot:
    """Put a lot on hold or in quarantine, or let it go again; a recalled lot stays so. Nothing on hold leaves the depot.

    One that is let go may be what a back order waits for (`stock.received`). Locks the lot's balance: a picker who holds it finishes
    first. Raises NotPermitted, NotFound, NoteMissing, LotIsRecalled.
    """
    require(identity, Permission.ADJUST_STOCK)
    if not note.strip():
        raise errors.NoteMissing
    balance = _lock_balance(session, identity, lot_id)
    lot = session.get_one(Lot, lot_id, with_for_update=True, populate_existing=True)
    if lot.status is LotStatus.RECALLED or status is LotStatus.RECALLED:
        raise errors.LotIsRecalled(lot.lot_no)
    lot.status, lot.status_note = status, note.strip()
    if status is LotStatus.AVAILABLE:
        publish(session, "stock.received", depot_id=balance.depot_id)
    record(
        session,
        identity.actor,
        "lot.status_set",
        subject_person_id=None,
        object_ref=f"lot:{balance.lot_id}",
        reason=f"{status.value}: {note.strip()}",
    )
    return lot


def move_lot(session: Session, identity: Identity, lot_id: int, location: str) -> None:
    """Note where a lot stands; empty is the article's own shelf. Locks the lot's balance. Raises NotPermitted, NotFound."""
    require(identity, Permission.ADJUST_STOCK)
    _lock_balance(session, identity, lot_id).location = location.strip()


def count_lot(
    session: Session,
    identity: Identity,
    lot_id: int,
    counted: int,
    *,
    serials: Sequence[str] = (),
    key: str = "",
) -> StockCount | None:
    """Write what was counted of a lot, in packages; None when the key was spent.

    A count that agrees with the ledger is settled. One that differs waits for somebody else to count again without being told; the
    second count is what the ledger is corrected to. Of a serialised article the numbers are what is counted, and a unit that neither count
    has found is scrapped. Locks the lot's balance, then the units. Raises NotPermitted, NotFound, CountAgainByAnother, CountBelowReserved
    (the first count stands then), SerialsDiffer, UnknownSerial for a unit that should not be there, and ValueError for a negative number.
    """
    require(identity, Permission.ADJUST_STOCK)
    if counted < 0:
        raise ValueError("nobody counts less than nothing")
    if not _spend(session, identity, "count", key):
        return None
    balance = _lock_balance(session, identity, lot_id)
    require_one_each(balance.lot.article, counted, serials)
    lost = missing_serials(session, balance.lot, serials) if balance.lot.article.is_serialised else []
    waiting = session.scalar(
        select(StockCount).where(
            StockCount.depot_id == balance.depot_id,
            StockCount.lot_id == lot_id,
            StockCount.status == CountStatus.RECOUNT,
        )
    )
    assert identity.staff_id is not None
    if waiting is None:
        agrees = counted == balance.on_hand
        first = StockCount(
            depot_id=balance.depot_id,
            lot_id=lot_id,
            expected=balance.on_hand,
            counted=counted,
            counted_by_id=identity.staff_id,
            counted_at=now(session),
            status=CountStatus.SETTLED if agrees else CountStatus.RECOUNT,
            settled_at=now(session) if agrees else None,
        )
        session.add(first)
        session.flush()
        return first
    if waiting.counted_by_id == identity.staff_id:
        raise errors.CountAgainByAnother(balance.lot.lot_no)
    if counted < balance.reserved:
        raise errors.CountBelowReserved(balance.lot.lot_no, balance.reserved)
    if lost:
        scrap_units(session, balance.lot, lost)
    difference = counted - balance.on_hand
    if difference:
        book(session, identity, balance, difference, MovementReason.COUNTED, f"count:{waiting.id}")
    waiting.recounted, waiting.recounted_by_id = counted, identity.staff_id
    waiting.status, waiting.settled_at = CountStatus.SETTLED, now(session)
    return waiting


@dataclass(frozen=True)
class TakeBack:
    """Packages that a patient has sent back, of one lot of one order."""

    picked_lot_id: int
    packages: int
    note: str
    idempotency_key: str = ""
    serials: tuple[str, ...] = ()


def take_back(session: Session, identity: Identity, command: TakeBack) -> bool:
    """Book returned packages in, and scrap them at once unless the policy lets them back on the shelf; False when the key was spent.

    Medical devices never go back to stock unless the region's policy says so. What is called back never does, and is counted in its
    recall; nor does what a supplier sent in exchange, whose lot nobody here knows. Locks the lot's balance, the lot (shared), the units,
    then what recalls wait for. Raises NotPermitted, NotFound, NoteMissing, NotYetSent, NotThatMany, SerialsDiffer, UnknownSerial.
    """
    require(identity, Permission.ADJUST_STOCK)
    if not command.note.strip():
        raise errors.NoteMissing
    if not _spend(session, identity, "take-back", command.idempotency_key):
        return False
    found = session.execute(
        select(PickedLot, Order, DepotOrder.status)
        .join(PickLine, PickedLot.pick_line_id == PickLine.id)
        .join(DepotOrder, PickLine.depot_order_id == DepotOrder.id)
        .join(Order, DepotOrder.order_id == Order.id)
        .where(PickedLot.id == command.picked_lot_id, DepotOrder.region == identity.region)
    ).one_or_none()
    if found is None:
        raise NotFound
    picked, order, status = found
    balance = _lock_balance(session, identity, picked.lot_id)
    if status not in _SENT:
        raise errors.NotYetSent(balance.lot.lot_no)
    reference = f"picked_lot:{picked.id}"
    before = session.scalar(
        select(func.coalesce(func.sum(StockMovement.packages), 0)).where(
            StockMovement.lot_id == picked.lot_id,
            StockMovement.object_ref == reference,
            StockMovement.reason == MovementReason.RETURNED,
        )
    )
    left = picked.packages - (before or 0)
    if not 1 <= command.packages <= left:
        raise errors.NotThatMany(balance.lot.lot_no, left)
    note = command.note.strip()
    article, policy = balance.lot.article, policy_of(identity.region).section(DeliveryPolicy)
    stays_out = must_stay_out(session, picked, command.serials)
    to_stock = article.product_area in policy.returns_go_back_to_stock and not stays_out
    require_one_each(article, command.packages, command.serials)
    units: list[SerialisedUnit] = []
    if article.is_serialised:
        units = take_back_units(session, picked, command.serials, to_stock=to_stock)
    book(session, identity, balance, command.packages, MovementReason.RETURNED, reference, note=note)
    if not to_stock:
        book(session, identity, balance, -command.packages, MovementReason.SCRAPPED, reference, note=note)
    count_return(session, identity, picked, command.packages, [unit.id for unit in units])
    record(
        session,
        identity.actor,
        "goods.taken_back",
        subject_person_id=order.person_id,
        object_ref=f"order:{order.order_no}",
        reason=note,
    )
    return True


def _lock_balance(session: Session, identity: Identity, lot_id: int) -> StockBalance:
    depot = depot_of_region(session, identity.region)
    balance = lock_balances(session, depot.id, lot_ids=[lot_id]).get(lot_id)
    if balance is None:
        raise NotFound
    return balance


def _spend(session: Session, identity: Identity, scope: str, key: str) -> bool:
    return not key or idempotency.spend(session, scope, f"staff:{identity.staff_id}", key).is_first
