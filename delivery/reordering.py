"""What to order from suppliers: from consumption, lead time, what is owed to patients and what is on its way. Handbook §6."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session, joinedload

from auth.identity import Identity
from auth.permissions import Permission, require
from core import idempotency
from core.audit import record
from core.clock import now, today
from core.errors import NotFound
from core.outbox import publish
from core.policy import policy_of
from delivery.errors import NothingOrdered
from delivery.goods_models import SUPPLIER_ORDER_NO_SEQUENCE, SupplierOrder, SupplierOrderLine
from delivery.models import (
    DepotOrder,
    DepotOrderStatus,
    Lot,
    LotStatus,
    MovementReason,
    PickLine,
    StockBalance,
    StockMovement,
)
from delivery.policy import DeliveryPolicy
from delivery.receipts import depot_of_region
from delivery.stock_need import Flow, proposal
from orders.models import Article, OrderRow, RowStatus, Supplier

LOOK_BACK = timedelta(days=90)
_OWED = (DepotOrderStatus.WAITING, DepotOrderStatus.BACK_ORDERED)


@dataclass(frozen=True)
class Proposal:
    """One article that should be ordered: packages, and the figures behind them."""

    article: Article
    flow: Flow
    packages: int


def proposals(session: Session, identity: Identity) -> list[Proposal]:
    """Return what the depot should order now, by supplier and article; a fixed number of statements. Raises NotPermitted, NotFound."""
    require(identity, Permission.SEE_STOCK)
    policy = policy_of(identity.region).section(DeliveryPolicy)
    depot = depot_of_region(session, identity.region)
    articles = session.scalars(
        select(Article)
        .where(Article.region == identity.region, Article.supplier_id.is_not(None), Article.is_orderable)
        .options(joinedload(Article.supplier))
        .order_by(Article.supplier_id, Article.article_no)
    ).all()
    used, on_shelf, owed, coming = (
        _used(session, depot.id),
        _on_shelf(session, depot.id),
        _owed(session, depot.id),
        _coming(session, depot.id),
    )
    found = []
    for article in articles:
        flow = Flow(
            used_per_day=max(0, used.get(article.id, 0)) / LOOK_BACK.days,
            available=on_shelf.get(article.id, 0),
            owed=owed.get(article.id, 0),
            on_order=coming.get(article.id, 0),
            lead_days=article.lead_time_days if article.lead_time_days is not None else policy.usual_lead_days,
            review_days=policy.reorder_every_days,
            safety_days=policy.safety_stock_days,
        )
        packages = proposal(flow)
        if packages:
            found.append(Proposal(article, flow, packages))
    return found


def order_from_supplier(
    session: Session,
    identity: Identity,
    supplier_id: int,
    packages: Mapping[int, int],
    expected_on: date,
    *,
    key: str = "",
) -> SupplierOrder:
    """Note what was ordered from a supplier, in packages by article id; the same key gives the same order.

    Raises NotPermitted, NotFound, NothingOrdered.
    """
    require(identity, Permission.RECEIVE_GOODS)
    depot = depot_of_region(session, identity.region)
    supplier = session.get(Supplier, supplier_id)
    if supplier is None or supplier.region != identity.region:
        raise NotFound
    wanted = {article_id: count for article_id, count in packages.items() if count > 0}
    known = set(
        session.scalars(select(Article.id).where(Article.id.in_(wanted), Article.supplier_id == supplier.id)).all()
    )
    if known != wanted.keys():
        raise NotFound
    if not wanted:
        raise NothingOrdered
    spent = idempotency.spend(session, "supplier-order", f"staff:{identity.staff_id}", key) if key else None
    if spent is not None and spent.earlier_result is not None:
        return session.get_one(SupplierOrder, int(spent.earlier_result))
    order = SupplierOrder(
        region=identity.region,
        depot_id=depot.id,
        supplier_id=supplier.id,
        order_no=str(session.scalar(SUPPLIER_ORDER_NO_SEQUENCE)),
        ordered_at=now(session),
        expected_on=expected_on,
        lines=[
            SupplierOrderLine(article_id=article_id, packages=count) for article_id, count in sorted(wanted.items())
        ],
    )
    session.add(order)
    session.flush()
    if spent is not None:
        spent.settle(session, str(order.id))
    publish(session, "back_orders.expected", region=order.region)
    record(
        session,
        identity.actor,
        "supplier_order.placed",
        subject_person_id=None,
        object_ref=f"supplier_order:{order.order_no}",
    )
    return order


def _used(session: Session, depot_id: int) -> dict[int, int]:
    rows = session.execute(
        select(Lot.article_id, -func.sum(StockMovement.packages))
        .join(Lot, StockMovement.lot_id == Lot.id)
        .where(
            StockMovement.depot_id == depot_id,
            StockMovement.reason.in_((MovementReason.PICKED, MovementReason.PICK_UNDONE)),
            StockMovement.at >= now(session) - LOOK_BACK,
        )
        .group_by(Lot.article_id)
    )
    return {article_id: int(packages) for article_id, packages in rows}


def _on_shelf(session: Session, depot_id: int) -> dict[int, int]:
    rows = session.execute(
        select(Lot.article_id, func.sum(StockBalance.on_hand - StockBalance.reserved))
        .join(Lot, StockBalance.lot_id == Lot.id)
        .where(
            StockBalance.depot_id == depot_id,
            Lot.status == LotStatus.AVAILABLE,
            Lot.expires_on >= today(session),
        )
        .group_by(Lot.article_id)
    )
    return {article_id: int(packages) for article_id, packages in rows}


def _owed(session: Session, depot_id: int) -> dict[int, int]:
    """What waiting and back-ordered lines want and nothing is reserved for yet."""
    left = PickLine.packages - PickLine.picked - PickLine.short
    rows = session.execute(
        select(PickLine.article_id, func.sum(left))
        .join(DepotOrder, PickLine.depot_order_id == DepotOrder.id)
        .join(OrderRow, PickLine.order_row_id == OrderRow.id)
        .where(
            DepotOrder.depot_id == depot_id,
            DepotOrder.status.in_(_OWED),
            DepotOrder.wave_id.is_(None),
            OrderRow.status != RowStatus.CANCELLED,
        )
        .group_by(PickLine.article_id)
    )
    return {article_id: int(packages) for article_id, packages in rows}


def _coming(session: Session, depot_id: int) -> dict[int, int]:
    rows = session.execute(
        select(
            SupplierOrderLine.article_id,
            func.sum(func.greatest(0, SupplierOrderLine.packages - SupplierOrderLine.received)),
        )
        .join(SupplierOrder, SupplierOrderLine.supplier_order_id == SupplierOrder.id)
        .where(SupplierOrder.depot_id == depot_id, SupplierOrder.closed_at.is_(None))
        .group_by(SupplierOrderLine.article_id)
    )
    return {article_id: int(packages) for article_id, packages in rows}
