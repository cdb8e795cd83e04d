"""What the depot's pages post."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import HiddenField, IntegerField, StringField
from wtforms.validators import AnyOf, DataRequired, InputRequired, Length, NumberRange, Optional, Regexp

from delivery.models import ShortReason

MOST_PACKAGES = 999
HEAVIEST_GRAMS = 35_000
LARGEST_ID = 2**63 - 1


def _key() -> HiddenField:
    return HiddenField(validators=[Length(max=64)])


def _id() -> IntegerField:
    return IntegerField(validators=[InputRequired(), NumberRange(min=1, max=LARGEST_ID)])


def _serial_no() -> StringField:
    return StringField(
        _l("Serial number on the package"),
        [
            Length(max=20, message=_l("A serial number is at most 20 characters.")),
            Regexp(r"^[!-~]*$", message=_l("Write the serial number without spaces.")),
        ],
        filters=[lambda text: (text or "").strip()],
    )


class ScanForm(FlaskForm):
    """One scan."""

    scan = StringField(_l("Scan the package"), [DataRequired(_l("Nothing was scanned. Try again.")), Length(max=200)])
    idempotency_key = _key()


class _LotForm(FlaskForm):
    lot_no = StringField(
        _l("Lot on the package"),
        [
            DataRequired(_l("Write the lot as it stands on the package.")),
            Length(max=20, message=_l("A lot is at most 20 characters.")),
            Regexp(r"^\S+$", message=_l("Write the lot without spaces.")),
        ],
        filters=[lambda text: (text or "").strip()],
    )
    packages = IntegerField(
        _l("Packages"),
        [
            InputRequired(_l("Write how many packages, with digits.")),
            NumberRange(1, MOST_PACKAGES, message=_l("Write a number from 1 to 999.")),
        ],
        default=1,
    )
    serial_no = _serial_no()
    idempotency_key = _key()


class TakeForm(_LotForm):
    """Packages of a lot that is typed, when the code cannot be scanned."""

    article_no = HiddenField(validators=[Regexp(r"^\d{5}$")])


class RoundTakeForm(_LotForm):
    """The same on a round, for the stop one stands at."""

    pick_line_id = _id()


class TickForm(FlaskForm):
    """Packages of the wanted lot, taken without a scan."""

    pick_line_id = _id()
    lot_id = _id()
    packages = IntegerField(validators=[InputRequired(), NumberRange(1, MOST_PACKAGES)])
    idempotency_key = _key()


class UndoForm(FlaskForm):
    """A package that goes back to the shelf; which one, where each has a number."""

    picked_lot_id = _id()
    serial_no = _serial_no()
    idempotency_key = _key()


class LineForm(FlaskForm):
    """A line of the order."""

    pick_line_id = _id()


class ShortForm(LineForm):
    """Why the rest of a line is not to be had."""

    reason = HiddenField(validators=[AnyOf([reason.value for reason in ShortReason])])


class WaveForm(FlaskForm):
    """Which carrier's orders to plan."""

    carrier = HiddenField(validators=[InputRequired(), Length(max=40)])


class LeaveForm(FlaskForm):
    """What becomes of the boxes of a round that is left."""

    how = HiddenField(validators=[AnyOf(["put-back", "leave"])])


class PackForm(FlaskForm):
    """What the scales say."""

    weight_grams = IntegerField(
        _l("Weight in grams"),
        [Optional(), NumberRange(1, HEAVIEST_GRAMS, message=_l("Write the weight in grams, from 1 to 35,000."))],
    )


class ShipForm(FlaskForm):
    """The carrier's number."""

    tracking_no = StringField(
        _l("Tracking number"),
        [
            DataRequired(_l("Scan or write the tracking number that the carrier gave the parcel.")),
            Length(max=40, message=_l("A tracking number is at most 40 characters.")),
            Regexp(
                r"^[A-Za-z0-9 ./-]+$",
                message=_l("A tracking number is letters and digits. Look at the carrier's label again."),
            ),
        ],
        filters=[lambda text: (text or "").strip()],
    )
