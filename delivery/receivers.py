"""Who is told about an order."""

from __future__ import annotations

from orders.models import Order


def receivers_of(order: Order) -> list[int]:
    """Return who is told about an order: the patient, and whoever ordered for them."""
    return sorted({order.person_id, order.orderer_person_id or order.person_id})
