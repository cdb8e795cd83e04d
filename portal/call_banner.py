"""What customer service is told on every page of a call: whom it is about, and what may be said to whom. Handbook §4."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import url_for
from flask_babel import gettext as _, lazy_gettext as _l

from auth.calls import Situation, Speaker, WhoMayHear, who_may_hear
from auth.identity import Relation, Task
from auth.models import Person
from portal.chrome import CallBanner
from portal.formats import day_with_year
from portal.security import SignedIn, unit_of_work

_TASKS: Mapping[Task, Any] = {
    Task.ORDER: _l("order"),
    Task.REPORT_FAULTS: _l("report faults"),
    Task.VIEW_HISTORY: _l("follow orders"),
}


def call_banner(user: SignedIn) -> CallBanner:
    """Return what the banner of the call under way says."""
    person = user.subject
    with unit_of_work() as session:
        heard = who_may_hear(session, person)
    advice, more = _advice(person, heard)
    return CallBanner(
        about=_about(person, heard),
        advice=advice,
        more_advice=more,
        speakers=tuple(_speaker(speaker) for speaker in heard.speakers),
        reason=user.identity.reason,
        is_protected=heard.situation is Situation.PROTECTED,
        end_url=url_for("service.close_call"),
    )


def _about(person: Person, heard: WhoMayHear) -> str:
    if heard.situation is Situation.PROTECTED:
        return _("Call about somebody with protected identity")
    name = person.full_name or _("the patient")
    if heard.situation is Situation.DECEASED:
        return _("Call about %(name)s", name=name)
    return _("Call about %(name)s, age %(age)s", name=name, age=heard.age)


def _advice(person: Person, heard: WhoMayHear) -> tuple[str, str]:
    """Return what to do before anything is said, in one sentence that the list of names may follow, and what to keep to."""
    name = person.full_name or _("the patient")
    match heard.situation:
        case Situation.PROTECTED:
            return _(
                "Say nothing about where the parcel goes. No name and no address is shown here. Refer the caller to the prescribing unit."
            ), ""
        case Situation.DECEASED:
            assert person.deceased_on is not None
            return _("The patient died on %(day)s. Nothing can be ordered.", day=day_with_year(person.deceased_on)), ""
        case Situation.CHILD if not heard.speakers:
            return _("This is a child, and nobody may act for them here. Refer the caller to the prescribing unit."), ""
        case Situation.CHILD:
            return _("This is a child. Ask for the caller's name before you answer. It should be:"), ""
        case Situation.BETWEEN_AGES:
            only_what_it_is_about = _(
                "Nobody can order for %(name)s on the web, so you do it. Answer what the call is about and nothing else.",
                name=person.given_name or name,
            )
            return _ask_for(name, heard), only_what_it_is_about
        case Situation.ADULT:
            return _ask_for(name, heard), ""


def _ask_for(name: str, heard: WhoMayHear) -> str:
    if heard.speakers:
        return _("Ask for the caller's name before you answer. It should be %(name)s or:", name=name)
    return _("Ask for the caller's name before you answer. It should be %(name)s, and nobody else.", name=name)


def _speaker(speaker: Speaker) -> str:
    if speaker.relation is Relation.GUARDIAN or speaker.until is None:
        return _("%(name)s, guardian", name=speaker.name or _("somebody"))
    return _(
        "%(name)s, proxy until %(day)s, may %(tasks)s",
        name=speaker.name or _("somebody"),
        day=day_with_year(speaker.until),
        tasks=", ".join(str(words) for task, words in _TASKS.items() if task in speaker.tasks),
    )
