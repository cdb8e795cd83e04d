"""What the consultant fills in about a case."""

from __future__ import annotations

from typing import Any

from flask_babel import gettext as _, lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import BooleanField, IntegerField, SelectField, StringField, TextAreaField
from wtforms.validators import DataRequired, InputRequired, Length, NumberRange, Optional

LONGEST = 1000


def _clean(text: str | None) -> str:
    return (text or "").replace("\x00", "").strip()


def _words(label: Any, missing: Any) -> TextAreaField:
    too_long = _l("Write at most 1,000 characters.")
    return TextAreaField(
        label, filters=[_clean], validators=[DataRequired(missing), Length(min=1, max=LONGEST, message=too_long)]
    )


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

    reason = _words(_l("Why is it declined?"), _l("Write why. The one who reported reads it."))


class TriageForm(FlaskForm):
    """What was seen when the case was looked at."""

    is_serious = BooleanField(_l("Serious: somebody was or could have been harmed"))
    has_lot_pattern = BooleanField(_l("More of the lot fail in the same way"))
    note = TextAreaField(
        _l("What you saw"),
        filters=[_clean],
        validators=[Optional(), Length(max=LONGEST, message=_l("Write at most 1,000 characters."))],
    )


class AskForm(FlaskForm):
    """What the reporter is asked."""

    question = _words(_l("What do you need to know?"), _l("Write what you want to know."))


class AnswerForm(FlaskForm):
    """What the reporter said, when they said it in another way."""

    answer = _words(_l("What did they answer?"), _l("Write what they answered."))


class NoteForm(FlaskForm):
    """A note that only those at work read."""

    text = _words(_l("Note"), _l("Write the note."))


class CloseForm(FlaskForm):
    """Why the case is closed."""

    close_reason = _words(_l("Why is it closed?"), _l("Write why it is closed."))


class ReopenForm(FlaskForm):
    """Why the case is opened again."""

    reopen_reason = _words(_l("Why is it opened again?"), _l("Write why it is opened again."))


class AssignForm(FlaskForm):
    """Who gets the case."""

    colleague = SelectField(_l("Give to"), choices=[], validate_choice=False)

    @property
    def colleague_id(self) -> int:
        """The staff member's id; 0, which is nobody's, for anything else that was sent."""
        text = str(self.colleague.data or "")
        return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0


class NothingForm(FlaskForm):
    """A button that needs nothing filled in."""


class SameForm(FlaskForm):
    """Which case it is the same as."""

    same_as = StringField(
        _l("The other case's number"),
        filters=[lambda text: "".join(_clean(text).split())],
        validators=[
            DataRequired(_l("Write the number of the other case.")),
            Length(max=12, message=_l("Write the number of the other case.")),
        ],
    )
