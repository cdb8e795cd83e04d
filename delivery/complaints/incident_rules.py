"""The rules of serious incidents: answers in, severity and clocks out. Nothing here reads or writes anything.

Source: handbook §7. Whatever is not known counts as yes: when in doubt it is reported, and assessed again when more is known.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from enum import StrEnum

from core.clock import STOCKHOLM, swedish_date
from delivery.complaints.incident_models import Severity

# The handbook says "at once"; that this is a day is ours, so that something can ring. Everybody is shown the words "at once".
AT_ONCE = timedelta(hours=24)
# Calendar days that the manufacturer has from our notification.
MANUFACTURER_DAYS: Mapping[Severity, int] = {
    Severity.PUBLIC_HEALTH_THREAT: 2,
    Severity.DEATH_OR_UNANTICIPATED: 10,
    Severity.OTHER_SERIOUS: 15,
}
_END_OF_DAY = time(23, 59, 59)


class Question(StrEnum):
    """The checklist, in the order in which it is asked."""

    CAUSE = "product_could_be_the_cause"
    DEATH = "death"
    DETERIORATION = "serious_deterioration"
    CARE = "care_was_needed"
    UNANTICIPATED = "unanticipated"
    COULD_HAVE_LED = "could_have_led_to_it"
    PUBLIC_HEALTH = "threat_to_public_health"


class Answer(StrEnum):
    """An answer of the checklist; not known is treated as yes."""

    YES = "YES"
    NO = "NO"
    UNKNOWN = "UNKNOWN"


Answers = Mapping[Question, Answer]
# That care was needed to avert it is a serious deterioration too.
_DETERIORATED = (Question.DETERIORATION, Question.CARE)


@dataclass(frozen=True)
class Verdict:
    """How serious it is, and the questions whose answers decided that."""

    severity: Severity
    because: tuple[Question, ...]


def is_yes(answers: Answers, question: Question) -> bool:
    """Tell whether a question counts as yes; one that was not asked does not."""
    return answers.get(question, Answer.NO) is not Answer.NO


def asked(answers: Answers) -> tuple[Question, ...]:
    """Return the questions that matter with these answers: what was unexpected only when somebody became worse, the near miss when not."""
    is_worse = any(is_yes(answers, question) for question in _DETERIORATED)
    idle = set() if is_worse else {Question.UNANTICIPATED}
    if is_worse or is_yes(answers, Question.DEATH):
        idle.add(Question.COULD_HAVE_LED)
    return tuple(question for question in Question if question not in idle)


def missing_answers(answers: Answers) -> tuple[Question, ...]:
    """Return the questions that need an answer and have none."""
    return tuple(question for question in asked(answers) if question not in answers)


def judge(answers: Answers) -> Verdict:
    """Return the severity of a checklist that lacks nothing; the gravest that applies, so that the shortest clock runs."""
    if not is_yes(answers, Question.CAUSE):
        return Verdict(Severity.NOT_SERIOUS, (Question.CAUSE,))
    worse = tuple(question for question in _DETERIORATED if is_yes(answers, question))
    if is_yes(answers, Question.PUBLIC_HEALTH):
        return Verdict(Severity.PUBLIC_HEALTH_THREAT, (Question.PUBLIC_HEALTH,))
    if is_yes(answers, Question.DEATH):
        return Verdict(Severity.DEATH_OR_UNANTICIPATED, (Question.DEATH,))
    if worse and is_yes(answers, Question.UNANTICIPATED):
        return Verdict(Severity.DEATH_OR_UNANTICIPATED, (*worse, Question.UNANTICIPATED))
    if worse:
        return Verdict(Severity.OTHER_SERIOUS, worse)
    if is_yes(answers, Question.COULD_HAVE_LED):
        return Verdict(Severity.OTHER_SERIOUS, (Question.COULD_HAVE_LED,))
    return Verdict(Severity.NOT_SERIOUS, ())


def is_serious(severity: Severity) -> bool:
    """Tell whether it must be reported."""
    return severity is not Severity.NOT_SERIOUS


def report_due_at(assessed_at: datetime, severity: Severity) -> datetime | None:
    """Return when the report to Läkemedelsverket and the letter to the manufacturer are to be sent at the latest."""
    return assessed_at + AT_ONCE if is_serious(severity) else None


def manufacturer_due_at(notified_at: datetime, severity: Severity) -> datetime | None:
    """Return the end of the manufacturer's last Swedish day; the day of the notification is not counted."""
    if not is_serious(severity):
        return None
    last_day = swedish_date(notified_at) + timedelta(days=MANUFACTURER_DAYS[severity])
    return datetime.combine(last_day, _END_OF_DAY, STOCKHOLM).astimezone(UTC)


class ClockKind(StrEnum):
    """Whose clock it is: the first two are ours, the last the manufacturer's."""

    AUTHORITY_REPORT = "AUTHORITY_REPORT"
    MANUFACTURER_LETTER = "MANUFACTURER_LETTER"
    MANUFACTURER_ANSWER = "MANUFACTURER_ANSWER"


@dataclass(frozen=True)
class IncidentClock:
    """One deadline; `due_at` is None until it runs, `done_at` is when it was met, in time or not."""

    kind: ClockKind
    due_at: datetime | None
    done_at: datetime | None

    @property
    def is_running(self) -> bool:
        """Whether somebody still has to do it."""
        return self.due_at is not None and self.done_at is None

    def is_late(self, instant: datetime) -> bool:
        """Tell whether it was missed by `instant`, whether it has been done since or not."""
        return self.due_at is not None and (self.done_at or instant) > self.due_at


@dataclass(frozen=True)
class IncidentTimes:
    """The instants that the clocks of one incident are made of."""

    severity: Severity
    report_due_at: datetime | None
    reported_at: datetime | None
    manufacturer_notified_at: datetime | None
    manufacturer_due_at: datetime | None
    manufacturer_answered_at: datetime | None


def clocks(times: IncidentTimes) -> tuple[IncidentClock, ...]:
    """Return the three clocks of a serious incident, none of one that is not."""
    if not is_serious(times.severity):
        return ()
    return (
        IncidentClock(ClockKind.AUTHORITY_REPORT, times.report_due_at, times.reported_at),
        IncidentClock(ClockKind.MANUFACTURER_LETTER, times.report_due_at, times.manufacturer_notified_at),
        IncidentClock(ClockKind.MANUFACTURER_ANSWER, times.manufacturer_due_at, times.manufacturer_answered_at),
    )


def must_alarm(times: IncidentTimes, alarmed_at: datetime | None, instant: datetime) -> bool:
    """Tell whether a clock has run out that no alarm has been raised about; each rings once, whenever it is looked at."""
    return any(
        clock.is_running and clock.is_late(instant) and (alarmed_at is None or alarmed_at <= clock.due_at)
        for clock in clocks(times)
        if clock.due_at is not None
    )


@dataclass(frozen=True)
class TimeLeft:
    """How long until a deadline: Swedish calendar days, and whole hours when it is less than a day; counted since it when late."""

    is_late: bool
    days: int
    hours: int


def time_left(due_at: datetime, instant: datetime) -> TimeLeft:
    """Return how long there is until `due_at`, or how long it has been missed."""
    is_late = instant > due_at
    days = abs((swedish_date(due_at) - swedish_date(instant)).days)
    return TimeLeft(is_late, days, int(abs(due_at - instant).total_seconds() // 3600))
