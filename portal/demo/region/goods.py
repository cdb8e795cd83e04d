"""What has happened at the demo's gate and shelves: orders on their way, pumps with numbers, refused goods, a count that differs."""

from __future__ import annotations

from datetime import date, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from auth.identity import Identity
from delivery.adjusting import count_lot
from delivery.models import Lot, StockBalance
from delivery.receipts import close_receipt, open_receipt
from delivery.receiving import ReceiveGoods, receive_goods
from delivery.reordering import order_from_supplier
from orders.models import Article

SENSOR, STRIPS, PUMP = "21001", "23101", "22001"
COUNTED_LOT = "K26134"
PUMPS = tuple(f"P1-26-{number:04d}" for number in range(101, 107))


def receive_and_count(session: Session, identity: Identity, loaded_on: date) -> None:
    """Let it happen on the day that the session's clock says, before orders of the same day are placed."""
    articles = {
        article.article_no: article
        for article in session.scalars(
            select(Article).where(Article.region == identity.region, Article.article_no.in_((SENSOR, STRIPS, PUMP)))
        )
    }
    for number, packages, days in ((SENSOR, 120, 1), (STRIPS, 80, -1)):
        article = articles[number]
        assert article.supplier_id is not None
        order_from_supplier(
            session, identity, article.supplier_id, {article.id: packages}, loaded_on + timedelta(days=days)
        )
    pumps = open_receipt(session, identity, None, "FS-20417")
    receive_goods(
        session,
        identity,
        ReceiveGoods(
            receipt_id=pumps.id,
            code=PUMP,
            packages=len(PUMPS),
            lot_no="PV2641",
            expires_on=loaded_on + timedelta(days=1200),
            serials=PUMPS,
        ),
    )
    close_receipt(session, identity, pumps.id)
    refused = open_receipt(session, identity, None, "FS-88310")
    for lot_no, packages, is_damaged, note in (("K25990", 24, False, ""), ("K27201", 2, True, "Våt kartong")):
        receive_goods(
            session,
            identity,
            ReceiveGoods(
                receipt_id=refused.id,
                code=SENSOR,
                packages=packages,
                lot_no=lot_no,
                expires_on=loaded_on + timedelta(days=450 if is_damaged else 209),
                is_damaged=is_damaged,
                note=note,
            ),
        )
    close_receipt(session, identity, refused.id)
    lot = session.scalars(select(Lot).where(Lot.lot_no == COUNTED_LOT)).one()
    balance = session.scalars(select(StockBalance).where(StockBalance.lot_id == lot.id)).one()
    count_lot(session, identity, lot.id, balance.on_hand - 2)
