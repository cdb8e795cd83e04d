"""The questions that fit a product, as fields of the form."""

from __future__ import annotations

from functools import cache
from typing import Any, TypeVar

from flask_wtf import FlaskForm
from wtforms import RadioField, StringField
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined] # newer than its stubs

from delivery.complaints.questions import Question, QuestionKind, questions_for
from orders.kinds import ProductKind
from portal.question_words import LABELS, choice_words

# So that a question never has the name of one of the form's own fields.
PREFIX = "about-"

FormClass = TypeVar("FormClass", bound=FlaskForm)


def _storable(text: str | None) -> str:
    return (text or "").replace("\x00", "")[:200]


@cache
def with_questions(form: type[FormClass], product: ProductKind) -> type[FormClass]:
    """Return the form's class with a field for each of the product's questions."""
    fields = {PREFIX + question.code: _field(question) for question in questions_for(product)}
    return type(f"{form.__name__}For{product.name.title()}", (form,), fields)


def _field(question: Question) -> Any:
    label = LABELS[question.code]
    if question.kind is not QuestionKind.CHOICE:
        return StringField(label, filters=[_storable], render_kw=_attributes(question))
    choices = [SelectChoice(code, choice_words(code)) for code in question.choices]
    # What was chosen is checked with the other answers, which may be left out.
    return RadioField(label, choices=choices, validate_choice=False)


def _attributes(question: Question) -> dict[str, Any]:
    match question.kind:
        case QuestionKind.NUMBER:
            return {"inputmode": "decimal", "autocomplete": "off", "maxlength": 8}
        case QuestionKind.DAY:
            return {"type": "date"}
        case _:
            return {"autocomplete": "off", "maxlength": 60}
