"""The case's page with all its forms, and the one way in which every form of it is acted on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_wtf import FlaskForm
from sqlalchemy.orm import Session
from wtforms import Field

from auth.identity import Identity
from auth.permissions import Permission
from core.errors import DomainError, NotFound, NotPermitted
from core.idempotency import new_key
from delivery.complaints.errors import AlreadyDecided, NotWaiting, StateRefused
from delivery.complaints.queries import open_case
from portal.complaint_words import ROUTES
from portal.consultant import forms
from portal.consultant.blueprint import blueprint
from portal.consultant.board_page import board_context
from portal.consultant.words import happened, refused_words
from portal.parked_forms import take_parked_form
from portal.question_words import answer_lines
from portal.security import current_identity, requires, unit_of_work

Form = TypeVar("Form", bound=FlaskForm)
Act = Callable[[Session, Identity, str, Form], object]

# Where somebody else was quicker, the page shows what they did: what was typed has become meaningless.
_OVERTAKEN = (AlreadyDecided, StateRefused, NotWaiting)
_FORMS: Mapping[str, type[FlaskForm]] = {
    "replacing": forms.ReplaceForm,
    "declining": forms.DeclineForm,
    "triaging": forms.TriageForm,
    "asking": forms.AskForm,
    "answering": forms.AnswerForm,
    "noting": forms.NoteForm,
    "closing": forms.CloseForm,
    "reopening": forms.ReopenForm,
    "assigning": forms.AssignForm,
    "merging": forms.SameForm,
}


def show_case(case_no: str, name: str = "", form: FlaskForm | None = None) -> str:
    """Render the case with the board beside it; `form` is the one that was sent and refused, by its name in the template."""
    with unit_of_work() as session:
        opened = open_case(session, current_identity(), case_no)
        parked = take_parked_form(request.path) if request.method == "GET" else None
        shown = {one: kind(formdata=parked) for one, kind in _FORMS.items()}
        if parked is None or "packages" not in parked:
            shown["replacing"] = forms.ReplaceForm(formdata=None, data={"packages": opened.report.packages})
        if form is not None:
            shown[name] = form
        giving = shown["assigning"]
        assert isinstance(giving, forms.AssignForm)
        giving.colleague.choices = [(one.id, one.name) for one in opened.colleagues]
        return render_template(
            "consultant/case.html",
            **board_context(session),
            **shown,
            case=opened,
            refused=form,
            opened_form=name or next((one for one in _FORMS if parked and _typed(shown[one])), ""),
            key=request.form.get("idempotency_key") or new_key(),
            happened=happened(opened.complaint),
            answers=answer_lines(opened.report),
            routes=ROUTES,
        )


def acts_on_case(path: str, name: str, kind: type[Form], said: Any) -> Callable[[Act[Form]], Act[Form]]:
    """Have a function be what a form of the case's page does, at `path` below the case; its name is the endpoint's.

    `name` is the form's in the template, `said` what is told when it is done.
    """

    def register(do: Act[Form]) -> Act[Form]:
        @requires(Permission.DECIDE_COMPLAINT)
        def view(case_no: str) -> ResponseReturnValue:
            form = kind()
            return _act(case_no, name, form, lambda session, identity: do(session, identity, case_no, form), str(said))

        blueprint.add_url_rule(f"/complaints/<string:case_no>/{path}", do.__name__, view, methods=["POST"])
        return do

    return register


def _act(
    case_no: str, name: str, form: FlaskForm, do: Callable[[Session, Identity], object], said: str
) -> ResponseReturnValue:
    """Do what a valid form asks for, in one transaction, and go back to the case; say why when it is refused, with what was typed kept."""
    if form.validate():
        try:
            with unit_of_work() as session:
                do(session, current_identity())
            flash(said, "success")
            return redirect(url_for("consultant.case", case_no=case_no), 303)
        except (NotFound, NotPermitted):
            raise
        except _OVERTAKEN as problem:
            flash(refused_words(problem), "attention")
            return redirect(url_for("consultant.case", case_no=case_no), 303)
        except DomainError as problem:
            _first(form).errors = [refused_words(problem)]
    return show_case(case_no, name, form), 422


def idempotency_key() -> str:
    """Return the key of the form that was sent; a fresh one when it came without."""
    return request.form.get("idempotency_key") or new_key()


def _first(form: FlaskForm) -> Field:
    return next(field for field in form if field.name != "csrf_token")


def _typed(form: FlaskForm) -> bool:
    return any(field.data for field in form if field.name != "csrf_token")
