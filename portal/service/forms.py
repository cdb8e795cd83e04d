"""Whom the call is about, and why they are looked up."""

from __future__ import annotations

import re
from datetime import date

from flask_babel import gettext as _, lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import StringField
from wtforms.validators import DataRequired, InputRequired, Length, ValidationError

from auth.numbers import MalformedNumber, parse_number
from delivery.enquiries import Sought, read_sought

_LIKE_A_NUMBER = re.compile(r"(?<!\d)(?:\d{2})?\d{6}\s?[-+\u2010-\u2015\u2212]?\s?\d{4}(?!\d)", re.ASCII)


def _line(text: str | None) -> str:
    return " ".join((text or "").replace("\x00", "").split())


class CallForm(FlaskForm):
    """One number, the patient's or an order's, and the caller's reason."""

    number = StringField(
        _l("Personal number or order number"),
        filters=[_line],
        validators=[
            InputRequired(_l("Write the number that the caller says.")),
            Length(max=30, message=_l("That is too long for a personal number or an order number.")),
        ],
    )
    reason = StringField(
        _l("What does the caller want?"),
        filters=[_line],
        validators=[
            DataRequired(_l("Write what the caller wants.")),
            Length(max=300, message=_l("Write at most 300 characters.")),
        ],
    )

    def __init__(self, day: date, **arguments: object) -> None:
        super().__init__(**arguments)
        self._day = day
        self.sought: Sought | None = None

    def validate_number(self, field: StringField) -> None:
        """Catch a misheard number before anything is looked up."""
        self.sought = read_sought(field.data or "", self._day)
        if self.sought is None:
            raise ValidationError(
                _(
                    "That is neither a personal number nor an order number. Ask the caller to say it again, digit by digit."
                )
            )

    def validate_reason(self, field: StringField) -> None:
        """Keep personal numbers out of the access log: the reason is read there."""
        for found in _LIKE_A_NUMBER.findall(field.data or ""):
            try:
                parse_number(re.sub(r"[\u2010-\u2015\u2212]", "-", found), self._day)
            except MalformedNumber:
                continue
            raise ValidationError(_("Write the reason without the personal number."))
