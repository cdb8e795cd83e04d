"""What the consultant writes about a recall."""

from __future__ import annotations

from typing import Any

from flask_babel import gettext as _, lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import BooleanField, IntegerField, RadioField, SelectField, StringField, TextAreaField
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined] # newer than its stubs
from wtforms.validators import DataRequired, InputRequired, Length, NumberRange, Optional, Regexp

from delivery.complaints.recall_models import WhatToDo
from portal.recall_words import WHAT_TO_DO

LONGEST_NOTICE = 120_000
LARGEST_ID = 2**63 - 1


def _clean(text: str | None) -> str:
    return (text or "").replace("\x00", "").strip()


class _Count(IntegerField):
    """A number; what cannot be read as one is said in words."""

    def process_formdata(self, valuelist: list[Any]) -> None:
        try:
            super().process_formdata(valuelist)
        except ValueError:
            raise ValueError(_("Write the number with digits.")) from None


class NoticeForm(FlaskForm):
    """The supplier's notice."""

    what = TextAreaField(
        _l("What is called back?"),
        [
            DataRequired(_l("Paste or write the lots or serial numbers.")),
            Length(max=LONGEST_NOTICE, message=_l("That is too much for one notice. Divide it.")),
        ],
        filters=[_clean],
    )
    article_no = StringField(
        _l("Only of this article"),
        [Optional(), Regexp(r"^\d{5}$", message=_l("An article number is five digits."))],
        filters=[_clean],
    )
    title = StringField(
        _l("What is it about?"),
        [
            DataRequired(_l("Write what it is about, in words that a patient understands.")),
            Length(max=200, message=_l("Write at most 200 characters.")),
        ],
        filters=[_clean],
    )
    what_to_do = RadioField(
        _l("What are they to do?"),
        [InputRequired(_l("Choose what they are to do."))],
        choices=[SelectChoice(one.value, words) for one, words in WHAT_TO_DO.items()],
    )
    supplier_id = SelectField(_l("Supplier"), coerce=str)
    notice_ref = StringField(
        _l("The supplier's reference"),
        [Length(max=80, message=_l("Write at most 80 characters."))],
        filters=[_clean],
    )
    replaces = BooleanField(_l("Send new ones to those who should still be using it"))


class ConfirmForm(NoticeForm):
    """The notice again, with the number of those affected typed."""

    typed = _Count(
        _l("Type the number of patients and units affected"),
        [
            InputRequired(_l("Type the number that stands above.")),
            NumberRange(min=0, max=LARGEST_ID, message=_l("Type the number that stands above.")),
        ],
    )


class TextsForm(FlaskForm):
    """What everybody is told."""

    text_sv = TextAreaField(
        _l("In Swedish"),
        [
            DataRequired(_l("Write what they are to do.")),
            Length(max=4000, message=_l("Write at most 4,000 characters.")),
        ],
        filters=[_clean],
    )
    text_en = TextAreaField(
        _l("In English"),
        [Length(max=4000, message=_l("Write at most 4,000 characters."))],
        filters=[_clean],
    )


def what_to_do_of(form: NoticeForm) -> WhatToDo:
    """Return what was chosen."""
    return WhatToDo(form.what_to_do.data or "")
