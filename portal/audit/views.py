"""The access log as a table with a filter."""

from __future__ import annotations

from datetime import date
from typing import Any

from flask import Blueprint, render_template, request, url_for
from flask.typing import ResponseReturnValue

from auth.access_log import read_access_log
from auth.permissions import Permission
from portal.access_words import action_words, object_words, when_words
from portal.audit.words import who_words
from portal.security import current_identity, requires, unit_of_work

blueprint = Blueprint("audit", __name__)

_FIRST_YEAR, _LAST_YEAR = 2000, 2999


@blueprint.get("/access-log")
@requires(Permission.READ_ACCESS_LOG)
def log() -> ResponseReturnValue:
    """The log, newest first, of one day or one staff member where asked for."""
    day_text = request.args.get("day", "").strip()
    staff_name = request.args.get("staff", "").replace("\x00", "").strip()[:200]
    older_than = request.args.get("older-than", type=_entry_id)
    day = _day(day_text)
    with unit_of_work() as session:
        page = read_access_log(session, current_identity(), day=day, staff_name=staff_name, older_than=older_than)
        kept: dict[str, Any] = {
            key: value for key, value in {"day": day and day.isoformat(), "staff": staff_name}.items() if value
        }
        return render_template(
            "audit/log.html",
            page=page,
            day=day,
            day_is_wrong=bool(day_text) and day is None,
            staff_name=staff_name,
            is_first=older_than is None,
            newest_url=url_for("audit.log", **kept),
            older_url=url_for("audit.log", **(kept | {"older-than": page.older_than})) if page.older_than else None,
            action_words=action_words,
            object_words=object_words,
            who_words=who_words,
            when_words=when_words,
        )


def _entry_id(text: str) -> int:
    number = int(text)
    if not 0 < number < 2**63:
        raise ValueError
    return number


def _day(text: str) -> date | None:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return day if _FIRST_YEAR <= day.year <= _LAST_YEAR else None
