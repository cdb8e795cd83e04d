"""The form of a fault report; which questions it asks depends on the product."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from enum import StrEnum
from typing import Any

from flask_babel import gettext as _, lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import Field, IntegerField, RadioField, StringField, TextAreaField
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined] # newer than its stubs
from wtforms.validators import InputRequired, Length, NumberRange, Optional, StopValidation

from delivery.complaints.errors import ReportRefused
from delivery.complaints.models import FaultKind
from delivery.complaints.products import ReportedProduct
from delivery.complaints.questions import AnswerProblem, questions_for, read_answers
from delivery.complaints.rules import APPLIED_KINDS, DANGER_KINDS, ERROR_CODE_KINDS, ReportProblem, fault_kinds
from delivery.complaints.services import ReportFault
from portal.complaint_words import FAULTS
from portal.formats import day as day_words
from portal.patient.faults.question_fields import PREFIX, with_questions
from portal.patient.fields import DayField
from portal.question_words import problem_words

_YES_NO = [SelectChoice("yes", _l("Yes")), SelectChoice("no", _l("No"))]


def _storable(text: str | None) -> str:
    # PostgreSQL keeps every character but this one.
    return (text or "").replace("\x00", "")


class _WholeNumber(IntegerField):
    """A whole number; what cannot be read as one is said in words."""

    def process_formdata(self, valuelist: list[Any]) -> None:
        try:
            super().process_formdata(valuelist)
        except ValueError:
            raise ValueError(_("Write how many with digits, for example 1.")) from None


class _Answered:
    """Demands an answer, and says which one is missing."""

    field_flags: dict[str, bool] = {}  # noqa: RUF012 -- WTForms reads it so

    def __init__(self, message: Any) -> None:
        self.message = message

    def __call__(self, _form: object, field: Field) -> None:
        if not field.raw_data or not field.raw_data[0] or field.data is None:
            field.errors = []
            raise StopValidation(str(self.message))


class Voice(StrEnum):
    """Whom the form talks to: somebody at home, customer service with a caller, or a prescriber about a patient."""

    HOME = "HOME"
    CALL = "CALL"
    CARE = "CARE"


# What those at work are asked, who answer for somebody else.
_LABELS: Mapping[Voice, Mapping[str, Any]] = {
    Voice.HOME: {},
    Voice.CALL: {
        "applied_on": _l("When was it put on?"),
        "failed_on": _l("When was it noticed?"),
        "is_kept": _l("Does the caller still have the product?"),
        "wants_replacement": _l("Does the caller want a new one?"),
        "call_on": _l("Phone number to the caller"),
        "description": _l("What does the caller say?"),
    },
    Voice.CARE: {
        "applied_on": _l("When was it put on?"),
        "failed_on": _l("When was it noticed?"),
        "is_kept": _l("Is the product kept?"),
        "wants_replacement": _l("Does the patient want a new one?"),
        "call_on": _l("Phone number to whom we may ask"),
    },
}
_REPLACEMENT: Mapping[Voice, list[SelectChoice]] = {
    Voice.CALL: [
        SelectChoice("yes", _l("Yes, send a new one")),
        SelectChoice("no", _l("No, the caller only wants to tell us")),
    ],
    Voice.CARE: [
        SelectChoice("yes", _l("Yes, send a new one")),
        SelectChoice("no", _l("No, it is only to be recorded")),
    ],
}


class FaultForm(FlaskForm):
    """What happened to one delivered product."""

    kind = RadioField(_l("What happened?"), validators=[_Answered(_l("Choose what happened."))])
    error_code = StringField(_l("Error code"), filters=[_storable], validators=[Length(max=40)])
    applied_on = DayField(_l("When did you put it on?"), validators=[Optional()])
    failed_on = DayField(_l("When did you notice it?"), validators=[InputRequired(_l("Write the day you noticed it."))])
    has_danger_sign = RadioField(
        _l("Have there been any signs of danger?"),
        choices=_YES_NO,
        validators=[_Answered(_l("Answer whether there have been signs of danger."))],
    )
    was_harmed = RadioField(
        _l("Was anyone harmed?"), choices=_YES_NO, validators=[_Answered(_l("Answer whether anyone was harmed."))]
    )
    is_kept = RadioField(
        _l("Do you still have the product?"),
        choices=_YES_NO,
        validators=[_Answered(_l("Answer whether you still have the product."))],
    )
    packages = _WholeNumber(_l("How many packages are faulty?"), validators=[NumberRange(min=1, max=9999)], default=1)
    wants_replacement = RadioField(
        _l("Do you want a new one?"),
        choices=[
            SelectChoice("yes", _l("Yes, send me a new one")),
            SelectChoice("no", _l("No, I only want to tell you")),
        ],
        default="yes",
        validators=[_Answered(_l("Answer whether you want a new one."))],
    )
    call_on = StringField(
        _l("Phone number"),
        filters=[_storable],
        validators=[Length(max=40, message=_l("The phone number is too long."))],
    )
    description = TextAreaField(
        _l("Tell us more"),
        filters=[_storable],
        validators=[Length(max=2000, message=_l("The text is too long: write at most 2,000 characters."))],
    )

    today: date

    @classmethod
    def for_product(
        cls, product: ReportedProduct, today: date, *, may_be_called: bool, voice: Voice = Voice.HOME, **arguments: Any
    ) -> FaultForm:
        """Build the form with the questions that fit the product; nobody with protected identity is asked for a number."""
        kind = product.article.kind
        form: FaultForm = with_questions(cls, kind)(**arguments)
        form.today = today
        assert isinstance(form.kind, RadioField)
        form.kind.choices = [SelectChoice(fault.value, FAULTS[fault]) for fault in fault_kinds(kind)]
        for name, is_asked in {
            "error_code": kind in ERROR_CODE_KINDS,
            "applied_on": kind in APPLIED_KINDS,
            "has_danger_sign": kind in DANGER_KINDS,
            "packages": (product.packages or 1) > 1,
            "call_on": may_be_called,
        }.items():
            if not is_asked:
                delattr(form, name)
        form._speak(voice)
        return form

    def _speak(self, voice: Voice) -> None:
        for name, words in _LABELS[voice].items():
            if name in self:
                self[name].label.text = words
        if voice in _REPLACEMENT:
            assert isinstance(self.wants_replacement, RadioField)
            self.wants_replacement.choices = _REPLACEMENT[voice]

    def check(self, product: ReportedProduct) -> bool:
        """Validate, the questions that fit the product too."""
        is_valid = self.validate()
        problems = read_answers(product.article.kind, self._fault(), self._answers(), self.today).problems
        self._explain_answers(product, problems)
        return is_valid and not problems

    def command(self, product: ReportedProduct, idempotency_key: str) -> ReportFault:
        """Return what the form says, once it has been validated."""
        return ReportFault(
            picked_lot_id=product.ref.picked_lot_id,
            article_id=product.ref.article_id,
            stated_lot_no=product.ref.lot_no,
            stated_serial_no=product.ref.serial_no,
            kind=FaultKind(self.kind.data),
            was_harmed=self.was_harmed.data == "yes",
            has_danger_sign=self._value("has_danger_sign") == "yes",
            is_kept=self.is_kept.data == "yes",
            wants_replacement=self.wants_replacement.data == "yes",
            idempotency_key=idempotency_key,
            packages=self._value("packages") or 1,
            applied_on=self._value("applied_on"),
            failed_on=self.failed_on.data,
            error_code=self._value("error_code") or "",
            description=self.description.data or "",
            call_on=self._value("call_on") or "",
            answers=self._answers(),
        )

    def _value(self, name: str) -> Any:
        return self[name].data if name in self else None

    def _fault(self) -> FaultKind | None:
        return FaultKind(self.kind.data) if self.kind.data in set(FaultKind) else None

    def _answers(self) -> dict[str, str]:
        return {name.removeprefix(PREFIX): self[name].data or "" for name in self._fields if name.startswith(PREFIX)}

    def _explain_answers(self, product: ReportedProduct, problems: Mapping[str, AnswerProblem]) -> None:
        for question in questions_for(product.article.kind):
            if question.code in problems:
                self[PREFIX + question.code].errors = [problem_words(question, problems[question.code])]

    def explain(self, product: ReportedProduct, refused: ReportRefused) -> None:
        """Put each thing that does not add up beside the question it is about."""
        self._explain_answers(product, refused.answers)
        earliest = day_words(refused.delivered_on) if refused.delivered_on else ""
        before = _(
            "This product came on %(day)s. Choose a later day, or go back to choose another product.", day=earliest
        )
        words: dict[ReportProblem, tuple[str, str]] = {
            ReportProblem.APPLIED_IN_FUTURE: ("applied_on", _("That day has not come yet.")),
            ReportProblem.APPLIED_BEFORE_DELIVERED: ("applied_on", before),
            ReportProblem.FAILED_IN_FUTURE: ("failed_on", _("That day has not come yet.")),
            ReportProblem.FAILED_BEFORE_DELIVERED: ("failed_on", before),
            ReportProblem.FAILED_BEFORE_APPLIED: ("failed_on", _("You write that it failed before you put it on.")),
            ReportProblem.TOO_FEW_PACKAGES: ("packages", _("Write at least 1.")),
            ReportProblem.MORE_THAN_DELIVERED: (
                "packages",
                _("You got %(number)s packages. Write at most that many.", number=refused.delivered_packages),
            ),
            ReportProblem.NOT_A_FAULT_OF_THIS_PRODUCT: ("kind", _("Choose what happened.")),
        }
        for problem in refused.problems:
            name, sentence = words[problem]
            field = self._fields.get(name, self.failed_on)
            field.errors = [*field.errors, sentence]


def default_answers(today: date, phone: str) -> dict[str, Any]:
    """Return what the form shows before anything is typed."""
    return {"failed_on": today, "call_on": phone}


class CodeForm(FlaskForm):
    """The code of a package or a delivery note, read by the camera or typed."""

    scan = StringField(
        _l("Code, or lot number"),
        filters=[_storable],
        validators=[InputRequired(_l("Read a code with the camera, or type the numbers under it."))],
    )


class AddForm(FlaskForm):
    """What is added to a case, or answered."""

    text = TextAreaField(
        _l("What do you want to add?"),
        filters=[_storable],
        validators=[Length(max=2000, message=_l("The text is too long: write at most 2,000 characters."))],
    )
