"""What a carrier is asked for and what it says: the port that adapters outside implement. Handbook §6."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Protocol

from delivery.models import TrackingKind


@dataclass(frozen=True)
class Place:
    """Where a parcel goes or comes from; nothing of it is shown in a representation."""

    name: str = field(repr=False)
    street: str = field(repr=False)
    postal_code: str = field(repr=False)
    city: str = field(repr=False)
    care_of: str = field(default="", repr=False)
    door_code: str = field(default="", repr=False)
    phone: str = field(default="", repr=False)
    email: str = field(default="", repr=False)
    comment: str = field(default="", repr=False)
    point_id: str = field(default="", repr=False)
    point_name: str = field(default="", repr=False)
    collected_by: str = field(default="", repr=False)


@dataclass(frozen=True)
class ParcelFacts:
    """What a carrier is told of a parcel; never what is in it. `weight_grams` is None when nobody knows."""

    carrier: str
    sscc: str
    fetched_on: date
    weight_grams: int | None
    sender: Place
    receiver: Place


@dataclass(frozen=True)
class Booked:
    """A transport; `label` is the carrier's own as a PDF, when it makes one."""

    reference: str
    tracking_no: str
    label: bytes | None = None


@dataclass(frozen=True)
class CarrierEvent:
    """One thing that a carrier says has happened to a parcel."""

    event_id: str
    kind: TrackingKind
    at: datetime
    # At a service point: the last day on which it can be fetched, where the carrier says.
    fetch_by: date | None = None


class CarrierRefused(Exception):
    """The carrier will not, and trying again would not help; `problem` is what it says, `status` what it answered."""

    def __init__(self, problem: str, status: int = 0) -> None:
        super().__init__(f"status {status}")
        self.problem = problem
        self.status = status


class CarrierPort(Protocol):
    """Something that books transports. The same key twice must be one transport there."""

    def book(self, parcel: ParcelFacts, key: str) -> Booked:
        """Book a transport; raise CarrierRefused for good, anything else to be tried again."""
        ...

    def cancel(self, carrier: str, reference: str, key: str) -> None:
        """Cancel what was booked with the key, of which the reference may be unknown; what is not booked is cancelled already."""
        ...

    def track(self, carrier: str, reference: str) -> Sequence[CarrierEvent]:
        """Return what has happened to what was booked, oldest first."""
        ...


def slug_of(carrier: str) -> str:
    """Return a carrier's name as addresses, keys and files have it: "db-schenker"."""
    return "-".join(carrier.lower().split())
