"""When back orders can be expected: from open orders to suppliers, the oldest promise first, and told anew when that changes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date

from sqlalchemy import select
from sqlalchemy.orm import Session

from auth.identity import system_identity
from auth.permissions import Permission
from core.clock import today
from core.errors import NotFound
from core.outbox import Message
from core.policy import policy_of
from delivery.claims import live_lines, lock_depot_orders, record_act
from delivery.expected_rules import Promises, is_worth_telling, promise, share_goods
from delivery.goods_models import SupplierOrder, SupplierOrderLine
from delivery.models import DepotOrder, DepotOrderStatus, PickLine
from delivery.policy import DeliveryPolicy, Warehouse
from delivery.receipts import depot_of_region
from orders.models import Order, OrderRow, RowStatus
from orders.telling import tell_each

_WORKER = "back orders"
# A part that is yet to be made comes after all that are.
_LAST = 2**63


@dataclass(frozen=True)
class _Waiting:
    """Packages that a line waits for; older promises get goods first, by what was promised when it was ordered."""

    ordered_for: date
    depot_order_id: int
    line_id: int
    article_id: int
    packages: int


def expected_days(session: Session, depot_order: DepotOrder, missing: Mapping[PickLine, int]) -> dict[PickLine, date]:
    """Return when so many packages of each line of an order will come, which does not wait for them yet; two statements."""
    order, day = depot_order.order, today(session)
    articles = {line.article_id for line in missing}
    queue = [one for one in _waiting(session, depot_order.depot_id, articles) if one.depot_order_id != depot_order.id]
    queue += [
        _Waiting(order.promised_date, _LAST, line.id, line.article_id, packages) for line, packages in missing.items()
    ]
    goods = _goods_days(session, depot_order.depot_id, queue, day)
    terms = _terms(depot_order.region)
    return {line: promise(goods[line.id], None, day, terms) for line in missing}


def update_expected(session: Session, message: Message) -> None:
    """Promise every back order of a region anew, and tell whoever's day has moved far; handles `back_orders.expected`.

    It comes when an order to a supplier is made, moved or closed, when goods come, and every morning, as what is late is no longer
    counted on. Locks the rows and depot orders whose day moves, each by id.
    """
    region = str(message.payload["region"])
    if policy_of(region).section(DeliveryPolicy).warehouse is Warehouse.PEPPOL:
        return
    try:
        depot = depot_of_region(session, region)
    except NotFound:
        return
    identity, day, terms = system_identity(region, _WORKER), today(session), _terms(region)
    queue = _waiting(session, depot.id, None)
    goods = _goods_days(session, depot.id, queue, day)
    lines_of: dict[int, list[int]] = defaultdict(list)
    for one in queue:
        lines_of[one.depot_order_id].append(one.line_id)
    promised = dict(
        session.execute(select(DepotOrder.id, DepotOrder.promised_date).where(DepotOrder.id.in_(lines_of))).all()
    )
    moving = [
        depot_order_id
        for depot_order_id, line_ids in lines_of.items()
        if max(promise(goods[line_id], promised[depot_order_id], day, terms) for line_id in line_ids)
        != promised[depot_order_id]
    ]
    for depot_order in lock_depot_orders(session, identity, moving, Permission.ROUTE_MESSAGES):
        lines = [line for line in live_lines(depot_order) if line.id in goods]
        if depot_order.status is not DepotOrderStatus.BACK_ORDERED or not lines:
            continue
        days = {line: promise(goods[line.id], depot_order.promised_date, day, terms) for line in lines}
        _promise_anew(session, depot_order, days)
        record_act(session, identity, depot_order, "back_order.promised")


def _promise_anew(session: Session, depot_order: DepotOrder, days: Mapping[PickLine, date]) -> None:
    before, after = depot_order.promised_date, max(days.values())
    depot_order.promised_date = after
    for line in depot_order.lines:
        # The patient begins to use it as much later.
        line.use_until += after - before
    if is_worth_telling(before, after) and not depot_order.order.receiver_has_died:
        facts = [
            {
                "article": line.article.display_name,
                "packages": line.packages - line.picked - line.short,
                "expected": expected.isoformat(),
            }
            for line, expected in days.items()
        ]
        tell_each(session, depot_order.order, "order.expected", facts)


def _waiting(session: Session, depot_id: int, article_ids: Collection[int] | None) -> list[_Waiting]:
    """Return what back orders wait for, the oldest promise first; all articles when none are named."""
    left = PickLine.packages - PickLine.picked - PickLine.short
    chosen = (
        select(Order.promised_date, DepotOrder.id, PickLine.id, PickLine.article_id, left)
        .join(DepotOrder, PickLine.depot_order_id == DepotOrder.id)
        .join(Order, DepotOrder.order_id == Order.id)
        .join(OrderRow, PickLine.order_row_id == OrderRow.id)
        .where(
            DepotOrder.depot_id == depot_id,
            DepotOrder.status == DepotOrderStatus.BACK_ORDERED,
            OrderRow.status != RowStatus.CANCELLED,
            left > 0,
        )
        .order_by(Order.promised_date, DepotOrder.id, PickLine.id)
    )
    if article_ids is not None:
        chosen = chosen.where(PickLine.article_id.in_(article_ids))
    return [_Waiting(*row) for row in session.execute(chosen)]


def _goods_days(session: Session, depot_id: int, queue: Iterable[_Waiting], day: date) -> dict[int, date | None]:
    """Return when the goods for each line come by the open orders to suppliers; None where nobody has ordered enough."""
    by_article: dict[int, list[_Waiting]] = defaultdict(list)
    for one in sorted(queue, key=lambda one: (one.ordered_for, one.depot_order_id, one.line_id)):
        by_article[one.article_id].append(one)
    coming: dict[int, list[tuple[date, int]]] = defaultdict(list)
    for article_id, expected_on, packages in session.execute(
        select(
            SupplierOrderLine.article_id,
            SupplierOrder.expected_on,
            SupplierOrderLine.packages - SupplierOrderLine.received,
        )
        .join(SupplierOrder, SupplierOrderLine.supplier_order_id == SupplierOrder.id)
        .where(
            SupplierOrder.depot_id == depot_id,
            SupplierOrder.closed_at.is_(None),
            SupplierOrderLine.article_id.in_(by_article),
            SupplierOrderLine.packages > SupplierOrderLine.received,
        )
    ):
        coming[article_id].append((expected_on, packages))
    return {
        line_id: goods_on
        for article_id, waiting in by_article.items()
        for line_id, goods_on in share_goods(
            [(one.line_id, one.packages) for one in waiting], coming[article_id], day
        ).items()
    }


def _terms(region: str) -> Promises:
    policy = policy_of(region).section(DeliveryPolicy)
    return Promises(policy.working_days_from_goods, policy.back_order_working_days)
