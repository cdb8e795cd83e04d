"""The page of a recall that somebody has something of."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from auth.permissions import Permission
from delivery.complaints.recall_answers import acknowledge
from delivery.complaints.recall_models import WhatToDo
from delivery.complaints.recall_readers import own_recall
from portal.recall_words import reading_language, short_text
from portal.security import current_identity, require_signed_in, requires, unit_of_work

blueprint = Blueprint("own_recalls", __name__)


@blueprint.get("/my-products/recalls/<string:recall_no>")
@requires(Permission.ANSWER_RECALL)
def show(recall_no: str) -> ResponseReturnValue:
    """Say what is called back and what to do."""
    user = require_signed_in()
    with unit_of_work() as session:
        found = own_recall(session, user.identity, recall_no.replace("\x00", ""))
        recall = found.recall
        is_english = reading_language() == "en" and recall.text_en
        return render_template(
            "patient/recalls/recall.html",
            found=found,
            text=recall.text_en if is_english else recall.text_sv,
            text_language="en" if is_english else "sv",
            what=short_text(recall.what_to_do),
            is_to_return=recall.what_to_do is WhatToDo.STOP_AND_RETURN,
            is_in_call=user.is_in_call,
        )


@blueprint.post("/my-products/recalls/<string:recall_no>")
@requires(Permission.ANSWER_RECALL)
def read(recall_no: str) -> ResponseReturnValue:
    """Note that they know; again changes nothing."""
    with unit_of_work() as session:
        acknowledge(session, current_identity(), recall_no.replace("\x00", ""))
    flash(_("Thank you. Now we know that you know."), "success")
    return redirect(url_for("own_recalls.show", recall_no=recall_no), 303)
