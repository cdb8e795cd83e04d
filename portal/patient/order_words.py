"""Orders and what travels of them, in words."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime

from flask_babel import gettext as _

from core.clock import swedish_date
from orders.models import DeliveryMethod, Order
from portal.formats import day, postal_code, short_day
from portal.patient.tracking import Shipment, Stage


@dataclass(frozen=True)
class Step:
    """One of the four steps of a parcel's way."""

    label: str
    when: str
    state: str


def steps_of(shipment: Shipment) -> list[Step]:
    """Return the four steps, each done, current or coming, with the day on which it was reached."""
    instants: list[tuple[str, datetime | None]] = [
        (_("Received"), shipment.order.placed_at),
        (_("Being picked"), shipment.picking_at),
        (_("Sent"), shipment.sent_at),
        (_("Delivered"), shipment.delivered_at),
    ]
    reached = max(int(shipment.stage), 0)
    steps = []
    for position, (label, instant) in enumerate(instants):
        if position < reached or shipment.stage is Stage.DELIVERED:
            state = "done"
        else:
            state = "current" if position == reached else "coming"
        when = short_day(swedish_date(instant)) if instant is not None and state != "coming" else ""
        steps.append(Step(label, when, state))
    return steps


def shipment_heading(shipment: Shipment) -> str:
    """Say in a few words where a shipment is."""
    match shipment.stage:
        case Stage.CANCELLED:
            return _("Cancelled")
        case Stage.WAITING:
            return _("Missing at the depot")
        case Stage.RECEIVED:
            return _("We have your order")
        case Stage.PICKING:
            return _("Your order is being picked")
        case Stage.SENT:
            return _("Your parcel is on its way")
        case Stage.DELIVERED:
            return _("Delivered")


def shipment_when(shipment: Shipment, today: date) -> str:
    """Say when a shipment comes, came, or should have come."""
    if shipment.stage is Stage.CANCELLED:
        return _("Nothing is sent, and no withdrawal is used.")
    if shipment.stage is Stage.DELIVERED:
        return _day_of(shipment.delivered_at)
    if shipment.is_late(today):
        return _("Should have come %(day)s. Call customer service if it does not.", day=day(shipment.expected))
    if shipment.stage is Stage.WAITING:
        return _(
            "Is expected around %(day)s. We send it then; you do not need to order again.", day=day(shipment.expected)
        )
    return _("Comes by %(day)s", day=day(shipment.expected))


def _day_of(instant: datetime | None) -> str:
    return day(swedish_date(instant)) if instant is not None else ""


def order_state(shipments: Iterable[Shipment]) -> tuple[str, str]:
    """Return where a whole order is, in a word or two, and the tone of the badge that says so."""
    stages = {shipment.stage for shipment in shipments}
    live = stages - {Stage.CANCELLED}
    if not live:
        return _("Cancelled"), "neutral"
    if live == {Stage.DELIVERED}:
        return _("Delivered"), "success"
    if live == {Stage.WAITING}:
        return _("Missing at the depot"), "attention"
    if live & {Stage.SENT, Stage.DELIVERED}:
        return (_("Partly sent"), "info") if live - {Stage.SENT, Stage.DELIVERED} else (_("Sent"), "info")
    return (_("Being picked"), "accent") if Stage.PICKING in live else (_("Received"), "accent")


def nearest(shipments: Iterable[Shipment]) -> list[Shipment]:
    """Return the shipments under way, the one that comes first first."""
    under_way = [shipment for shipment in shipments if shipment.is_under_way]
    return sorted(under_way, key=lambda shipment: (-shipment.stage, shipment.expected, shipment.order.id))


def who_ordered(order: Order, reader_id: int | None) -> str:
    """Say who placed an order: the reader, somebody for them, or customer service; names nobody with protected identity."""
    if order.orderer_staff_id is not None:
        return (
            _("%(name)s at customer service", name=order.orderer_name) if order.orderer_name else _("Customer service")
        )
    if order.orderer_person_id is not None and order.orderer_person_id == reader_id:
        return _("You")
    if order.by_delegate:
        return _("%(name)s, on behalf of the patient", name=order.orderer_name)
    return order.orderer_name


def order_text(order: Order) -> str:
    """Name the products of an order in one line."""
    return "\N{NO-BREAK SPACE}· ".join(dict.fromkeys(row.article.display_name for row in order.rows))


def placed_day(order: Order) -> str:
    """Write the day on which an order was placed."""
    return day(swedish_date(order.placed_at))


def goes_to_unit(order: Order) -> bool:
    """Whether the parcel goes to the prescribing unit."""
    return any(choice.method is DeliveryMethod.UNIT for choice in order.delivery_choices)


def choice_text(order: Order) -> str:
    """Say where an order goes: to the unit by its name alone, else the address."""
    texts = []
    for choice in order.delivery_choices:
        if choice.method is DeliveryMethod.UNIT:
            texts.append(choice.receiver)
            continue
        care_of = f"c/o {choice.care_of}" if choice.care_of else ""
        place = f"{postal_code(choice.postal_code)} {choice.city}".strip()
        texts.append(", ".join(part for part in (choice.receiver, care_of, choice.street, place) if part))
    # Nothing is left of where it went when the identity has become protected since.
    return "; ".join(dict.fromkeys(text for text in texts if text))
