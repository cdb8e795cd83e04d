"""What regions differ in about ordering: typed sections of the policy files. Handbook §10."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True)
class OrderingPolicy:
    """Limits and promises; days are calendar days unless they say working days."""

    SECTION: ClassVar[str] = "ordering"

    county_code: str
    promise_working_days: int = 5
    default_days_per_order: int = 90
    reorder_days_before_empty: int = 14
    ended_items_visible_days: int = 365


@dataclass(frozen=True)
class CustomerServicePolicy:
    """Whom a patient calls, in the region's own words per language."""

    SECTION: ClassVar[str] = "customer_service"

    region_name: str
    phone: str
    hours_sv: str
    hours_en: str
