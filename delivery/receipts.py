"""Deliveries from suppliers: opened, closed, and what was refused of them sent back."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload

from auth.identity import Identity
from auth.models import Unit
from auth.permissions import Permission, require
from core import idempotency
from core.audit import record
from core.clock import now
from core.errors import NotFound
from core.outbox import publish
from core.policy import policy_of
from delivery import errors
from delivery.goods_models import RECEIPT_NO_SEQUENCE, GoodsReceipt, ReceiptLine, SupplierOrder
from delivery.models import Depot
from delivery.policy import DeliveryPolicy


def open_receipt(
    session: Session, identity: Identity, supplier_order_id: int | None, delivery_note_no: str, *, key: str = ""
) -> GoodsReceipt:
    """Begin a delivery, against a supplier order or without; the same key gives the same delivery.

    Raises NotPermitted, NotFound, SupplierOrderClosed.
    """
    require(identity, Permission.RECEIVE_GOODS)
    depot = depot_of_region(session, identity.region)
    spent = idempotency.spend(session, "open-receipt", f"staff:{identity.staff_id}", key) if key else None
    if spent is not None and spent.earlier_result is not None:
        return session.get_one(GoodsReceipt, int(spent.earlier_result))
    if supplier_order_id is not None:
        order = session.get(SupplierOrder, supplier_order_id)
        if order is None or order.depot_id != depot.id:
            raise NotFound
        if order.closed_at is not None:
            raise errors.SupplierOrderClosed(order.order_no)
    receipt = GoodsReceipt(
        depot_id=depot.id,
        receipt_no=str(session.scalar(RECEIPT_NO_SEQUENCE)),
        supplier_order_id=supplier_order_id,
        delivery_note_no=delivery_note_no,
        opened_at=now(session),
        staff_id=identity.staff_id,
    )
    session.add(receipt)
    session.flush()
    if spent is not None:
        spent.settle(session, str(receipt.id))
    record(
        session, identity.actor, "receipt.opened", subject_person_id=None, object_ref=f"receipt:{receipt.receipt_no}"
    )
    return receipt


def close_receipt(session: Session, identity: Identity, receipt_id: int) -> GoodsReceipt:
    """End a delivery; a supplier order of which nothing is left to come is closed with it. Locks the receipt and its order."""
    receipt = lock_receipt(session, identity, receipt_id)
    receipt.closed_at = now(session)
    if receipt.supplier_order_id is not None:
        order = session.scalars(
            select(SupplierOrder)
            .where(SupplierOrder.id == receipt.supplier_order_id)
            .with_for_update()
            .options(selectinload(SupplierOrder.lines))
            .execution_options(populate_existing=True)
        ).one()
        if all(line.received >= line.packages for line in order.lines):
            order.closed_at = now(session)
        publish(session, "back_orders.expected", region=order.region)
    record(
        session, identity.actor, "receipt.closed", subject_person_id=None, object_ref=f"receipt:{receipt.receipt_no}"
    )
    return receipt


def send_back(session: Session, identity: Identity, receipt_id: int) -> list[ReceiptLine]:
    """Note that everything refused of a delivery is on its way back to the supplier, under one return number; again changes nothing.

    Locks the receipt. Raises NotPermitted, NotFound, NothingToReturn.
    """
    receipt = lock_receipt(session, identity, receipt_id, may_be_closed=True)
    refused = session.scalars(
        select(ReceiptLine)
        .where(ReceiptLine.receipt_id == receipt.id, ReceiptLine.refusal.is_not(None))
        .order_by(ReceiptLine.id)
    ).all()
    if not refused:
        raise errors.NothingToReturn
    for line in refused:
        if line.returned_at is None:
            line.return_no, line.returned_at = return_no_of(receipt), now(session)
    record(
        session, identity.actor, "goods.sent_back", subject_person_id=None, object_ref=f"receipt:{receipt.receipt_no}"
    )
    return list(refused)


def return_no_of(receipt: GoodsReceipt) -> str:
    """Return the number under which what was refused of a delivery goes back."""
    return f"R{receipt.receipt_no}"


def depot_of_region(session: Session, region: str) -> Depot:
    """Return the depot that the region's policy names; raise NotFound when there is none."""
    hsa_id = policy_of(region).section(DeliveryPolicy).depot_hsa_id
    depot = session.scalar(select(Depot).join(Unit, Depot.unit_id == Unit.id).where(Unit.hsa_id == hsa_id))
    if depot is None:
        raise NotFound
    return depot


def lock_receipt(session: Session, identity: Identity, receipt_id: int, *, may_be_closed: bool = False) -> GoodsReceipt:
    """Lock a receipt of the identity's region; raise NotPermitted, NotFound, ReceiptClosed."""
    require(identity, Permission.RECEIVE_GOODS)
    receipt = session.scalar(
        select(GoodsReceipt)
        .join(Depot, GoodsReceipt.depot_id == Depot.id)
        .where(GoodsReceipt.id == receipt_id, Depot.region == identity.region)
        .with_for_update(of=GoodsReceipt)
        .execution_options(populate_existing=True)
    )
    if receipt is None:
        raise NotFound
    if receipt.closed_at is not None and not may_be_closed:
        raise errors.ReceiptClosed(receipt.receipt_no)
    return receipt
