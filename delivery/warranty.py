"""Until when the supplier's warranty lasts: values in, a day out. Handbook §6."""

from __future__ import annotations

from datetime import date, timedelta

from delivery.complaints.policy import ComplaintsPolicy, WarrantyStart


def warranty_begins_on(arrived_on: date | None, shipped_on: date | None, policy: ComplaintsPolicy) -> date | None:
    """Return the first day of the warranty: the product left the depot, or came to it; None while that has not happened."""
    return shipped_on if policy.warranty_starts is WarrantyStart.LEAVES_DEPOT else arrived_on


def warranty_ends_on(begins_on: date, years: int) -> date:
    """Return the last day of a warranty of so many whole years."""
    try:
        anniversary = begins_on.replace(year=begins_on.year + years)
    except ValueError:
        # Begun on 29 February.
        anniversary = date(begins_on.year + years, 3, 1)
    return anniversary - timedelta(days=1)


def own_warranty(arrived_on: date | None, shipped_on: date | None, policy: ComplaintsPolicy) -> date | None:
    """Return the last day of the warranty that a product has of its own; None while that has not begun."""
    begins_on = warranty_begins_on(arrived_on, shipped_on, policy)
    return warranty_ends_on(begins_on, policy.warranty_years) if begins_on else None


def inherited_warranty(old_until: date | None, day: date, own_until: date | None) -> date | None:
    """Return the last day of the warranty of what came on `day` instead of another: what was left of that one's, else its own."""
    return old_until if old_until is not None and old_until >= day else own_until
