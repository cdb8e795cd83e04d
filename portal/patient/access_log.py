"""Who has seen my data: the patient's extract of the access log, to read and to download. Handbook §11."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from itertools import groupby
from typing import Any

from flask import Blueprint, Response, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from auth.access_log import LogLine, extract_of_log, who_looked
from auth.identity import Identity
from auth.permissions import Permission
from core.audit import ActorKind
from core.clock import STOCKHOLM, today
from portal.access_words import action_words, object_words, when_words
from portal.csv_download import csv_download
from portal.formats import day, day_with_year, time_of_day
from portal.security import current_identity, require_signed_in, requires, unit_of_work

blueprint = Blueprint("own_log", __name__)

# Other references mean something only to those who run the portal.
_TOLD_OBJECTS = frozenset({"order", "case", "parcel"})
# These keep a code there, which the action's own words already tell; what else staff do has the reason that they wrote.
_CODED_REASONS = frozenset({"line.short", "parcel.delivered"})


@dataclass(frozen=True)
class SeenLine:
    """One entry in the reader's words; `count` is how many alike stand together within the minute."""

    who: str
    where: str
    what: str
    about: str
    reason: str
    time: str
    when: str
    manner: str
    count: int = 1


@dataclass(frozen=True)
class SeenDay:
    """The entries of one Swedish day."""

    heading: str
    lines: tuple[SeenLine, ...]


@blueprint.get("/my-access-log")
@requires(Permission.SEE_WHO_LOOKED)
def show() -> ResponseReturnValue:
    """List who has looked at or acted on the subject's data, newest first; the reader's own only when asked for."""
    user = require_signed_in()
    everything = request.args.get("show") == "all"
    older_than = request.args.get("older-than", type=_entry_id)
    kept: dict[str, Any] = {"show": "all"} if everything else {}
    with unit_of_work() as session:
        page = who_looked(session, user.identity, others_only=not everything, older_than=older_than)
        return render_template(
            "patient/access_log.html",
            days=list(_days(page.lines, user.identity, today(session))),
            everything=everything,
            is_first=older_than is None,
            newest_url=url_for("own_log.show", **kept),
            older_url=url_for("own_log.show", **(kept | {"older-than": page.older_than})) if page.older_than else None,
            subject_name=user.subject.given_name if user.identity.acts_for_another else "",
        )


@blueprint.get("/my-access-log/download")
@requires(Permission.SEE_WHO_LOOKED)
def download() -> Response:
    """Give the whole extract of five years as a file."""
    identity = current_identity()
    with unit_of_work() as session:
        lines = [_seen_line(line, identity) for line in extract_of_log(session, identity)]
    header = [_("When"), _("Who"), _("Unit"), _("How"), _("What"), _("About"), _("Reason")]
    rows = [[line.when, line.who, line.where, line.manner, line.what, line.about, line.reason] for line in lines]
    return csv_download("access-log.csv", [header, *rows])


def _entry_id(text: str) -> int:
    number = int(text)
    if not 0 < number < 2**63:
        raise ValueError
    return number


def _days(lines: tuple[LogLine, ...], identity: Identity, this_day: date) -> Iterator[SeenDay]:
    for found, logged in groupby(lines, key=lambda line: line.entry.at.astimezone(STOCKHOLM).date()):
        heading = day(found) if found.year == this_day.year else day_with_year(found)
        yield SeenDay(
            heading[:1].upper() + heading[1:], tuple(_gathered([_seen_line(line, identity) for line in logged]))
        )


def _gathered(lines: list[SeenLine]) -> Iterator[SeenLine]:
    for _alike, alike in groupby(lines, key=lambda line: replace(line, when="")):
        first, *rest = alike
        yield replace(first, count=1 + len(rest))


def _seen_line(line: LogLine, identity: Identity) -> SeenLine:
    entry = line.entry
    who, where = _who_and_where(line, identity)
    is_by_staff = entry.actor_kind == ActorKind.STAFF.value
    return SeenLine(
        who=who,
        where=where,
        what=action_words(entry.action),
        about=object_words(entry.object_ref) if entry.object_ref.partition(":")[0] in _TOLD_OBJECTS else "",
        reason=entry.reason if is_by_staff and entry.action not in _CODED_REASONS else "",
        time=time_of_day(entry.at),
        when=when_words(entry.at),
        manner=_("Looked") if entry.manner == "LOOK" else _("Acted"),
    )


def _who_and_where(line: LogLine, identity: Identity) -> tuple[str, str]:
    entry = line.entry
    if entry.actor_kind == ActorKind.STAFF.value:
        return entry.actor_label or _("Staff"), line.unit_name
    if entry.actor_kind != ActorKind.PERSON.value:
        return _("Automatic"), ""
    if entry.actor_id == identity.person_id:
        return _("You"), ""
    if entry.actor_id == identity.subject_person_id:
        return line.person_name or _("The patient"), ""
    return (line.person_name, _("Relative or proxy")) if line.person_name else (_("A relative or proxy"), "")
