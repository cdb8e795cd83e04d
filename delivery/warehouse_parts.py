"""What a warehouse does not send with the rest becomes a part of its own, and the patient is told."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from core.clock import now, today
from core.policy import policy_of
from core.workdays import add_working_days
from delivery.models import DepotOrder, DepotOrderStatus, PickLine
from delivery.policy import DeliveryPolicy, Warehouse
from orders.telling import tell_each


def is_elsewhere(region: str) -> bool:
    """Tell whether the region's depot has a warehouse system of its own."""
    return policy_of(region).section(DeliveryPolicy).warehouse is Warehouse.PEPPOL


def left_of(line: PickLine) -> int:
    """Return the packages of a line that are neither sent nor given up in this part."""
    return line.packages - line.picked - line.short


def expected_day(session: Session, region: str) -> date:
    """Return when what is missing can be expected, when the warehouse does not say."""
    days = policy_of(region).section(DeliveryPolicy).back_order_working_days
    return add_working_days(today(session), days)


def add_part(
    session: Session,
    depot_order: DepotOrder,
    packages: Mapping[PickLine, int],
    status: DepotOrderStatus,
    expected: date,
) -> DepotOrder:
    """Add a part with so many packages of each line; the caller holds the depot order's lock and lessens its lines."""
    part = session.scalars(
        select(func.max(DepotOrder.part)).where(DepotOrder.delivery_choice_id == depot_order.delivery_choice_id)
    ).one()
    later = DepotOrder(
        region=depot_order.region,
        depot_id=depot_order.depot_id,
        order_id=depot_order.order_id,
        delivery_choice_id=depot_order.delivery_choice_id,
        part=part + 1,
        status=status,
        promised_date=expected,
        created_at=now(session),
        lines=[
            PickLine(
                order_row_id=line.order_row_id,
                article_id=line.article_id,
                packages=count,
                use_until=line.use_until + (expected - depot_order.promised_date),
                avoid_lot_id=line.avoid_lot_id,
                avoid_more=line.avoid_more,
            )
            for line, count in packages.items()
        ],
    )
    session.add(later)
    session.flush()
    return later


def tell_of_missing(
    session: Session, depot_order: DepotOrder, missing: Mapping[PickLine, tuple[int, date | None]]
) -> None:
    """Tell the patient, and whoever ordered, how many packages come later and around when, None when nobody knows."""
    order = depot_order.order
    if order.receiver_has_died:
        return
    facts = [
        {
            "article": line.article.display_name,
            "packages": packages,
            "expected": expected.isoformat() if expected else "",
        }
        for line, (packages, expected) in missing.items()
    ]
    tell_each(session, order, "order.short", facts)
