"""Telling of a new order: the depot by the outbox, the patient and whoever ordered by the inbox."""

from __future__ import annotations

from sqlalchemy.orm import Session

from auth.calls import inbox_readers
from auth.identity import Identity
from auth.persons import post_message
from core.audit import record
from core.outbox import publish
from orders.models import Channel, Order


def announce_order(session: Session, identity: Identity, order: Order) -> None:
    """Record a new order, confirm it, and tell the depot by the outbox; what of it is not written yet is written."""
    record(
        session,
        identity.actor,
        "order.placed",
        subject_person_id=order.person_id,
        object_ref=f"order:{order.order_no}",
    )
    confirm_order(session, order)
    session.flush()
    publish(session, "order.placed", order_id=order.id)


def confirm_order(session: Session, order: Order) -> None:
    """Confirm an order to the patient and to whoever ordered for them; what came by phone to whoever reads about the patient."""
    receivers = {order.patient_id, order.orderer_person_id or order.patient_id}
    also = {} if order.is_ours else {"sent_elsewhere": True}
    if order.channel is Channel.PHONE:
        receivers |= set(inbox_readers(session, order.patient))
        also["by_phone"] = True
    for receiver in sorted(receivers):
        post_message(
            session,
            receiver,
            order.patient_id,
            "order.confirmed",
            order_no=order.order_no,
            promised_date=order.promised_date.isoformat(),
            **also,
        )
