"""The same thing with several cases at once: each in a transaction of its own, and each with its own outcome."""

from __future__ import annotations

from collections.abc import Callable

from flask import flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _, ngettext
from sqlalchemy.orm import Session

from auth.identity import Identity
from auth.permissions import Permission
from core.errors import DomainError, NotFound
from delivery.complaints.decisions import take_case
from delivery.complaints.rules import is_case_no
from delivery.complaints.triage import Triage, assign, close, triage
from portal.consultant.blueprint import blueprint
from portal.consultant.forms import LONGEST, AssignForm
from portal.consultant.words import refused_words
from portal.formats import grouped
from portal.security import current_identity, requires, unit_of_work

# As many as a page of the board has.
MOST_AT_ONCE = 50

_Act = Callable[[Session, Identity, str], object]


@blueprint.post("/complaints/bulk")
@requires(Permission.DECIDE_COMPLAINT)
def several() -> ResponseReturnValue:
    """Take, give, look at or close the chosen cases; what could not be done is said case by case."""
    chosen = [case_no for case_no in dict.fromkeys(request.form.getlist("case")) if is_case_no(case_no)][:MOST_AT_ONCE]
    do = _acts().get(request.form.get("do", ""))
    if not chosen or do is None:
        flash(_("Choose cases first, then what to do with them. Nothing was changed."), "attention")
        return redirect(url_for("consultant.board"), 303)
    done, refused = 0, []
    for case_no in chosen:
        try:
            with unit_of_work() as session:
                do(session, current_identity(), case_no)
            done += 1
        except NotFound:
            refused.append(_("Case %(number)s is not there.", number=grouped(case_no)))
        except DomainError as problem:
            refused.append(_("Case %(number)s: %(why)s", number=grouped(case_no), why=refused_words(problem)))
    if done:
        flash(ngettext("Done with %(num)s case.", "Done with %(num)s cases.", done), "success")
    for line in refused:
        flash(line, "attention")
    return redirect(url_for("consultant.board"), 303)


def _acts() -> dict[str, _Act]:
    words = request.form.get("words", "").replace("\x00", "").strip()[:LONGEST]
    colleague_id = AssignForm().colleague_id
    return {
        "take": take_case,
        "assign": lambda session, identity, case_no: assign(session, identity, case_no, colleague_id),
        "triage": lambda session, identity, case_no: triage(session, identity, Triage(case_no, note=words)),
        "close": lambda session, identity, case_no: close(session, identity, case_no, words),
    }
