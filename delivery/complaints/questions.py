"""The questions that fit a product: which are asked, and what their answers may be. Values in, verdict out. Handbook §7.

Every question may be left without an answer: a report takes two minutes. When the product was put on, when it failed, the error code and
how many packages are asked of every product that has them, and are the report's own fields.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum

from delivery.complaints.models import FaultKind
from orders.kinds import ProductKind

LONGEST_TEXT = 60
_NUMBER = re.compile(r"\d{1,4}(?:[.,]\d{1,3})?", re.ASCII)
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)


class QuestionKind(StrEnum):
    """How a question is answered."""

    CHOICE = "CHOICE"
    NUMBER = "NUMBER"
    TEXT = "TEXT"
    DAY = "DAY"


@dataclass(frozen=True)
class Question:
    """One question by its code; with `fault` it is asked only when that is what happened.

    `choices` are codes. Numbers lie between `least` and `most` and have at most one decimal. A day lies in the past unless `may_come`.
    """

    code: str
    kind: QuestionKind
    choices: tuple[str, ...] = ()
    least: Decimal = Decimal(0)
    most: Decimal = Decimal(0)
    may_come: bool = False
    fault: FaultKind | None = None

    def is_asked(self, fault: FaultKind | None) -> bool:
        """Tell whether the question fits what happened."""
        return self.fault is None or self.fault is fault


class AnswerProblem(StrEnum):
    """What is wrong with an answer."""

    NOT_A_CHOICE = "NOT_A_CHOICE"
    NOT_A_NUMBER = "NOT_A_NUMBER"
    OUT_OF_BOUNDS = "OUT_OF_BOUNDS"
    TOO_LONG = "TOO_LONG"
    NOT_A_DAY = "NOT_A_DAY"
    DAY_IN_FUTURE = "DAY_IN_FUTURE"


def _choice(code: str, *choices: str, fault: FaultKind | None = None) -> Question:
    return Question(code, QuestionKind.CHOICE, choices, fault=fault)


def _glucose(code: str, fault: FaultKind | None = None) -> Question:
    # Meters show from 0.6 to 33.3 mmol/l; a wider span leaves room for what a faulty one shows.
    return Question(code, QuestionKind.NUMBER, least=Decimal("0.1"), most=Decimal(60), fault=fault)


def _text(code: str) -> Question:
    return Question(code, QuestionKind.TEXT)


def _day(code: str, *, may_come: bool = False) -> Question:
    return Question(code, QuestionKind.DAY, may_come=may_come)


_YES_NO = ("yes", "no")
_WRONG, _LEAKS, _SKIN = FaultKind.WRONG_READING, FaultKind.LEAKS, FaultKind.SKIN_REACTION

QUESTIONS: Mapping[ProductKind, tuple[Question, ...]] = {
    ProductKind.SENSOR: (
        _glucose("shown_value", _WRONG),
        _glucose("finger_value", _WRONG),
        _choice("read_with", "reader", "phone", "pump", "watch"),
        _choice("body_site", "upper_arm", "belly", "thigh", "buttock", "other"),
    ),
    ProductKind.PUMP: (
        _choice("insulin_came", "yes", "no", "unsure"),
        _choice("restarted", *_YES_NO),
        _text("serial_on_pump"),
    ),
    ProductKind.INFUSION_SET: (
        _choice("worked_for", "never", "first_day", "later"),
        _choice("cannula", "straight", "bent", "not_seen"),
        _choice("body_site", "belly", "thigh", "buttock", "upper_arm", "other"),
        _glucose("highest_value"),
    ),
    ProductKind.TEST_STRIP: (
        _glucose("shown_value", _WRONG),
        _glucose("compared_value", _WRONG),
        _day("opened_on"),
        _choice("kept_where", "room", "cold", "hot", "damp"),
    ),
    ProductKind.METER: (
        _glucose("shown_value", _WRONG),
        _glucose("compared_value", _WRONG),
        _choice("new_battery", *_YES_NO),
    ),
    ProductKind.PEN_NEEDLE: (
        _choice("needle_when", "before", "during", "after"),
        _text("pen_name"),
    ),
    ProductKind.LANCET: (_text("device_name"),),
    ProductKind.STOMA: (
        _choice("leak_where", "plate", "coupling", "bag", "outlet", fault=_LEAKS),
        _choice("stoma_skin", "red", "sore", "blisters", fault=_SKIN),
        _choice("held_for", "hours", "one_day", "two_days", "longer"),
    ),
    ProductKind.INCONTINENCE: (
        _choice("leak_side", "side", "front", "back", "through", fault=_LEAKS),
        _choice("part", "tape", "core", "elastic", "surface"),
        _choice("used_when", "day", "night"),
    ),
    ProductKind.NUTRITION: (
        _choice("spoiled_how", "smell", "taste", "lumps", "colour", "swollen", fault=FaultKind.TASTE_OR_SPOILED),
        _choice("was_taken", *_YES_NO),
        _choice("kept_where", "room", "cold", "hot"),
        _day("best_before", may_come=True),
    ),
    ProductKind.OTHER: (),
}


def questions_for(product: ProductKind) -> tuple[Question, ...]:
    """Return the questions of a product, in the order in which they are asked."""
    return QUESTIONS[product]


@dataclass(frozen=True)
class Answers:
    """The answers as they are kept (choices as codes, numbers with a point, days as ISO), and what is wrong, by the question's code."""

    kept: Mapping[str, str]
    problems: Mapping[str, AnswerProblem]


def read_answers(product: ProductKind, fault: FaultKind | None, typed: Mapping[str, str], today: date) -> Answers:
    """Read what was typed for the questions of a product; empty answers and those to questions that were not asked are left out."""
    kept: dict[str, str] = {}
    problems: dict[str, AnswerProblem] = {}
    for question in questions_for(product):
        text = typed.get(question.code, "").strip()
        if not text or not question.is_asked(fault):
            continue
        answer = _read(question, text, today)
        if isinstance(answer, AnswerProblem):
            problems[question.code] = answer
        else:
            kept[question.code] = answer
    return Answers(kept, problems)


def _read(question: Question, text: str, today: date) -> str | AnswerProblem:
    match question.kind:
        case QuestionKind.CHOICE:
            return text if text in question.choices else AnswerProblem.NOT_A_CHOICE
        case QuestionKind.NUMBER:
            return _read_number(question, text)
        case QuestionKind.DAY:
            return _read_day(question, text, today)
        case QuestionKind.TEXT:
            return text if len(text) <= LONGEST_TEXT else AnswerProblem.TOO_LONG


def _read_number(question: Question, text: str) -> str | AnswerProblem:
    if not _NUMBER.fullmatch(text):
        return AnswerProblem.NOT_A_NUMBER
    number = Decimal(text.replace(",", "."))
    if not question.least <= number <= question.most:
        return AnswerProblem.OUT_OF_BOUNDS
    return str(number.quantize(Decimal("0.1")))


def _read_day(question: Question, text: str, today: date) -> str | AnswerProblem:
    if not _DAY.fullmatch(text):
        return AnswerProblem.NOT_A_DAY
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return AnswerProblem.NOT_A_DAY
    if day > today and not question.may_come:
        return AnswerProblem.DAY_IN_FUTURE
    return day.isoformat()
