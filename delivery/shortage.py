"""The end of picking: what is short is back-ordered with an expected day, and the patient is told. Handbook §5."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from auth.identity import Identity, system_identity
from auth.permissions import Permission
from core.clock import now
from core.outbox import Message, publish
from core.policy import policy_of
from delivery.claims import line_of, live_lines, lock_depot_order, lock_own_pick, record_act
from delivery.errors import LinesLeft, WrongStep
from delivery.expected import expected_days
from delivery.leaving import check_not_recalled
from delivery.models import DepotOrder, DepotOrderStatus, PickLine, ShortReason
from delivery.policy import DeliveryPolicy, Warehouse
from delivery.put_back import empty_lines, lots_of
from delivery.stock import lock_balances, need_of, release_reservations
from orders.models import Order, RowStatus
from orders.progress import advance_rows
from orders.telling import tell_each


def short_pick(
    session: Session, identity: Identity, depot_order_id: int, pick_line_id: int, reason: ShortReason
) -> PickLine:
    """Say that the rest of a line is not to be had, and give back what was reserved for it.

    Locks rows, depot order and the balances reserved. Raises NotPermitted, NotFound, WrongStep, PickedBySomebodyElse.
    """
    depot_order = lock_own_pick(session, identity, depot_order_id)
    line = line_of(depot_order, pick_line_id)
    left = need_of(line).packages
    if left == 0:
        return line
    line.short, line.short_reason = line.short + left, reason
    release_reservations(session, depot_order.depot_id, [line])
    record_act(session, identity, depot_order, "line.short", reason=reason.value)
    return line


def finish(session: Session, identity: Identity, depot_order_id: int) -> DepotOrder:
    """End the picking of an order: PICKED, with a new BACK_ORDERED part for what was short.

    When nothing at all was picked the order itself becomes the back order and there is nothing to pack; when every row was cancelled
    meanwhile it is CANCELLED. Locks rows, depot order, balances and the lots in the box (shared). Raises NotPermitted, NotFound,
    WrongStep, PickedBySomebodyElse, LinesLeft, and LotRecalled or SerialRecalled until what is called back is taken out of the box.
    """
    depot_order = lock_own_pick(session, identity, depot_order_id)
    lines = live_lines(depot_order)
    left = sum(1 for line in lines if need_of(line).packages)
    if left:
        raise LinesLeft(left)
    # All balances at once: the cancelled lines' first and the others' after would not be in lot order.
    lock_balances(session, depot_order.depot_id, lot_ids=lots_of(depot_order.lines))
    check_not_recalled(session, depot_order)
    empty_lines(session, identity, depot_order, [line for line in depot_order.lines if line not in lines])
    release_reservations(session, depot_order.depot_id, lines)
    short = [line for line in lines if line.short]
    if not lines:
        depot_order.status = DepotOrderStatus.CANCELLED
    elif not any(line.picked for line in lines):
        _wait_for_stock(session, depot_order, short)
    else:
        depot_order.status = DepotOrderStatus.PICKED
        if short:
            _split_off(session, depot_order, short)
    record_act(session, identity, depot_order, "pick.finished")
    return depot_order


def back_order_unserved(session: Session, message: Message) -> None:
    """Back-order a waiting order that no wave could give anything; handles `depot_order.unserved`.

    Locks rows and depot order. One that was picked, planned or cancelled meanwhile is left.
    """
    found = session.get_one(DepotOrder, message.payload["depot_order_id"])
    identity = system_identity(found.region, "waves")
    depot_order = lock_depot_order(session, identity, found.id, Permission.ROUTE_MESSAGES)
    if depot_order.status is not DepotOrderStatus.WAITING or depot_order.wave_id is not None:
        return
    lines = live_lines(depot_order)
    if not lines:
        depot_order.status = DepotOrderStatus.CANCELLED
        return
    for line in lines:
        line.short = need_of(line).packages
    _wait_for_stock(session, depot_order, lines)
    record_act(session, identity, depot_order, "order.back_ordered")


def pick_again(session: Session, identity: Identity, depot_order_id: int) -> DepotOrder:
    """Put a back order into the pick list, or order it from the warehouse anew, without waiting for goods.

    Locks rows and depot order; raises WrongStep.
    """
    depot_order = lock_depot_order(session, identity, depot_order_id, Permission.PICK)
    if depot_order.status is not DepotOrderStatus.BACK_ORDERED:
        raise WrongStep(depot_order.status)
    if _policy(depot_order).warehouse is Warehouse.PEPPOL:
        depot_order.status = DepotOrderStatus.AT_WAREHOUSE
        publish(session, "warehouse.order", depot_order_id=depot_order.id)
    else:
        depot_order.status = DepotOrderStatus.WAITING
    record_act(session, identity, depot_order, "back_order.released")
    return depot_order


def _wait_for_stock(session: Session, depot_order: DepotOrder, short: list[PickLine]) -> None:
    days = expected_days(session, depot_order, {line: line.short for line in short})
    expected = max(days.values())
    _tell(session, depot_order.order, days)
    for line in short:
        line.use_until += expected - depot_order.promised_date
        line.short, line.short_reason = 0, None
    depot_order.status, depot_order.promised_date = DepotOrderStatus.BACK_ORDERED, expected
    depot_order.picker_id, depot_order.picking_started_at = None, None
    _mark_rows(session, short)


def _split_off(session: Session, depot_order: DepotOrder, short: list[PickLine]) -> None:
    days = expected_days(session, depot_order, {line: line.short for line in short})
    expected = max(days.values())
    part = session.scalars(
        select(func.max(DepotOrder.part)).where(DepotOrder.delivery_choice_id == depot_order.delivery_choice_id)
    ).one()
    session.add(
        DepotOrder(
            region=depot_order.region,
            depot_id=depot_order.depot_id,
            order_id=depot_order.order_id,
            delivery_choice_id=depot_order.delivery_choice_id,
            part=part + 1,
            status=DepotOrderStatus.BACK_ORDERED,
            promised_date=expected,
            created_at=now(session),
            lines=[
                PickLine(
                    order_row_id=line.order_row_id,
                    article_id=line.article_id,
                    packages=line.short,
                    use_until=line.use_until + (expected - depot_order.promised_date),
                    avoid_lot_id=line.avoid_lot_id,
                    avoid_more=line.avoid_more,
                )
                for line in short
            ],
        )
    )
    _tell(session, depot_order.order, days)
    _mark_rows(session, [line for line in short if not line.picked])


def _mark_rows(session: Session, lines: list[PickLine]) -> None:
    # A row of which a part is already sent stays sent.
    begun = (RowStatus.RECEIVED, RowStatus.PICKING)
    waiting = [line.order_row_id for line in lines if line.order_row.status in begun]
    advance_rows(session, waiting, RowStatus.BACK_ORDERED)


def _tell(session: Session, order: Order, days: Mapping[PickLine, date]) -> None:
    facts = [
        {"article": line.article.display_name, "packages": line.short, "expected": expected.isoformat()}
        for line, expected in days.items()
    ]
    tell_each(session, order, "order.short", facts)


def _policy(depot_order: DepotOrder) -> DeliveryPolicy:
    return policy_of(depot_order.region).section(DeliveryPolicy)
