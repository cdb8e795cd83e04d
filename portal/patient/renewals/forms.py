"""What a patient may want to say when asking to renew."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import TextAreaField
from wtforms.validators import Length

from orders.renewals import MOST_CHARACTERS
from portal.fields import words_on_lines


class AskForm(FlaskForm):
    """The note."""

    note = TextAreaField(
        _l("Is there something the unit should know?"),
        [Length(max=MOST_CHARACTERS, message=_l("Write at most 500 characters."))],
        filters=[words_on_lines],
    )
