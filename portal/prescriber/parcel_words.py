"""Where a parcel to the unit is, in words; no name stands anywhere."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from flask_babel import gettext as _, lazy_gettext as _l

from delivery.models import DepotOrderStatus
from delivery.unit_parcels import UnitParcel
from portal.formats import day, day_without_year, grouped

_STATES: Mapping[DepotOrderStatus, tuple[Any, str]] = {
    DepotOrderStatus.BACK_ORDERED: (_l("Out of stock: comes later"), "attention"),
    DepotOrderStatus.SHIPPED: (_l("On its way"), "info"),
    DepotOrderStatus.DELIVERED: (_l("Is at the unit"), "success"),
}


@dataclass(frozen=True)
class ParcelLine:
    """One parcel of the list."""

    person_id: int
    title: str
    detail: str
    state: str
    tone: str


def parcel_words(parcel: UnitParcel, today: date) -> ParcelLine:
    """Put a parcel to the unit into words."""
    state, tone = _STATES.get(parcel.status, (_l("At the depot"), "neutral"))
    if parcel.delivered_at is not None:
        when = _("came %(day)s", day=day_without_year(parcel.delivered_at.date()))
    elif parcel.expected_on < today:
        when = _("should have come %(day)s", day=day_without_year(parcel.expected_on))
    else:
        when = _("expected %(day)s", day=day(parcel.expected_on))
    marks = [_("order %(number)s", number=grouped(parcel.order_no))]
    if parcel.parcel_no:
        marks.append(_("parcel ending in %(digits)s", digits=parcel.parcel_no[-6:]))
    if parcel.tracking_no:
        marks.append(parcel.tracking_no)
    return ParcelLine(
        parcel.person_id,
        parcel.alias or _("Protected identity"),
        " · ".join([when, *marks]),
        str(state),
        tone,
    )
