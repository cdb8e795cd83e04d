"""Stopping what is not yet on its way, because the prescription or the patient is no more. Handbook §§3.3 and 4."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from auth.identity import Identity, system_identity
from auth.permissions import Permission, require
from core.audit import record
from core.clock import now
from core.outbox import Message, publish
from orders.cancelling import give_back
from orders.models import Article, Order, OrderRow, PrescriptionItem, Registration, RowStatus, Withdrawal
from orders.services import lock_person
from orders.telling import tell

NOT_PICKED = frozenset({RowStatus.RECEIVED, RowStatus.BACK_ORDERED})
NOT_SENT = NOT_PICKED | {RowStatus.PICKING}


def stop_item(session: Session, identity: Identity, item: PrescriptionItem) -> None:
    """Cancel what nobody has begun to pick of a cancelled item, give its withdrawals back, and tell depot and patient.

    The caller holds the locks of person and item; locks the rows in id order. A row that is being picked goes on; what is still to
    come of it, or of one that is partly sent, the depot stops.
    """
    of_item = OrderRow.withdrawal_id.in_(select(Withdrawal.id).where(Withdrawal.prescription_item_id == item.id))
    stopped = _cancel_rows(session, of_item, NOT_PICKED)
    _tell_depot(session, of_item, stopped)
    for order in stopped:
        if _nothing_is_left(session, of_item, order):
            give_back(session, order, item)
        record_stopped(session, identity, order)
        tell_stopped(session, order, item.article)


def tell_stopped(session: Session, order: Order, article: Article) -> None:
    """Tell the patient, and whoever ordered for them, that a product of an order is not sent."""
    tell(session, order, "order.stopped", article=article.display_name)


def stop_orders_of_deceased(session: Session, message: Message) -> None:
    """Cancel everything of a deceased person that has not been sent, and tell the depot; handles `person.died`.

    Locks the person, then the rows in id order. A death that was taken back meanwhile stops nothing.
    """
    person = lock_person(session, message.payload["person_id"])
    if person.deceased_on is None:
        return
    identity = system_identity(person.region, "deaths")
    require(identity, Permission.ROUTE_MESSAGES, region=person.region)
    of_person = OrderRow.order_id.in_(select(Order.id).where(Order.person_id == person.id))
    stopped = _cancel_rows(session, of_person, NOT_SENT)
    _tell_depot(session, of_person, stopped)
    for order in stopped:
        record_stopped(session, identity, order)


def _cancel_rows(session: Session, chosen: ColumnElement[bool], statuses: Collection[RowStatus]) -> list[Order]:
    """Cancel the chosen rows that are where they may still be stopped, and ours to stop; return their orders in id order."""
    ours = OrderRow.order.has(Order.registration == Registration.HERE)
    rows = session.scalars(
        select(OrderRow)
        .where(chosen, ours, OrderRow.status.in_(statuses))
        .order_by(OrderRow.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).all()
    for row in rows:
        row.status, row.status_at = RowStatus.CANCELLED, now(session)
    session.flush()
    return _orders(session, OrderRow.id.in_([row.id for row in rows]))


def _tell_depot(session: Session, chosen: ColumnElement[bool], stopped: list[Order]) -> None:
    under_way = _orders(session, chosen & OrderRow.status.in_((RowStatus.PICKING, RowStatus.SENT)))
    for order_id in sorted({order.id for order in (*stopped, *under_way)}):
        publish(session, "order.cancelled", order_id=order_id)


def _orders(session: Session, chosen: ColumnElement[bool]) -> list[Order]:
    return list(
        session.scalars(select(Order).where(Order.id.in_(select(OrderRow.order_id).where(chosen))).order_by(Order.id))
    )


def _nothing_is_left(session: Session, chosen: ColumnElement[bool], order: Order) -> bool:
    left = select(OrderRow.id).where(chosen, OrderRow.order_id == order.id, OrderRow.status != RowStatus.CANCELLED)
    return session.scalar(left.limit(1)) is None


def record_stopped(session: Session, identity: Identity, order: Order) -> None:
    """Write to the access log that something of an order was stopped."""
    record(
        session,
        identity.actor,
        "order.stopped",
        subject_person_id=order.person_id,
        object_ref=f"order:{order.order_no}",
    )
