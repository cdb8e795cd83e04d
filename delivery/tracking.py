"""What carriers tell of parcels on their way: kept once, judged, and never backwards. Handbook §6."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from auth.identity import system_identity
from auth.permissions import Permission
from core.clock import now
from core.outbox import Message
from delivery.carrier_models import CallbackOutcome, CarrierBooking, CarrierCallback
from delivery.carriers import CarrierEvent, slug_of
from delivery.claims import record_act
from delivery.models import DepotOrder, Parcel, TrackingEvent, TrackingKind
from delivery.shipping import lock_parcel, register_delivery
from orders.models import DeliveryMethod
from orders.telling import tell

MOST_BYTES = 16 * 1024
_RANK = {kind: place for place, kind in enumerate(TrackingKind)}
# After these nothing more is to come: what a carrier "delivers" after it was sent back is ours again, not the patient's.
_FINAL = frozenset({TrackingKind.RETURNED, TrackingKind.DELIVERED})
_LENGTHS = {"event_id": 80, "sscc": 18, "tracking_no": 40, "reference": 80}


class Reason(StrEnum):
    """Why a call was refused."""

    INVALID = "INVALID"
    TOO_LARGE = "TOO_LARGE"
    UNKNOWN_PARCEL = "UNKNOWN_PARCEL"
    OTHER_CONTENT = "OTHER_CONTENT"


class CallbackRefused(Exception):
    """A call that changes nothing and is not kept; `detail` is for the carrier's programmer and holds nothing of the body."""

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(detail)
        self.reason, self.detail = reason, detail


@dataclass(frozen=True)
class Callback:
    """One event, and what names its parcel: at least one of the three, and all that are given agree."""

    event: CarrierEvent
    sscc: str = ""
    tracking_no: str = ""
    reference: str = ""


@dataclass(frozen=True)
class Receipt:
    """What became of a call; `is_repeat` when it had come before, which changes nothing."""

    outcome: CallbackOutcome
    is_repeat: bool = False


def read_callback(raw: bytes) -> Callback:
    """Read a call; raise CallbackRefused, which names the field."""
    if len(raw) > MOST_BYTES:
        raise CallbackRefused(Reason.TOO_LARGE, f"more than {MOST_BYTES} bytes")
    try:
        body = json.loads(raw.decode("utf-8"))
    except (ValueError, RecursionError):
        raise CallbackRefused(Reason.INVALID, "not JSON in UTF-8") from None
    if not isinstance(body, dict):
        raise CallbackRefused(Reason.INVALID, "not a JSON object")
    texts = {name: _text(body, name) for name in _LENGTHS}
    if not texts["event_id"]:
        raise CallbackRefused(Reason.INVALID, "event_id is missing")
    if not (texts["sscc"] or texts["tracking_no"] or texts["reference"]):
        raise CallbackRefused(Reason.INVALID, "sscc, tracking_no or reference is missing")
    return Callback(read_event(body), texts["sscc"], texts["tracking_no"], texts["reference"])


def read_event(body: dict[str, Any]) -> CarrierEvent:
    """Read `event_id`, `event` and `at` of an object; raise CallbackRefused, which names the field."""
    kinds = ", ".join(kind.value for kind in TrackingKind)
    event_id, said = _text(body, "event_id"), body.get("event")
    if not isinstance(said, str) or said not in set(TrackingKind):
        raise CallbackRefused(Reason.INVALID, f"event must be one of {kinds}")
    try:
        at = datetime.fromisoformat(str(body.get("at")))
    except ValueError:
        raise CallbackRefused(Reason.INVALID, "at must be an instant as ISO 8601 has it") from None
    if at.tzinfo is None:
        raise CallbackRefused(Reason.INVALID, "at must say its offset from UTC")
    return CarrierEvent(event_id, TrackingKind(said), at, _fetch_by(body))


def _fetch_by(body: dict[str, Any]) -> date | None:
    said = body.get("fetch_by")
    if said is None:
        return None
    try:
        return date.fromisoformat(str(said))
    except ValueError:
        raise CallbackRefused(Reason.INVALID, "fetch_by must be a day as ISO 8601 has it") from None


def take_callback(session: Session, carrier: str, raw: bytes) -> Receipt:
    """Keep a call from a carrier (its slug) and do what it says, once.

    A second one with the same number waits for the first, then changes nothing. Locks person (shared), rows and depot order. Raises
    CallbackRefused.
    """
    callback = read_callback(raw)
    return _take(session, carrier, _parcel_of(session, carrier, callback), callback.event, raw.decode("utf-8"))


def take_events(session: Session, booking_id: int, events: list[CarrierEvent]) -> None:
    """Take what a carrier answered when it was asked about a transport; what it had told before changes nothing."""
    booking = session.get_one(CarrierBooking, booking_id)
    if booking.parcel_id is None:
        return
    parcel = session.get_one(Parcel, booking.parcel_id)
    for event in events:
        body = {"event_id": event.event_id, "event": event.kind.value, "at": event.at.isoformat(), "sscc": parcel.sscc}
        if event.fetch_by is not None:
            body["fetch_by"] = event.fetch_by.isoformat()
        try:
            _take(session, slug_of(booking.carrier), parcel, event, json.dumps(body))
        except CallbackRefused as refusal:
            # It has told of this one in other words.
            if refusal.reason is not Reason.OTHER_CONTENT:
                raise


def take_early(session: Session, message: Message) -> None:
    """Do what a carrier told of a parcel before it was handed over here; handles `parcel.shipped`."""
    parcel = session.get(Parcel, message.payload["parcel_id"])
    if parcel is None:
        return
    early = session.scalars(
        select(CarrierCallback)
        .where(CarrierCallback.sscc == parcel.sscc, CarrierCallback.outcome == CallbackOutcome.TOO_EARLY)
        .order_by(CarrierCallback.id)
    ).all()
    for row in sorted(early, key=lambda row: _RANK[read_event(json.loads(row.body)).kind]):
        row.outcome = _apply(session, row.carrier, parcel.id, read_event(json.loads(row.body)))


def _take(session: Session, carrier: str, parcel: Parcel, event: CarrierEvent, body: str) -> Receipt:
    kept_id = session.scalar(
        insert(CarrierCallback)
        .values(
            carrier=carrier,
            event_id=event.event_id,
            sscc=parcel.sscc,
            body=body,
            outcome=CallbackOutcome.TAKEN,
            received_at=now(session),
        )
        .on_conflict_do_nothing()
        .returning(CarrierCallback.id)
    )
    if kept_id is None:
        known = session.scalars(
            select(CarrierCallback)
            .where(CarrierCallback.carrier == carrier, CarrierCallback.event_id == event.event_id)
            .execution_options(populate_existing=True)
        ).one()
        if known.body != body:
            raise CallbackRefused(Reason.OTHER_CONTENT, "this event_id has come with another content")
        return Receipt(known.outcome, is_repeat=True)
    outcome = _apply(session, carrier, parcel.id, event)
    session.get_one(CarrierCallback, kept_id).outcome = outcome
    return Receipt(outcome)


def _apply(session: Session, carrier: str, parcel_id: int, event: CarrierEvent) -> CallbackOutcome:
    region = session.scalars(select(DepotOrder.region).join(Parcel).where(Parcel.id == parcel_id)).one()
    identity = system_identity(region, "carrier")
    depot_order, parcel = lock_parcel(session, identity, parcel_id, Permission.ROUTE_MESSAGES)
    session.expire(parcel, ["events"])
    if parcel.shipped_at is None:
        return CallbackOutcome.TOO_EARLY
    latest = max(parcel.events, key=lambda known: _RANK[known.kind])
    if any(known.kind is event.kind for known in parcel.events):
        return CallbackOutcome.KNOWN_ALREADY
    if latest.kind in _FINAL or _RANK[event.kind] < _RANK[latest.kind]:
        return CallbackOutcome.BACKWARDS
    source = f"carrier:{carrier}"[:40]
    if event.kind is TrackingKind.DELIVERED:
        register_delivery(session, identity, parcel_id, source)
    else:
        # Two clocks: what comes later is not earlier, and nothing has happened tomorrow.
        at = min(max(event.at, latest.at), now(session))
        parcel.events.append(TrackingEvent(kind=event.kind, at=at, source=source))
        record_act(session, identity, depot_order, "parcel.tracked", reason=event.kind.value)
        if event.kind is TrackingKind.AT_SERVICE_POINT:
            _tell_where_to_fetch(session, depot_order, parcel, event)
    return CallbackOutcome.TAKEN


def _tell_where_to_fetch(session: Session, depot_order: DepotOrder, parcel: Parcel, event: CarrierEvent) -> None:
    """Tell the patient where the parcel waits and until when; of a protected identity nothing leaves for a service point."""
    order = depot_order.order
    if order.receiver_has_died or depot_order.delivery_choice.method is DeliveryMethod.UNIT:
        return
    place = depot_order.delivery_choice.point_name or parcel.carrier
    until = event.fetch_by.isoformat() if event.fetch_by else ""
    tell(session, order, "order.at_point", place=place, until=until)


def _parcel_of(session: Session, carrier: str, callback: Callback) -> Parcel:
    statement = select(Parcel)
    if callback.sscc:
        statement = statement.where(Parcel.sscc == callback.sscc)
    if callback.tracking_no:
        statement = statement.where(Parcel.tracking_no == callback.tracking_no)
    if callback.reference:
        statement = statement.join(CarrierBooking, CarrierBooking.parcel_id == Parcel.id).where(
            CarrierBooking.reference == callback.reference
        )
    # A reference is a carrier's own: two carriers may use the same.
    found = [parcel for parcel in session.scalars(statement.limit(10)) if slug_of(parcel.carrier) == carrier]
    if len(found) != 1:
        named = ", ".join(name for name in ("sscc", "tracking_no", "reference") if getattr(callback, name))
        raise CallbackRefused(Reason.UNKNOWN_PARCEL, f"no parcel of this carrier has this {named}")
    return found[0]


def _text(body: dict[str, Any], name: str) -> str:
    value = body.get(name, "")
    if not isinstance(value, str) or len(value) > _LENGTHS[name] or not value.isprintable():
        raise CallbackRefused(Reason.INVALID, f"{name} must be text of at most {_LENGTHS[name]} characters")
    return value
