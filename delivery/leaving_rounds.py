"""Leaving a round, and taking over what somebody left alone with packages in the box. Handbook §6."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from auth.identity import Identity
from auth.models import StaffMember
from auth.permissions import Permission, require
from core.clock import now
from core.errors import NotFound
from core.policy import policy_of
from delivery.claims import live_lines, lock_depot_order, lock_depot_orders, record_act
from delivery.errors import PickedBySomebodyElse, WrongStep
from delivery.models import DepotOrder, DepotOrderStatus, PickedLot, PickLine, PickRound
from delivery.policy import DeliveryPolicy
from delivery.put_back import lots_of, put_back
from delivery.rounds import own_round
from delivery.stock import lock_balances
from orders.models import Order, RowStatus
from orders.progress import advance_rows


@dataclass(frozen=True)
class LeftAlone:
    """An order that a picker began and left; `packages` are in its box already."""

    depot_order_id: int
    order_no: str
    part: int
    box: str
    picker_name: str
    packages: int
    last_act_at: datetime


def leave_round(session: Session, identity: Identity, round_id: int, *, everything_is_back: bool) -> int:
    """End a round before its time and return how many of its orders wait for somebody else.

    What has nothing in its box waits for the next round. What has packages in its box is put back when the picker says that
    `everything_is_back`; else it stays as it is, and anybody may take it over at once. Locks the rows, the depot orders (by id), then
    the balances. Raises NotPermitted, NotFound.
    """
    pick_round = own_round(session, identity, round_id)
    ids = session.scalars(
        select(DepotOrder.id).where(
            DepotOrder.pick_round_id == round_id,
            DepotOrder.status == DepotOrderStatus.PICKING,
            DepotOrder.picker_id == identity.staff_id,
        )
    ).all()
    depot_orders = [
        one
        for one in lock_depot_orders(session, identity, ids, Permission.PICK)
        if one.status is DepotOrderStatus.PICKING and one.picker_id == identity.staff_id
    ]
    begun = [one for one in depot_orders if any(line.picked for line in one.lines)]
    # An order that no wave planned has its lots from being begun: it gives them back.
    to_shelf = [one for one in depot_orders if (everything_is_back if one in begun else one.wave_id is None)]
    if to_shelf:
        # All balances at once: one order's after the other's would not be in lot order.
        lots = {lot for one in to_shelf for lot in lots_of(one.lines)}
        lock_balances(session, to_shelf[0].depot_id, lot_ids=lots)
    for depot_order in depot_orders:
        if depot_order in to_shelf:
            put_back(session, identity, depot_order.id)
        elif depot_order not in begun:
            _leave_unbegun(session, identity, depot_order)
    pick_round.ended_at = now(session)
    return len(depot_orders)


def take_over(session: Session, identity: Identity, depot_order_id: int) -> DepotOrder:
    """Go on with an order that its picker left alone; what lies in the box stays there, and whose hands it was is kept.

    Locks rows and depot order. Raises NotPermitted, NotFound, WrongStep, and PickedBySomebodyElse while its picker is at it.
    """
    depot_order = lock_depot_order(session, identity, depot_order_id, Permission.PICK)
    if depot_order.status is not DepotOrderStatus.PICKING:
        raise WrongStep(depot_order.status)
    is_left = session.scalar(select(DepotOrder.id).where(DepotOrder.id == depot_order.id, _is_left(session, identity)))
    if is_left is None:
        raise PickedBySomebodyElse(session.get_one(StaffMember, depot_order.picker_id).name)
    depot_order.picker_id, depot_order.picking_started_at = identity.staff_id, now(session)
    depot_order.pick_round_id, depot_order.box = None, ""
    record_act(session, identity, depot_order, "pick.taken_over")
    return depot_order


def left_alone(session: Session, identity: Identity, limit: int = 20) -> list[LeftAlone]:
    """Return the region's orders that a picker began and left, the longest left first; in one statement. Raises NotPermitted."""
    require(identity, Permission.SEE_DEPOT)
    packages = (
        select(func.coalesce(func.sum(PickLine.picked), 0))
        .where(PickLine.depot_order_id == DepotOrder.id)
        .scalar_subquery()
    )
    last = _last_act()
    rows = session.execute(
        select(
            DepotOrder.id.label("depot_order_id"),
            Order.order_no,
            DepotOrder.part,
            DepotOrder.box,
            StaffMember.name.label("picker_name"),
            packages.label("packages"),
            last.label("last_act_at"),
        )
        .join(Order, DepotOrder.order_id == Order.id)
        .join(StaffMember, DepotOrder.picker_id == StaffMember.id)
        .where(
            DepotOrder.region == identity.region,
            DepotOrder.status == DepotOrderStatus.PICKING,
            _is_left(session, identity),
        )
        .order_by(last, DepotOrder.id)
        .limit(limit)
    )
    return [LeftAlone(**row) for row in rows.mappings()]


def round_boxes(session: Session, identity: Identity, round_id: int) -> list[DepotOrder]:
    """Return the orders of the picker's own ended round by box, with their orders. Raises NotPermitted, NotFound."""
    require(identity, Permission.PICK)
    pick_round = session.get(PickRound, round_id)
    if pick_round is None or pick_round.picker_id != identity.staff_id or pick_round.ended_at is None:
        raise NotFound
    return list(
        session.scalars(
            select(DepotOrder)
            .join(DepotOrder.order)
            .where(DepotOrder.pick_round_id == round_id, DepotOrder.region == identity.region)
            .order_by(DepotOrder.box, DepotOrder.id)
        )
    )


def _leave_unbegun(session: Session, identity: Identity, depot_order: DepotOrder) -> None:
    # Planned still: its wave and what is reserved for it stay.
    wanted = live_lines(depot_order)
    depot_order.status = DepotOrderStatus.WAITING
    depot_order.picker_id, depot_order.picking_started_at = None, None
    depot_order.pick_round_id, depot_order.box = None, ""
    row_ids = [line.order_row_id for line in wanted if line.order_row.status is RowStatus.PICKING]
    advance_rows(session, row_ids, RowStatus.BACK_ORDERED if depot_order.part else RowStatus.RECEIVED)
    record_act(session, identity, depot_order, "pick.left")


def _last_act() -> ColumnElement[datetime]:
    picked = (
        select(func.max(PickedLot.picked_at))
        .join(PickLine, PickedLot.pick_line_id == PickLine.id)
        .where(PickLine.depot_order_id == DepotOrder.id)
        .scalar_subquery()
    )
    walked = select(PickRound.last_act_at).where(PickRound.id == DepotOrder.pick_round_id).scalar_subquery()
    # GREATEST looks past what is NULL.
    return func.greatest(DepotOrder.picking_started_at, picked, walked)


def _is_left(session: Session, identity: Identity) -> ColumnElement[bool]:
    policy = policy_of(identity.region).section(DeliveryPolicy)
    idle_since = now(session) - timedelta(minutes=policy.minutes_until_a_pick_is_free)
    ended = (
        select(PickRound.id).where(PickRound.id == DepotOrder.pick_round_id, PickRound.ended_at.is_not(None)).exists()
    )
    return (_last_act() < idle_since) | ended
