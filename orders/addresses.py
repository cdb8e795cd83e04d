"""Where a person's parcels can go: the registered address, and what was wished last time. Handbook §§4 and 5."""

from __future__ import annotations

import re
from dataclasses import replace

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.orm import Session

from auth.models import Person
from core.phones import is_phone_number, swedish_mobile
from orders.deliveries import Terms
from orders.models import Channel, DeliveryChoice, DeliveryMethod, Notification, Order, OrderRow, RowStatus
from orders.wishes import DeliveryWish, HomeAddress as HomeAddress, InvoiceAddress, Way

_CARE_OF = re.compile(r"^\s*c/o\b[\s:]*", re.IGNORECASE)


def care_of_name(text: str) -> str:
    """Return whom somebody lives with, without the "c/o" that registers and people write before the name."""
    return _CARE_OF.sub("", text)


def registered_address(person: Person) -> HomeAddress:
    """Return the address that the population register has."""
    return HomeAddress(
        receiver=person.full_name[:400],
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


def known_address(person: Person) -> HomeAddress | None:
    """Return the registered address, None when the register has none or the identity is protected."""
    return registered_address(person) if person.street and not person.is_protected else None


def last_wishes(session: Session, person: Person) -> dict[Way, DeliveryWish]:
    """Return what was last wished per way, the latest order's ways first; in one statement.

    Cancelled orders and replacements do not count: nobody chose a replacement's address. Empty with protected identity, and where
    nothing is left of a wish.
    """
    if person.is_protected:
        return {}
    latest = (
        select(DeliveryChoice.id)
        .ext(distinct_on(DeliveryChoice.method, DeliveryChoice.provider))
        .join(Order)
        .where(
            Order.person_id == person.id,
            Order.channel != Channel.COMPLAINT,
            DeliveryChoice.method != DeliveryMethod.UNIT,
            DeliveryChoice.street != "",
            select(OrderRow.id)
            .where(OrderRow.delivery_choice_id == DeliveryChoice.id, OrderRow.status != RowStatus.CANCELLED)
            .exists(),
        )
        .order_by(DeliveryChoice.method, DeliveryChoice.provider, DeliveryChoice.id.desc())
    )
    choices = session.scalars(
        select(DeliveryChoice)
        .where(DeliveryChoice.id.in_(latest))
        .order_by(DeliveryChoice.order_id.desc(), DeliveryChoice.id)
    )
    return {Way(choice.method, choice.provider): wish_of(choice) for choice in choices}


def wish_of(choice: DeliveryChoice) -> DeliveryWish:
    """Return a delivery as the wish that it came of."""
    is_home = choice.method is DeliveryMethod.HOME_DELIVERY
    home = HomeAddress(
        receiver=choice.receiver,
        care_of=choice.care_of,
        street=choice.street,
        postal_code=choice.postal_code,
        city=choice.city,
        door_code=choice.door_code,
        phone=choice.phone,
        comment=choice.comment,
    )
    invoice = InvoiceAddress(
        choice.invoice_receiver, choice.invoice_street, choice.invoice_postal_code, choice.invoice_city
    )
    return DeliveryWish(
        way=Way(choice.method, choice.provider),
        address=home if is_home else None,
        point_id=choice.point_id,
        notification=choice.notification,
        notify_to=choice.notify_to,
        contact_person=choice.contact_person,
        comment="" if is_home else choice.comment,
        invoice=invoice if invoice.street else None,
    )


def usual_wish(person: Person, terms: Terms, last: DeliveryWish | None) -> DeliveryWish:
    """Return last time's wish as far as today's products allow it, completed by what is known of the person.

    Home, an address other than the registered one is not taken again: a stay in the country ends.
    """
    last = last or DeliveryWish()
    notification, notify_to = last.notification, last.notify_to
    if notification not in terms.notifications:
        notification, notify_to = _notification(person, terms)
    home = last.address
    if terms.way.method is not DeliveryMethod.HOME_DELIVERY or home is None or not is_registered_place(person, home):
        home = None
    return DeliveryWish(
        way=terms.way,
        # The code may have been changed since.
        address=replace(home, door_code=person.door_code) if home is not None else None,
        point_id=last.point_id if terms.allows_choice_of_point else "",
        notification=notification,
        notify_to=notify_to,
        contact_person=last.contact_person if terms.allows_contact_person else "",
        comment=last.comment if terms.allows_comment else "",
        invoice=last.invoice if terms.allows_invoice_address else None,
    )


def _notification(person: Person, terms: Terms) -> tuple[Notification | None, str]:
    if not terms.needs_notification:
        return None, ""
    known = {
        Notification.SMS: swedish_mobile(person.phone) or "",
        Notification.EMAIL: person.email,
        Notification.LETTER: person.street,
        Notification.PHONE: person.phone if is_phone_number(person.phone) else "",
    }
    for notification, where in known.items():
        if notification in terms.notifications and where:
            return notification, "" if notification is Notification.LETTER else where
    return None, ""


def last_home_address(session: Session, person: Person) -> HomeAddress | None:
    """Return where the person's latest order that was not cancelled went home; in one statement. None as `last_wishes`."""
    wishes = last_wishes(session, person).values()
    return next((wish.address for wish in wishes if wish.address is not None), None)
