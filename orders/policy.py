"""What regions differ in about ordering: typed sections of the policy files. Handbook §10."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar

from orders.kinds import DeliveryMethod, ProductKind


class Supply(StrEnum):
    """How those who do not live in the region get their products (handbook §§8 and 10)."""

    HOME_REGION_PAYS = "HOME_REGION_PAYS"
    PHARMACY = "PHARMACY"
    CUSTOMER_SERVICE = "CUSTOMER_SERVICE"


class Budget(StrEnum):
    """Whose money it is when nothing else decides."""

    UNIT = "UNIT"
    CENTRAL = "CENTRAL"


@dataclass(frozen=True)
class OrderingPolicy:
    """Limits and promises; days are calendar days unless they say working days, amounts are in SEK.

    `delivery_methods` are those the region offers, its usual one first. `urgent_packages_elsewhere` is how many packages can be had at
    another health centre when the own one is short, of all but the `never_urgent` kinds.
    """

    SECTION: ClassVar[str] = "ordering"

    county_code: str
    promise_working_days: int = 5
    default_days_per_order: int = 90
    reorder_days_before_empty: int = 14
    ended_items_visible_days: int = 365
    delivery_methods: tuple[DeliveryMethod, ...] = (DeliveryMethod.HOME_DELIVERY, DeliveryMethod.SERVICE_POINT)
    out_of_county: Supply = Supply.HOME_REGION_PAYS
    asylum_seekers: Supply = Supply.PHARMACY
    ask_home_region_above: int = 10_000
    urgent_packages_elsewhere: int = 0
    never_urgent: tuple[ProductKind, ...] = ()
    protected_parcels_carry_alias: bool = False

    def __post_init__(self) -> None:
        """Refuse what no order could be placed with; a parcel to the prescribing unit is never a choice."""
        if not self.delivery_methods or DeliveryMethod.UNIT in self.delivery_methods:
            raise ValueError("delivery_methods names at least one method, and never UNIT")
        if len(set(self.delivery_methods)) != len(self.delivery_methods):
            raise ValueError("delivery_methods names a method twice")
        if len(self.county_code) != 2 or not self.county_code.isdigit():
            raise ValueError("county_code is not two digits")


@dataclass(frozen=True)
class PrescribingPolicy:
    """How long a prescription and one withdrawal of it may last; what a prescriber is told about. Handbook §3.3–4."""

    SECTION: ClassVar[str] = "prescribing"

    valid_months: int = 12
    sensor_valid_months: int = 12
    days_per_withdrawal_at_most: int = 90
    withdrawals_at_most: int = 24
    tell_days_before_end: int = 60
    little_used_below_percent: int = 50


@dataclass(frozen=True)
class PayerPolicy:
    """Who pays (handbook §8); `central_cost_centre` is needed where the budget is central."""

    SECTION: ClassVar[str] = "payers"

    budget: Budget = Budget.UNIT
    central_cost_centre: str = ""
    municipality_pays_home_care: bool = True
    adult_unit_pays_from_age: int = 18

    def __post_init__(self) -> None:
        """Refuse a central budget that is nobody's."""
        if self.budget is Budget.CENTRAL and not self.central_cost_centre:
            raise ValueError("central_cost_centre is missing although budget is CENTRAL")


@dataclass(frozen=True)
class CustomerServicePolicy:
    """Whom a patient calls, and what the region promises of deliveries, in its own words per language."""

    SECTION: ClassVar[str] = "customer_service"

    region_name: str
    phone: str
    hours_sv: str
    hours_en: str
    promise_sv: str
    promise_en: str
