"""Ways of delivery in words: what the patient's pages say of how something comes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from flask_babel import gettext as _, ngettext

from orders.kinds import DeliveryMethod, Notification
from orders.queries import Product
from orders.wishes import Way
from portal.formats import phone_number, postal_code
from portal.patient.deliveries import Deliveries, DeliveryCard
from portal.patient.delivery_forms import way_key as way_key
from portal.patient.points import Point

_PROVIDERS = {"POSTNORD": "PostNord", "DHL": "DHL", "SCHENKER": "Schenker"}
WAY_ICONS = {
    DeliveryMethod.HOME_DELIVERY: "home",
    DeliveryMethod.SERVICE_POINT: "parcel",
    DeliveryMethod.HEALTH_CENTRE: "heart",
    DeliveryMethod.UNIT: "lock",
}


def provider_name(provider: str) -> str:
    """Return a carrier's name as people know it; empty when there is none."""
    return _PROVIDERS.get(provider, "" if provider == "INGEN" else provider.capitalize())


def way_title(way: Way) -> str:
    """Name a way of delivery, to be chosen."""
    match way.method:
        case DeliveryMethod.HOME_DELIVERY:
            return _("Home")
        case DeliveryMethod.SERVICE_POINT:
            name = provider_name(way.provider)
            return _("Collection point, %(carrier)s", carrier=name) if name else _("Collection point")
        case DeliveryMethod.HEALTH_CENTRE:
            return _("Your health centre")
        case DeliveryMethod.UNIT:
            return _("Your unit")


def way_detail(way: Way) -> str:
    """Say in a line what a way means."""
    match way.method:
        case DeliveryMethod.HOME_DELIVERY:
            return _("The driver rings at your door.")
        case DeliveryMethod.SERVICE_POINT:
            return _("You fetch it when it suits you. Bring identification.")
        case DeliveryMethod.HEALTH_CENTRE | DeliveryMethod.UNIT:
            return _("You fetch it there. Bring identification.")


def deliveries_heading(cards: Sequence[DeliveryCard]) -> str:
    """Head the part of the page that says how the order comes."""
    if len(cards) < 2:
        return _("How you get it")
    return ngettext("It comes in %(num)s delivery", "It comes in %(num)s deliveries", len(cards))


def why_several(cards: Sequence[DeliveryCard]) -> str:
    """Say why an order becomes several deliveries: what cannot go any other way, or that it was chosen so."""
    said = [_only_so(card) for card in cards if card.bound]
    return " ".join(said) or _(
        "You have chosen different ways. Choose the same for all if you want everything together."
    )


def _only_so(card: DeliveryCard) -> str:
    names = _names(card.bound)
    match card.way.method:
        case DeliveryMethod.HOME_DELIVERY:
            return _("%(products)s can only be sent home.", products=names)
        case DeliveryMethod.SERVICE_POINT:
            return _(
                "%(products)s can only be fetched at a collection point of %(carrier)s.",
                products=names,
                carrier=provider_name(card.way.provider),
            )
        case _:
            return _("%(products)s can only be fetched at your health centre.", products=names)


def _names(products: Iterable[Product]) -> str:
    names = [product.item.article.display_name for product in products]
    if len(names) == 1:
        return names[0]
    return _("%(first)s and %(last)s", first=", ".join(names[:-1]), last=names[-1])


def stray_text(deliveries: Deliveries) -> str:
    """Say which products cannot come as the page showed."""
    return _("%(products)s can no longer be delivered the way you chose.", products=_names(deliveries.strays))


def notification_title(notification: Notification) -> str:
    """Name a way of being told."""
    match notification:
        case Notification.SMS:
            return _("Text message")
        case Notification.EMAIL:
            return _("E-mail")
        case Notification.LETTER:
            return _("Letter")
        case Notification.PHONE:
            return _("Phone call")


def point_place(point: Point) -> str:
    """Write where a service point is, in one line."""
    return f"{point.street}, {postal_code(point.postal_code)} {point.city}"


def notified_text(notification: Notification | None, notify_to: str) -> str:
    """Say how the receiver is told that a parcel has come; empty when nobody is."""
    match notification:
        case None:
            return ""
        case Notification.SMS:
            return _("Text message to %(number)s", number=phone_number(notify_to))
        case Notification.EMAIL:
            return _("E-mail to %(address)s", address=notify_to)
        case Notification.PHONE:
            return _("Phone call to %(number)s", number=phone_number(notify_to))
        case Notification.LETTER:
            return _("Letter to your registered address")
