"""The supplier's answers, and the end of a claim."""

from __future__ import annotations

from flask import flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _, ngettext

from auth.permissions import Permission
from core.errors import DomainError, NotFound, NotPermitted
from delivery.complaints.claim_answers import (
    LONGEST_REASON,
    Answer,
    answer_lines,
    close_pack,
    undo_answer as undo_answer_of,
)
from delivery.complaints.claim_errors import AnswerReasonMissing, ClaimReasonMissing, NothingAnswered
from delivery.complaints.claim_models import ClaimOutcome, ClaimStatus
from portal.consultant.claims.blueprint import blueprint
from portal.consultant.claims.forms import CloseForm, ids_of
from portal.consultant.claims.views import show_pack
from portal.consultant.claims.words import money, refusal_words
from portal.fields import words_on_lines
from portal.formats import grouped
from portal.security import current_identity, requires, unit_of_work


@blueprint.post("/claims/<string:claim_no>/answer")
@requires(Permission.CLAIM)
def answer(claim_no: str) -> ResponseReturnValue:
    """Write down what the supplier says, case by case or of all the others at once."""
    given = {}
    for line_id, name in ids_of(request.form, "outcome-").items():
        found = _answer(request.form[name], request.form.get(f"reason-{line_id}", ""))
        if found is not None:
            given[line_id] = found
    rest = _answer(request.form.get("outcome-rest", ""), request.form.get("reason-rest", ""))
    try:
        with unit_of_work() as session:
            pack = answer_lines(session, current_identity(), claim_no, given, rest)
            is_whole = pack.status is ClaimStatus.ANSWERED
    except AnswerReasonMissing as problem:
        return show_pack(claim_no, answering=refusal_words(problem), missing=problem), 422
    except NothingAnswered as problem:
        return show_pack(claim_no, answering=refusal_words(problem)), 422
    except (NotFound, NotPermitted):
        raise
    except DomainError as problem:
        flash(refusal_words(problem), "attention")
    else:
        flash(
            _("The answer is written down.") if not is_whole else _("Every case of the claim is answered."), "success"
        )
    return redirect(url_for("claims.pack", claim_no=claim_no), 303)


def _answer(outcome: str, reason: str) -> Answer | None:
    try:
        chosen = ClaimOutcome(outcome)
    except ValueError:
        return None
    return Answer(chosen, " ".join(words_on_lines(reason).split())[:LONGEST_REASON])


@blueprint.post("/claims/<string:claim_no>/undo-answer")
@requires(Permission.CLAIM)
def undo_answer(claim_no: str) -> ResponseReturnValue:
    """Take back an answer that was noted by mistake."""
    case_no = request.form.get("case_no", "")[:20]
    try:
        with unit_of_work() as session:
            undo_answer_of(session, current_identity(), claim_no, case_no)
    except (NotFound, NotPermitted):
        raise
    except DomainError as problem:
        flash(refusal_words(problem), "attention")
    else:
        flash(_("Case %(number)s waits for the supplier's answer again.", number=grouped(case_no)), "success")
    return redirect(url_for("claims.pack", claim_no=claim_no), 303)


@blueprint.post("/claims/<string:claim_no>/close")
@requires(Permission.CLAIM)
def close(claim_no: str) -> ResponseReturnValue:
    """Close an answered claim."""
    form = CloseForm()
    if not form.validate():
        return show_pack(claim_no, closing=form), 422
    try:
        with unit_of_work() as session:
            closed = close_pack(session, current_identity(), claim_no, form.reason.data or "")
    except ClaimReasonMissing:
        form.reason.errors = [_("Write why the rest does not come. It is kept with the cases.")]
        return show_pack(claim_no, closing=form), 422
    except (NotFound, NotPermitted):
        raise
    except DomainError as problem:
        flash(refusal_words(problem), "attention")
        return redirect(url_for("claims.pack", claim_no=claim_no), 303)
    if closed.written_off:
        flash(_("The claim is closed, and %(amount)s written off.", amount=money(closed.written_off)), "success")
    else:
        flash(_("The claim is closed, and its credited cases with it."), "success")
    if closed.left_open:
        cases = ", ".join(grouped(number) for number in closed.left_open)
        flash(
            ngettext(
                "Case %(cases)s has a red flag that nobody has looked at. It stays open.",
                "Cases %(cases)s have red flags that nobody has looked at. They stay open.",
                len(closed.left_open),
                cases=cases,
            ),
            "attention",
        )
    return redirect(url_for("claims.pack", claim_no=claim_no), 303)
