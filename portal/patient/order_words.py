"""Orders and what travels of them, in words."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime

from flask_babel import gettext as _
from markupsafe import Markup

from core.clock import swedish_date
from orders.models import DeliveryChoice, DeliveryMethod, Order, RowStatus
from orders.wishes import Way
from portal.formats import day, postal_code, short_day
from portal.patient.delivery_words import notified_text, way_title
from portal.patient.tracking import Shipment, Stage
from portal.patient.urgent import urgent_words as urgent_words


@dataclass(frozen=True)
class Step:
    """One of the four steps of a parcel's way."""

    label: str
    when: str
    state: str


def steps_of(shipment: Shipment) -> list[Step]:
    """Return the four steps, each done, current or coming, with the day on which it was reached.

    Of what is sent from elsewhere only the first and the last are known.
    """
    instants: list[tuple[Stage, str, datetime | None]] = [
        (Stage.RECEIVED, _("Received"), shipment.order.placed_at),
        (Stage.PICKING, _("Being picked"), shipment.picking_at),
        (Stage.SENT, _("Sent"), shipment.sent_at),
        (Stage.DELIVERED, _("Delivered"), shipment.delivered_at),
    ]
    reached = max(shipment.stage, Stage.RECEIVED)
    steps = []
    for stage, label, instant in instants:
        if not shipment.order.is_ours and stage in (Stage.PICKING, Stage.SENT):
            continue
        if stage < reached or shipment.stage is Stage.DELIVERED:
            state = "done"
        else:
            state = "current" if stage == reached else "coming"
        when = short_day(swedish_date(instant)) if instant is not None and state != "coming" else ""
        steps.append(Step(label, when, state))
    return steps


def shipment_heading(shipment: Shipment) -> str:
    """Say in a few words where a shipment is."""
    match shipment.stage:
        case Stage.CANCELLED:
            return _("Cancelled")
        case Stage.AWAITED:
            return _("Waiting for an answer")
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
    if shipment.stage is Stage.AWAITED:
        return _("We have sent it, and wait for the answer. Do not order it again.")
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
    if Stage.AWAITED in live:
        return _("Waiting for an answer"), "attention"
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


def registered_elsewhere_text() -> str:
    """Say who changes and cancels an order that is registered elsewhere."""
    return _("The region's own system has the order. Call customer service if you want to change or cancel it.")


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


def live_choices(order: Order) -> list[DeliveryChoice]:
    """Return the deliveries that something of the order still goes by; all of them once everything is cancelled."""
    choices = [choice for choice in order.delivery_choices if choice.superseded_at is None]
    used = {row.delivery_choice_id for row in order.rows if row.status is not RowStatus.CANCELLED}
    return [choice for choice in choices if choice.id in used] or choices


@dataclass(frozen=True)
class DeliveryFacts:
    """One delivery of an order, in words; `comes` is the last step of what happens now."""

    products: str
    comes: str
    pairs: tuple[tuple[str, str], ...]


def delivery_facts(order: Order) -> list[DeliveryFacts]:
    """Say per delivery how and where an order comes, and how the receiver is told; who pays is nobody's business here."""
    choices = live_choices(order)
    return [_facts(choice, _products_of(order, choice) if len(choices) > 1 else "") for choice in choices]


def _facts(choice: DeliveryChoice, products: str) -> DeliveryFacts:
    place = _place_lines(choice)
    pairs = (
        (_("Products"), products),
        (_("How you get it"), way_title(Way(choice.method, choice.provider))),
        (_("Goes to"), Markup("<br>").join(_apart(line) for line in place)),
        (_("How you are told"), notified_text(choice.notification, choice.notify_to)),
        (_("Fetched by"), _apart(choice.contact_person)),
        (_("Comment"), _apart(choice.comment)),
    )
    comes = _how_it_comes(choice, place)
    return DeliveryFacts(products, f"{products}: {comes}" if products else comes, pairs)


def _how_it_comes(choice: DeliveryChoice, place: tuple[str, ...]) -> str:
    if choice.method is DeliveryMethod.HOME_DELIVERY:
        return _("It comes home in a plain box.")
    if not place:
        return _("You fetch it where the message says.")
    return _("You fetch it at %(place)s.", place=place[0])


def _apart(text: str) -> Markup:
    # Names and streets in any script keep their own direction.
    return Markup('<bdi dir="auto">{}</bdi>').format(text) if text else Markup("")


def _products_of(order: Order, choice: DeliveryChoice) -> str:
    rows = [row for row in order.rows if row.delivery_choice_id == choice.id]
    return ", ".join(dict.fromkeys(row.article.display_name for row in rows))


def _place_lines(choice: DeliveryChoice) -> tuple[str, ...]:
    place = f"{postal_code(choice.postal_code)} {choice.city}".strip()
    match choice.method:
        case DeliveryMethod.UNIT:
            # A protected identity's parcel: the unit by its name alone.
            lines = [choice.receiver]
        case DeliveryMethod.HOME_DELIVERY:
            care_of = f"c/o {choice.care_of}" if choice.care_of else ""
            lines = [choice.receiver, care_of, choice.street, place]
        case DeliveryMethod.SERVICE_POINT if not choice.point_id:
            # The carrier chooses; the address kept is the one that it goes by.
            lines = []
        case DeliveryMethod.SERVICE_POINT:
            lines = [choice.point_name, choice.street, place]
        case DeliveryMethod.HEALTH_CENTRE:
            lines = [choice.care_of, choice.street, place]
    # Nothing is left of where it went when the identity has become protected since.
    return tuple(line for line in lines if line)
