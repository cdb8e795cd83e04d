"""How much to order from a supplier. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil


@dataclass(frozen=True)
class Flow:
    """One article's figures, in packages and days: what is used a day, on the shelf, owed to patients, and on its way."""

    used_per_day: float
    available: int
    owed: int
    on_order: int
    lead_days: int
    review_days: int
    safety_days: int

    @property
    def wanted(self) -> int:
        """What should be on the shelf or on its way: enough until the order after the next has come, and what is owed."""
        return ceil(self.used_per_day * (self.lead_days + self.review_days + self.safety_days)) + self.owed

    @property
    def order_point(self) -> int:
        """Below this an order is due: what is used while goods are on their way, some safety, and what is owed."""
        return ceil(self.used_per_day * (self.lead_days + self.safety_days)) + self.owed


def proposal(flow: Flow) -> int:
    """Return the packages to order now; nothing while what is there and on its way is enough until the next review."""
    there = flow.available + flow.on_order
    return flow.wanted - there if there < flow.order_point else 0
