"""Somebody calls customer service: whom they call about, found by a number of the person or of an order."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload
from stdnum import luhn

from auth.calls import Call, record_end_of_call
from auth.identity import Identity
from auth.models import Person
from auth.numbers import MalformedNumber, PersonNumber, parse_number
from auth.permissions import Permission, require
from auth.persons import find_person_by_number
from core.audit import record
from core.errors import DomainError
from orders.models import Order

LONGEST_ORDER_NO = 12
_DASHES = re.compile(r"[\u2010-\u2015\u2212]")


class ReasonMissing(DomainError):
    """Somebody is looked up because somebody called; without the reason they are not looked up."""


@dataclass(frozen=True)
class OrderNumber:
    """An order number with a right check digit."""

    digits: str


Sought = PersonNumber | OrderNumber


def read_sought(text: str, day: date) -> Sought | None:
    """Read what the caller says as a person's number or, when it is none, as an order number; None when it is neither.

    Digits alone tell them apart: a person's number has ten or twelve that say a day of birth.
    """
    text = _DASHES.sub("-", "".join(text.split()))
    try:
        return parse_number(text, day)
    except MalformedNumber:
        pass
    if text.isascii() and text.isdigit() and len(text) <= LONGEST_ORDER_NO and luhn.is_valid(text):
        return OrderNumber(text)
    return None


@dataclass(frozen=True)
class CalledAbout:
    """Whom a call is about, and the number of the order that they were found by, empty when it was their own."""

    person: Person
    order_no: str


def look_up_caller(
    session: Session, identity: Identity, sought: Sought, reason: str, *, instead_of: Call | None = None
) -> CalledAbout | None:
    """Find whom a call is about in the identity's region, or None; the look is logged with its reason, found or not.

    When somebody is found, the call that was open until then is logged as ended. One statement for an order, one for a person;
    nobody's number is written anywhere. Raises NotPermitted, ReasonMissing.
    """
    require(identity, Permission.TAKE_CALL)
    reason = reason.strip()
    if not reason:
        raise ReasonMissing
    found = _find(session, identity, sought)
    if found and instead_of is not None:
        record_end_of_call(session, identity, instead_of)
    by_order = isinstance(sought, OrderNumber)
    record(
        session,
        identity.actor,
        "call.opened" if found else "order.enquired" if by_order else "person.enquired",
        subject_person_id=found.person.id if found else None,
        manner="LOOK",
        object_ref=f"order:{sought.digits}" if isinstance(sought, OrderNumber) else "",
        reason=reason,
    )
    return found


def _find(session: Session, identity: Identity, sought: Sought) -> CalledAbout | None:
    if isinstance(sought, PersonNumber):
        person = find_person_by_number(session, sought)
        return CalledAbout(person, "") if person is not None and person.region == identity.region else None
    order = session.scalar(
        select(Order)
        .where(Order.order_no == sought.digits, Order.region == identity.region)
        .options(joinedload(Order.person))
    )
    # The orders of somebody who has moved stay with the region that sent them; their pages do not. A unit's own is about nobody.
    if order is None or order.person is None or order.person.region != identity.region:
        return None
    return CalledAbout(order.person, order.order_no)
