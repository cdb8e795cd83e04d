"""How a prescription item may travel, and how an order's products share parcels. Handbook §5."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from orders.kinds import DeliveryMethod, Notification
from orders.models import PrescriptionItem
from orders.policy import OrderingPolicy


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


@dataclass(frozen=True, order=True)
class Way:
    """A method and who carries it out."""

    method: DeliveryMethod
    provider: str


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


def share_parcels(ways: Mapping[int, Sequence[Way]], preferred: Sequence[Way] = ()) -> dict[Way, tuple[int, ...]]:
    """Put products (by id) that may travel the same way together, in as few deliveries as a simple greedy choice finds.

    The preferred ways come first, in their order; then whichever takes the most of what is left. A product without a way is left out.
    """
    left = {product: tuple(possible) for product, possible in ways.items() if possible}
    groups: dict[Way, tuple[int, ...]] = {}
    wanted = list(preferred)
    while left:
        way = wanted.pop(0) if wanted else _widest(left)
        taken = tuple(product for product, possible in left.items() if way in possible)
        if taken:
            groups[way] = groups.get(way, ()) + taken
            left = {product: possible for product, possible in left.items() if product not in taken}
    return groups


def _widest(left: Mapping[int, Sequence[Way]]) -> Way:
    candidates = dict.fromkeys(way for possible in left.values() for way in possible)
    return max(candidates, key=lambda way: sum(way in possible for possible in left.values()))
