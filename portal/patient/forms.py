"""The order form: an address, and packages per article of each product."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from werkzeug.datastructures import MultiDict
from wtforms import IntegerField, StringField, TextAreaField
from wtforms.fields.core import Field
from wtforms.form import BaseForm
from wtforms.validators import DataRequired, Length, Regexp, ValidationError

from orders.addresses import HomeAddress, care_of_name
from orders.services import OrderLine

MOST_PACKAGES = 9999
_PO_BOX = re.compile(r"^\s*(?:p\.?\s?o\.?\s*box|post\s?box|box)\b[\s.:]*\d", re.IGNORECASE)
_ID = re.compile(r"[1-9][0-9]{0,17}", re.ASCII)


def clean(value: str | None) -> str:
    """Return text on one line, without control characters or spaces around it; apostrophes, emoji and any script stay."""
    text = "".join(" " if unicodedata.category(character) == "Cc" else character for character in value or "")
    return " ".join(text.split())


def digits(value: str | None) -> str:
    """Return a postal code as it is kept, without spaces: "541 30" is "54130"."""
    text = "".join(clean(value).split())
    return text[2:].lstrip("-") if text.upper().startswith("SE") else text


def not_a_po_box(_form: BaseForm, field: Field) -> None:
    """Refuse a post box: no carrier leaves a parcel in one."""
    if _PO_BOX.match(field.data or ""):
        raise ValidationError(_l("A parcel cannot be sent to a post box. Write a street and a number."))


class AddressForm(FlaskForm):
    """Where the parcel goes; not used with protected identity."""

    class Meta:
        # The app checks every POST's token; a form shown again after logging in has none of its own.
        csrf = False

    receiver = StringField(
        _l("Name on the parcel"),
        [
            DataRequired(_l("Write who is to receive the parcel.")),
            # The register's names may be as long as they like.
            Length(max=400, message=_l("Write at most 400 characters.")),
        ],
        filters=[clean],
    )
    care_of = StringField(
        _l("c/o"),
        [Length(max=100, message=_l("Write at most 100 characters.")), not_a_po_box],
        filters=[clean, care_of_name],
    )
    street = StringField(
        _l("Street and number"),
        [
            DataRequired(_l("Write the street and the number, for example Storgatan 4.")),
            Length(max=200, message=_l("Write at most 200 characters.")),
            not_a_po_box,
        ],
        filters=[clean],
    )
    postal_code = StringField(
        _l("Postal code"),
        [
            DataRequired(_l("Write the postal code with five digits.")),
            Regexp(r"^[1-9][0-9]{4}\Z", message=_l("Write the postal code with five digits, for example 541 30.")),
        ],
        filters=[digits],
    )
    city = StringField(
        _l("Town"),
        [DataRequired(_l("Write the town.")), Length(max=100, message=_l("Write at most 100 characters."))],
        filters=[clean],
    )
    door_code = StringField(
        _l("Door code"), [Length(max=40, message=_l("Write at most 40 characters."))], filters=[clean]
    )
    phone = StringField(
        _l("Phone"),
        [
            Regexp(
                r"^(\+?[0-9 ()\-]{5,39})?\Z",
                message=_l("Write the phone number with digits, for example 070-123 45 67."),
            )
        ],
        filters=[clean],
    )
    comment = TextAreaField(
        _l("Comment to the driver"),
        [Length(max=100, message=_l("Write at most 100 characters to the driver."))],
        filters=[clean],
    )

    @property
    def address(self) -> HomeAddress:
        """The address as the service takes it; only after `validate`."""
        return HomeAddress(
            receiver=self.receiver.data or "",
            care_of=self.care_of.data or "",
            street=self.street.data or "",
            postal_code=self.postal_code.data or "",
            city=self.city.data or "",
            door_code=self.door_code.data or "",
            phone=self.phone.data or "",
            comment=self.comment.data or "",
        )


class PackagesField(IntegerField):
    """A whole number of packages; nothing written is none."""

    def process_formdata(self, valuelist: list[str]) -> None:
        text = (valuelist[0] if valuelist else "").strip()
        self.data = packages_number(text)
        if self.data is None:
            self.data = 0
            raise ValueError(_l("Write the number of packages with digits, for example 2."))

    def _value(self) -> str:
        return self.raw_data[0].replace("\x00", "") if self.raw_data else str(self.data or 0)


def packages_number(text: str) -> int | None:
    """Return a written number of packages, 0 for nothing written, None for what is no number."""
    if not text:
        return 0
    return int(text) if re.fullmatch(r"[0-9]{1,4}", text, re.ASCII) else None


def amount_name(item_id: int, article_id: int) -> str:
    """The name of the field for one article of one product."""
    return f"packages-{item_id}-{article_id}"


def seen_name(item_id: int) -> str:
    """The name of the hidden field that keeps how many withdrawals the page showed."""
    return f"seen-{item_id}"


@dataclass(frozen=True)
class Amount:
    """One field of the form: its article's name and how many packages to begin with."""

    name: str
    label: str
    packages: int


def amounts_form(amounts: Sequence[Amount], typed: MultiDict[str, str] | None) -> FlaskForm:
    """Build the form of all amounts on the page, filled from what was typed, else with the amounts to begin with."""
    fields = {amount.name: PackagesField(amount.label, default=amount.packages) for amount in amounts}
    kind: type[FlaskForm] = type("AmountsForm", (FlaskForm,), {"Meta": AddressForm.Meta, **fields})
    return kind(formdata=typed)


@dataclass(frozen=True)
class Together:
    """Several forms on one page, as one to the error summary, in the order of the page."""

    forms: tuple[FlaskForm, ...]
    form_errors: ClassVar[tuple[str, ...]] = ()

    def __iter__(self) -> Iterator[Field]:
        for form in self.forms:
            yield from form

    @property
    def errors(self) -> dict[str, Sequence[str]]:
        """Every field's errors, those added after validation too."""
        return {field.name: field.errors for field in self if field.errors}


def item_ids(values: Sequence[str]) -> list[int]:
    """Return ids in the order given, each once; what cannot be an id is left out."""
    return list(dict.fromkeys(int(value) for value in values if _ID.fullmatch(value)))


@dataclass(frozen=True)
class TypedOrder:
    """What a posted order form holds, before anything is checked against the prescription."""

    shown: tuple[int, ...]
    ticked: tuple[int, ...]
    lines: tuple[OrderLine, ...] | None
    person_id: int | None


def read_order(typed: MultiDict[str, str]) -> TypedOrder:
    """Read the products and amounts of a posted form; `lines` is None when an amount is no number."""
    ticked = item_ids(typed.getlist("item"))
    shown = item_ids([name.removeprefix("seen-") for name in typed if name.startswith("seen-")])
    lines: list[OrderLine] | None = []
    for item_id in ticked:
        packages: dict[int, int] = {}
        prefix = f"packages-{item_id}-"
        for name in typed:
            if not name.startswith(prefix) or not _ID.fullmatch(name.removeprefix(prefix)):
                continue
            count = packages_number(typed[name].strip())
            if count is None:
                lines = None
                break
            packages[int(name.removeprefix(prefix))] = count
        if lines is None:
            break
        seen = typed.get(seen_name(item_id), "")
        lines.append(OrderLine(item_id, packages, int(seen) if re.fullmatch(r"[0-9]{1,6}", seen, re.ASCII) else -1))
    return TypedOrder(
        shown=tuple(dict.fromkeys([*shown, *ticked])),
        ticked=tuple(ticked),
        lines=None if lines is None else tuple(lines),
        person_id=next(iter(item_ids(typed.getlist("person"))), None),
    )
