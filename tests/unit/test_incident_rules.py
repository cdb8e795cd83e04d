"""Serious incidents by the rules alone: the checklist against a slow reference, the clocks over summer time and new year."""

from __future__ import annotations

import itertools
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given, strategies as st

from core.clock import STOCKHOLM, swedish_date
from delivery.complaints.incident_models import Severity
from delivery.complaints.incident_rules import (
    AT_ONCE,
    MANUFACTURER_DAYS,
    Answer,
    ClockKind,
    IncidentTimes,
    Question,
    TimeLeft,
    clocks,
    judge,
    manufacturer_due_at,
    missing_answers,
    must_alarm,
    report_due_at,
    time_left,
)
from delivery.complaints.nameless import Known, found_in, without

YES, NO, UNKNOWN = Answer.YES, Answer.NO, Answer.UNKNOWN
GRAVITY = [
    Severity.NOT_SERIOUS,
    Severity.OTHER_SERIOUS,
    Severity.DEATH_OR_UNANTICIPATED,
    Severity.PUBLIC_HEALTH_THREAT,
]
EVERY = [dict(zip(Question, given_, strict=True)) for given_ in itertools.product(Answer, repeat=len(Question))]
INSTANTS = st.datetimes(datetime(2024, 1, 1), datetime(2031, 12, 31), timezones=st.just(UTC))
NOON = datetime(2026, 12, 1, 11, tzinfo=UTC)


def _reference(answers: dict[Question, Answer]) -> Severity:
    """The handbook's sentence, clause by clause."""
    yes = {question for question, answer in answers.items() if answer is not NO}
    became_worse = Question.DETERIORATION in yes or Question.CARE in yes
    serious = Question.DEATH in yes or became_worse or Question.COULD_HAVE_LED in yes or Question.PUBLIC_HEALTH in yes
    if Question.CAUSE not in yes or not serious:
        return Severity.NOT_SERIOUS
    if Question.PUBLIC_HEALTH in yes:
        return Severity.PUBLIC_HEALTH_THREAT
    if Question.DEATH in yes or (became_worse and Question.UNANTICIPATED in yes):
        return Severity.DEATH_OR_UNANTICIPATED
    return Severity.OTHER_SERIOUS


def test_every_checklist_is_judged_as_the_handbook_says() -> None:
    assert len(EVERY) == 3 ** len(Question)
    for answers in EVERY:
        verdict = judge(answers)
        assert verdict.severity is _reference(answers), answers
        assert all(answers[question] is not NO for question in verdict.because) or verdict.because == (Question.CAUSE,)


def test_a_graver_answer_never_gives_a_milder_verdict() -> None:
    for answers in EVERY:
        before = GRAVITY.index(judge(answers).severity)
        for question, answer in answers.items():
            if answer is NO:
                assert GRAVITY.index(judge(answers | {question: YES}).severity) >= before


def test_not_known_is_treated_as_yes() -> None:
    for answers in EVERY:
        assert judge(answers) == judge({question: NO if a is NO else YES for question, a in answers.items()})


def test_only_questions_that_decide_something_must_be_answered() -> None:
    assert missing_answers({}) == tuple(question for question in Question if question is not Question.UNANTICIPATED)
    for answers in EVERY:
        assert missing_answers(answers) == ()
        for question in Question:
            rest = {other: answer for other, answer in answers.items() if other is not question}
            if question not in missing_answers(rest):
                assert judge(rest).severity is judge({**rest, question: NO}).severity
                assert judge(rest).severity is judge({**rest, question: YES}).severity, (question, rest)


@given(INSTANTS, st.sampled_from(sorted(MANUFACTURER_DAYS)))
def test_the_manufacturers_clock_ends_with_a_swedish_day(notified_at: datetime, severity: Severity) -> None:
    due_at = manufacturer_due_at(notified_at, severity)
    assert due_at is not None
    # Day by day, as on a wall calendar.
    day = swedish_date(notified_at)
    for _ in range({Severity.PUBLIC_HEALTH_THREAT: 2, Severity.DEATH_OR_UNANTICIPATED: 10}.get(severity, 15)):
        day += timedelta(days=1)
    assert swedish_date(due_at) == day
    assert swedish_date(due_at + timedelta(seconds=1)) == day + timedelta(days=1)
    assert due_at > notified_at


@pytest.mark.parametrize(
    ("notified_at", "severity", "due_at"),
    [
        # Over the clock's change in October: the last day is one of winter time.
        ("2026-10-24T23:30+02:00", Severity.PUBLIC_HEALTH_THREAT, "2026-10-26T23:59:59+01:00"),
        # Over the change in March, from a minute after midnight, which in UTC is the day before.
        ("2027-03-27T00:01+01:00", Severity.PUBLIC_HEALTH_THREAT, "2027-03-29T23:59:59+02:00"),
        ("2026-12-22T08:00+01:00", Severity.DEATH_OR_UNANTICIPATED, "2027-01-01T23:59:59+01:00"),
        ("2028-02-20T08:00+01:00", Severity.OTHER_SERIOUS, "2028-03-06T23:59:59+01:00"),
    ],
)
def test_clocks_over_summer_time_and_new_year(notified_at: str, severity: Severity, due_at: str) -> None:
    assert manufacturer_due_at(datetime.fromisoformat(notified_at), severity) == datetime.fromisoformat(due_at)


@given(INSTANTS)
def test_nothing_runs_for_what_is_not_serious(instant: datetime) -> None:
    assert report_due_at(instant, Severity.NOT_SERIOUS) is None
    assert manufacturer_due_at(instant, Severity.NOT_SERIOUS) is None
    assert clocks(IncidentTimes(Severity.NOT_SERIOUS, instant, None, instant, instant, None)) == ()
    assert report_due_at(instant, Severity.OTHER_SERIOUS) == instant + AT_ONCE


def test_an_alarm_rings_once_for_each_clock() -> None:
    due = NOON + AT_ONCE
    times = IncidentTimes(Severity.OTHER_SERIOUS, due, None, None, None, None)
    assert not must_alarm(times, None, due)
    first = due + timedelta(minutes=1)
    assert must_alarm(times, None, first)
    assert not must_alarm(times, first, first + timedelta(days=3))
    answer_due = NOON + timedelta(days=15)
    later = IncidentTimes(Severity.OTHER_SERIOUS, due, first, first, answer_due, None)
    assert not must_alarm(later, first, answer_due)
    assert must_alarm(later, first, answer_due + timedelta(seconds=1))
    done = IncidentTimes(Severity.OTHER_SERIOUS, due, first, first, answer_due, answer_due + timedelta(days=1))
    assert not must_alarm(done, first, answer_due + timedelta(days=2))
    assert [(clock.kind, clock.is_late(NOON)) for clock in clocks(done)] == [
        (ClockKind.AUTHORITY_REPORT, True),
        (ClockKind.MANUFACTURER_LETTER, True),
        (ClockKind.MANUFACTURER_ANSWER, True),
    ]


def test_time_left_is_counted_in_swedish_days() -> None:
    due = datetime(2026, 12, 3, 23, 59, 59, tzinfo=STOCKHOLM)
    assert time_left(due, datetime(2026, 12, 1, 23, 30, tzinfo=STOCKHOLM)) == TimeLeft(False, 2, 48)
    assert time_left(due, datetime(2026, 12, 3, 8, 0, tzinfo=STOCKHOLM)) == TimeLeft(False, 0, 15)
    assert time_left(due, datetime(2026, 12, 4, 0, 30, tzinfo=STOCKHOLM)) == TimeLeft(True, 1, 0)


KNOWN = Known(("Ann-Marie Björn", "Dag Provsson"), ("191212121212", "0500-00 00 01"), date(2026, 12, 1))


@pytest.mark.parametrize(
    "text",
    [
        "Provsson ringde",
        "hos PROVSSONS granne",
        "ann-maries sensor",
        "Marie hade",
        "Dag föll",
        "191212121212",
        "121212-1212",
        "tfn 0500000001",
        "19 800101-9804 är någon",
        "Björns apparat",
        "Bjo\N{COMBINING DIAERESIS}rn",
    ],
)
def test_names_and_numbers_are_found_and_taken_out(text: str) -> None:
    assert found_in(text, KNOWN), text
    assert not found_in(without(text, KNOWN), KNOWN), without(text, KNOWN)


@pytest.mark.parametrize(
    "text",
    [
        "en dag och en björn",
        "GTIN 07350000210019",
        "lot 2612011234",
        "0500-00 00 02",
        "Provssonsgatan",
        "(01)07350000210019(17)280630(10)L24A88",
        "",
    ],
)
def test_other_words_and_numbers_are_left_alone(text: str) -> None:
    assert not found_in(text, KNOWN)
    assert without(text, KNOWN) == text


@given(st.text(max_size=200), st.text(max_size=40))
def test_whatever_is_taken_out_is_no_longer_found(text: str, name: str) -> None:
    known = Known((name,), ("198001019804",), date(2026, 12, 1))
    assert not [word for word in found_in(without(f"{text} {name}", known), known) if word != "N"]
