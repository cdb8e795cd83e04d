"""Which order, and why it is looked up."""

from __future__ import annotations

from flask_babel import gettext as _, lazy_gettext as _l
from flask_wtf import FlaskForm
from stdnum import luhn
from wtforms import StringField
from wtforms.validators import DataRequired, InputRequired, Length, ValidationError


def _digits(text: str | None) -> str:
    return "".join((text or "").split()).replace("\x00", "")


class FindOrderForm(FlaskForm):
    """Order number and the caller's reason."""

    order_no = StringField(
        _l("Order number"),
        filters=[_digits],
        validators=[InputRequired(_l("Write the order number that the caller has."))],
    )
    reason = StringField(
        _l("What does the caller want to know?"),
        filters=[lambda text: (text or "").replace("\x00", "").strip()],
        validators=[
            DataRequired(_l("Write what the caller wants to know.")),
            Length(max=300, message=_l("Write at most 300 characters.")),
        ],
    )

    def validate_order_no(self, field: StringField) -> None:
        """Catch a misheard number before anything is looked up."""
        number = field.data or ""
        if not (number.isascii() and number.isdigit() and len(number) <= 12 and luhn.is_valid(number)):
            raise ValidationError(_("That is not an order number. Ask the caller to read it again, digit by digit."))
