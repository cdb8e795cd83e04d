"""From wishes to deliveries: which products go together, where, and the snapshot that the order keeps. Handbook §§4 and 5."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from sqlalchemy import select, tuple_
from sqlalchemy.orm import Session

from auth.models import Person, Unit
from core.phones import swedish_mobile
from core.policy import policy_of
from orders.addresses import known_address, last_wishes, registered_address, usual_wish
from orders.deliveries import (
    DeliveryProblem,
    Option,
    Terms,
    Trouble,
    check_wish,
    options_of,
    share_parcels,
    terms_of,
)
from orders.errors import DeliveryRefused
from orders.models import DeliveryChoice, DeliveryMethod, Notification, Order, PrescriptionItem
from orders.policy import OrderingPolicy
from orders.service_points import ServicePoint
from orders.wishes import DeliveryWish, Way

UNIT_METHOD_ID = "UNIT"
# Everything of a snapshot that is text and comes from the wish or the place.
_WISHED = (
    *("receiver", "care_of", "street", "postal_code", "city", "door_code", "phone", "comment"),
    *("point_id", "point_name", "notify_to", "contact_person"),
    *("invoice_receiver", "invoice_street", "invoice_postal_code", "invoice_city"),
)


@dataclass(frozen=True)
class PlannedDelivery:
    """Products that travel together, and where to; nothing is written yet.

    `unit` is where it goes when the wish does not say: the prescribing unit of a protected identity, or the health centre.
    """

    item_ids: tuple[int, ...]
    method_id: str
    wish: DeliveryWish = field(repr=False)
    unit: Unit | None = None
    point: ServicePoint | None = None
    alias: str = field(default="", repr=False)
    is_protected: bool = False


def plan_deliveries(
    session: Session,
    person: Person,
    items: Mapping[int, PrescriptionItem],
    wishes: Sequence[DeliveryWish] = (),
    wished: Mapping[int, int] | None = None,
) -> tuple[PlannedDelivery, ...]:
    """Decide how items (by id) are delivered; `wished` tells which wish is whose, the first one's where it says nothing.

    Without wishes each goes its usual way, as last time. With protected identity every wish is ignored: one delivery per prescribing
    unit. The caller has locked the person. Raises DeliveryRefused naming what is wrong with each wish that is used.
    """
    if person.is_protected:
        return _to_prescribing_units(person, items)
    policy = policy_of(person.region).section(OrderingPolicy)
    options = {item_id: options_of(item, policy) for item_id, item in items.items()}
    if wishes:
        chosen = {item_id: (wished or {}).get(item_id, 0) for item_id in items}
    else:
        wishes, chosen = _usual_wishes(session, person, items, options)
    return _plan(session, person, items, options, wishes, chosen)


def _to_prescribing_units(person: Person, items: Mapping[int, PrescriptionItem]) -> tuple[PlannedDelivery, ...]:
    by_unit: dict[int, list[int]] = {}
    units: dict[int, Unit] = {}
    for item_id in sorted(items):
        unit = items[item_id].prescription.prescribing_unit
        units[unit.id] = unit
        by_unit.setdefault(unit.id, []).append(item_id)
    return tuple(to_prescribing_unit(person, units[unit_id], item_ids) for unit_id, item_ids in by_unit.items())


def to_prescribing_unit(person: Person, unit: Unit, item_ids: Sequence[int] = ()) -> PlannedDelivery:
    """Plan a delivery to the unit that prescribed, under its own name, because the person's identity is protected."""
    return PlannedDelivery(
        tuple(item_ids), UNIT_METHOD_ID, DeliveryWish(), unit=unit, alias=parcel_alias(person), is_protected=True
    )


def parcel_alias(person: Person) -> str:
    """Return the name that is nobody's by which the unit tells whose parcel it is, empty where the region uses none."""
    policy = policy_of(person.region).section(OrderingPolicy)
    return person.alias if policy.protected_parcels_carry_alias else ""


def _usual_wishes(
    session: Session,
    person: Person,
    items: Mapping[int, PrescriptionItem],
    options: Mapping[int, Sequence[Option]],
) -> tuple[tuple[DeliveryWish, ...], dict[int, int]]:
    last = last_wishes(session, person)
    ways = {item_id: [option.way for option in possible] for item_id, possible in options.items()}
    groups = share_parcels(ways, tuple(last))
    wishes = tuple(
        usual_wish(person, common_terms({i: items[i] for i in item_ids}, options, way), last.get(way))
        for way, item_ids in groups.items()
    )
    return wishes, {item_id: index for index, item_ids in enumerate(groups.values()) for item_id in item_ids}


def common_terms(items: Mapping[int, PrescriptionItem], options: Mapping[int, Sequence[Option]], way: Way) -> Terms:
    """Return what all the items allow of a way in which each of them may travel."""
    return terms_of(
        [next(option for option in options[item_id] if option.way == way) for item_id in items],
        allows_invoice_address=any(item.allow_other_invoice_address for item in items.values()),
    )


def _plan(
    session: Session,
    person: Person,
    items: Mapping[int, PrescriptionItem],
    options: Mapping[int, Sequence[Option]],
    wishes: Sequence[DeliveryWish],
    chosen: Mapping[int, int],
) -> tuple[PlannedDelivery, ...]:
    groups: dict[int, list[int]] = {}
    for item_id in sorted(items):
        index = chosen[item_id]
        # Two deliveries that are wished alike are one.
        groups.setdefault(wishes.index(wishes[index]) if 0 <= index < len(wishes) else index, []).append(item_id)
    points = find_points(session, [wishes[index] for index in groups if 0 <= index < len(wishes)])
    problems: list[DeliveryProblem] = []
    planned: list[PlannedDelivery] = []
    for index, item_ids in groups.items():
        wish = wishes[index] if 0 <= index < len(wishes) else None
        strays = tuple(i for i in item_ids if wish is None or wish.way not in [option.way for option in options[i]])
        if wish is None or strays:
            problems.append(DeliveryProblem(Trouble.NOT_OFFERED, "way", index, strays))
            continue
        terms = common_terms({i: items[i] for i in item_ids}, options, wish.way)
        point = points.get((wish.way.provider, wish.point_id))
        problem = check_wish(wish, terms, registered=known_address(person), point_is_known=point is not None)
        if problem is not None:
            problems.append(replace(problem, delivery=index))
            continue
        method_id = next(option.method_id for option in options[item_ids[0]] if option.way == wish.way)
        planned.extend(
            PlannedDelivery(tuple(together), method_id, wish, unit=unit, point=point)
            for unit, together in _by_health_centre(person, items, item_ids, wish)
        )
    if problems:
        raise DeliveryRefused(tuple(problems))
    return tuple(planned)


def _by_health_centre(
    person: Person, items: Mapping[int, PrescriptionItem], item_ids: Sequence[int], wish: DeliveryWish
) -> list[tuple[Unit | None, list[int]]]:
    """What is fetched at a health centre goes to the person's own, else to each prescribing unit what that has prescribed."""
    if wish.way.method is not DeliveryMethod.HEALTH_CENTRE:
        return [(None, list(item_ids))]
    found: dict[int, tuple[Unit | None, list[int]]] = {}
    for item_id in item_ids:
        unit = health_centre_of(person, items[item_id].prescription.prescribing_unit)
        found.setdefault(unit.id, (unit, []))[1].append(item_id)
    return list(found.values())


def health_centre_of(person: Person, prescribing_unit: Unit) -> Unit:
    """Return where the person fetches parcels: their health centre when it has an address, else the prescribing unit."""
    centre = person.health_centre
    return centre if centre is not None and centre.street else prescribing_unit


def find_points(session: Session, wishes: Sequence[DeliveryWish]) -> dict[tuple[str, str], ServicePoint]:
    """Return the service points that wishes name, by provider and id, as far as they are known; in one statement at most."""
    wanted = {(wish.way.provider, wish.point_id) for wish in wishes if wish.point_id}
    if not wanted:
        return {}
    found = session.scalars(
        select(ServicePoint).where(tuple_(ServicePoint.provider, ServicePoint.point_id).in_(sorted(wanted)))
    )
    return {(point.provider, point.point_id): point for point in found}


def build_delivery_choice(session: Session, order: Order, person: Person, planned: PlannedDelivery) -> DeliveryChoice:
    """Write the snapshot of one planned delivery of an order that is written."""
    choice = delivery_choice_of(person, planned)
    choice.order_id = order.id
    session.add(choice)
    session.flush()
    return choice


def delivery_choice_of(person: Person, planned: PlannedDelivery) -> DeliveryChoice:
    """Return the snapshot of one planned delivery; whose order it is of is for the caller to say."""
    if planned.is_protected:
        assert planned.unit is not None
        return _to_unit(planned.unit, planned.alias)
    wish = planned.wish
    choice = DeliveryChoice(method_id=planned.method_id, method=wish.way.method, provider=wish.way.provider)
    _put_place(choice, person, planned)
    _put_extras(choice, wish)
    return choice


def _put_place(choice: DeliveryChoice, person: Person, planned: PlannedDelivery) -> None:
    wish = planned.wish
    own = registered_address(person)
    if wish.way.method is DeliveryMethod.HOME_DELIVERY:
        home = wish.address or own
        choice.receiver, choice.care_of = home.receiver, home.care_of
        choice.street, choice.postal_code, choice.city = home.street, home.postal_code, home.city
        choice.door_code, choice.phone = home.door_code, home.phone
        choice.comment = home.comment or wish.comment
        return
    choice.receiver, choice.comment = own.receiver, wish.comment
    # Where the carrier chooses the point, it is the one nearest to the registered address.
    place: Unit | ServicePoint | Person = planned.unit or planned.point or person
    choice.street, choice.postal_code, choice.city = place.street, place.postal_code, place.city
    if planned.unit is not None:
        choice.care_of, choice.phone = planned.unit.name[:100], planned.unit.phone
    if planned.point is not None:
        choice.point_id, choice.point_name = planned.point.point_id, planned.point.name


def _put_extras(choice: DeliveryChoice, wish: DeliveryWish) -> None:
    choice.notification, choice.contact_person = wish.notification, wish.contact_person.strip()
    match wish.notification:
        case Notification.SMS:
            choice.notify_to = swedish_mobile(wish.notify_to) or ""
        case Notification.EMAIL | Notification.PHONE:
            choice.notify_to = wish.notify_to.strip()
    if wish.invoice is not None:
        choice.invoice_receiver, choice.invoice_street = wish.invoice.receiver, wish.invoice.street
        choice.invoice_postal_code, choice.invoice_city = wish.invoice.postal_code, wish.invoice.city


def unit_delivery_choice(order: Order, unit: Unit, alias: str = "") -> DeliveryChoice:
    """Build a delivery to a unit that names nobody; the alias tells the unit whose parcel it is."""
    choice = _to_unit(unit, alias)
    choice.order_id = order.id
    return choice


def _to_unit(unit: Unit, alias: str) -> DeliveryChoice:
    return DeliveryChoice(
        method_id=UNIT_METHOD_ID,
        method=DeliveryMethod.UNIT,
        receiver=unit.name,
        care_of=alias,
        street=unit.street,
        postal_code=unit.postal_code,
        city=unit.city,
        phone=unit.phone,
    )


def overwrite_delivery_choice(choice: DeliveryChoice, person: Person, planned: PlannedDelivery) -> None:
    """Make an existing snapshot say what is planned now, and nothing of what it said before."""
    for name in _WISHED:
        setattr(choice, name, "")
    choice.method_id, choice.method, choice.provider = (
        planned.method_id,
        planned.wish.way.method,
        planned.wish.way.provider,
    )
    _put_place(choice, person, planned)
    _put_extras(choice, planned.wish)
