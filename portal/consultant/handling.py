"""What is done with a case before it is decided: take, give, look, ask, note down."""

from __future__ import annotations

from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from auth.permissions import Permission
from delivery.complaints.asking import ask, resume_by_hand
from delivery.complaints.decisions import take_case
from delivery.complaints.triage import Triage, add_note, assign, mark_read, triage
from portal.consultant.blueprint import blueprint
from portal.consultant.case_page import act, idempotency_key
from portal.consultant.forms import AnswerForm, AskForm, AssignForm, NoteForm, NothingForm, TriageForm
from portal.security import requires


@blueprint.post("/complaints/<string:case_no>/take")
@requires(Permission.DECIDE_COMPLAINT)
def take(case_no: str) -> ResponseReturnValue:
    """Make the case one's own."""
    return act(
        case_no,
        "",
        NothingForm(),
        lambda session, identity: take_case(session, identity, case_no),
        _("The case is yours."),
    )


@blueprint.post("/complaints/<string:case_no>/read")
@requires(Permission.DECIDE_COMPLAINT)
def read(case_no: str) -> ResponseReturnValue:
    """Let what was added since the decision rest."""
    return act(
        case_no,
        "",
        NothingForm(),
        lambda session, identity: mark_read(session, identity, case_no),
        _("What was added has been read."),
    )


@blueprint.post("/complaints/<string:case_no>/assign")
@requires(Permission.DECIDE_COMPLAINT)
def give(case_no: str) -> ResponseReturnValue:
    """Give the case to a colleague."""
    form = AssignForm()
    return act(
        case_no,
        "assigning",
        form,
        lambda session, identity: assign(session, identity, case_no, form.colleague_id),
        _("The case has been given away."),
    )


@blueprint.post("/complaints/<string:case_no>/triage")
@requires(Permission.DECIDE_COMPLAINT)
def look(case_no: str) -> ResponseReturnValue:
    """Write down what was seen."""
    form = TriageForm()
    return act(
        case_no,
        "triaging",
        form,
        lambda session, identity: triage(
            session,
            identity,
            Triage(case_no, form.is_serious.data, form.has_lot_pattern.data, form.note.data or ""),
        ),
        _("Written down. The case is yours."),
    )


@blueprint.post("/complaints/<string:case_no>/ask")
@requires(Permission.DECIDE_COMPLAINT)
def ask_reporter(case_no: str) -> ResponseReturnValue:
    """Ask the reporter in their inbox."""
    form = AskForm()
    return act(
        case_no,
        "asking",
        form,
        lambda session, identity: ask(session, identity, case_no, form.question.data or "", idempotency_key()),
        _("The question is in their inbox. The clock stands still until they answer."),
    )


@blueprint.post("/complaints/<string:case_no>/answer")
@requires(Permission.DECIDE_COMPLAINT)
def note_answer(case_no: str) -> ResponseReturnValue:
    """Write down an answer that came by phone, and let the clock go on."""
    form = AnswerForm()
    return act(
        case_no,
        "answering",
        form,
        lambda session, identity: resume_by_hand(session, identity, case_no, form.answer.data or ""),
        _("The answer is written down, and the clock goes on."),
    )


@blueprint.post("/complaints/<string:case_no>/note")
@requires(Permission.DECIDE_COMPLAINT)
def note(case_no: str) -> ResponseReturnValue:
    """Write a note."""
    form = NoteForm()
    return act(
        case_no,
        "noting",
        form,
        lambda session, identity: add_note(session, identity, case_no, form.text.data or ""),
        _("The note is in the timeline."),
    )
