"""What regions differ in about delivery and complaints: a typed section of the policy files. Handbook §10."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True)
class DeliveryPolicy:
    """Which depot serves the region; due times are in working days."""

    SECTION: ClassVar[str] = "delivery"

    depot_hsa_id: str
    back_order_working_days: int = 10
    complaint_due_working_days: int = 3
    red_flag_due_working_days: int = 1
    carrier: str = "PostNord"
    tracking_url: str = ""
