"""What the access log's actions and objects are called, for its auditor and for the one it is about."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from flask_babel import lazy_gettext as _l

from core.clock import STOCKHOLM
from portal.formats import grouped

ACTIONS: Mapping[str, Any] = {
    "access_log.read": _l("Read the access log"),
    "articles.imported": _l("Imported articles"),
    "back_order.released": _l("Put a back order on the pick list"),
    "booking.repeated": _l("Had a parcel's transport booked again"),
    "call.closed": _l("Ended a phone call about the patient"),
    "call.opened": _l("Answered a phone call about the patient"),
    "case.seen": _l("Read a case of their own"),
    "cases.seen": _l("Looked at their cases"),
    "complaint.declined": _l("Declined a complaint"),
    "complaint.replaced": _l("Ordered a replacement"),
    "complaint.seen": _l("Read a case"),
    "complaint.taken": _l("Took a case"),
    "complaints.listed": _l("Looked at the list of cases"),
    "deliveries.seen": _l("Looked at what has been delivered"),
    "delivery_note.printed": _l("Printed a delivery note"),
    "depot_order.seen": _l("Looked at what is to be sent"),
    "depots.imported": _l("Imported depots"),
    "fault.reported": _l("Reported a fault"),
    "fault.routed": _l("Put a case in the queue"),
    "goods.sent_back": _l("Sent goods back to a supplier"),
    "goods.taken_back": _l("Took back goods from the patient"),
    "lot.status_set": _l("Held a lot or let it go"),
    "receipt.opened": _l("Began receiving goods"),
    "receipt.closed": _l("Finished receiving goods"),
    "supplier_order.placed": _l("Ordered from a supplier"),
    "inbox.seen": _l("Opened their inbox"),
    "label.printed": _l("Printed an address label"),
    "line.short": _l("Picked less than was ordered"),
    "message.seen": _l("Read a message"),
    "order.back_ordered": _l("Put an order on wait for goods"),
    "order.cancelled": _l("Cancelled an order"),
    "order.changed": _l("Changed an order"),
    "order.dropped": _l("Took an order off the pick list"),
    "order.enquired": _l("Looked up an order for a caller"),
    "order.placed": _l("Placed an order"),
    "order.routed": _l("Sent an order to the depot"),
    "order.seen": _l("Looked at an order"),
    "order.stopped": _l("Stopped an order"),
    "orders.seen": _l("Looked at the orders"),
    "own_log.downloaded": _l("Downloaded the list of who has seen the data"),
    "own_log.seen": _l("Looked at who has seen the data"),
    "package.picked": _l("Picked a package"),
    "parcel.booked": _l("Booked the transport of a parcel"),
    "parcel.delivered": _l("Noted that a parcel was delivered"),
    "parcel.packed": _l("Packed a parcel"),
    "parcel.rerouted": _l("Sent a parcel to another address"),
    "parcel.seen": _l("Looked at a parcel"),
    "parcel.shipped": _l("Handed a parcel to the carrier"),
    "parcel.tracked": _l("Told where a parcel is"),
    "payers.exported": _l("Downloaded what a month cost"),
    "payers.seen": _l("Looked at what a month cost"),
    "person.enquired": _l("Looked up somebody for a caller"),
    "patient.found": _l("Looked up a patient by number"),
    "patient.seen": _l("Looked at a patient's prescriptions"),
    "patients.listed": _l("Looked at a list of patients"),
    "person.hidden": _l("Hid a protected identity"),
    "person.imported": _l("Imported the person's details"),
    "pick.finished": _l("Finished picking"),
    "pick.left": _l("Left an order to another picker"),
    "pick.put_back": _l("Put back what was picked"),
    "pick.started": _l("Started picking"),
    "pick.taken_over": _l("Took over an order that was being picked"),
    "pick.undone": _l("Undid a pick"),
    "prescription.extended": _l("Extended a prescription"),
    "prescription.imported": _l("Imported a prescription"),
    "prescription.made": _l("Made a prescription"),
    "prescription.stopped": _l("Stopped a prescription"),
    "products.seen": _l("Looked at the products"),
    "proxies.imported": _l("Imported proxies"),
    "proxies.seen": _l("Looked at their proxies"),
    "proxy.accepted": _l("Said yes to being a proxy"),
    "proxy.appointed": _l("Asked this person to be a proxy"),
    "proxy.asked": _l("Asked somebody to be their proxy"),
    "proxy.declined": _l("Said no to being a proxy"),
    "proxy.imported": _l("Imported a proxy"),
    "proxy.taken_back": _l("Took back questions about being a proxy"),
    "proxy.withdrawn": _l("Ended a proxy"),
    "renewal.asked": _l("Asked for a renewed prescription"),
    "renewal.declined": _l("Said no to renewing a prescription"),
    "renewal.renewed": _l("Said yes to renewing a prescription"),
    "reminder.sent": _l("Sent a reminder"),
    "service_points.imported": _l("Imported service points"),
    "session.logged_in": _l("Logged in"),
    "session.logged_out": _l("Logged out"),
    "settings.chosen": _l("Changed their settings"),
    "short.undone": _l("Undid a shortage"),
    "staff.imported": _l("Imported staff"),
    "stock.imported": _l("Imported stock"),
    "unit_parcels.seen": _l("Looked at parcels on their way to the unit"),
    "units.imported": _l("Imported units"),
    "warehouse.answered": _l("Answered an order"),
    "warehouse.ordered": _l("Sent an order to the warehouse"),
    "warehouse.stopped": _l("Had an order stopped at the warehouse"),
    "wave.planned": _l("Planned a carrier's orders"),
}
_OBJECTS: Mapping[str, Any] = {
    "order": _l("Order"),
    "case": _l("Case"),
    "parcel": _l("Parcel"),
    "picked-lot": _l("Delivered product"),
    "day": _l("Day"),
    "file": _l("File"),
    "message": _l("Message"),
    "depot-order": _l("Depot order"),
    "proxy": _l("Proxy appointment"),
    "prescription-item": _l("Prescription"),
    "wave": _l("Planned orders"),
}
_NUMBERED = frozenset({"order", "case"})


def action_words(action: str) -> str:
    """Say an action in words; one that this release has no words for is shown as it was written."""
    return str(ACTIONS.get(action, action))


def object_words(object_ref: str) -> str:
    """Say what was looked at or acted on."""
    kind, _separator, number = object_ref.partition(":")
    if not number or kind not in _OBJECTS:
        return object_ref
    return f"{_OBJECTS[kind]} {grouped(number) if kind in _NUMBERED else number}"


def when_words(at: datetime) -> str:
    """Write an instant as logs do, to the second and with its year, in Swedish time."""
    return f"{at.astimezone(STOCKHOLM):%Y-%m-%d %H:%M:%S}"
