"""The consultant's two decisions."""

from __future__ import annotations

from typing import Any

from flask_babel import gettext as _, lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import IntegerField, TextAreaField
from wtforms.validators import DataRequired, InputRequired, Length, NumberRange


class _Packages(IntegerField):
    """A number of packages; what cannot be read as one is said in words."""

    def process_formdata(self, valuelist: list[Any]) -> None:
        try:
            super().process_formdata(valuelist)
        except ValueError:
            raise ValueError(_("Write the number of packages with digits, for example 1.")) from None


class ReplaceForm(FlaskForm):
    """How many packages to send."""

    packages = _Packages(
        _l("Packages to send"),
        validators=[
            InputRequired(_l("Write the number of packages with digits, for example 1.")),
            NumberRange(min=1, max=9999, message=_l("Send at least 1 package.")),
        ],
    )


class DeclineForm(FlaskForm):
    """Why nothing is sent."""

    reason = TextAreaField(
        _l("Why is it declined?"),
        filters=[lambda text: (text or "").replace("\x00", "").strip()],
        validators=[
            DataRequired(_l("Write why. The one who reported reads it.")),
            Length(min=1, max=1000, message=_l("Write the reason in at most 1,000 characters.")),
        ],
    )
