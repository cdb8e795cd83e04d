"""What somebody wishes of a delivery: the way, the place, how to be told. Values only. Handbook §5."""

from __future__ import annotations

from dataclasses import dataclass, field

from orders.kinds import DeliveryMethod, Notification, ServicePointProvider


@dataclass(frozen=True, order=True)
class Way:
    """A method and who carries it out: what the products of one parcel have in common."""

    method: DeliveryMethod
    provider: str = ServicePointProvider.NONE.value


HOME_WAY = Way(DeliveryMethod.HOME_DELIVERY)


@dataclass(frozen=True)
class HomeAddress:
    """Where a parcel goes; never shown in a representation."""

    receiver: str = field(repr=False)
    street: str = field(repr=False)
    postal_code: str = field(repr=False)
    city: str = field(repr=False)
    care_of: str = field(default="", repr=False)
    door_code: str = field(default="", repr=False)
    phone: str = field(default="", repr=False)
    comment: str = field(default="", repr=False)


@dataclass(frozen=True)
class InvoiceAddress:
    """Who gets the invoice when that is not the patient; never shown in a representation."""

    receiver: str = field(repr=False)
    street: str = field(repr=False)
    postal_code: str = field(repr=False)
    city: str = field(repr=False)


@dataclass(frozen=True)
class DeliveryWish:
    """How one delivery of an order is wished; nothing of it counts with a protected identity (handbook §4).

    Home, no `address` means the registered one, and its comment is the driver's. `notify_to` is the number or address that the
    notification goes to; a letter has none.
    """

    way: Way = HOME_WAY
    address: HomeAddress | None = field(default=None, repr=False)
    point_id: str = ""
    notification: Notification | None = None
    notify_to: str = field(default="", repr=False)
    contact_person: str = field(default="", repr=False)
    comment: str = field(default="", repr=False)
    invoice: InvoiceAddress | None = field(default=None, repr=False)
