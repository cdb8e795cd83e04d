"""What regions differ in about complaints and warranties: a typed section of the policy files. Handbook §§6, 7 and 10."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import time
from enum import StrEnum
from typing import ClassVar

from delivery.complaints.clock import WorkingHours
from orders.kinds import ProductKind


class ComplaintRoute(StrEnum):
    """Who sees to it that somebody with a faulty product gets a working one; the case is recorded whichever it is."""

    DEPOT_REPLACES = "DEPOT_REPLACES"
    CUSTOMER_SERVICE = "CUSTOMER_SERVICE"
    SUPPLIER = "SUPPLIER"
    UNIT_TO_COUNTY_SERVICE = "UNIT_TO_COUNTY_SERVICE"


class WarrantyStart(StrEnum):
    """The day from which the supplier's warranty counts."""

    LEAVES_DEPOT = "LEAVES_DEPOT"
    ARRIVES_AT_DEPOT = "ARRIVES_AT_DEPOT"


@dataclass(frozen=True)
class ComplaintsPolicy:
    """Where complaints go by kind of product, consumables always to the depot; warranties in whole years.

    `replaces_at_once` lets the depot replace before anybody has looked, at most `replacements_a_year_before_a_look` times in twelve months
    per patient and article. Due times are in working hours, of days from `working_day_begins` to `working_day_ends` (Swedish time).
    `alert_email` is told at once that a case has a red flag; nobody is told when it is empty.
    """

    SECTION: ClassVar[str] = "complaints"

    sensor_route: ComplaintRoute = ComplaintRoute.DEPOT_REPLACES
    pump_route: ComplaintRoute = ComplaintRoute.SUPPLIER
    warranty_starts: WarrantyStart = WarrantyStart.ARRIVES_AT_DEPOT
    warranty_years: int = 4
    replaces_at_once: bool = True
    replacements_a_year_before_a_look: int = 6
    duplicate_within_days: int = 14
    due_working_hours: int = 24
    red_flag_due_working_hours: int = 4
    working_day_begins: str = "08:00"
    working_day_ends: str = "16:30"
    alert_email: str = ""
    claim_answer_days: int = 30
    claim_chase_every_days: int = 14
    signal_least_reports: int = 3
    signal_false_discovery_percent: int = 5

    def __post_init__(self) -> None:
        _ = self.working_hours
        if self.alert_email and self.alert_email.count("@") != 1:
            raise ValueError("alert_email is not an e-mail address")

    @property
    def working_hours(self) -> WorkingHours:
        """The hours of a working day; ValueError when they are not hours."""
        return WorkingHours(_hour(self.working_day_begins), _hour(self.working_day_ends))

    def due_minutes(self, *, is_red: bool) -> int:
        """Return the minutes of working time within which a case is to be decided."""
        return 60 * (self.red_flag_due_working_hours if is_red else self.due_working_hours)

    def route_of(self, kind: ProductKind) -> ComplaintRoute:
        """Return the route of a product's complaints (handbook §7)."""
        match kind:
            case ProductKind.SENSOR:
                return self.sensor_route
            case ProductKind.PUMP:
                return self.pump_route
            case _:
                return ComplaintRoute.DEPOT_REPLACES


def _hour(text: str) -> time:
    hour, colon, minute = text.partition(":")
    if not (colon and hour.isdecimal() and minute.isdecimal()):
        raise ValueError("working_day_begins and working_day_ends are hours such as 08:00")
    return time(int(hour), int(minute))
