"""The phone list of a recall: name and number, and whether somebody answered."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _, lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import HiddenField, TextAreaField
from wtforms.validators import AnyOf, Length

from auth.permissions import Permission
from delivery.complaints.recall_answers import note_call, phone_list
from delivery.complaints.recall_errors import NoteTooShort
from delivery.complaints.recall_queries import recalls_of_region
from portal.recall_words import conclusion
from portal.security import current_identity, may, requires, unit_of_work

blueprint = Blueprint("recall_calls", __name__)


class CallForm(FlaskForm):
    """What came of one try."""

    note = TextAreaField(
        _l("Note"),
        [Length(max=400, message=_l("Write at most 400 characters."))],
        filters=[lambda text: (text or "").replace("\x00", "").strip()],
    )
    outcome = HiddenField(validators=[AnyOf(["answered", "nobody"])])


@blueprint.get("/recall-calls")
@requires(Permission.PHONE_ABOUT_RECALL)
def lists() -> ResponseReturnValue:
    """The recalls that somebody is to be phoned about."""
    with unit_of_work() as session:
        listed = recalls_of_region(session, current_identity(), only_told=True)
        return render_template("service/recalls/lists.html", listed=listed, conclusion=conclusion)


@blueprint.get("/recall-calls/<string:recall_no>")
@requires(Permission.PHONE_ABOUT_RECALL)
def show(recall_no: str) -> ResponseReturnValue:
    """Those who have not answered, never phoned first."""
    return _list(recall_no, 0, None, 200)


def _list(recall_no: str, recipient_id: int, form: CallForm | None, status: int) -> ResponseReturnValue:
    with unit_of_work() as session:
        found = phone_list(session, current_identity(), recall_no.replace("\x00", ""))
        forms = {
            one.recipient_id: _numbered(
                form if form is not None and one.recipient_id == recipient_id else CallForm(formdata=None),
                one.recipient_id,
            )
            for one in found.people
        }
        html = render_template(
            "service/recalls/list.html",
            found=found,
            forms=forms,
            may_recall=may(Permission.RECALL),
        )
        return html, status


def _numbered(form: CallForm, recipient_id: int) -> CallForm:
    # Several stand on one page: each has ids of its own.
    for field in form:
        field.id = f"{field.id}-{recipient_id}"
    return form


@blueprint.post("/recall-calls/<string:recall_no>/<int(max=9223372036854775807):recipient_id>")
@requires(Permission.PHONE_ABOUT_RECALL)
def note(recall_no: str, recipient_id: int) -> ResponseReturnValue:
    """Note that somebody answered and knows now, or that nobody did."""
    form: Any = CallForm()
    if not form.validate_on_submit():
        return _list(recall_no, recipient_id, form, 422)
    has_answered = form.outcome.data == "answered"
    try:
        with unit_of_work() as session:
            note_call(
                session,
                current_identity(),
                recall_no.replace("\x00", ""),
                recipient_id,
                has_answered=has_answered,
                note=form.note.data or "",
            )
    except NoteTooShort:
        form.note.errors = [_("Write who answered and what they said.")]
        return _list(recall_no, recipient_id, form, 422)
    flash(_("Noted. They know.") if has_answered else _("Noted. They stay on the list."), "success")
    return redirect(url_for("recall_calls.show", recall_no=recall_no), 303)
