"""Goods in: what came is accepted lot by lot, or refused and listed for the supplier. Handbook §6."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from auth.identity import Identity
from core import idempotency
from core.clock import now, today
from core.outbox import publish
from delivery import errors
from delivery.goods_models import (
    GoodsReceipt,
    ReceiptLine,
    SerialisedUnit,
    SupplierOrderLine,
)
from delivery.goods_rules import GoodsFacts, Refusal, judge_goods
from delivery.models import Lot, LotStatus, MovementReason, StockBalance, StockMovement
from delivery.receipts import lock_receipt
from delivery.serials import require_one_each
from delivery.stock import find_or_add_lot
from delivery.udi import NotACode, ScannedCode, normalise_gtin, read_code
from orders.models import Article

_MAY_NOT_LEAVE = (LotStatus.RECALLED, LotStatus.QUARANTINED)


@dataclass(frozen=True)
class ReceiveGoods:
    """Packages of one lot as they stand on the floor: what was scanned or typed, and what the code does not say.

    What is typed wins over what the code says only where the code says nothing. `location` empty is the article's own shelf.
    """

    receipt_id: int
    code: str
    packages: int
    lot_no: str = ""
    expires_on: date | None = None
    serials: tuple[str, ...] = ()
    location: str = ""
    is_damaged: bool = False
    note: str = ""
    idempotency_key: str = ""


def receive_goods(session: Session, identity: Identity, command: ReceiveGoods) -> ReceiptLine | None:
    """Accept or refuse packages of one lot; None when the key was spent. What is refused is kept for the return to the supplier.

    Locks the receipt, its supplier order's line, then the lot's balance. Accepted goods go into the ledger and wake back orders
    (`stock.received`). Raises NotPermitted, NotFound, ReceiptClosed, UnreadableCode, LotMissing, ExpiryMissing, ExpiryDiffers,
    SerialsDiffer, SerialKnown, and ValueError for less than one package.
    """
    receipt = lock_receipt(session, identity, command.receipt_id)
    if command.packages < 1:
        raise ValueError("at least one package is received")
    scope = f"staff:{identity.staff_id}"
    key = command.idempotency_key
    if key and not idempotency.spend(session, "receive", scope, key).is_first:
        return None
    try:
        code = read_code(command.code)
    except NotACode as problem:
        raise errors.UnreadableCode(command.code[:60]) from problem
    article = article_of(session, identity.region, code)
    if article is None:
        return _refuse(session, identity, receipt, command, code, None, Refusal.UNKNOWN_ARTICLE)
    lot_no, expires_on = code.lot_no or command.lot_no, code.expires_on or command.expires_on
    if not lot_no:
        raise errors.LotMissing
    known = session.scalar(select(Lot).where(Lot.article_id == article.id, Lot.lot_no == lot_no))
    expires_on = expires_on or (known.expires_on if known else None)
    if expires_on is None:
        raise errors.ExpiryMissing(lot_no)
    if known is not None and known.expires_on != expires_on:
        raise errors.ExpiryDiffers(lot_no, expires_on, known.expires_on)
    order_line = _lock_order_line(session, receipt, article.id)
    is_ordered = receipt.supplier_order_id is None or order_line is not None
    facts = facts_of(article, expires_on, known, is_damaged=command.is_damaged, is_ordered=is_ordered)
    refusal = judge_goods(facts, today(session))
    if refusal is not None:
        if order_line is not None:
            order_line.refused += command.packages
        return _refuse(session, identity, receipt, command, code, article, refusal, lot_no, expires_on)
    serials = _serials(session, article, command, code)
    line = _accept(session, identity, receipt, command, code, article, lot_no, expires_on)
    if order_line is not None:
        order_line.received += command.packages
    _add_units(session, line, article, serials)
    publish(session, "stock.received", depot_id=receipt.depot_id)
    return line


def facts_of(
    article: Article, expires_on: date, known: Lot | None, *, is_damaged: bool, is_ordered: bool
) -> GoodsFacts:
    """Return what decides about goods of one lot; `known` is the lot where some of it has come before."""
    return GoodsFacts(
        kind=article.kind,
        shelf_life_days=article.shelf_life_days,
        least_days_left=article.least_days_left,
        expires_on=expires_on,
        lot_may_not_leave=known is not None and known.status in _MAY_NOT_LEAVE,
        is_damaged=is_damaged,
        is_ordered=is_ordered,
    )


def article_of(session: Session, region: str, code: ScannedCode) -> Article | None:
    """Return the region's article that a code names; None when it has none."""
    if code.article_no is not None:
        return session.scalar(select(Article).where(Article.region == region, Article.article_no == code.article_no))
    # Kept with or without leading zeroes, as the source wrote it.
    gtin = code.gtin or ""
    found = session.scalars(
        select(Article).where(Article.region == region, Article.gtin.in_({gtin, gtin.lstrip("0"), gtin[1:], gtin[2:]}))
    )
    return next((one for one in found if one.gtin is not None and normalise_gtin(one.gtin) == gtin), None)


def _lock_order_line(session: Session, receipt: GoodsReceipt, article_id: int) -> SupplierOrderLine | None:
    if receipt.supplier_order_id is None:
        return None
    return session.scalar(
        select(SupplierOrderLine)
        .where(
            SupplierOrderLine.supplier_order_id == receipt.supplier_order_id,
            SupplierOrderLine.article_id == article_id,
        )
        .with_for_update()
        .execution_options(populate_existing=True)
    )


def _serials(session: Session, article: Article, command: ReceiveGoods, code: ScannedCode) -> Sequence[str]:
    serials = command.serials or ((code.serial_no,) if code.serial_no else ())
    if not article.is_serialised:
        return ()
    require_one_each(article, command.packages, serials)
    taken = session.scalars(
        select(SerialisedUnit.serial_no).where(
            SerialisedUnit.article_id == article.id, SerialisedUnit.serial_no.in_(serials)
        )
    ).first()
    if taken is not None:
        raise errors.SerialKnown(taken)
    return serials


def _add_units(session: Session, line: ReceiptLine, article: Article, serials: Sequence[str]) -> None:
    units = [
        SerialisedUnit(
            article_id=article.id,
            serial_no=serial,
            lot_id=line.lot_id,
            receipt_line_id=line.id,
            arrived_on=today(session),
        )
        for serial in serials
    ]
    try:
        with session.begin_nested():
            session.add_all(units)
            session.flush()
    except IntegrityError as problem:
        # Somebody else received one of them in this very moment.
        raise errors.SerialKnown(serials[0] if len(serials) == 1 else "") from problem


def _accept(
    session: Session,
    identity: Identity,
    receipt: GoodsReceipt,
    command: ReceiveGoods,
    code: ScannedCode,
    article: Article,
    lot_no: str,
    expires_on: date,
) -> ReceiptLine:
    lot = find_or_add_lot(session, article.id, lot_no, expires_on)
    if lot.expires_on != expires_on:
        raise errors.ExpiryDiffers(lot_no, expires_on, lot.expires_on)
    line = _line(session, identity, receipt, command, code, article, lot_no, expires_on)
    line.lot_id = lot.id
    session.add(line)
    session.flush()
    session.add(
        StockMovement(
            depot_id=receipt.depot_id,
            lot_id=lot.id,
            packages=command.packages,
            reason=MovementReason.RECEIVED,
            object_ref=f"receipt:{receipt.receipt_no}",
            source_ref=f"receipt_line:{line.id}",
            at=now(session),
            staff_id=identity.staff_id,
        )
    )
    session.flush()
    if command.location:
        balance = session.get_one(
            StockBalance, (receipt.depot_id, lot.id), with_for_update=True, populate_existing=True
        )
        balance.location = command.location
    return line


def _refuse(
    session: Session,
    identity: Identity,
    receipt: GoodsReceipt,
    command: ReceiveGoods,
    code: ScannedCode,
    article: Article | None,
    refusal: Refusal,
    lot_no: str = "",
    expires_on: date | None = None,
) -> ReceiptLine:
    lot_no, expires_on = lot_no or code.lot_no or command.lot_no, expires_on or code.expires_on or command.expires_on
    line = _line(session, identity, receipt, command, code, article, lot_no, expires_on)
    line.refusal = refusal
    session.add(line)
    session.flush()
    return line


def _line(
    session: Session,
    identity: Identity,
    receipt: GoodsReceipt,
    command: ReceiveGoods,
    code: ScannedCode,
    article: Article | None,
    lot_no: str,
    expires_on: date | None,
) -> ReceiptLine:
    return ReceiptLine(
        receipt_id=receipt.id,
        article_id=article.id if article else None,
        gtin=code.gtin or "",
        lot_no=lot_no,
        expires_on=expires_on,
        packages=command.packages,
        note=command.note,
        location=command.location,
        other_identifiers=dict(code.others),
        at=now(session),
        staff_id=identity.staff_id,
    )
