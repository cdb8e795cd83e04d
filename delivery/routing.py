"""From the outbox to the depot: a placed order becomes work, a cancelled one stops, received stock wakes what waits for it.

Every handler may run twice: the second run changes nothing.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import date, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload, selectinload

from auth.identity import Identity, system_identity
from auth.models import Unit
from core.audit import record
from core.clock import now, today
from core.outbox import Message, publish
from core.policy import policy_of
from delivery.allocation import allocate
from delivery.avoiding import lots_to_avoid
from delivery.models import Depot, DepotOrder, DepotOrderStatus, PickLine
from delivery.policy import DeliveryPolicy
from delivery.put_back import empty_lines, lots_of
from delivery.stock import free_of, lock_balances, lot_facts, need_of
from delivery.warehouse_orders import stop_at_warehouse
from delivery.warehouse_parts import is_elsewhere
from orders.cancelling import lock_rows
from orders.models import (
    Order,
    OrderRow,
    Prescription,
    PrescriptionItem,
    PrescriptionStatus,
    RowKind,
    RowStatus,
    Withdrawal,
)
from orders.progress import advance_rows
from orders.rules import days_of_supply
from orders.stopping import tell_stopped

# A replacement is used at once; this long it must at least stay good.
REPLACEMENT_DAYS = 14
# A unit hands on what is in its store before it orders the next time, about a month later.
STORE_DAYS = 30
_WORKER = "depot routing"


def route_order(session: Session, message: Message) -> None:
    """Make one depot order per delivery choice of a placed order, with a line for each row that is not cancelled.

    Locks the order's rows. The depot is the one that the region's policy names; when it has a warehouse system of its own the order is
    sent there, and nobody can cancel it here any more.
    """
    order = session.get_one(Order, message.payload["order_id"])
    rows = [row for row in lock_rows(session, order.id) if row.status is not RowStatus.CANCELLED]
    routed = set(session.scalars(select(DepotOrder.delivery_choice_id).where(DepotOrder.order_id == order.id)))
    by_choice: dict[int, list[OrderRow]] = defaultdict(list)
    for row in rows:
        if row.delivery_choice_id not in routed:
            by_choice[row.delivery_choice_id].append(row)
    if not by_choice:
        return
    depot = _depot_of(session, order.region)
    use_until = _use_until(session, order, rows)
    avoided = lots_to_avoid(session, order, rows)
    is_sent_away = is_elsewhere(order.region)
    depot_orders = []
    for choice_id, chosen in sorted(by_choice.items()):
        depot_orders.append(
            DepotOrder(
                region=order.region,
                depot_id=depot.id,
                order_id=order.id,
                delivery_choice_id=choice_id,
                status=DepotOrderStatus.AT_WAREHOUSE if is_sent_away else DepotOrderStatus.WAITING,
                promised_date=order.promised_date,
                created_at=now(session),
                lines=[
                    PickLine(
                        order_row_id=row.id,
                        article_id=row.article_id,
                        packages=row.packages,
                        use_until=use_until[row.id],
                        avoid_lot_id=avoided.faulty.get(row.id),
                        avoid_more=avoided.more.get(row.id, []),
                    )
                    for row in chosen
                ],
            )
        )
    session.add_all(depot_orders)
    session.flush()
    if is_sent_away:
        received = [row.id for chosen in by_choice.values() for row in chosen if row.status is RowStatus.RECEIVED]
        advance_rows(session, received, RowStatus.PICKING)
        for depot_order in depot_orders:
            publish(session, "warehouse.order", depot_order_id=depot_order.id)
    _record(session, _worker(order.region), order, "order.routed")


def _depot_of(session: Session, region: str) -> Depot:
    hsa_id = policy_of(region).section(DeliveryPolicy).depot_hsa_id
    return session.scalars(select(Depot).join(Unit, Depot.unit_id == Unit.id).where(Unit.hsa_id == hsa_id)).one()


def _use_until(session: Session, order: Order, rows: list[OrderRow]) -> dict[int, date]:
    """The day until which each row will be in use: from the promised day on, as long as it lasts its user. Handbook §6."""
    withdrawals = session.scalars(
        select(Withdrawal).where(Withdrawal.order_id == order.id).options(joinedload(Withdrawal.prescription_item))
    )
    days = {
        one.id: days_of_supply(
            one.packages, one.prescription_item.packages_per_order, one.prescription_item.days_per_order
        )
        for one in withdrawals
    }
    wear = _wear(session, order, [row for row in rows if row.kind is RowKind.REPLACEMENT])

    def lasts(row: OrderRow) -> int:
        if row.kind is RowKind.STORE:
            return STORE_DAYS
        return wear[row.id] if row.withdrawal_id is None else days[row.withdrawal_id]

    return {row.id: order.promised_date + timedelta(days=lasts(row)) for row in rows}


def _wear(session: Session, order: Order, rows: list[OrderRow]) -> dict[int, int]:
    """How many days a replacement lasts by the latest prescription of its article, and never less than two weeks."""
    if not rows:
        return {}
    items = session.scalars(
        select(PrescriptionItem)
        .join(Prescription)
        .where(
            Prescription.person_id == order.patient_id,
            PrescriptionItem.article_id.in_({row.article_id for row in rows}),
        )
        .order_by(PrescriptionItem.id)
    )
    latest = {item.article_id: item for item in items}
    return {
        row.id: max(REPLACEMENT_DAYS, days_of_supply(row.packages, item.packages_per_order, item.days_per_order))
        if (item := latest.get(row.article_id))
        else REPLACEMENT_DAYS
        for row in rows
    }


def drop_order(session: Session, message: Message) -> None:
    """Stop the work on what is no longer wanted: reservations are released, picks go back, an empty depot order is cancelled.

    Not wanted are cancelled rows and, of rows that are partly on their way, the part not begun when the prescription item is
    cancelled or the patient has died; of an item that its prescriber stops while it is being picked, what is not in the box yet
    (handbook §3.3). Locks the order's rows, its depot orders and the balances of their lots. A packed parcel is
    left: shipping refuses it.
    """
    order = session.get_one(Order, message.payload["order_id"])
    lock_rows(session, order.id)
    stop_at_warehouse(session, order, has_died=order.receiver_has_died)
    open_statuses = (
        DepotOrderStatus.WAITING,
        DepotOrderStatus.BACK_ORDERED,
        DepotOrderStatus.PICKING,
        DepotOrderStatus.PICKED,
    )
    depot_orders = session.scalars(
        select(DepotOrder)
        .where(DepotOrder.order_id == order.id, DepotOrder.status.in_(open_statuses))
        .order_by(DepotOrder.id)
        .with_for_update()
        .execution_options(populate_existing=True)
        .options(
            selectinload(DepotOrder.lines).options(
                selectinload(PickLine.order_row)
                .selectinload(OrderRow.withdrawal)
                .selectinload(Withdrawal.prescription_item),
                selectinload(PickLine.reservations),
                selectinload(PickLine.picked_lots),
            )
        )
    ).all()
    identity = _worker(order.region)
    for depot_id in {depot_order.depot_id for depot_order in depot_orders}:
        # All balances at once: one depot order after the other would not be in lot order.
        lines = [line for one in depot_orders if one.depot_id == depot_id for line in one.lines]
        lock_balances(session, depot_id, lot_ids=lots_of(lines))
    has_died = order.receiver_has_died
    for depot_order in depot_orders:
        dropped = [line for line in depot_order.lines if _is_unwanted(line, depot_order, has_died=has_died)]
        if not dropped:
            continue
        empty_lines(session, identity, depot_order, dropped)
        is_all = len(dropped) == len(depot_order.lines)
        for line in dropped:
            if line.order_row.status is RowStatus.CANCELLED:
                continue
            if not _is_in_a_box(session, line.order_row):
                _stop_in_the_hand(session, order, line)
            elif not is_all:
                # The row lives on in another part: here nothing else says that the line is not to be picked.
                session.delete(line)
        if is_all:
            depot_order.status = DepotOrderStatus.CANCELLED
        _record(session, identity, order, "order.dropped")


def _is_in_a_box(session: Session, row: OrderRow) -> bool:
    return (
        session.scalar(select(PickLine.id).where(PickLine.order_row_id == row.id, PickLine.picked > 0).limit(1))
        is not None
    )


def _stop_in_the_hand(session: Session, order: Order, line: PickLine) -> None:
    """Cancel a row of which nothing was in the box yet, and tell the patient; the picker is told by the next scan."""
    line.order_row.status, line.order_row.status_at = RowStatus.CANCELLED, now(session)
    tell_stopped(session, order, line.order_row.article)


def _is_unwanted(line: PickLine, depot_order: DepotOrder, *, has_died: bool) -> bool:
    if line.order_row.status is RowStatus.CANCELLED:
        return True
    withdrawal = line.order_row.withdrawal
    is_stopped = withdrawal is not None and withdrawal.prescription_item.status is PrescriptionStatus.CANCELLED
    if depot_order.status is DepotOrderStatus.PICKING:
        return is_stopped and not line.picked
    if depot_order.status in (DepotOrderStatus.WAITING, DepotOrderStatus.BACK_ORDERED):
        return has_died or is_stopped
    return False


def release_back_orders(session: Session, message: Message) -> None:
    """Put back orders of which at least one line can now be had whole into the pick list, the oldest promise first.

    Locks the waiting depot orders, then the balances of their articles; what an older order will take is not counted for a younger one.
    """
    depot = session.get_one(Depot, message.payload["depot_id"])
    if is_elsewhere(depot.region):
        # Its own system knows what it has; what it could not send is ordered anew by hand.
        return
    waiting = session.scalars(
        select(DepotOrder)
        .where(DepotOrder.depot_id == depot.id, DepotOrder.status == DepotOrderStatus.BACK_ORDERED)
        .order_by(DepotOrder.id)
        .with_for_update()
        .execution_options(populate_existing=True)
        .options(selectinload(DepotOrder.lines).selectinload(PickLine.order_row), selectinload(DepotOrder.order))
    ).all()
    article_ids = {line.article_id for depot_order in waiting for line in depot_order.lines}
    balances = lock_balances(session, depot.id, article_ids=article_ids)
    free = {lot_id: free_of(balance) for lot_id, balance in balances.items()}
    day, identity = today(session), _worker(depot.region)
    # By what was promised when it was ordered: the day that is expected now moves with every delivery.
    for depot_order in sorted(waiting, key=lambda one: (one.order.promised_date, one.id)):
        plans = []
        for line in depot_order.lines:
            if line.order_row.status is RowStatus.CANCELLED:
                continue
            lots = [
                lot_facts(balance, free=free[lot_id])
                for lot_id, balance in balances.items()
                if balance.lot.article_id == line.article_id
            ]
            plan = allocate(need_of(line), lots, day)
            if sum(plan.values()) == need_of(line).packages:
                plans.append(plan)
        for plan in plans:
            for lot_id, packages in plan.items():
                free[lot_id] = max(0, free[lot_id] - packages)
        if plans:
            depot_order.status = DepotOrderStatus.WAITING
            _record(session, identity, depot_order.order, "back_order.released")
    if any(depot_order.status is DepotOrderStatus.BACK_ORDERED for depot_order in waiting):
        publish(session, "back_orders.expected", region=depot.region)


def _worker(region: str) -> Identity:
    return system_identity(region, _WORKER)


def _record(session: Session, identity: Identity, order: Order, action: str) -> None:
    record(session, identity.actor, action, subject_person_id=order.person_id, object_ref=f"order:{order.order_no}")
