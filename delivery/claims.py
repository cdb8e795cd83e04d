"""Locking a depot order and checking who may work on it: the beginning of every act of picking and packing."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload

from auth.identity import Identity
from auth.models import Person, StaffMember
from auth.permissions import Permission, require
from core.audit import record
from core.errors import NotFound
from delivery.errors import PickedBySomebodyElse, WrongStep
from delivery.models import DepotOrder, DepotOrderStatus, PickedLot, PickLine, Reservation
from orders.models import Order, OrderRow, RowStatus


def lock_depot_order(
    session: Session, identity: Identity, depot_order_id: int, permission: Permission, *, with_person: bool = False
) -> DepotOrder:
    """Lock the person (shared, if asked), the order rows and the depot order, in that order; return it with lines, lots and order.

    A unit's own order has no person to lock. Raises NotPermitted, and NotFound for one of another region.
    """
    require(identity, permission)
    order_id = session.scalar(
        select(DepotOrder.order_id).where(DepotOrder.id == depot_order_id, DepotOrder.region == identity.region)
    )
    if order_id is None:
        raise NotFound
    if with_person:
        session.scalars(
            select(Person)
            .join(Order, Order.person_id == Person.id)
            .where(Order.id == order_id)
            .with_for_update(read=True, of=Person)
            .execution_options(populate_existing=True)
        ).one_or_none()
    (depot_order,) = _lock(session, [depot_order_id])
    return depot_order


def lock_depot_orders(
    session: Session, identity: Identity, depot_order_ids: Collection[int], permission: Permission
) -> list[DepotOrder]:
    """Lock the rows of several depot orders (by id), then these (by id); those of another region are left out.

    Raises NotPermitted.
    """
    require(identity, permission)
    ids = session.scalars(
        select(DepotOrder.id).where(DepotOrder.id.in_(depot_order_ids), DepotOrder.region == identity.region)
    ).all()
    return _lock(session, ids)


def _lock(session: Session, depot_order_ids: Collection[int]) -> list[DepotOrder]:
    row_ids = select(PickLine.order_row_id).where(PickLine.depot_order_id.in_(depot_order_ids))
    session.scalars(
        select(OrderRow)
        .where(OrderRow.id.in_(row_ids))
        .order_by(OrderRow.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).all()
    return list(
        session.scalars(
            select(DepotOrder)
            .where(DepotOrder.id.in_(depot_order_ids))
            .order_by(DepotOrder.id)
            .with_for_update()
            .execution_options(populate_existing=True)
            .options(
                selectinload(DepotOrder.order).selectinload(Order.person),
                selectinload(DepotOrder.delivery_choice),
                selectinload(DepotOrder.parcels),
                selectinload(DepotOrder.lines).options(
                    selectinload(PickLine.order_row),
                    selectinload(PickLine.article),
                    selectinload(PickLine.reservations).selectinload(Reservation.lot),
                    selectinload(PickLine.picked_lots).selectinload(PickedLot.lot),
                ),
            )
        )
    )


def is_free_now(session: Session, depot_order_id: int) -> bool:
    """Lock the rows of a depot order if nobody else has one of them, and tell whether; never waits, and keeps no part of them.

    What begins with the next order asks this first: pickers who would wait for the same one go on to others instead.
    """
    row_ids = set(session.scalars(select(PickLine.order_row_id).where(PickLine.depot_order_id == depot_order_id)))
    rows = select(OrderRow.id).where(OrderRow.id.in_(row_ids)).order_by(OrderRow.id).with_for_update(skip_locked=True)
    attempt = session.begin_nested()
    if set(session.scalars(rows)) == row_ids:
        attempt.commit()
        return True
    attempt.rollback()
    return False


def lock_own_pick(session: Session, identity: Identity, depot_order_id: int) -> DepotOrder:
    """Lock a depot order that the identity is picking; raises PickedBySomebodyElse or WrongStep as well."""
    depot_order = lock_depot_order(session, identity, depot_order_id, Permission.PICK)
    require_own_pick(session, identity, depot_order)
    return depot_order


def require_own_pick(session: Session, identity: Identity, depot_order: DepotOrder) -> None:
    """Raise unless the depot order is being picked, and by this identity."""
    if depot_order.status is not DepotOrderStatus.PICKING:
        raise WrongStep(depot_order.status)
    if depot_order.picker_id != identity.staff_id:
        raise PickedBySomebodyElse(session.get_one(StaffMember, depot_order.picker_id).name)


def line_of(depot_order: DepotOrder, pick_line_id: int) -> PickLine:
    """Return a line of the depot order; raise NotFound for another's."""
    for line in depot_order.lines:
        if line.id == pick_line_id:
            return line
    raise NotFound


def live_lines(depot_order: DepotOrder) -> list[PickLine]:
    """Return the lines whose rows are not cancelled."""
    return [line for line in depot_order.lines if line.order_row.status is not RowStatus.CANCELLED]


def record_act(session: Session, identity: Identity, depot_order: DepotOrder, action: str, *, reason: str = "") -> None:
    """Write an act on the patient's order to the access log."""
    record(
        session,
        identity.actor,
        action,
        subject_person_id=depot_order.order.person_id,
        object_ref=f"order:{depot_order.order.order_no}",
        reason=reason,
    )
