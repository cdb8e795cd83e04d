"""Where an order goes: home as the patient says, or to the prescribing unit for a protected identity. Handbook §§4 and 5."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from sqlalchemy import select
from sqlalchemy.orm import Session

from auth.models import Person, Unit
from orders.models import Channel, DeliveryChoice, DeliveryMethod, Order, OrderRow, Prescription, RowStatus

HOME_METHOD_ID = "HOME"
UNIT_METHOD_ID = "UNIT"
_CARE_OF = re.compile(r"^\s*c/o\b[\s:]*", re.IGNORECASE)


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


def care_of_name(text: str) -> str:
    """Return whom somebody lives with, without the "c/o" that registers and people write before the name."""
    return _CARE_OF.sub("", text)


def build_delivery_choice(
    session: Session, order: Order, person: Person, address: HomeAddress | None, prescription: Prescription
) -> DeliveryChoice:
    """Write where the order goes: the prescribing unit under its own name for a protected identity (handbook §4), else home."""
    if person.is_protected:
        choice = unit_delivery_choice(order, prescription.prescribing_unit)
    else:
        home = address or registered_address(person)
        choice = DeliveryChoice(
            order_id=order.id,
            method_id=HOME_METHOD_ID,
            method=DeliveryMethod.HOME_DELIVERY,
            receiver=home.receiver,
            care_of=home.care_of,
            street=home.street,
            postal_code=home.postal_code,
            city=home.city,
            door_code=home.door_code,
            phone=home.phone,
            comment=home.comment,
        )
    session.add(choice)
    session.flush()
    return choice


def unit_delivery_choice(order: Order, unit: Unit) -> DeliveryChoice:
    """Build a delivery to a unit that names nobody."""
    return DeliveryChoice(
        order_id=order.id,
        method_id=UNIT_METHOD_ID,
        method=DeliveryMethod.UNIT,
        receiver=unit.name,
        street=unit.street,
        postal_code=unit.postal_code,
        city=unit.city,
        phone=unit.phone,
    )


def registered_address(person: Person) -> HomeAddress:
    """Return the address that the population register has."""
    return HomeAddress(
        receiver=person.full_name,
        care_of=care_of_name(person.care_of),
        street=person.street,
        postal_code=person.postal_code,
        city=person.city,
        door_code=person.door_code,
        phone=person.phone,
    )


def is_registered_place(person: Person, address: HomeAddress) -> bool:
    """Whether an address is where the population register says that the person lives, whoever receives the parcel there."""
    return bool(address.street) and _place(address.street, address.postal_code) == _place(
        person.street, person.postal_code
    )


def _place(street: str, postal_code: str) -> tuple[str, str]:
    return " ".join(street.casefold().split()), postal_code


def last_home_address(session: Session, person: Person) -> HomeAddress | None:
    """Return where the person's latest order that was not cancelled went home; in one statement.

    None with protected identity, and when nothing is left of it. A replacement does not count: nobody chose its address.
    """
    if person.is_protected:
        return None
    choice = session.scalar(
        select(DeliveryChoice)
        .join(Order)
        .where(
            Order.person_id == person.id,
            Order.channel != Channel.COMPLAINT,
            DeliveryChoice.method == DeliveryMethod.HOME_DELIVERY,
            DeliveryChoice.street != "",
            select(OrderRow.id)
            .where(OrderRow.delivery_choice_id == DeliveryChoice.id, OrderRow.status != RowStatus.CANCELLED)
            .exists(),
        )
        .order_by(DeliveryChoice.id.desc())
        .limit(1)
    )
    if choice is None:
        return None
    return HomeAddress(
        receiver=choice.receiver,
        care_of=choice.care_of,
        street=choice.street,
        postal_code=choice.postal_code,
        city=choice.city,
        door_code=choice.door_code,
        phone=choice.phone,
        comment=choice.comment,
    )
