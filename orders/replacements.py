"""Replacement orders for faulty products: no withdrawal is used. Handbook §3.8."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from auth.identity import Identity
from core.clock import now
from orders.addresses import build_delivery_choice
from orders.models import Channel, Order, OrderRow, Prescription, RowKind
from orders.services import announce_order, lock_person, new_order


def place_replacement(
    session: Session, identity: Identity, *, person_id: int, complaint_id: int, article_id: int, packages: int
) -> Order:
    """Order `packages` of the article home to the person because of a complaint; once per complaint, whatever is retried.

    The caller has checked the right to decide. Locks the person; writes order, access log, outbox and inbox. A person
    without any prescription cannot have had the product: LookupError.
    """
    earlier = session.scalar(
        select(Order).join(OrderRow, OrderRow.order_id == Order.id).where(OrderRow.complaint_ref == complaint_id)
    )
    if earlier is not None:
        return earlier
    person = lock_person(session, person_id)
    prescription = session.scalar(
        select(Prescription).where(Prescription.person_id == person_id).order_by(Prescription.id.desc()).limit(1)
    )
    if prescription is None:
        raise LookupError("no prescription to deliver a replacement by")
    order = new_order(session, identity, person, Channel.COMPLAINT)
    choice = build_delivery_choice(session, order, person, None, prescription)
    session.add(
        OrderRow(
            order_id=order.id,
            delivery_choice_id=choice.id,
            article_id=article_id,
            kind=RowKind.REPLACEMENT,
            complaint_ref=complaint_id,
            packages=packages,
            status_at=now(session),
        )
    )
    session.flush()
    announce_order(session, identity, order)
    return order
