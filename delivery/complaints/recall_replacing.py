"""New products for those whose products are called back: once each, through the outbox. Handbook §7."""

from __future__ import annotations

import logging
from collections import defaultdict
from datetime import date

from sqlalchemy import select
from sqlalchemy.orm import Session

from auth.identity import system_identity
from core.clock import today
from core.outbox import Message, publish
from delivery.complaints.recall_models import Recall, RecallItem, RecallRecipient, RecallStatus
from delivery.models import PickedLot, PickLine
from orders.replacements import place_recall_replacement
from orders.services import lock_person

BATCH = 200

log = logging.getLogger("portal.recalls")


def replace_batch(session: Session, message: Message) -> None:
    """Ask for a replacement for each of the next recipients, and for those after them; handles `recall.replace`. Locks nothing."""
    recall = session.get_one(Recall, message.payload["recall_id"])
    recipients = session.scalars(
        select(RecallRecipient.id)
        .where(
            RecallRecipient.recall_id == recall.id,
            RecallRecipient.id > message.payload["after"],
            RecallRecipient.person_id.is_not(None),
            RecallRecipient.replacement_order_id.is_(None),
        )
        .order_by(RecallRecipient.id)
        .limit(BATCH)
    ).all()
    for recipient_id in recipients:
        publish(session, "recall.replace_one", recipient_id=recipient_id)
    if len(recipients) == BATCH:
        publish(session, "recall.replace", recall_id=recall.id, after=recipients[-1])


def replace_for(session: Session, message: Message) -> None:
    """Order anew what one patient should still be using of it; handles `recall.replace_one`. Again changes nothing.

    What should be used up by now is not sent again. Locks the person, then what
    placing an order locks, last the recipient. Whoever has died, or has no prescription left, gets nothing: the recall's page counts them.
    """
    found = session.get_one(RecallRecipient, message.payload["recipient_id"])
    if found.person_id is None or found.replacement_order_id is not None:
        return
    recall = session.get_one(Recall, found.recall_id)
    if recall.status is RecallStatus.UNDONE or lock_person(session, found.person_id).deceased_on is not None:
        return
    packages, row_id = _still_in_use(session, found.id, today(session))
    if not packages:
        return
    try:
        order = place_recall_replacement(
            session,
            system_identity(recall.region, "recalls"),
            person_id=found.person_id,
            recall_ref=found.id,
            packages=packages,
            replaced_row_id=row_id,
        )
    except LookupError:
        log.warning("nobody prescribes for a recipient of a recall", extra={"recipient_id": found.id})
        return
    if order is not None:
        recipient = session.get_one(RecallRecipient, found.id, with_for_update=True, populate_existing=True)
        recipient.replacement_order_id = order.id


def _still_in_use(session: Session, recipient_id: int, day: date) -> tuple[dict[int, int], int | None]:
    """Return packages by article of what should last beyond today, and the latest order row of them."""
    rows = session.execute(
        select(PickLine.article_id, PickLine.order_row_id, RecallItem.packages)
        .select_from(RecallItem)
        .join(PickedLot, RecallItem.picked_lot_id == PickedLot.id)
        .join(PickLine, PickedLot.pick_line_id == PickLine.id)
        .where(RecallItem.recipient_id == recipient_id, PickLine.use_until >= day)
        .order_by(PickLine.order_row_id)
    ).all()
    packages: dict[int, int] = defaultdict(int)
    for row in rows:
        packages[row.article_id] += row.packages
    return dict(packages), rows[-1].order_row_id if rows else None
