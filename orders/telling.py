"""Telling about an order: the patient and whoever ordered for them. A unit sees its own orders' news on its own page."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy.orm import Session

from auth.persons import Posting, post_messages
from orders.models import Order


def tell(session: Session, order: Order, kind: str, **facts: Any) -> None:
    """Put one message about an order into the inboxes of the patient and of whoever ordered; a unit's own order has none."""
    tell_each(session, order, kind, [facts])


def tell_each(session: Session, order: Order, kind: str, each: Sequence[dict[str, Any]]) -> None:
    """Put several messages of one kind, in the caller's transaction; `order_no` is among the facts of each by itself."""
    if order.person_id is None:
        return
    receivers = sorted({order.person_id, order.orderer_person_id or order.person_id})
    post_messages(
        session,
        [
            Posting(receiver, order.person_id, kind, {"order_no": order.order_no, **facts})
            for facts in each
            for receiver in receivers
        ],
    )
