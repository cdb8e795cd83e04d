"""What a recall does at the depot, one depot order at a time and in the usual order of locks. Every handler may run twice."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from auth.identity import system_identity
from auth.permissions import Permission
from core.outbox import Message, publish
from delivery.bookings import take_back_bookings
from delivery.claims import live_lines, lock_depot_order, record_act
from delivery.complaints.recall_models import Recall, RecallLot, RecallStatus, RecallUnit
from delivery.complaints.recall_trace import IN_PROGRESS, any_id, in_progress
from delivery.complaints.recalls import add_recipients
from delivery.goods_models import SerialisedUnit
from delivery.models import DepotOrder, DepotOrderStatus, LotStatus, Parcel, PickedLot, PickLine, StockBalance
from delivery.recalled import recalled_in_boxes, reserve_anew
from delivery.stock import lock_balances

_WORKER = "recalls"


def find_work_to_stop(session: Session, message: Message) -> None:
    """Ask for every depot order that is under way with something of it to be stopped; handles `recall.opened`.

    Locks the lots' balances: whoever was reserving when the recall was opened has done so now.
    """
    recall = session.get_one(Recall, message.payload["recall_id"])
    if recall.status is RecallStatus.UNDONE:
        return
    lot_ids, unit_ids = named_by(session, recall.id)
    of_units = session.scalars(select(SerialisedUnit.lot_id).where(SerialisedUnit.id == any_id(unit_ids))).all()
    session.execute(
        select(StockBalance.lot_id)
        .where(StockBalance.lot_id == any_id({*lot_ids, *of_units}))
        .order_by(StockBalance.lot_id)
        .with_for_update()
    )
    for depot_order_id in sorted(session.scalars(in_progress(lot_ids, unit_ids))):
        publish(session, "recall.stop", recall_id=recall.id, depot_order_id=depot_order_id)


def stop_work(session: Session, message: Message) -> None:
    """Stop one depot order: what it has reserved of it is reserved anew, and a transport that is booked is cancelled.

    What lies in a box already is left there until whoever has the box takes it out; until then the box goes nowhere. Handles `recall.stop`.
    Locks rows, depot order, the lines' balances, bookings.
    """
    found = session.get_one(DepotOrder, message.payload["depot_order_id"])
    identity = system_identity(found.region, _WORKER)
    depot_order = lock_depot_order(session, identity, found.id, Permission.ROUTE_MESSAGES)
    if depot_order.status not in IN_PROGRESS:
        return
    _, unit_ids = named_by(session, message.payload["recall_id"])
    of_units = set(session.scalars(select(SerialisedUnit.lot_id).where(SerialisedUnit.id == any_id(unit_ids))))
    lines = [
        line
        for line in live_lines(depot_order)
        if any(one.lot.status is LotStatus.RECALLED or one.lot_id in of_units for one in line.reservations)
    ]
    if lines:
        articles = {line.article_id for line in lines}
        lots = {one.lot_id for line in lines for one in line.reservations}
        lock_balances(session, depot_order.depot_id, article_ids=articles, lot_ids=lots)
        reserve_anew(session, depot_order.depot_id, lines)
    in_box = recalled_in_boxes(session, [depot_order.id])
    if in_box and depot_order.status is DepotOrderStatus.PACKED:
        take_back_bookings(session, [parcel.id for parcel in depot_order.parcels if parcel.shipped_at is None])
    if lines or in_box:
        record_act(session, identity, depot_order, "recall.stopped")


def let_work_go_on(session: Session, message: Message) -> None:
    """Want the transports again that an undone recall had cancelled; handles `recall.undone`."""
    recall = session.get_one(Recall, message.payload["recall_id"])
    lot_ids, unit_ids = named_by(session, recall.id)
    parcels = session.scalars(
        select(Parcel.id)
        .join(DepotOrder, Parcel.depot_order_id == DepotOrder.id)
        .where(
            DepotOrder.id.in_(in_progress(lot_ids, unit_ids)),
            DepotOrder.status == DepotOrderStatus.PACKED,
            Parcel.shipped_at.is_(None),
        )
        .order_by(Parcel.id)
    )
    for parcel_id in parcels:
        publish(session, "parcel.packed", parcel_id=parcel_id)


def add_despatched(session: Session, message: Message) -> None:
    """Find those who were sent something after it was called back, by a depot elsewhere; handles `recall.despatched`.

    Whoever is found after the others were told is told too. Locks the recalls by id.
    """
    depot_order = session.get_one(DepotOrder, message.payload["depot_order_id"])
    for recall in recalls_of_order(session, depot_order):
        lot_ids, unit_ids = named_by(session, recall.id)
        add_recipients(session, recall.id, lot_ids, unit_ids)
        if recall.status is RecallStatus.TOLD:
            publish(session, "recall.tell", recall_id=recall.id, after=0)


def recalls_of_order(session: Session, depot_order: DepotOrder) -> list[Recall]:
    """Lock and return the recalls, by id, that something sent for a depot order is called back by."""
    lots = select(PickedLot.lot_id).join(PickLine).where(PickLine.depot_order_id == depot_order.id).scalar_subquery()
    picks = select(PickedLot.id).join(PickLine).where(PickLine.depot_order_id == depot_order.id).scalar_subquery()
    by_lot = select(RecallLot.recall_id).where(RecallLot.lot_id.in_(lots))
    by_unit = (
        select(RecallUnit.recall_id)
        .join(SerialisedUnit, RecallUnit.unit_id == SerialisedUnit.id)
        .where(SerialisedUnit.picked_lot_id.in_(picks))
    )
    return list(
        session.scalars(
            select(Recall)
            .where(
                Recall.id.in_(by_lot.union(by_unit)),
                Recall.region == depot_order.region,
                Recall.status.in_((RecallStatus.OPEN, RecallStatus.TOLD)),
            )
            .order_by(Recall.id)
            .with_for_update()
        )
    )


def named_by(session: Session, recall_id: int) -> tuple[list[int], list[int]]:
    """Return the ids of the lots and of the units that a recall is about."""
    lots = session.scalars(select(RecallLot.lot_id).where(RecallLot.recall_id == recall_id).order_by(RecallLot.lot_id))
    units = session.scalars(
        select(RecallUnit.unit_id).where(RecallUnit.recall_id == recall_id).order_by(RecallUnit.unit_id)
    )
    return list(lots), list(units)
