"""How a prescription item may travel, how an order's products share parcels, what may be wished of one. Handbook §5."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import combinations

from core.phones import is_phone_number, swedish_mobile
from orders.kinds import DeliveryMethod, Notification
from orders.models import PrescriptionItem
from orders.policy import OrderingPolicy
from orders.wishes import DeliveryWish, HomeAddress, InvoiceAddress, Way as Way

LONGEST_COMMENT = 100
_PO_BOX = re.compile(r"^\s*(?:p\.?\s?o\.?\s*box|post\s?box|box)\b[\s.:]*\d", re.IGNORECASE)
_POSTAL_CODE = re.compile(r"[1-9][0-9]{4}", re.ASCII)
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_LONGEST = {
    "receiver": 400,
    "care_of": 100,
    "street": 200,
    "city": 100,
    "door_code": 40,
    "phone": 40,
    "notify_to": 254,
    "contact_person": 200,
}
_LONGEST_INVOICE = {"receiver": 200, "street": 200, "city": 100}


@dataclass(frozen=True)
class Option:
    """One way in which one item may travel; two items share a parcel when method and provider are the same."""

    method: DeliveryMethod
    provider: str
    method_id: str
    notifications: tuple[Notification, ...] = ()
    allows_choice_of_point: bool = False
    allows_comment: bool = False
    allows_contact_person: bool = False

    @property
    def way(self) -> Way:
        """What it has in common with the options of other items."""
        return Way(self.method, self.provider)


@dataclass(frozen=True)
class Terms:
    """What all the products of one delivery allow; an invoice address is allowed when some product allows it."""

    way: Way
    notifications: tuple[Notification, ...] = ()
    allows_choice_of_point: bool = False
    allows_comment: bool = False
    allows_contact_person: bool = False
    allows_invoice_address: bool = False

    @property
    def needs_notification(self) -> bool:
        """Whether the receiver must say how to be told: where the parcel is to be fetched, if there is a choice."""
        return bool(self.notifications) and self.way.method is not DeliveryMethod.HOME_DELIVERY


def options_of(item: PrescriptionItem, policy: OrderingPolicy) -> tuple[Option, ...]:
    """Return the ways in which an item may travel in its region, the usual one first; the item's alternatives must be loaded.

    An item whose source names none may travel in the region's usual way.
    """
    if not item.delivery_alternatives:
        usual = policy.delivery_methods[0]
        return (Option(usual, "INGEN", usual.value, allows_comment=usual is DeliveryMethod.HOME_DELIVERY),)
    found = [
        Option(
            method=row.method,
            provider=row.provider,
            method_id=row.method_id,
            notifications=tuple(Notification(word) for word in row.notifications),
            allows_choice_of_point=row.allow_choice_of_delivery_points,
            allows_comment=row.allow_delivery_comment,
            allows_contact_person=row.allow_contact_person,
        )
        for row in item.delivery_alternatives
        if row.method in policy.delivery_methods
    ]
    return tuple(sorted(found, key=lambda option: policy.delivery_methods.index(option.method)))


def terms_of(options: Sequence[Option], *, allows_invoice_address: bool = False) -> Terms:
    """Return what several products that travel the same way all allow; there must be at least one, and one way."""
    first = options[0]
    return Terms(
        way=first.way,
        notifications=tuple(n for n in first.notifications if all(n in other.notifications for other in options)),
        allows_choice_of_point=all(option.allows_choice_of_point for option in options),
        allows_comment=all(option.allows_comment for option in options),
        allows_contact_person=all(option.allows_contact_person for option in options),
        allows_invoice_address=allows_invoice_address,
    )


def share_parcels(ways: Mapping[int, Sequence[Way]], preferred: Sequence[Way] = ()) -> dict[Way, tuple[int, ...]]:
    """Put products (by id) that may travel the same way together, in as few deliveries as can be.

    The preferred ways come first, in their order, and take all that may travel so; the rest goes in the smallest number of
    deliveries, each product as near its own usual (first) way as that allows. A product without a way is left out.
    """
    left = {product: tuple(dict.fromkeys(possible)) for product, possible in ways.items() if possible}
    groups: dict[Way, tuple[int, ...]] = {}
    for way in dict.fromkeys(preferred):
        taken = tuple(product for product, possible in left.items() if way in possible)
        if taken:
            groups[way] = taken
            left = {product: possible for product, possible in left.items() if product not in taken}
    for product, way in _fewest(left).items():
        groups[way] = (*groups.get(way, ()), product)
    return groups


def _fewest(left: Mapping[int, Sequence[Way]]) -> dict[int, Way]:
    """Choose a way for each product so that as few different ones as possible are used."""
    # What can travel one way only needs that way: the search is over the rest.
    needed = tuple(dict.fromkeys(possible[0] for possible in left.values() if len(possible) == 1))
    others = tuple(dict.fromkeys(way for possible in left.values() for way in possible if way not in needed))
    for extra in range(len(others) + 1):
        chosen = [_travel(left, (*needed, *more)) for more in combinations(others, extra)]
        whole = [travel for travel in chosen if len(travel) == len(left)]
        if whole:
            return min(whole, key=lambda travel: sum(left[product].index(way) for product, way in travel.items()))
    return {}


def _travel(left: Mapping[int, Sequence[Way]], used: Sequence[Way]) -> dict[int, Way]:
    first = {product: next((way for way in possible if way in used), None) for product, possible in left.items()}
    return {product: way for product, way in first.items() if way is not None}


class Trouble(StrEnum):
    """What is wrong with the wish for a delivery."""

    NOT_OFFERED = "NOT_OFFERED"
    MISSING = "MISSING"
    TOO_LONG = "TOO_LONG"
    PO_BOX = "PO_BOX"
    POSTAL_CODE = "POSTAL_CODE"
    POINT_UNKNOWN = "POINT_UNKNOWN"
    NOT_A_SWEDISH_MOBILE = "NOT_A_SWEDISH_MOBILE"
    NOT_AN_EMAIL = "NOT_AN_EMAIL"
    NOT_A_PHONE = "NOT_A_PHONE"
    NO_REGISTERED_ADDRESS = "NO_REGISTERED_ADDRESS"


@dataclass(frozen=True)
class DeliveryProblem:
    """Why the wish for one delivery was refused; `field` is the wish's or the address's, `invoice_…` the invoice address's.

    NOT_OFFERED of the field `way` names the items that cannot travel so (any more); `most` is the number of characters.
    """

    trouble: Trouble
    field: str
    delivery: int = 0
    item_ids: tuple[int, ...] = ()
    offered: tuple[Notification, ...] = ()
    most: int = 0


def check_wish(
    wish: DeliveryWish, terms: Terms, *, registered: HomeAddress | None, point_is_known: bool = False
) -> DeliveryProblem | None:
    """Return what is wrong with a wish for products that allow `terms`, None when nothing is (handbook §5).

    `registered` is the person's registered address, None when there is none; `point_is_known` that the provider has the point.
    """
    return (
        _check_place(wish, terms, registered, point_is_known=point_is_known)
        or _check_notification(wish, terms, registered)
        or _check_extras(wish, terms)
        or _check_invoice(wish.invoice, terms)
    )


def _check_place(
    wish: DeliveryWish, terms: Terms, registered: HomeAddress | None, *, point_is_known: bool
) -> DeliveryProblem | None:
    if wish.way != terms.way:
        return DeliveryProblem(Trouble.NOT_OFFERED, "way")
    if terms.way.method is DeliveryMethod.HOME_DELIVERY:
        return _check_home(wish.address or registered)
    if terms.way.method is DeliveryMethod.SERVICE_POINT:
        if terms.allows_choice_of_point and not wish.point_id:
            return DeliveryProblem(Trouble.MISSING, "point_id")
        if wish.point_id and not terms.allows_choice_of_point:
            return DeliveryProblem(Trouble.NOT_OFFERED, "point_id")
        if wish.point_id and not point_is_known:
            return DeliveryProblem(Trouble.POINT_UNKNOWN, "point_id")
    return None


def _check_home(home: HomeAddress | None) -> DeliveryProblem | None:
    if home is None:
        return DeliveryProblem(Trouble.MISSING, "street")
    for name in ("receiver", "street", "postal_code", "city"):
        if not getattr(home, name).strip():
            return DeliveryProblem(Trouble.MISSING, name)
    for name in ("street", "care_of"):
        if _PO_BOX.match(getattr(home, name)):
            return DeliveryProblem(Trouble.PO_BOX, name)
    if not _POSTAL_CODE.fullmatch(home.postal_code):
        return DeliveryProblem(Trouble.POSTAL_CODE, "postal_code")
    if len(home.comment) > LONGEST_COMMENT:
        return DeliveryProblem(Trouble.TOO_LONG, "comment", most=LONGEST_COMMENT)
    return _too_long(home, {name: most for name, most in _LONGEST.items() if hasattr(home, name)})


def _check_notification(wish: DeliveryWish, terms: Terms, registered: HomeAddress | None) -> DeliveryProblem | None:
    if wish.notification is None:
        if terms.needs_notification:
            return DeliveryProblem(Trouble.MISSING, "notification", offered=terms.notifications)
        return None
    if wish.notification not in terms.notifications:
        return DeliveryProblem(Trouble.NOT_OFFERED, "notification", offered=terms.notifications)
    if wish.notification is Notification.LETTER:
        return DeliveryProblem(Trouble.NO_REGISTERED_ADDRESS, "notification") if registered is None else None
    if not wish.notify_to.strip():
        return DeliveryProblem(Trouble.MISSING, "notify_to")
    match wish.notification:
        case Notification.SMS if swedish_mobile(wish.notify_to) is None:
            return DeliveryProblem(Trouble.NOT_A_SWEDISH_MOBILE, "notify_to")
        case Notification.EMAIL if not _EMAIL.fullmatch(wish.notify_to.strip()):
            return DeliveryProblem(Trouble.NOT_AN_EMAIL, "notify_to")
        case Notification.PHONE if not is_phone_number(wish.notify_to):
            return DeliveryProblem(Trouble.NOT_A_PHONE, "notify_to")
    return _too_long(wish, {"notify_to": _LONGEST["notify_to"]})


def _check_extras(wish: DeliveryWish, terms: Terms) -> DeliveryProblem | None:
    if wish.contact_person and not terms.allows_contact_person:
        return DeliveryProblem(Trouble.NOT_OFFERED, "contact_person")
    if wish.comment and not terms.allows_comment and terms.way.method is not DeliveryMethod.HOME_DELIVERY:
        return DeliveryProblem(Trouble.NOT_OFFERED, "comment")
    return _too_long(wish, {"contact_person": _LONGEST["contact_person"], "comment": LONGEST_COMMENT})


def _check_invoice(invoice: InvoiceAddress | None, terms: Terms) -> DeliveryProblem | None:
    if invoice is None:
        return None
    if not terms.allows_invoice_address:
        return DeliveryProblem(Trouble.NOT_OFFERED, "invoice")
    for name in ("receiver", "street", "postal_code", "city"):
        if not getattr(invoice, name).strip():
            return DeliveryProblem(Trouble.MISSING, f"invoice_{name}")
    if not _POSTAL_CODE.fullmatch(invoice.postal_code):
        return DeliveryProblem(Trouble.POSTAL_CODE, "invoice_postal_code")
    return _too_long(invoice, _LONGEST_INVOICE, prefix="invoice_")


def _too_long(values: object, longest: Mapping[str, int], prefix: str = "") -> DeliveryProblem | None:
    for name, most in longest.items():
        if len(getattr(values, name)) > most:
            return DeliveryProblem(Trouble.TOO_LONG, f"{prefix}{name}", most=most)
    return None
