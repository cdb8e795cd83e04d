"""What the consultant writes when a flagged lot is put aside."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import TextAreaField
from wtforms.validators import DataRequired, Length

from delivery.complaints.signals import LONGEST_NOTE


def _clean(text: str | None) -> str:
    return (text or "").replace("\x00", "").strip()


class DismissForm(FlaskForm):
    """Why the lot is left as it is."""

    note = TextAreaField(
        _l("Why do you put it aside?"),
        filters=[_clean],
        validators=[
            DataRequired(_l("Write why, so that your colleagues know.")),
            Length(max=LONGEST_NOTE, message=_l("Write at most 400 characters.")),
        ],
    )
