"""Orders that a source takes: written here, sent, and then registered or undone. Lock → check → build → record; the caller commits.

Between writing and the answer no transaction is open: whatever dies then, the order stands as awaited and is looked for at the source.
Lock order: person, prescription items (by id), order rows (by id).
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from auth.identity import Identity
from auth.permissions import Permission, require
from core import idempotency
from core.audit import record
from core.clock import now
from core.errors import DomainError, NotFound
from orders.announcing import confirm_order
from orders.cancelling import give_back, lock_rows
from orders.contract.writing import Values
from orders.models import DeliveryChoice, Order, OrderRow, PrescriptionItem, Registration, Withdrawal
from orders.services import ORDER_KEYS, PlaceOrder, key_owner, lock_person, write_order
from orders.source.models import AwaitedOrder, SourceReading
from orders.source.policy import source_of
from orders.source.requests import order_values, sent_rows
from orders.source.rules import StatedRow, match_rows
from orders.telling import tell


class AnotherAwaited(DomainError):
    """An earlier order of the person's is still awaited; the next one could not be told from it. Nothing was written."""

    def __init__(self, order_no: str) -> None:
        super().__init__("another order is awaited")
        self.order_no = order_no


@dataclass(frozen=True)
class Submitted:
    """An order that is to be sent now with these values; None when the same form has sent it already."""

    order: Order
    request: Values | None


def order_made_by(session: Session, identity: Identity, command: PlaceOrder) -> Order | None:
    """Return the order that the same form has made already, awaited or not: nothing needs to be asked or sent. Locks the person.

    Whoever is shown that it is awaited is told by the inbox if nothing comes of it. Raises NotPermitted, NotFound.
    """
    require(identity, Permission.PLACE_ORDER)
    person = lock_person(session, identity.subject_person_id)
    if person.region != identity.region:
        raise NotFound
    order_no = idempotency.result_of(session, ORDER_KEYS, key_owner(identity, person.id), command.idempotency_key)
    if order_no is None:
        return None
    made = session.scalars(select(Order).where(Order.order_no == order_no)).one()
    awaited = session.get(AwaitedOrder, made.id, populate_existing=True)
    if awaited is not None:
        awaited.is_told = True
    return made


def submit_order(
    session: Session, identity: Identity, command: PlaceOrder, known_item_ids: Collection[str]
) -> Submitted:
    """Write the order that is about to be sent to the source, as awaited; `known_item_ids` is all that the source has of the person now.

    Decides, locks and raises as `place_order`, and raises AnotherAwaited. Its withdrawals are used from now on; nobody is told yet.
    """
    made = order_made_by(session, identity, command)
    if made is not None:
        return Submitted(made, None)
    assert identity.subject_person_id is not None
    earlier = _awaited_of(session, identity.subject_person_id)
    if earlier is not None:
        raise AnotherAwaited(earlier.order_no)
    placed = write_order(session, identity, command, Registration.AWAITED)
    session.add(
        AwaitedOrder(
            order_id=placed.order.id,
            person_id=placed.order.patient_id,
            sent_at=now(session),
            known_item_ids=sorted(set(known_item_ids)),
        )
    )
    _record(session, identity, placed.order, "order.submitted")
    session.flush()
    return Submitted(placed.order, order_values(session, placed.order, source_of(identity.region).contract_version))


def register_order(session: Session, identity: Identity, order_id: int, stated: Collection[StatedRow]) -> Order:
    """Note that the source has registered an awaited order, with its names of the rows, and confirm it; a second time changes nothing.

    Raises NotFound for an order that was undone meanwhile. Locks the person, then the rows.
    """
    order = _lock_order(session, order_id)
    awaited = session.get(AwaitedOrder, order_id, populate_existing=True)
    if awaited is None:
        return order
    rows = {row.id: row for row in lock_rows(session, order.id)}
    for row_id, source_item_id in match_rows(
        sent_rows(session, order), stated, frozenset(awaited.known_item_ids)
    ).items():
        rows[row_id].source_item_id = source_item_id
    order.registration = Registration.AT_SOURCE
    session.delete(awaited)
    # What the source was asked for before it had answered may not count the order yet.
    session.execute(
        update(SourceReading).where(SourceReading.person_id == order.person_id).values(settled_at=now(session))
    )
    _record(session, identity, order, "order.placed")
    confirm_order(session, order)
    return order


def undo_order(session: Session, identity: Identity, order_id: int, *, tell_patient: bool) -> None:
    """Take back an awaited order that the source has not registered, withdrawals and all, so that the same form can be sent again.

    Whoever was told that it is awaited is told that it is not registered, and of what: always with `tell_patient`, else when the same
    form came again meanwhile. What is registered or gone is left as it is.
    Locks the person, the prescription items (in id order), then the rows.
    """
    try:
        order = _lock_order(session, order_id)
    except NotFound:
        return
    awaited = session.get(AwaitedOrder, order_id, populate_existing=True)
    if awaited is None:
        return
    items = session.scalars(
        select(PrescriptionItem)
        .join(Withdrawal, Withdrawal.prescription_item_id == PrescriptionItem.id)
        .where(Withdrawal.order_id == order.id)
        .order_by(PrescriptionItem.id)
        .with_for_update(of=PrescriptionItem)
        .execution_options(populate_existing=True)
    ).all()
    lock_rows(session, order.id)
    for item in items:
        give_back(session, order, item)
    _record(session, identity, order, "order.not_registered")
    if tell_patient or awaited.is_told:
        names = [item.article.display_name for item in items]
        tell(session, order, "order.not_registered", articles=names, items=[item.id for item in items])
    session.flush()
    idempotency.forget(session, ORDER_KEYS, order.order_no)
    session.expunge(order)
    for table in (AwaitedOrder, OrderRow, Withdrawal, DeliveryChoice):
        session.execute(delete(table).where(table.order_id == order_id))
    session.execute(delete(Order).where(Order.id == order_id))


def awaited_order_ids(session: Session, region: str) -> list[int]:
    """Return the orders of a region that are awaited, oldest first."""
    return list(
        session.scalars(
            select(AwaitedOrder.order_id)
            .join(Order, AwaitedOrder.order_id == Order.id)
            .where(Order.region == region)
            .order_by(AwaitedOrder.sent_at, AwaitedOrder.order_id)
        )
    )


def _awaited_of(session: Session, person_id: int) -> Order | None:
    return session.scalar(
        select(Order).join(AwaitedOrder, AwaitedOrder.order_id == Order.id).where(AwaitedOrder.person_id == person_id)
    )


def _lock_order(session: Session, order_id: int) -> Order:
    """Lock the person of an order and return the order as it is then; raise NotFound."""
    person_id = session.scalar(select(Order.person_id).where(Order.id == order_id))
    if person_id is None:
        raise NotFound
    lock_person(session, person_id)
    order = session.scalar(select(Order).where(Order.id == order_id).execution_options(populate_existing=True))
    if order is None:
        raise NotFound
    return order


def _record(session: Session, identity: Identity, order: Order, action: str) -> None:
    record(session, identity.actor, action, subject_person_id=order.person_id, object_ref=f"order:{order.order_no}")
