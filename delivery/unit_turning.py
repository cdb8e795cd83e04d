"""Turning what has not been packed to the prescribing units, each product to the one that prescribed it. Handbook §4."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload

from auth.models import Unit
from core.clock import now
from delivery.models import DepotOrder, DepotOrderStatus, PickLine
from orders.delivery_plans import parcel_alias, unit_delivery_choice
from orders.models import DeliveryChoice, OrderRow, Prescription, PrescriptionItem, Withdrawal
from orders.redirection import prescribing_unit_of, redirect_to_unit
from orders.stopping import NOT_PICKED

_NOT_BEGUN = (DepotOrderStatus.WAITING, DepotOrderStatus.BACK_ORDERED)


def turn_to_units(session: Session, choices: Sequence[DeliveryChoice]) -> None:
    """Turn deliveries to the prescribing units under their own names; one with products of several is split.

    What somebody has begun to pick is not taken apart: it goes to the unit of its first product. The caller holds the person's lock;
    locks the rows, then the depot orders, each in id order.
    """
    ids = [choice.id for choice in choices]
    rows = session.scalars(
        select(OrderRow)
        .where(OrderRow.delivery_choice_id.in_(ids))
        .order_by(OrderRow.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).all()
    depot_orders = session.scalars(
        select(DepotOrder)
        .where(DepotOrder.delivery_choice_id.in_(ids))
        .order_by(DepotOrder.id)
        .with_for_update()
        .execution_options(populate_existing=True)
        .options(selectinload(DepotOrder.lines).selectinload(PickLine.reservations))
    ).all()
    units = _units(session, [row.withdrawal_id for row in rows if row.withdrawal_id is not None])
    for choice in choices:
        live = [row for row in rows if row.delivery_choice_id == choice.id and row.status in NOT_PICKED]
        by_unit: dict[int, list[OrderRow]] = defaultdict(list)
        for row in live:
            if row.withdrawal_id is not None:
                by_unit[units[row.withdrawal_id].id].append(row)
        own = [one for one in depot_orders if one.delivery_choice_id == choice.id]
        if len(by_unit) < 2 or not all(_may_be_taken_apart(one) for one in own):
            redirect_to_unit(choice, choice.order, prescribing_unit_of(session, choice))
            continue
        first, *others = by_unit
        redirect_to_unit(choice, choice.order, session.get_one(Unit, first))
        for unit_id in others:
            _move(session, choice, session.get_one(Unit, unit_id), by_unit[unit_id], own)


def _units(session: Session, withdrawal_ids: Collection[int]) -> dict[int, Unit]:
    found = session.execute(
        select(Withdrawal.id, Unit)
        .join(PrescriptionItem, Withdrawal.prescription_item_id == PrescriptionItem.id)
        .join(Prescription, PrescriptionItem.prescription_id == Prescription.id)
        .join(Unit, Prescription.unit_id == Unit.id)
        .where(Withdrawal.id.in_(withdrawal_ids))
    )
    return dict(found.all())


def _may_be_taken_apart(depot_order: DepotOrder) -> bool:
    if depot_order.status is DepotOrderStatus.CANCELLED:
        return True
    is_planned = depot_order.wave_id is not None or any(line.reservations for line in depot_order.lines)
    return depot_order.status in _NOT_BEGUN and not is_planned


def _move(
    session: Session, choice: DeliveryChoice, unit: Unit, rows: Sequence[OrderRow], depot_orders: Sequence[DepotOrder]
) -> None:
    apart = unit_delivery_choice(choice.order, unit, parcel_alias(choice.order.patient))
    session.add(apart)
    session.flush()
    moved = {row.id for row in rows}
    for row in rows:
        row.delivery_choice_id = apart.id
    for depot_order in depot_orders:
        lines = [line for line in depot_order.lines if line.order_row_id in moved]
        if not lines or depot_order.status is DepotOrderStatus.CANCELLED:
            continue
        session.add(
            DepotOrder(
                region=depot_order.region,
                depot_id=depot_order.depot_id,
                order_id=depot_order.order_id,
                delivery_choice_id=apart.id,
                part=depot_order.part,
                status=depot_order.status,
                promised_date=depot_order.promised_date,
                created_at=now(session),
                lines=lines,
            )
        )
    session.flush()
