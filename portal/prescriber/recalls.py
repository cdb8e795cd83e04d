"""What is called back and concerns the unit: its own store, which it answers for."""

from __future__ import annotations

from flask import flash, redirect, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from auth.permissions import Permission
from delivery.complaints.recall_answers import acknowledge_for_unit
from portal.prescriber.blueprint import blueprint
from portal.security import current_identity, requires, unit_of_work


@blueprint.post("/prescriber/recalls/<string:recall_no>/store")
@requires(Permission.SEE_STORE)
def store_seen_to(recall_no: str) -> ResponseReturnValue:
    """Note that the unit has seen to its own store."""
    with unit_of_work() as session:
        acknowledge_for_unit(session, current_identity(), recall_no.replace("\x00", ""))
    flash(_("Noted: your store is seen to."), "success")
    return redirect(url_for("prescriber.start"), 303)
