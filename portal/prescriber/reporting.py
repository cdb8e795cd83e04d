"""Reporting a fault for a patient of the unit: opens the patient's fault pages, and closes them again."""

from __future__ import annotations

from flask import flash, redirect, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from auth.permissions import Permission
from orders.care_visits import close_visit, open_visit
from portal.care_visits import keep_visit, take_visit
from portal.prescriber.blueprint import blueprint
from portal.security import current_identity, requires, unit_of_work


@blueprint.post("/prescriber/patients/<int:person_id>/fault-reports")
@requires(Permission.SEE_UNIT_PATIENTS)
def open_reporting(person_id: int) -> ResponseReturnValue:
    """Open the patient's fault pages, for an hour at most."""
    with unit_of_work() as session:
        visit = open_visit(session, current_identity(), person_id, _("Reports a fault for the patient"))
    keep_visit(visit)
    return redirect(url_for("faults.choose"), 303)


@blueprint.post("/prescriber/fault-reports/end")
@requires(Permission.SEE_UNIT_PATIENTS)
def close_reporting() -> ResponseReturnValue:
    """Close the patient's fault pages; doing it twice changes nothing."""
    visit = take_visit()
    if visit is None:
        return redirect(url_for("prescriber.patients"), 303)
    with unit_of_work() as session:
        close_visit(session, current_identity(), visit)
    flash(_("The patient's fault pages are closed."), "success")
    return redirect(url_for("prescriber.patient", person_id=visit.person_id), 303)
