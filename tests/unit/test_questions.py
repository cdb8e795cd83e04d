"""The questions that fit a product: what is asked when, and that nothing typed gets through that is not an answer."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, strategies as st

from delivery.complaints.models import FaultKind
from delivery.complaints.questions import (
    LONGEST_TEXT,
    QUESTIONS,
    AnswerProblem,
    QuestionKind,
    questions_for,
    read_answers,
)
from delivery.complaints.rules import fault_kinds
from orders.kinds import ProductKind
from portal.question_words import LABELS, choice_words

TODAY = date(2026, 12, 1)
KINDS = st.sampled_from(list(ProductKind))
FAULTS = st.sampled_from([None, *FaultKind])
TYPED = st.one_of(
    st.text(max_size=80), st.sampled_from(["yes", "7,4", "7.4", "0", "60.04", "2026-11-30", "2026-12-02", "reader"])
)


def test_every_product_has_its_questions_and_all_have_words() -> None:
    assert set(QUESTIONS) == set(ProductKind)
    for product, questions in QUESTIONS.items():
        codes = [question.code for question in questions]
        assert len(codes) == len(set(codes)), product
        for question in questions:
            assert str(LABELS[question.code])
            assert all(str(choice_words(choice)) for choice in question.choices)
            assert bool(question.choices) == (question.kind is QuestionKind.CHOICE)
            assert question.fault is None or question.fault in fault_kinds(product), f"{product}: never asked"


def test_a_sensor_is_compared_with_a_finger_stick_only_when_it_shows_wrong() -> None:
    typed = {"shown_value": "3,2", "finger_value": "11.4", "body_site": "upper_arm", "read_with": ""}
    answers = read_answers(ProductKind.SENSOR, FaultKind.WRONG_READING, typed, TODAY)
    assert answers.kept == {"shown_value": "3.2", "finger_value": "11.4", "body_site": "upper_arm"}
    answers = read_answers(ProductKind.SENSOR, FaultKind.CAME_LOOSE, typed, TODAY)
    assert answers.kept == {"body_site": "upper_arm"}


@pytest.mark.parametrize(
    ("product", "fault", "code", "typed", "problem"),
    [
        (ProductKind.SENSOR, FaultKind.WRONG_READING, "shown_value", "högt", AnswerProblem.NOT_A_NUMBER),
        (ProductKind.SENSOR, FaultKind.WRONG_READING, "shown_value", "-4", AnswerProblem.NOT_A_NUMBER),
        (ProductKind.SENSOR, FaultKind.WRONG_READING, "shown_value", "٣", AnswerProblem.NOT_A_NUMBER),
        (ProductKind.SENSOR, FaultKind.WRONG_READING, "shown_value", "1e3", AnswerProblem.NOT_A_NUMBER),
        (ProductKind.SENSOR, FaultKind.WRONG_READING, "shown_value", "0", AnswerProblem.OUT_OF_BOUNDS),
        (ProductKind.SENSOR, FaultKind.WRONG_READING, "shown_value", "74", AnswerProblem.OUT_OF_BOUNDS),
        (ProductKind.SENSOR, None, "body_site", "<script>", AnswerProblem.NOT_A_CHOICE),
        (ProductKind.TEST_STRIP, None, "opened_on", "2026-12-02", AnswerProblem.DAY_IN_FUTURE),
        (ProductKind.TEST_STRIP, None, "opened_on", "2026-02-30", AnswerProblem.NOT_A_DAY),
        (ProductKind.TEST_STRIP, None, "opened_on", "i går", AnswerProblem.NOT_A_DAY),
        (ProductKind.PEN_NEEDLE, None, "pen_name", "x" * (LONGEST_TEXT + 1), AnswerProblem.TOO_LONG),
    ],
)
def test_what_is_no_answer_is_said(
    product: ProductKind, fault: FaultKind | None, code: str, typed: str, problem: AnswerProblem
) -> None:
    answers = read_answers(product, fault, {code: typed}, TODAY)
    assert answers.problems == {code: problem}
    assert not answers.kept


def test_best_before_may_lie_ahead() -> None:
    kept = read_answers(ProductKind.NUTRITION, None, {"best_before": "2027-05-01"}, TODAY).kept
    assert kept == {"best_before": "2027-05-01"}


@given(product=KINDS, fault=FAULTS, data=st.data())
def test_whatever_is_typed_what_is_kept_is_an_answer_to_what_was_asked(
    product: ProductKind, fault: FaultKind | None, data: st.DataObject
) -> None:
    codes = sorted({question.code for questions in QUESTIONS.values() for question in questions} | {"kind", "x"})
    typed = data.draw(st.dictionaries(st.sampled_from(codes), TYPED))
    answers = read_answers(product, fault, typed, TODAY)
    assert not set(answers.kept) & set(answers.problems)
    asked = {question.code: question for question in questions_for(product) if question.is_asked(fault)}
    assert set(answers.kept) | set(answers.problems) == {code for code in asked if typed.get(code, "").strip()}
    for code, answer in answers.kept.items():
        question = asked[code]
        match question.kind:
            case QuestionKind.CHOICE:
                assert answer in question.choices
            case QuestionKind.NUMBER:
                assert question.least <= Decimal(answer) <= question.most
            case QuestionKind.DAY:
                assert date.fromisoformat(answer) <= TODAY + timedelta(days=36500 if question.may_come else 0)
            case QuestionKind.TEXT:
                assert 0 < len(answer) <= LONGEST_TEXT
    # Read again, what is kept stays what it is.
    assert read_answers(product, fault, answers.kept, TODAY).kept == answers.kept
