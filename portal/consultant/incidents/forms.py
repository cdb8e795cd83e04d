"""The checklist, what is written of a document, and that it was sent."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from flask_babel import gettext as _, lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import DateTimeLocalField, Field, RadioField, SelectField, StringField, TextAreaField
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined] # newer than its stubs
from wtforms.validators import DataRequired, Length, Optional, Regexp, ValidationError

from core.clock import STOCKHOLM
from delivery.complaints import incident_words
from delivery.complaints.incident_facts import DocumentTexts
from delivery.complaints.incident_rules import Answer, Question
from portal.fields import words_on_lines

_EMAIL = r"([^@\s]+@[^@\s]+\.[^@\s]+)?$"


class ChecklistForm(FlaskForm):
    """The questions, in the reader's language; fields are named by the question's code."""

    @property
    def answers(self) -> dict[Question, Answer]:
        """What has been answered; anything that is no answer is none."""
        known = {answer.value: answer for answer in Answer}
        typed = {question: self[question.value].data for question in Question}
        return {question: known[data] for question, data in typed.items() if data in known}


def checklist_form(**arguments: Any) -> ChecklistForm:
    """Return the checklist with its questions in the reader's language."""
    questions, explanations = incident_words.questions(_), incident_words.explanations(_)
    answers = [SelectChoice(answer.value, words) for answer, words in incident_words.answers(_).items()]

    class _Checklist(ChecklistForm):
        pass

    for question in Question:
        field = RadioField(
            questions[question],
            description=explanations[question],
            choices=answers,
            validate_choice=False,
            validators=[Optional()],
        )
        setattr(_Checklist, question.value, field)
    return _Checklist(**arguments)


def _bounded(most: int) -> Length:
    return Length(max=most, message=_l("That is too long: at most %(max)d characters."))


class WriteForm(FlaskForm):
    """What the consultant writes of a document."""

    what_happened = TextAreaField(
        _l("What happened"),
        filters=[words_on_lines],
        validators=[DataRequired(_l("Write what happened, without names.")), _bounded(4000)],
    )
    harm = TextAreaField(
        _l("What it led to, or could have led to"),
        filters=[words_on_lines],
        validators=[DataRequired(_l("Write what it led to, or could have led to.")), _bounded(4000)],
    )
    measures = TextAreaField(_l("What has been done"), filters=[words_on_lines], validators=[_bounded(2000)])
    product_is = StringField(_l("Where the product is now"), filters=[words_on_lines], validators=[_bounded(300)])
    receiver = TextAreaField(
        _l("To"),
        filters=[words_on_lines],
        validators=[DataRequired(_l("Write who it is for.")), _bounded(500)],
    )
    contact_name = StringField(
        _l("Who answers questions"),
        filters=[words_on_lines],
        validators=[DataRequired(_l("Write who answers questions about the case.")), _bounded(200)],
    )
    contact_phone = StringField(_l("Their phone"), filters=[words_on_lines], validators=[_bounded(40)])
    contact_email = StringField(
        _l("Their e-mail"),
        filters=[words_on_lines],
        validators=[
            _bounded(254),
            Regexp(_EMAIL, message=_l("Write an e-mail address, such as name@region.se.")),
        ],
    )
    language = SelectField(
        _l("Language"), choices=[SelectChoice("sv", "Svenska"), SelectChoice("en", "English")], validate_choice=False
    )

    def validate_contact_email(self, field: Field) -> None:
        """Demand a way to reach the one who answers."""
        if not field.data and not self.contact_phone.data:
            raise ValidationError(_("Write a phone number or an e-mail address."))

    @property
    def texts(self) -> DocumentTexts:
        """What was written."""
        return DocumentTexts(
            receiver=self.receiver.data or "",
            what_happened=self.what_happened.data or "",
            harm=self.harm.data or "",
            measures=self.measures.data or "",
            product_is=self.product_is.data or "",
            contact_name=self.contact_name.data or "",
            contact_phone=self.contact_phone.data or "",
            contact_email=self.contact_email.data or "",
            language=self.language.data or "sv",
        )


class _InstantField(DateTimeLocalField):
    """A day and a time of day in Sweden; empty means now."""

    def process_formdata(self, valuelist: list[Any]) -> None:
        if not valuelist or not valuelist[0].strip():
            self.data = None
            return
        try:
            # datetime-local sends seconds when they are not zero.
            typed = datetime.fromisoformat(valuelist[0])
        except ValueError:
            self.data = None
            raise ValueError(_("Write the day and the time, for example 2026-12-03 14:05.")) from None
        # Before 1900 no zone has its rules, and nothing of this was sent.
        if typed.year < 1900 or typed.year > 9000:
            raise ValueError(_("Write the day and the time, for example 2026-12-03 14:05."))
        self.data = typed if typed.tzinfo else typed.replace(tzinfo=STOCKHOLM)


class SentForm(FlaskForm):
    """To whom a document was sent, and when."""

    sent_to = StringField(
        _l("Sent to"),
        description=_l("An e-mail address, or how: “the authority's web form”."),
        filters=[words_on_lines],
        validators=[DataRequired(_l("Write to whom it was sent.")), _bounded(254)],
    )
    sent_at = _InstantField(_l("When"), description=_l("Leave it empty if it was now."))
    reference = StringField(
        _l("Their reference number"),
        description=_l("If you were given one; you can add it later."),
        filters=[words_on_lines],
        validators=[_bounded(60)],
    )


class AnsweredForm(FlaskForm):
    """That the manufacturer has reported and answered."""

    text = TextAreaField(
        _l("What the manufacturer says"),
        filters=[words_on_lines],
        validators=[DataRequired(_l("Write shortly what the manufacturer says.")), _bounded(2000)],
    )
    answered_at = _InstantField(_l("When the answer came"), description=_l("Leave it empty if it was now."))


class ReferenceForm(FlaskForm):
    """Läkemedelsverket's number of the report."""

    reference = StringField(
        _l("Läkemedelsverket's number"),
        filters=[words_on_lines],
        validators=[DataRequired(_l("Write the number that you were given.")), _bounded(60)],
    )
