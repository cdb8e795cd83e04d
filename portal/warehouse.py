"""Sending orders to a depot with a warehouse system of its own, by whichever way the installation has."""

from __future__ import annotations

import logging
from typing import Protocol

from sqlalchemy.orm import Session

from core.outbox import Message
from delivery.warehouse_models import Outcome, WarehouseMessage
from delivery.warehouse_orders import mark_not_taken, mark_sent

log = logging.getLogger("portal.warehouse")


class NotTaken(Exception):
    """The warehouse will not take the message as it is, and trying again would not help; `status` is what it answered."""

    def __init__(self, status: int) -> None:
        super().__init__(f"status {status}")
        self.status = status


class WarehousePort(Protocol):
    """Something that hands messages to a region's warehouse. The same document twice must be one order there."""

    def send(self, region: str, document_id: str, body: bytes) -> None:
        """Hand over a message; raise NotTaken for good, anything else to be tried again."""
        ...


_port: WarehousePort | None = None


def use_warehouse(port: WarehousePort | None) -> None:
    """Give this process its way to the warehouse; called once by each entry point."""
    global _port
    _port = port


def send_order(session: Session, message: Message) -> None:
    """Send a stored order; handles `warehouse.send`, and a second time sends nothing.

    Locks nothing but its own outbox message while the warehouse is called. What is stopped or built anew meanwhile is not sent.
    """
    stored = session.get_one(WarehouseMessage, message.payload["warehouse_message_id"])
    if stored.outcome is not Outcome.WAITING or not stored.body:
        return
    if _port is None:
        raise RuntimeError("no warehouse: call portal.warehouse.use_warehouse at start")
    body = stored.body
    try:
        _port.send(stored.region, stored.document_id, body.encode())
    except NotTaken as refusal:
        mark_not_taken(session, stored.id, refusal.status)
        log.error("the warehouse does not take an order", extra={"message_id": message.id, "status": refusal.status})
    else:
        mark_sent(session, stored.id, body)
