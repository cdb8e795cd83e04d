"""Read models of goods in: what is expected, one delivery, and what a code on the floor says. Staff see their own region only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from itertools import groupby

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload, selectinload

from auth.identity import Identity
from auth.models import StaffMember
from auth.permissions import Permission, require
from core.clock import swedish_date, today
from core.errors import NotFound
from delivery import errors
from delivery.goods_models import GoodsReceipt, ReceiptLine, SupplierOrder, SupplierOrderLine
from delivery.goods_rules import Refusal, judge_goods, required_days_left
from delivery.models import Lot, StockBalance
from delivery.receipts import depot_of_region
from delivery.receiving import article_of, facts_of
from delivery.reordering import Proposal, proposals
from delivery.udi import NotACode, ScannedCode, read_code
from orders.models import Article, Supplier

CLOSED_SHOWN = 20


@dataclass(frozen=True)
class Expected:
    """One open supplier order; packages still to come."""

    order: SupplierOrder
    is_late: bool
    packages_left: int


@dataclass(frozen=True)
class ReceivingPage:
    """What is to come, what is being received, what is to go back, and what should be ordered by supplier."""

    expected: tuple[Expected, ...]
    being_received: tuple[GoodsReceipt, ...]
    to_return: tuple[GoodsReceipt, ...]
    closed: tuple[GoodsReceipt, ...]
    proposals: tuple[tuple[Supplier, tuple[Proposal, ...]], ...]


@dataclass(frozen=True)
class Refused:
    """A refused line, and the days that were left and required when it came."""

    line: ReceiptLine
    days_left: int | None
    days_required: int | None


@dataclass(frozen=True)
class ReceiptPage:
    """One delivery: what was taken in and what refused, newest first, and how it differs from what was ordered."""

    receipt: GoodsReceipt
    staff_name: str
    accepted: tuple[ReceiptLine, ...]
    refused: tuple[Refused, ...]
    ordered: tuple[SupplierOrderLine, ...]

    @property
    def differences(self) -> tuple[SupplierOrderLine, ...]:
        """The ordered articles of which more or fewer packages have come than were ordered."""
        return tuple(line for line in self.ordered if line.received != line.packages)

    @property
    def is_returned(self) -> bool:
        """Whether everything refused is on its way back."""
        return all(one.line.returned_at is not None for one in self.refused)


@dataclass(frozen=True)
class GoodsLook:
    """What a code says before anything is booked; `refusal` is what would happen to undamaged goods."""

    code: ScannedCode
    article: Article | None
    lot: Lot | None
    expires_on: date | None
    location: str
    still_expected: int | None
    refusal: Refusal | None
    days_left: int | None
    days_required: int | None


def receiving_page(session: Session, identity: Identity) -> ReceivingPage:
    """Return the page of goods in; a fixed number of statements. Raises NotPermitted, NotFound."""
    require(identity, Permission.RECEIVE_GOODS)
    depot, day = depot_of_region(session, identity.region), today(session)
    orders = session.scalars(
        select(SupplierOrder)
        .where(SupplierOrder.depot_id == depot.id, SupplierOrder.closed_at.is_(None))
        .options(joinedload(SupplierOrder.supplier), selectinload(SupplierOrder.lines))
        .order_by(SupplierOrder.expected_on, SupplierOrder.id)
    )
    receipts = (
        select(GoodsReceipt)
        .where(GoodsReceipt.depot_id == depot.id)
        .options(joinedload(GoodsReceipt.supplier_order).joinedload(SupplierOrder.supplier))
        .order_by(GoodsReceipt.id.desc())
    )
    waits = select(ReceiptLine.id).where(
        ReceiptLine.receipt_id == GoodsReceipt.id, ReceiptLine.refusal.is_not(None), ReceiptLine.return_no == ""
    )
    by_supplier = groupby(proposals(session, identity), key=lambda one: one.article.supplier)
    return ReceivingPage(
        expected=tuple(
            Expected(
                order,
                is_late=order.expected_on < day,
                packages_left=sum(max(0, line.packages - line.received) for line in order.lines),
            )
            for order in orders
        ),
        being_received=tuple(session.scalars(receipts.where(GoodsReceipt.closed_at.is_(None)))),
        to_return=tuple(session.scalars(receipts.where(GoodsReceipt.closed_at.is_not(None), waits.exists()))),
        closed=tuple(session.scalars(receipts.where(GoodsReceipt.closed_at.is_not(None)).limit(CLOSED_SHOWN))),
        proposals=tuple((supplier, tuple(wanted)) for supplier, wanted in by_supplier if supplier is not None),
    )


def receipt_page(session: Session, identity: Identity, receipt_id: int) -> ReceiptPage:
    """Return one delivery. Raises NotPermitted, NotFound."""
    require(identity, Permission.RECEIVE_GOODS)
    receipt = _find_receipt(session, identity, receipt_id)
    lines = session.scalars(
        select(ReceiptLine)
        .where(ReceiptLine.receipt_id == receipt.id)
        .options(joinedload(ReceiptLine.article), joinedload(ReceiptLine.lot))
        .order_by(ReceiptLine.id.desc())
    ).all()
    staff = session.get(StaffMember, receipt.staff_id) if receipt.staff_id else None
    return ReceiptPage(
        receipt=receipt,
        staff_name=staff.name if staff else "",
        accepted=tuple(line for line in lines if line.refusal is None),
        refused=tuple(refused(line) for line in lines if line.refusal is not None),
        ordered=tuple(_ordered(session, receipt)),
    )


def look_at_goods(session: Session, identity: Identity, receipt_id: int, raw: str) -> GoodsLook:
    """Return what a scanned or typed code says of goods of a delivery; books nothing. Raises NotPermitted, NotFound, UnreadableCode."""
    require(identity, Permission.RECEIVE_GOODS)
    receipt = _find_receipt(session, identity, receipt_id)
    try:
        code = read_code(raw)
    except NotACode as problem:
        raise errors.UnreadableCode(raw[:60]) from problem
    article = article_of(session, identity.region, code)
    if article is None:
        return GoodsLook(code, None, None, code.expires_on, "", None, Refusal.UNKNOWN_ARTICLE, None, None)
    lot = session.scalar(select(Lot).where(Lot.article_id == article.id, Lot.lot_no == code.lot_no))
    expires_on = code.expires_on or (lot.expires_on if lot else None)
    balance = session.get(StockBalance, (receipt.depot_id, lot.id)) if lot else None
    ordered = next((line for line in _ordered(session, receipt) if line.article_id == article.id), None)
    is_ordered = receipt.supplier_order_id is None or ordered is not None
    refusal = Refusal.NOT_ORDERED if not is_ordered else None
    if expires_on is not None:
        refusal = judge_goods(
            facts_of(article, expires_on, lot, is_damaged=False, is_ordered=is_ordered), today(session)
        )
    return GoodsLook(
        code=code,
        article=article,
        lot=lot,
        expires_on=expires_on,
        location=(balance.location if balance else "") or article.location,
        still_expected=max(0, ordered.packages - ordered.received) if ordered else None,
        refusal=refusal,
        days_left=(expires_on - today(session)).days if expires_on else None,
        days_required=required_days_left(article.kind, article.shelf_life_days, article.least_days_left),
    )


def supplier_order_page(session: Session, identity: Identity, supplier_order_id: int) -> SupplierOrder:
    """Return one order to a supplier with its lines and articles. Raises NotPermitted, NotFound."""
    require(identity, Permission.RECEIVE_GOODS)
    depot = depot_of_region(session, identity.region)
    order = session.scalar(
        select(SupplierOrder)
        .where(SupplierOrder.id == supplier_order_id, SupplierOrder.depot_id == depot.id)
        .options(
            joinedload(SupplierOrder.supplier),
            selectinload(SupplierOrder.lines).joinedload(SupplierOrderLine.article),
        )
    )
    if order is None:
        raise NotFound
    return order


def _find_receipt(session: Session, identity: Identity, receipt_id: int) -> GoodsReceipt:
    depot = depot_of_region(session, identity.region)
    receipt = session.scalar(
        select(GoodsReceipt)
        .where(GoodsReceipt.id == receipt_id, GoodsReceipt.depot_id == depot.id)
        .options(joinedload(GoodsReceipt.supplier_order).joinedload(SupplierOrder.supplier))
    )
    if receipt is None:
        raise NotFound
    return receipt


def _ordered(session: Session, receipt: GoodsReceipt) -> Sequence[SupplierOrderLine]:
    if receipt.supplier_order_id is None:
        return ()
    return session.scalars(
        select(SupplierOrderLine)
        .where(SupplierOrderLine.supplier_order_id == receipt.supplier_order_id)
        .options(joinedload(SupplierOrderLine.article))
        .order_by(SupplierOrderLine.id)
    ).all()


def refused(line: ReceiptLine) -> Refused:
    """Return a refused line with the days that decided about it."""
    article, expires_on = line.article, line.expires_on
    if article is None or expires_on is None:
        return Refused(line, None, None)
    return Refused(
        line,
        days_left=(expires_on - swedish_date(line.at)).days,
        days_required=required_days_left(article.kind, article.shelf_life_days, article.least_days_left),
    )
