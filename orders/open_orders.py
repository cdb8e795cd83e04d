"""An order that nobody has begun to pick, locked to be changed: what every change begins and ends with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload

from auth.calls import inbox_readers
from auth.identity import Identity
from auth.models import Person
from auth.permissions import Permission, require
from auth.persons import post_message
from core import idempotency
from core.audit import record
from core.clock import now
from core.errors import NotFound
from core.outbox import publish
from orders.cancelling import lock_rows
from orders.errors import RegisteredElsewhere, TooLateToChange
from orders.models import (
    Article,
    DeliveryChoice,
    Order,
    OrderRow,
    Prescription,
    PrescriptionItem,
    RowStatus,
    Withdrawal,
)
from orders.services import lock_person


@dataclass(frozen=True)
class OpenOrder:
    """An order that may be changed, and everything that a change touches, locked; rows that are cancelled are not among it."""

    order: Order
    person: Person
    items: Mapping[int, PrescriptionItem]
    withdrawals: Mapping[int, Withdrawal]
    rows: Sequence[OrderRow]
    spent: idempotency.Claim

    def rows_of(self, choice_id: int) -> list[OrderRow]:
        """Return the rows of one delivery."""
        return [row for row in self.rows if row.delivery_choice_id == choice_id]

    def item_of(self, row: OrderRow) -> PrescriptionItem | None:
        """Return the item that a row withdraws from; None for a replacement."""
        withdrawal = None if row.withdrawal_id is None else self.withdrawals[row.withdrawal_id]
        return None if withdrawal is None else self.items[withdrawal.prescription_item_id]

    def amounts_of(self, item: PrescriptionItem) -> dict[int, int]:
        """Return packages per article id of one product."""
        return {row.article_id: row.packages for row in self.rows if self.item_of(row) is item}


def seen_version(rows: Sequence[OrderRow]) -> int:
    """Return what tells one state of an order's amounts from the next: its newest row."""
    return max((row.id for row in rows), default=0)


def can_be_changed(order: Order) -> bool:
    """Whether nobody has begun to pick anything of an order, rows loaded; decided anew by whoever changes it."""
    live = [row for row in order.rows if row.status is not RowStatus.CANCELLED]
    return order.is_ours and bool(live) and all(row.status is RowStatus.RECEIVED for row in live)


def lock_open_order(session: Session, identity: Identity, order_no: str, key: str) -> OpenOrder:
    """Lock the person, the prescription items (in id order) and the rows of an order of the subject's, and spend the form's key.

    Raises NotPermitted, NotFound, RegisteredElsewhere, and TooLateToChange when somebody has begun to pick or nothing is left to send.
    """
    require(identity, Permission.CHANGE_ORDER)
    order = session.scalar(
        select(Order).where(Order.order_no == order_no, Order.person_id == identity.subject_person_id)
    )
    if order is None:
        raise NotFound
    if not order.is_ours:
        raise RegisteredElsewhere
    person = lock_person(session, order.person_id)
    owner = f"staff:{identity.staff_id}" if identity.is_staff else f"person:{identity.person_id}"
    spent = idempotency.spend(session, "change-order", f"{owner}:{order.id}", key)
    items = session.scalars(
        select(PrescriptionItem)
        .join(Withdrawal, Withdrawal.prescription_item_id == PrescriptionItem.id)
        .where(Withdrawal.order_id == order.id, Withdrawal.cancelled_at.is_(None))
        .order_by(PrescriptionItem.id)
        .with_for_update(of=PrescriptionItem)
        .execution_options(populate_existing=True)
        .options(
            selectinload(PrescriptionItem.article).selectinload(Article.successor),
            selectinload(PrescriptionItem.sub_articles),
            selectinload(PrescriptionItem.delivery_alternatives),
            selectinload(PrescriptionItem.prescription).selectinload(Prescription.prescribing_unit),
        )
    ).all()
    rows = [row for row in lock_rows(session, order.id) if row.status is not RowStatus.CANCELLED]
    withdrawals = session.scalars(
        select(Withdrawal)
        .where(Withdrawal.order_id == order.id, Withdrawal.cancelled_at.is_(None))
        .execution_options(populate_existing=True)
    ).all()
    is_open = bool(rows) and all(row.status is RowStatus.RECEIVED for row in rows) and person.deceased_on is None
    # A second click that comes when picking has begun is told of the first one's success all the same.
    if spent.is_first and not is_open:
        raise TooLateToChange
    return OpenOrder(
        order, person, {item.id: item for item in items}, {one.id: one for one in withdrawals}, rows, spent
    )


def replace_row(session: Session, row: OrderRow, choice: DeliveryChoice, article_id: int, packages: int) -> None:
    """Put a row in the place of one that is superseded, of the same withdrawal and payer."""
    session.add(
        OrderRow(
            order_id=row.order_id,
            delivery_choice_id=choice.id,
            withdrawal_id=row.withdrawal_id,
            article_id=article_id,
            kind=row.kind,
            packages=packages,
            status_at=now(session),
            payer=row.payer,
            payer_ref=row.payer_ref,
            package_price=session.get_one(Article, article_id).price,
        )
    )


def supersede(session: Session, locked: OpenOrder, choice: DeliveryChoice) -> None:
    """Cancel what a delivery still had, and hide it and them from everybody who looks at the order."""
    choice.superseded_at = now(session)
    for row in locked.rows_of(choice.id):
        row.status, row.status_at = RowStatus.CANCELLED, now(session)
    session.flush()


def tell_depot(session: Session, order: Order) -> None:
    """Have the depot drop the old rows and route the new ones; it does not matter which it does first."""
    publish(session, "order.cancelled", order_id=order.id)
    publish(session, "order.placed", order_id=order.id)


def conclude(session: Session, identity: Identity, locked: OpenOrder) -> None:
    """Record the change, and tell whoever reads about the patient and whoever made it."""
    order = locked.order
    session.expire(order, ["rows", "delivery_choices"])
    locked.spent.settle(session, order.order_no)
    record(
        session,
        identity.actor,
        "order.changed",
        subject_person_id=order.person_id,
        object_ref=f"order:{order.order_no}",
    )
    receivers = {locked.person.id, identity.person_id or locked.person.id}
    if identity.is_staff:
        receivers = set(inbox_readers(session, locked.person))
    for receiver in sorted(receivers):
        post_message(session, receiver, locked.person.id, "order.changed", order_no=order.order_no)
