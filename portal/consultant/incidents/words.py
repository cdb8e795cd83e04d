"""Deadlines and consequences of serious incidents, as somebody would say them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from flask_babel import gettext as _, ngettext

from delivery.complaints.incident_models import Incident, Severity
from delivery.complaints.incident_rules import MANUFACTURER_DAYS, ClockKind, IncidentClock, time_left
from portal.formats import instant as instant_words


@dataclass(frozen=True)
class ClockLine:
    """One deadline in words; `tone` is a badge's."""

    label: str
    state: str
    due: str
    tone: str
    kind: ClockKind
    is_running: bool


def clock_label(kind: ClockKind) -> str:
    """Say what is to be done, and by whom."""
    return {
        ClockKind.AUTHORITY_REPORT: _("You report to Läkemedelsverket"),
        ClockKind.MANUFACTURER_LETTER: _("You notify the manufacturer"),
        ClockKind.MANUFACTURER_ANSWER: _("The manufacturer reports and answers"),
    }[kind]


def clock_line(clock: IncidentClock, instant: datetime) -> ClockLine:
    """Put a clock into words as it stands at `instant`."""
    label, is_ours = clock_label(clock.kind), clock.kind is not ClockKind.MANUFACTURER_ANSWER
    due = ""
    if clock.due_at is not None:
        # That "at once" is a day is ours: the words are the handbook's, the hour is when it rings.
        by = _("at once, rings %(when)s") if is_ours else _("by %(when)s")
        due = by % {"when": instant_words(clock.due_at)}
    if clock.done_at is not None:
        when = instant_words(clock.done_at)
        if clock.is_late(instant):
            return ClockLine(label, _("Done %(when)s, too late", when=when), due, "attention", clock.kind, False)
        return ClockLine(label, _("Done %(when)s", when=when), due, "success", clock.kind, False)
    if clock.due_at is None:
        return ClockLine(label, _("Begins when the letter is sent"), "", "neutral", clock.kind, False)
    late = clock.is_late(instant)
    left = time_left(clock.due_at, instant)
    tone = "danger" if late else "attention" if is_ours or left.days <= 1 else "info"
    return ClockLine(label, left_words(clock.due_at, instant), due, tone, clock.kind, True)


def left_words(due_at: datetime, instant: datetime) -> str:
    """Say how long there is: "3 days left", "today", "5 hours left", "2 days late"."""
    left = time_left(due_at, instant)
    if left.is_late:
        if left.hours < 24:
            return ngettext("%(num)s hour late", "%(num)s hours late", left.hours) if left.hours else _("Just missed")
        return ngettext("%(num)s day late", "%(num)s days late", left.hours // 24)
    if left.days >= 2:
        return ngettext("%(num)s day left", "%(num)s days left", left.days)
    if left.hours >= 24:
        return _("1 day left")
    return (
        ngettext("%(num)s hour left", "%(num)s hours left", left.hours) if left.hours else _("Less than an hour left")
    )


def waited_words(since: datetime, instant: datetime) -> str:
    """Say how long something has waited."""
    hours = max(0, int((instant - since).total_seconds() // 3600))
    if hours < 1:
        return _("came just now")
    if hours < 48:
        return ngettext("has waited %(num)s hour", "has waited %(num)s hours", hours)
    return ngettext("has waited %(num)s day", "has waited %(num)s days", hours // 24)


def severity_tone(severity: Severity) -> str:
    """Return the badge's tone."""
    return {Severity.NOT_SERIOUS: "neutral", Severity.OTHER_SERIOUS: "attention"}.get(severity, "danger")


def consequence(severity: Severity) -> str:
    """Say what an assessment leads to."""
    if severity is Severity.NOT_SERIOUS:
        return _("Nothing needs to be reported. The case goes on as any other; assess it again if you learn more.")
    return _(
        "Report to Läkemedelsverket at once, and notify the manufacturer at once. From then the manufacturer has %(days)s days.",
        days=MANUFACTURER_DAYS[severity],
    )


def whats_next(incident: Incident) -> str:
    """Say what somebody has to do next about an incident; nothing when all is done."""
    if incident.severity is Severity.NOT_SERIOUS:
        return ""
    if incident.reported_at is None:
        return _("Write the report and send it.")
    if incident.manufacturer_notified_at is None:
        return _("Write the letter and send it.")
    if incident.manufacturer_answered_at is None:
        return _("Wait for the manufacturer, and chase it before its time is up.")
    return ""
