"""Following a case in plain words, adding to it, and answering what the consultant asks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Response, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _, lazy_gettext as _l, ngettext

from auth.identity import Relation
from auth.permissions import Permission
from core.idempotency import new_key
from delivery.complaints.adding import (
    AddToCase,
    CaseIsClosed,
    NotAsked,
    NothingAdded,
    TooMuchAdded,
    add_to_case,
    answer_question,
)
from delivery.complaints.models import Complaint, ComplaintEvent, ComplaintEventKind, ComplaintState
from delivery.complaints.own_cases import own_case, own_cases, told
from delivery.complaints.photos import MOST_PHOTOS, MOST_PHOTOS_OF_CASE, PhotoRefused, own_photo
from portal.complaint_words import FAULTS
from portal.formats import instant
from portal.parked_forms import take_parked_form
from portal.patient.faults.blueprint import blueprint
from portal.patient.faults.forms import AddForm
from portal.patient.faults.photo_words import LARGEST_REQUEST_MEGABYTES, photo_words, taken_photos
from portal.photo_answer import photo_answer
from portal.pictures import PICTURES
from portal.question_words import answer_lines
from portal.security import current_identity, requires, unit_of_work
from portal.uploads import takes_files

# Where a case is, as the reporter is told; what passes between us and the supplier is not theirs to follow.
STATES: Mapping[ComplaintState, tuple[Any, str]] = {
    ComplaintState.RECEIVED: (_l("Waiting for an answer"), "accent"),
    ComplaintState.TRIAGED: (_l("Waiting for an answer"), "accent"),
    ComplaintState.REPLACEMENT_ORDERED: (_l("You get a new one"), "success"),
    ComplaintState.DECLINED: (_l("Answered: no new one"), "neutral"),
    ComplaintState.CLOSED: (_l("Closed"), "neutral"),
}
_WITH_SUPPLIER: tuple[Any, str] = (_l("Answered"), "success")
ASKED: tuple[Any, str] = (_l("We need to know more"), "attention")
_HAPPENED: Mapping[ComplaintEventKind, Any] = {
    ComplaintEventKind.REPORTED: _l("You sent the report"),
    ComplaintEventKind.ROUTED: _l("A product consultant has it to read"),
    ComplaintEventKind.OPENED: _l("A product consultant is reading it"),
    ComplaintEventKind.TRIAGED: _l("A product consultant has looked at it"),
    ComplaintEventKind.REPLACED: _l("A new product was ordered for you"),
    ComplaintEventKind.DECLINED: _l("The answer was no"),
    ComplaintEventKind.ASKED: _l("A product consultant asks"),
    ComplaintEventKind.ANSWERED: _l("The question was answered"),
    ComplaintEventKind.ADDED: _l("Something was added"),
    ComplaintEventKind.MADE_DUPLICATE: _l("It is about the same as another report of yours"),
    ComplaintEventKind.REOPENED: _l("The case was opened again"),
    ComplaintEventKind.CLOSED: _l("The case was closed"),
    ComplaintEventKind.EXCHANGED: _l("The maker has sent you a new one"),
}
# The reporter has always read these; older cases have them without the mark.
_ALWAYS_TOLD = frozenset(
    {
        ComplaintEventKind.REPORTED,
        ComplaintEventKind.ROUTED,
        ComplaintEventKind.OPENED,
        ComplaintEventKind.REPLACED,
        ComplaintEventKind.DECLINED,
    }
)


@blueprint.get("/fault-reports")
@requires(Permission.SEE_OWN_CASES)
def cases() -> ResponseReturnValue:
    """The subject's cases, newest first."""
    with unit_of_work() as session:
        found = own_cases(session, current_identity())
        return render_template("patient/faults/cases.html", cases=found, state_of=state_words, pictures=PICTURES)


@blueprint.get("/fault-reports/<string:case_no>")
@requires(Permission.SEE_OWN_CASES)
def case(case_no: str) -> ResponseReturnValue:
    """One case in plain words: what was said, what has been decided, what happens next."""
    return _show(case_no, AddForm(formdata=take_parked_form(request.path)))


@blueprint.post("/fault-reports/<string:case_no>")
@takes_files(LARGEST_REQUEST_MEGABYTES)
@requires(Permission.SEE_OWN_CASES)
def add(case_no: str) -> ResponseReturnValue:
    """Add words and photos, or answer what the consultant asks; pressed twice it is added once."""
    form, is_answer = AddForm(), request.form.get("do") == "answer"
    photos, refused = taken_photos(MOST_PHOTOS)
    said = [photo_words(problem) for problem in dict.fromkeys(refused)]
    if form.validate() and not said:
        key = request.form.get("idempotency_key") or new_key()
        command = AddToCase(case_no, key, form.text.data or "", photos)
        act = answer_question if is_answer else add_to_case
        try:
            with unit_of_work() as session:
                act(session, current_identity(), command)
        except NothingAdded:
            said = [_("Write the answer.") if is_answer else _("Write something, or choose a photo.")]
        except (CaseIsClosed, TooMuchAdded):
            said = [_("Nothing more can be added to this case. Call customer service, or report the product anew.")]
        except NotAsked:
            said = [_("The question has been answered already. You can add what you want to say below.")]
        except PhotoRefused as problem:
            said = [photo_words(problem.problem)]
        else:
            flash(_("Your answer has come in.") if is_answer else _("It has been added to the case."), "success")
            return redirect(url_for("faults.case", case_no=case_no), 303)
    form.text.errors = [*form.text.errors, *said]
    return _show(case_no, form), 422


@blueprint.get("/fault-reports/photos/<int:photo_id>")
@requires(Permission.SEE_OWN_CASES)
def photo(photo_id: int) -> Response:
    """One photo of the reader's draft or case."""
    with unit_of_work() as session:
        return photo_answer(own_photo(session, current_identity(), photo_id), f"photo-{photo_id}")


def _show(case_no: str, form: AddForm) -> str:
    with unit_of_work() as session:
        found = own_case(session, current_identity(), case_no)
        complaint = found.complaint
        if found.question:
            form.text.label.text = _("Your answer")
        return render_template(
            "patient/faults/case.html",
            case=found,
            form=form,
            key=request.form.get("idempotency_key") or new_key(),
            faults=FAULTS,
            answers=answer_lines(complaint.report),
            happened=_happened(complaint),
            may_add=complaint.state is not ComplaintState.CLOSED,
            room_for_photos=max(0, min(MOST_PHOTOS, MOST_PHOTOS_OF_CASE - len(found.photos))),
        )


def state_words(complaint: Complaint) -> tuple[Any, str]:
    """Say where a case is, with the tone that fits."""
    if complaint.waiting_since is not None:
        return ASKED
    if complaint.state not in STATES:
        return STATES[ComplaintState.REPLACEMENT_ORDERED] if complaint.replacement_order_id else _WITH_SUPPLIER
    return STATES[complaint.state]


def _happened(complaint: Complaint) -> list[dict[str, str]]:
    """The case's way in the reporter's words, newest first; who at work did what is not for this page."""
    lines = list(told(current_identity(), complaint))
    lines += [line for line in complaint.events if line.kind in _ALWAYS_TOLD and line not in lines]
    lines.sort(key=lambda line: line.id, reverse=True)
    return [
        {"when": instant(line.at), "title": _title(complaint, line), "text": _text(line)}
        for line in lines
        if line.kind in _HAPPENED or line.kind is ComplaintEventKind.PHOTO_ADDED
    ]


def _title(complaint: Complaint, line: ComplaintEvent) -> str:
    if line.kind is ComplaintEventKind.PHOTO_ADDED:
        return ngettext("%(num)s photo was added", "%(num)s photos were added", int(line.text or 1))
    if line.kind is ComplaintEventKind.REPORTED and complaint.report.reporter_staff_id is not None:
        if complaint.report.relation is Relation.CARE:
            return _("Your unit sent the report")
        return _("Customer service wrote down your report")
    return str(_HAPPENED[line.kind])


# What is written for the reporter to read; other lines' texts are for those at work.
_TEXTS_TOLD = frozenset(
    {
        ComplaintEventKind.ASKED,
        ComplaintEventKind.ANSWERED,
        ComplaintEventKind.ADDED,
    }
)


def _text(line: ComplaintEvent) -> str:
    return line.text if line.kind in _TEXTS_TOLD and line.for_reporter else ""
