"""From a case to its supplier: may it be claimed, for how much, and what became of it."""

from __future__ import annotations

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from auth.permissions import Permission
from delivery.complaints.claim_errors import ClaimRefused
from delivery.complaints.claim_queries import case_claim
from delivery.complaints.claim_rules import ClaimProblem
from delivery.complaints.claims import claim_case
from portal.complaint_words import FAULTS, STATES
from portal.consultant.claims import words
from portal.consultant.claims.blueprint import blueprint
from portal.consultant.claims.forms import ThrownForm
from portal.formats import grouped
from portal.security import current_identity, requires, unit_of_work


@blueprint.get("/complaints/<string:case_no>/claim")
@requires(Permission.CLAIM)
def of_case(case_no: str) -> ResponseReturnValue:
    """Show what the case is worth and where it stands with the supplier."""
    return _page(case_no, ThrownForm(formdata=None))


@blueprint.post("/complaints/<string:case_no>/claim")
@requires(Permission.CLAIM)
def add(case_no: str) -> ResponseReturnValue:
    """Put the case into the open claim of its supplier."""
    form = ThrownForm()
    try:
        with unit_of_work() as session:
            pack = claim_case(
                session, current_identity(), case_no, even_if_thrown=form.validate() and bool(form.even_if_thrown.data)
            )
            claim_no, supplier = pack.claim_no, pack.supplier.name
    except ClaimRefused as refused:
        if refused.problem is ClaimProblem.THROWN_AWAY:
            form.even_if_thrown.errors = [words.refusal_words(refused)]
            return _page(case_no, form), 422
        flash(words.refusal_words(refused), "attention")
        return redirect(url_for("claims.of_case", case_no=case_no), 303)
    flash(_("The case is in claim %(number)s to %(supplier)s.", number=grouped(claim_no), supplier=supplier), "success")
    if request.form.get("then") == "claim":
        return redirect(url_for("claims.pack", claim_no=claim_no), 303)
    return redirect(url_for("consultant.case", case_no=case_no), 303)


def _page(case_no: str, form: ThrownForm) -> str:
    with unit_of_work() as session:
        found = case_claim(session, current_identity(), case_no)
        return render_template(
            "consultant/claims/from_case.html",
            found=found,
            complaint=found.complaint,
            is_thrown=found.problem is ClaimProblem.THROWN_AWAY,
            problem=words.problem_words(found.problem, found.history[0].pack.claim_no if found.history else "")
            if found.problem
            else "",
            form=form,
            faults=FAULTS,
            states=STATES,
            words=words,
            money=words.money,
        )
