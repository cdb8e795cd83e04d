"""What faults, cases and their states are called: shared by those who report and those who decide."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask_babel import lazy_gettext as _l

from auth.identity import Relation
from delivery.complaints.models import ComplaintEventKind, ComplaintState, FaultKind, LookFirst
from delivery.complaints.policy import ComplaintRoute
from orders.kinds import ProductArea, ProductKind

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
    Relation.CARE: _l("The prescriber"),
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
    ComplaintEventKind.TRIAGED: _l("The case was looked into"),
    ComplaintEventKind.ASSIGNED: _l("Given to a colleague"),
    ComplaintEventKind.ALERTED: _l("The consultants were alerted"),
    ComplaintEventKind.ASKED: _l("The reporter was asked"),
    ComplaintEventKind.ANSWERED: _l("The reporter answered"),
    ComplaintEventKind.ADDED: _l("The reporter added something"),
    ComplaintEventKind.PHOTO_ADDED: _l("Photos were added"),
    ComplaintEventKind.NOTE: _l("A note for those at work"),
    ComplaintEventKind.MADE_DUPLICATE: _l("The same as another case"),
    ComplaintEventKind.NOT_DUPLICATE: _l("Not the same as any other case"),
    ComplaintEventKind.REOPENED: _l("The case was opened again"),
    ComplaintEventKind.CLAIMED: _l("Claimed from the supplier"),
    ComplaintEventKind.CLAIM_TAKEN_BACK: _l("The claim was taken back before it was sent"),
    ComplaintEventKind.CLAIM_SENT: _l("The claim was sent to the supplier"),
    ComplaintEventKind.ACCEPTED: _l("The supplier accepted the claim"),
    ComplaintEventKind.REJECTED: _l("The supplier rejected the claim"),
    ComplaintEventKind.ANSWER_UNDONE: _l("The supplier's answer was taken back: it had been noted by mistake"),
    ComplaintEventKind.CREDITED: _l("The supplier's credit note came"),
    ComplaintEventKind.CREDIT_UNDONE: _l("A credit note was undone"),
    ComplaintEventKind.CLOSED: _l("The case was closed"),
    ComplaintEventKind.INCIDENT_ASSESSED: _l("Assessed as an incident"),
    ComplaintEventKind.DOCUMENT_WRITTEN: _l("A document was written"),
    ComplaintEventKind.DOCUMENT_SENT: _l("A document was sent"),
    ComplaintEventKind.AUTHORITY_REF: _l("Läkemedelsverket's number was noted"),
    ComplaintEventKind.MANUFACTURER_ANSWERED: _l("The manufacturer answered"),
    ComplaintEventKind.EXCHANGED: _l("The supplier exchanged the product"),
}
LOOK_FIRST: Mapping[LookFirst, Any] = {
    LookFirst.RED_FLAG: _l("Red flag"),
    LookFirst.MANY_REPLACEMENTS: _l("Many replacements already"),
    LookFirst.POSSIBLE_DUPLICATE: _l("Perhaps the same as another case"),
    LookFirst.LOT_UNKNOWN: _l("Not known to have been delivered"),
    LookFirst.OTHERS_REPLACE: _l("Others replace it"),
    LookFirst.SENT_FROM_ELSEWHERE: _l("A replacement is ordered in the region's own system"),
    LookFirst.NO_REPLACEMENT_WANTED: _l("No new one wanted"),
    LookFirst.PATIENT_HAS_DIED: _l("The patient has died"),
}
AREAS: Mapping[ProductArea, Any] = {
    ProductArea.DIABETES: _l("Diabetes"),
    ProductArea.STOMA: _l("Stoma"),
    ProductArea.INCONTINENCE: _l("Incontinence"),
    ProductArea.SPECIAL_NUTRITION: _l("Special nutrition"),
    ProductArea.NUTRITION: _l("Nutrition"),
}
KINDS: Mapping[ProductKind, Any] = {
    ProductKind.SENSOR: _l("Sensors"),
    ProductKind.PUMP: _l("Pumps"),
    ProductKind.INFUSION_SET: _l("Infusion sets"),
    ProductKind.TEST_STRIP: _l("Test strips"),
    ProductKind.METER: _l("Meters"),
    ProductKind.PEN_NEEDLE: _l("Pen needles"),
    ProductKind.LANCET: _l("Lancets"),
    ProductKind.STOMA: _l("Stoma products"),
    ProductKind.INCONTINENCE: _l("Incontinence products"),
    ProductKind.NUTRITION: _l("Nutrition products"),
    ProductKind.OTHER: _l("Other products"),
}
