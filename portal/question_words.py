"""What the questions that fit a product, and their answers, are called: shared by those who report and those who decide."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from flask_babel import format_decimal, gettext as _, lazy_gettext as _l

from delivery.complaints.models import FaultReport
from delivery.complaints.questions import AnswerProblem, Question, QuestionKind, questions_for
from portal.formats import day_with_year

LABELS: Mapping[str, Any] = {
    "shown_value": _l("What did it show?"),
    "finger_value": _l("What did a finger-stick show?"),
    "compared_value": _l("What did another meter show?"),
    "read_with": _l("What do you read it with?"),
    "body_site": _l("Where on the body?"),
    "insulin_came": _l("Did the insulin come?"),
    "restarted": _l("Have you tried to restart it?"),
    "serial_on_pump": _l("Serial number on the pump"),
    "worked_for": _l("When did it stop?"),
    "cannula": _l("What did the tube under the skin look like?"),
    "highest_value": _l("How high was the blood sugar?"),
    "opened_on": _l("When did you open the jar?"),
    "kept_where": _l("Where has it been kept?"),
    "new_battery": _l("Have you changed the battery?"),
    "needle_when": _l("When did it happen?"),
    "pen_name": _l("Which pen do you use?"),
    "device_name": _l("Which lancing device do you use?"),
    "leak_where": _l("Where does it leak?"),
    "stoma_skin": _l("What does the skin look like?"),
    "held_for": _l("How long did it hold?"),
    "leak_side": _l("Where does it leak?"),
    "part": _l("Which part is it about?"),
    "used_when": _l("When was it used?"),
    "spoiled_how": _l("What is wrong with it?"),
    "was_taken": _l("Has anybody taken any of it?"),
    "best_before": _l("Best before, on the package"),
}
UNITS: Mapping[QuestionKind, str] = {QuestionKind.NUMBER: "mmol/l"}
_YES_NO_UNSURE = {"yes": _l("Yes"), "no": _l("No"), "unsure": _l("I do not know")}
_COMMON: Mapping[str, Any] = {
    "reader": _l("The reader"),
    "phone": _l("The phone"),
    "pump": _l("The pump"),
    "watch": _l("A watch"),
    "upper_arm": _l("Upper arm"),
    "belly": _l("Belly"),
    "thigh": _l("Thigh"),
    "buttock": _l("Buttock"),
    "other": _l("Somewhere else"),
    "never": _l("It never worked"),
    "first_day": _l("Within a day"),
    "later": _l("Later"),
    "straight": _l("Straight"),
    "bent": _l("Bent"),
    "not_seen": _l("I have not looked"),
    "room": _l("In a room"),
    "cold": _l("In the cold"),
    "hot": _l("Somewhere hot"),
    "damp": _l("Somewhere damp"),
    "before": _l("Before the injection"),
    "during": _l("During the injection"),
    "after": _l("After the injection"),
    "plate": _l("Under the plate"),
    "coupling": _l("Between plate and bag"),
    "bag": _l("Through the bag"),
    "outlet": _l("At the outlet"),
    "red": _l("Red"),
    "sore": _l("Sore"),
    "blisters": _l("Blisters"),
    "hours": _l("Some hours"),
    "one_day": _l("One day"),
    "two_days": _l("Two days"),
    "longer": _l("Longer"),
    "side": _l("At the side"),
    "front": _l("At the front"),
    "back": _l("At the back"),
    "through": _l("Straight through"),
    "tape": _l("The tape"),
    "core": _l("What absorbs"),
    "elastic": _l("The elastic"),
    "surface": _l("The surface"),
    "day": _l("During the day"),
    "night": _l("At night"),
    "smell": _l("The smell"),
    "taste": _l("The taste"),
    "lumps": _l("Lumps"),
    "colour": _l("The colour"),
    "swollen": _l("A swollen package"),
    **_YES_NO_UNSURE,
}


def choice_words(code: str) -> Any:
    """Return what a choice is called."""
    return _COMMON[code]


def answer_lines(report: FaultReport) -> list[tuple[str, str]]:
    """Return the answers to the questions that fit the report's product as (question, answer), in the order of the questions."""
    lines = []
    for question in questions_for(report.complaint.article.kind):
        answer = report.answers.get(question.code)
        if answer is not None:
            lines.append((str(LABELS[question.code]), _words(question, str(answer))))
    return lines


def _words(question: Question, answer: str) -> str:
    match question.kind:
        case QuestionKind.CHOICE:
            return str(_COMMON.get(answer, answer))
        case QuestionKind.NUMBER:
            return f"{format_decimal(Decimal(answer), format='0.0')} {UNITS[question.kind]}"
        case QuestionKind.DAY:
            return day_with_year(date.fromisoformat(answer))
        case QuestionKind.TEXT:
            return answer


def problem_words(question: Question, problem: AnswerProblem) -> str:
    """Say what is wrong with an answer, and what to do."""
    match problem:
        case AnswerProblem.NOT_A_CHOICE:
            return _("Choose one of the answers, or none.")
        case AnswerProblem.NOT_A_NUMBER:
            return _("Write the value with digits, for example 7.4.")
        case AnswerProblem.OUT_OF_BOUNDS:
            return _(
                "Write a value between %(least)s and %(most)s.",
                least=format_decimal(question.least),
                most=format_decimal(question.most),
            )
        case AnswerProblem.TOO_LONG:
            return _("Write at most 60 characters.")
        case AnswerProblem.NOT_A_DAY:
            return _("Write the day as year-month-day, for example 2026-12-03.")
        case AnswerProblem.DAY_IN_FUTURE:
            return _("That day has not come yet.")
