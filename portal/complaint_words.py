"""What faults, cases and their states are called: shared by those who report and those who decide."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask_babel import lazy_gettext as _l

from auth.identity import Relation
from delivery.complaints.models import ComplaintEventKind, ComplaintState, FaultKind
from delivery.complaints.policy import ComplaintRoute

FAULTS: Mapping[FaultKind, Any] = {
    FaultKind.STOPPED_WORKING: _l("It does not work, or stopped working"),
    FaultKind.WRONG_READING: _l("It shows wrong values"),
    FaultKind.ERROR_CODE: _l("An error code, or no contact"),
    FaultKind.CAME_LOOSE: _l("It came loose"),
    FaultKind.LEAKS: _l("It leaks"),
    FaultKind.BLOCKED: _l("It is blocked: nothing comes through"),
    FaultKind.BROKEN_PACKAGE: _l("It was broken or wrong when I opened it"),
    FaultKind.SKIN_REACTION: _l("The skin reacts to it"),
    FaultKind.TASTE_OR_SPOILED: _l("It tastes wrong or is spoiled"),
    FaultKind.OTHER: _l("Something else"),
}
FAULT_ICONS: Mapping[FaultKind, str] = {
    FaultKind.STOPPED_WORKING: "broken",
    FaultKind.WRONG_READING: "search",
    FaultKind.ERROR_CODE: "warning",
    FaultKind.CAME_LOOSE: "undo",
    FaultKind.LEAKS: "leaf",
    FaultKind.BLOCKED: "lock",
    FaultKind.BROKEN_PACKAGE: "parcel",
    FaultKind.SKIN_REACTION: "heart",
    FaultKind.TASTE_OR_SPOILED: "flag",
    FaultKind.OTHER: "info",
}
STATES: Mapping[ComplaintState, tuple[Any, str]] = {
    ComplaintState.RECEIVED: (_l("To be decided"), "accent"),
    ComplaintState.TRIAGED: (_l("Being looked at"), "accent"),
    ComplaintState.REPLACEMENT_ORDERED: (_l("Replaced"), "success"),
    ComplaintState.DECLINED: (_l("Declined"), "neutral"),
    ComplaintState.CLAIMED: (_l("With the supplier"), "info"),
    ComplaintState.ACCEPTED: (_l("Accepted by the supplier"), "success"),
    ComplaintState.REJECTED: (_l("Rejected by the supplier"), "neutral"),
    ComplaintState.CREDITED: (_l("Credited"), "success"),
    ComplaintState.CLOSED: (_l("Closed"), "neutral"),
}
RELATIONS: Mapping[Relation | None, Any] = {
    Relation.SELF: _l("The patient"),
    Relation.GUARDIAN: _l("A guardian"),
    Relation.PROXY: _l("A proxy"),
    Relation.CALL: _l("Customer service, by phone"),
    None: _l("Customer service"),
}
ROUTES: Mapping[ComplaintRoute, Any] = {
    ComplaintRoute.DEPOT_REPLACES: _l("The depot replaces, and you claim it from the supplier."),
    ComplaintRoute.CUSTOMER_SERVICE: _l("The reporter has been asked to call customer service."),
    ComplaintRoute.SUPPLIER: _l("The reporter has been asked to call the supplier's support."),
    ComplaintRoute.UNIT_TO_COUNTY_SERVICE: _l(
        "The reporter takes it to the unit, which sends it to the county's service."
    ),
}
EVENTS: Mapping[ComplaintEventKind, Any] = {
    ComplaintEventKind.REPORTED: _l("The fault report came in"),
    ComplaintEventKind.ROUTED: _l("Put in the queue"),
    ComplaintEventKind.OPENED: _l("Somebody took the case"),
    ComplaintEventKind.REPLACED: _l("A replacement was ordered"),
    ComplaintEventKind.DECLINED: _l("The complaint was declined"),
}
