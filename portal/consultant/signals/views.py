"""Lots whose rate of fault reports stands out, and one lot with everything that tells whether it is to be called back."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from auth.permissions import Permission
from delivery.complaints.signal_models import SignalStatus
from delivery.complaints.signal_queries import flagged_lots, lot_story
from delivery.complaints.signals import NoteMissing, SignalSettled, dismiss_signal
from portal.complaint_words import FAULTS, STATES
from portal.consultant.signals import words
from portal.consultant.signals.forms import DismissForm
from portal.parked_forms import take_parked_form
from portal.security import current_identity, requires, unit_of_work

blueprint = Blueprint("signals", __name__)


@blueprint.get("/signals")
@requires(Permission.SEE_SIGNALS)
def board() -> ResponseReturnValue:
    """The lots that stand out, the least likely first."""
    with unit_of_work() as session:
        return render_template(
            "consultant/signals/board.html", flagged=flagged_lots(session, current_identity()), say=words
        )


@blueprint.get("/signals/lots/<int:lot_id>")
@requires(Permission.SEE_SIGNALS)
def lot(lot_id: int) -> ResponseReturnValue:
    """One lot, flagged or not."""
    return _show_lot(lot_id, DismissForm(formdata=take_parked_form(request.path)))


def _show_lot(lot_id: int, form: DismissForm) -> str:
    with unit_of_work() as session:
        story = lot_story(session, current_identity(), lot_id)
        return render_template(
            "consultant/signals/lot.html",
            story=story,
            form=form,
            say=words,
            faults=FAULTS,
            states=STATES,
            statuses={SignalStatus.DISMISSED: _("Put aside"), SignalStatus.RECALLED: _("Called back")},
        )


@blueprint.post("/signals/lots/<int:lot_id>/dismiss")
@requires(Permission.SEE_SIGNALS)
def dismiss(lot_id: int) -> ResponseReturnValue:
    """Put a flagged lot aside, with the reason."""
    form = DismissForm()
    if not form.validate_on_submit():
        return _show_lot(lot_id, form), 422
    try:
        with unit_of_work() as session:
            dismiss_signal(session, current_identity(), lot_id, form.note.data or "")
        flash(_("Put aside. It comes back if clearly more reports come in."), "success")
    except NoteMissing:
        form.note.errors = [_("Write why, so that your colleagues know.")]
        return _show_lot(lot_id, form), 422
    except SignalSettled as settled:
        flash(
            _("The lot has been called back. Nothing was changed now.")
            if settled.status is SignalStatus.RECALLED
            else _("A colleague has put the lot aside already. Nothing was changed now."),
            "attention",
        )
    return redirect(url_for("signals.board"), 303)
