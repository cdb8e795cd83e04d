"""The order form's deliveries: which products go together and how, where they are fetched, who gets the invoice."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from werkzeug.datastructures import MultiDict
from wtforms import StringField, TextAreaField
from wtforms.validators import DataRequired, Length, Regexp

from orders.deliveries import Trouble
from orders.kinds import DeliveryMethod, Notification
from orders.wishes import HOME_WAY, DeliveryWish, InvoiceAddress, Way
from portal.patient.forms import AddressForm, clean, digits, item_ids

MOST_DELIVERIES = 20
_PARCEL = re.compile(r"parcel-([0-9]{1,2})", re.ASCII)
_WAY = re.compile(r"([A-Z_]{1,30})-([A-Z]{1,20})", re.ASCII)
POSTAL_CODE = re.compile(r"[1-9][0-9]{4}", re.ASCII)
# The field that a notification's number or address is written in.
NOTIFY_FIELDS: Mapping[Notification, str] = {
    Notification.SMS: "sms",
    Notification.EMAIL: "email",
    Notification.PHONE: "call",
}


def way_key(way: Way) -> str:
    """Write a way as a form holds it."""
    return f"{way.method.value}-{way.provider}"


def way_of(text: str) -> Way | None:
    """Read a way from a form; None for what is none."""
    found = _WAY.fullmatch(text)
    if found is None or found[1] not in DeliveryMethod.__members__:
        return None
    return Way(DeliveryMethod[found[1]], found[2])


class CollectForm(FlaskForm):
    """Where parcels of one way are fetched, and how one is told; every field is checked by the rules of ordering."""

    class Meta:
        # The app checks every POST's token; a form shown again after logging in has none of its own.
        csrf = False

    search = StringField(_l("Postal code"), filters=[digits])
    point = StringField(_l("Collection point"), filters=[clean])
    notification = StringField(_l("How do you want to know that it has come?"), filters=[clean])
    sms = StringField(_l("Mobile number"), filters=[clean])
    email = StringField(_l("E-mail address"), filters=[clean])
    call = StringField(_l("Phone number"), filters=[clean])
    contact_person = StringField(
        _l("Who fetches it?"), [Length(max=200, message=_l("Write at most 200 characters."))], filters=[clean]
    )
    comment = TextAreaField(
        _l("Comment"), [Length(max=100, message=_l("Write at most 100 characters."))], filters=[clean]
    )

    def wish(self, way: Way, invoice: InvoiceAddress | None = None) -> DeliveryWish:
        """Return what is wished, as far as it can be read."""
        word = self.notification.data or ""
        notification = Notification[word] if word in Notification.__members__ else None
        where = NOTIFY_FIELDS.get(notification) if notification is not None else None
        return DeliveryWish(
            way=way,
            point_id=self.point.data or "",
            notification=notification,
            notify_to=(self[where].data or "") if where else "",
            contact_person=self.contact_person.data or "",
            comment=self.comment.data or "",
            invoice=invoice,
        )


class InvoiceForm(FlaskForm):
    """Who gets the invoice when it is not the patient; left blank altogether it is the patient."""

    class Meta:
        csrf = False

    receiver = StringField(
        _l("Who gets the invoice?"),
        [
            DataRequired(_l("Write who is to get the invoice.")),
            Length(max=200, message=_l("Write at most 200 characters.")),
        ],
        filters=[clean],
    )
    street = StringField(
        _l("Street and number, or a post box"),
        [
            DataRequired(_l("Write the street and the number, for example Storgatan 4.")),
            Length(max=200, message=_l("Write at most 200 characters.")),
        ],
        filters=[clean],
    )
    postal_code = StringField(
        _l("Postal code"),
        [Regexp(r"^[1-9][0-9]{4}\Z", message=_l("Write the postal code with five digits, for example 541 30."))],
        filters=[digits],
    )
    city = StringField(
        _l("Town"),
        [DataRequired(_l("Write the town.")), Length(max=100, message=_l("Write at most 100 characters."))],
        filters=[clean],
    )

    @property
    def is_blank(self) -> bool:
        """Whether nothing is written."""
        return not any(field.data for field in self)

    @property
    def address(self) -> InvoiceAddress | None:
        """The address as the service takes it, None when nothing is written."""
        if self.is_blank:
            return None
        return InvoiceAddress(
            self.receiver.data or "", self.street.data or "", self.postal_code.data or "", self.city.data or ""
        )


def collect_form(way: Way, typed: MultiDict[str, str] | None, begin: Mapping[str, str] | None = None) -> CollectForm:
    """Build the form of one way's fetching; `begin` is what its fields begin with."""
    return CollectForm(formdata=typed, prefix=f"{way_key(way).lower()}-", data=begin)


def invoice_form(typed: MultiDict[str, str] | None, begin: InvoiceAddress | None = None) -> InvoiceForm:
    """Build the form of the other invoice address."""
    return InvoiceForm(formdata=typed, prefix="invoice-", obj=begin)


@dataclass(frozen=True)
class TypedParcel:
    """Products that the page showed together: how it showed that they come, and how they are wished to."""

    item_ids: tuple[int, ...]
    shown: Way | None
    wished: Way | None
    takes_invoice: bool


def read_parcels(typed: MultiDict[str, str]) -> tuple[TypedParcel, ...]:
    """Read how a posted page grouped its products."""
    numbers = sorted({int(found[1]) for name in typed if (found := _PARCEL.fullmatch(name))})[:MOST_DELIVERIES]
    parcels = []
    for number in numbers:
        shown = way_of(typed.get(f"shown-{number}", ""))
        parcels.append(
            TypedParcel(
                tuple(item_ids(typed[f"parcel-{number}"].split())),
                shown,
                way_of(typed.get(f"way-{number}", "")) or shown,
                f"invoiced-{number}" in typed,
            )
        )
    return tuple(parcels)


def wished_ways(parcels: Iterable[TypedParcel]) -> dict[int, Way]:
    """Return the way wished for each product of a posted page."""
    return {item_id: p.wished for p in parcels for item_id in p.item_ids if p.wished is not None}


@dataclass(frozen=True)
class TypedWishes:
    """The wishes of a posted page: per product the place of its own among them."""

    wishes: tuple[DeliveryWish, ...]
    wish_of: Mapping[int, int]


def read_wishes(typed: MultiDict[str, str], ticked: Iterable[int]) -> TypedWishes | None:
    """Read the wishes for the ticked products; None when a form is wrong, or when the page did not show how a product comes.

    Nobody orders a delivery that they have not seen: a way chosen since the page was made is shown first.
    """
    parcels = read_parcels(typed)
    parcel_of = {item_id: parcel for parcel in parcels for item_id in parcel.item_ids}
    invoice = invoice_form(typed)
    ways: dict[Way, bool] = {}
    for item_id in ticked:
        parcel = parcel_of.get(item_id)
        if parcel is None or parcel.wished is None or parcel.wished != parcel.shown:
            return None
        ways[parcel.wished] = ways.get(parcel.wished, False) or parcel.takes_invoice
    if any(ways.values()) and not invoice.is_blank and not invoice.validate():
        return None
    wishes = []
    for way, takes_invoice in ways.items():
        wish = _read_wish(typed, way, invoice.address if takes_invoice else None)
        if wish is None:
            return None
        wishes.append(wish)
    order = list(ways)
    wished = wished_ways(parcels)
    return TypedWishes(tuple(wishes), {item_id: order.index(wished[item_id]) for item_id in ticked})


def _read_wish(typed: MultiDict[str, str], way: Way, invoice: InvoiceAddress | None) -> DeliveryWish | None:
    if way == HOME_WAY:
        address = AddressForm(formdata=typed)
        return DeliveryWish(way, address=address.address, invoice=invoice) if address.validate() else None
    form = collect_form(way, typed)
    return form.wish(way, invoice) if form.validate() else None


# Where a rule's complaint about a field of the wish is shown.
FIELD_OF: Mapping[str, str] = {"point_id": "point", "contact_person": "contact_person", "comment": "comment"}


def field_of_problem(field: str, trouble: Trouble, notification: Notification | None) -> str:
    """Return the name of the form's field that a problem of a collected delivery stands beside."""
    if field == "notify_to" and notification is not None:
        return NOTIFY_FIELDS.get(notification, "notification")
    return FIELD_OF.get(field, "notification")
