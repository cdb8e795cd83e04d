"""What the pages of goods in and of stock post."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping

from flask_babel import gettext as _, lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import BooleanField, Field, HiddenField, IntegerField, StringField, TextAreaField
from wtforms.validators import AnyOf, DataRequired, InputRequired, Length, NumberRange, Optional, Regexp

from delivery.goods_rules import SerialProblem, SerialsRefused, read_serials
from delivery.models import LotStatus
from portal.depot.forms import LARGEST_ID
from portal.fields import DayField, WholeNumberField

MOST_PACKAGES = 9999
# A lot as a GS1 code may carry it, and nothing that a shelf's label would not hold.
_LOT = r"^[!\"%&'()*+,\-./0-9:;<=>?A-Z_a-z]*$"


def one_line(text: str | None) -> str:
    """Return what was typed without control characters, and without room around it."""
    return "".join(" " if unicodedata.category(sign)[0] == "C" else sign for sign in text or "").strip()


def scanned(text: str | None) -> str:
    """Return what a scanner typed: the separators of GS1 codes stay, other control characters do not."""
    return "".join(sign for sign in text or "" if sign in "\x1d\t" or unicodedata.category(sign)[0] != "C")[:200]


def _key() -> HiddenField:
    return HiddenField(validators=[Length(max=64)])


def _packages(label: str) -> WholeNumberField:
    return WholeNumberField(
        label,
        [
            InputRequired(_l("Write how many packages, with digits.")),
            NumberRange(1, MOST_PACKAGES, message=_l("Write a number from 1 to 9999.")),
        ],
    )


def _serials() -> TextAreaField:
    return TextAreaField(
        _l("Serial numbers"),
        [Length(max=20_000, message=_l("That is too many at once. Take them in several goes."))],
        filters=[lambda text: (text or "").replace("\x00", "")],
    )


def _why() -> StringField:
    return StringField(
        _l("Why"),
        [
            DataRequired(_l("Write why, so that the next one understands.")),
            Length(max=200, message=_l("Write at most 200 characters.")),
        ],
        filters=[one_line],
    )


def _location() -> StringField:
    return StringField(
        _l("Shelf"), [Length(max=20, message=_l("A shelf is at most 20 characters."))], filters=[one_line]
    )


class OpenReceiptForm(FlaskForm):
    """A delivery that has come, for one of our orders or for none."""

    supplier_order_id = IntegerField(validators=[Optional(), NumberRange(1, LARGEST_ID)])
    delivery_note_no = StringField(
        _l("Number of the delivery note"),
        [Length(max=40, message=_l("The number is at most 40 characters."))],
        filters=[one_line],
    )
    idempotency_key = _key()


class ReceiveForm(FlaskForm):
    """Packages of one lot on the floor."""

    code = HiddenField(validators=[DataRequired(_l("Nothing was scanned. Try again."))], filters=[scanned])
    lot_no = StringField(
        _l("Lot on the package"),
        [
            Length(max=20, message=_l("A lot is at most 20 characters.")),
            Regexp(_LOT, message=_l("Write the lot without spaces.")),
        ],
        filters=[one_line],
    )
    expires_on = DayField(_l("Use by"), [Optional()])
    packages = _packages(_l("Packages"))
    serials = _serials()
    location = _location()
    is_damaged = BooleanField(_l("The goods are damaged: send them back"))
    note = StringField(_l("Note"), [Length(max=200, message=_l("Write at most 200 characters."))], filters=[one_line])
    idempotency_key = _key()


class SupplierOrderForm(FlaskForm):
    """An order to a supplier; packages per article are read by `ordered_packages`."""

    supplier_id = IntegerField(validators=[InputRequired(), NumberRange(1, LARGEST_ID)])
    expected_on = DayField(_l("Should come by"), [InputRequired(_l("Choose the day when it should come."))])
    idempotency_key = _key()


class ExpectedForm(FlaskForm):
    """The day on which what is left of an order to a supplier comes."""

    expected_on = DayField(_l("Comes on"), [InputRequired(_l("Choose the day when it should come."))])


def ordered_packages(sent: Mapping[str, str]) -> dict[int, int] | None:
    """Return packages by article id as a form sent them; None when one of them is no number from 0 to 99999."""
    wanted = {}
    for name, text in sent.items():
        if name.startswith("packages-"):
            article_id, count = name.removeprefix("packages-"), text.strip() or "0"
            if not (article_id.isascii() and article_id.isdigit() and len(article_id) < 19):
                return None
            if not (count.isascii() and count.isdigit() and len(count) <= 5):
                return None
            wanted[int(article_id)] = int(count)
    return wanted


class ScrapForm(FlaskForm):
    """Packages that are thrown away."""

    packages = _packages(_l("Packages to scrap"))
    serials = _serials()
    note = _why()
    idempotency_key = _key()


class LotStatusForm(FlaskForm):
    """A lot that is held or let go."""

    status = HiddenField(validators=[AnyOf([LotStatus.ON_HOLD.value, LotStatus.AVAILABLE.value])])
    note = _why()


class MoveForm(FlaskForm):
    """Where a lot stands."""

    location = _location()


class CountForm(FlaskForm):
    """What was counted."""

    counted = WholeNumberField(
        _l("Packages on the shelf"),
        [
            InputRequired(_l("Write how many packages, with digits. Write 0 when there are none.")),
            NumberRange(0, 99_999, message=_l("Write a number from 0 to 99999.")),
        ],
    )
    serials = _serials()
    idempotency_key = _key()


class TakeBackForm(FlaskForm):
    """Packages that a patient has sent back."""

    find = HiddenField(validators=[Length(max=60)], filters=[one_line])
    packages = _packages(_l("Packages that came back"))
    serials = _serials()
    note = _why()
    idempotency_key = _key()


def serials_of(field: Field) -> tuple[str, ...] | None:
    """Return the serial numbers that were typed; None when they cannot be read, which the field then says."""
    try:
        return tuple(read_serials(field.data or ""))
    except SerialsRefused as refused:
        field.errors = [serial_words(refused)]
        return None


def serial_words(refused: SerialsRefused) -> str:
    """Say what is wrong with typed serial numbers."""
    match refused.problem:
        case SerialProblem.TWICE:
            return _("%(serial)s is there twice. Remove one of them.", serial=refused.text)
        case SerialProblem.TOO_MANY:
            return _("That is too many at once. Take them in several goes.")
        case SerialProblem.UNREADABLE:
            pass
    return _("%(serial)s cannot be a serial number. Look at the package again.", serial=refused.text)
