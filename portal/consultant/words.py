"""Sentences of the board and the case: how long ago, how soon, what has happened, and why something was not done."""

from __future__ import annotations

from datetime import datetime, timedelta

from flask_babel import gettext as _, ngettext

from core.clock import swedish_date
from core.errors import DomainError
from delivery.complaints.errors import (
    AlreadyDecided,
    AlreadyReplaced,
    DuplicateIsGraver,
    NobodyToAsk,
    NotAColleague,
    NotADuplicate,
    NothingPrescribed,
    NotWaiting,
    PackagesOutOfRange,
    PatientHasDied,
    ReasonMissing,
    SentFromElsewhere,
    StateRefused,
)
from delivery.complaints.models import Complaint, ComplaintEvent, ComplaintEventKind, ComplaintState
from portal.complaint_words import EVENTS
from portal.formats import grouped, instant, short_day, time_of_day
from portal.incident_words import incident_event_words

HOUR, ONE_DAY = timedelta(hours=1), timedelta(days=1)
_TONES = {
    ComplaintEventKind.REPLACED: "success",
    ComplaintEventKind.ACCEPTED: "success",
    ComplaintEventKind.CREDITED: "success",
    ComplaintEventKind.DECLINED: "attention",
    ComplaintEventKind.REJECTED: "attention",
    ComplaintEventKind.ALERTED: "danger",
}


def age_words(since: datetime, present: datetime) -> str:
    """Say how long ago something was: minutes, hours, then days of the calendar."""
    passed, days = present - since, (swedish_date(present) - swedish_date(since)).days
    if passed < HOUR:
        return ngettext("%(num)s minute ago", "%(num)s minutes ago", max(1, int(passed.total_seconds() // 60)))
    if passed < ONE_DAY:
        return ngettext("%(num)s hour ago", "%(num)s hours ago", int(passed / HOUR))
    return ngettext("%(num)s day ago", "%(num)s days ago", max(1, days))


def due_words(due_at: datetime, present: datetime) -> str:
    """Say how soon something is due, or how late it is."""
    left, days = due_at - present, (swedish_date(due_at) - swedish_date(present)).days
    if left < timedelta(0):
        late = -left
        if late < HOUR:
            return ngettext("%(num)s minute late", "%(num)s minutes late", max(1, int(late.total_seconds() // 60)))
        if late < ONE_DAY:
            return ngettext("%(num)s hour late", "%(num)s hours late", int(late / HOUR))
        return ngettext("%(num)s day late", "%(num)s days late", max(1, -days))
    if left < HOUR:
        return ngettext("in %(num)s minute", "in %(num)s minutes", max(1, int(left.total_seconds() // 60)))
    if days == 0:
        return ngettext("in %(num)s hour", "in %(num)s hours", int(left / HOUR))
    if days == 1:
        return _("tomorrow %(time)s", time=time_of_day(due_at))
    return _("by %(day)s", day=short_day(swedish_date(due_at)))


def happened(complaint: Complaint) -> list[dict[str, str]]:
    """Return the case's timeline, newest first."""
    lines = [
        {
            "when": instant(event.at),
            "who": _who(event),
            "title": str(EVENTS[event.kind]),
            "text": _text(event),
            "tone": _TONES.get(event.kind, ""),
        }
        for event in complaint.events
    ]
    return lines[::-1]


def _who(event: ComplaintEvent) -> str:
    if event.staff_member is not None:
        return event.staff_member.name
    if event.kind is ComplaintEventKind.REPORTED:
        return ""
    return _("The reporter") if event.person_id is not None else _("Automatic")


def _text(event: ComplaintEvent) -> str:
    match event.kind:
        case ComplaintEventKind.REPLACED:
            return _("Order %(number)s", number=grouped(event.text))
        case ComplaintEventKind.MADE_DUPLICATE:
            return _("Case %(number)s", number=grouped(event.text))
        case ComplaintEventKind.TRIAGED:
            return _triage_words(event.text)
    return incident_event_words(event)


def _triage_words(text: str) -> str:
    codes, _line, note = text.partition("\n")
    words = {"SERIOUS": _("Serious."), "LOT_PATTERN": _("A pattern in the lot.")}
    return " ".join([*(words[code] for code in codes.split() if code in words), note]).strip()


def refused_words(problem: DomainError) -> str:
    """Say why something was not done, and what to do instead."""
    match problem:
        case AlreadyDecided():
            return decided_words(problem)
        case AlreadyReplaced():
            return _(
                "Order %(number)s has been sent for this case already. Nobody is sent two for one report.",
                number=grouped(problem.order_no),
            )
        case PackagesOutOfRange():
            return ngettext(
                "Send at most %(num)s package: that is what was delivered.",
                "Send at most %(num)s packages: that is what was delivered.",
                problem.delivered_packages,
            )
        case StateRefused():
            return _state_words(problem)
    return {
        PatientHasDied: _("The patient has died. Nothing more is sent."),
        NothingPrescribed: _(
            "The patient has no prescription here, so nothing can be sent. Decline with the reason, or close the case."
        ),
        SentFromElsewhere: _(
            "Nothing was ordered: the region's own system sends its products. Order the replacement there, and write a note."
        ),
        ReasonMissing: _("Write something here."),
        NotADuplicate: _("Only a case of the same patient and article can be the same."),
        DuplicateIsGraver: _(
            "This case has a red flag and the other has none. Close the other as the same as this one."
        ),
        NobodyToAsk: _("Nobody reads an inbox for this patient. Call instead, and write down the answer as a note."),
        NotAColleague: _("Choose one of the consultants."),
        NotWaiting: _("The case is not waiting for an answer any more. Nothing was changed."),
    }.get(type(problem), _("That could not be done. Nothing was changed."))


def _state_words(problem: StateRefused) -> str:
    if problem.state is ComplaintState.CLOSED:
        return _("The case is closed. Open it again first.")
    if problem.wanted is ComplaintState.CLOSED:
        return _("The case cannot be closed yet: look at it and write down what you saw first.")
    return _("The case is somewhere else by now. Nothing was changed.")


def decided_words(decided: AlreadyDecided) -> str:
    """Say who decided a case, and when."""
    facts = {"name": decided.decided_by, "when": instant(decided.decided_at)}
    if decided.state is ComplaintState.DECLINED:
        return _("%(name)s declined the complaint %(when)s. Nothing was changed now.", **facts)
    if decided.state is ComplaintState.CLOSED:
        return _("%(name)s closed the case %(when)s. Nothing was changed now.", **facts)
    if decided.state is not ComplaintState.REPLACEMENT_ORDERED:
        return _("The case is with the supplier since %(when)s. Nothing was changed now.", **facts)
    number = grouped(decided.order_no or "")
    if not decided.decided_by:
        return _(
            "The depot replaced it at once %(when)s, order %(number)s. Nothing was changed now.", number=number, **facts
        )
    return _(
        "%(name)s ordered a replacement %(when)s, order %(number)s. Nothing was changed now.", number=number, **facts
    )
