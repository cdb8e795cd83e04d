"""Serious incidents: the clocks that run, the checklist of a case, and what follows from it."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from auth.permissions import Permission
from core.idempotency import new_key
from delivery.complaints import incident_words
from delivery.complaints.incident_errors import AnswersMissing, NotNotified, TimeOutOfRange
from delivery.complaints.incident_models import DocumentKind
from delivery.complaints.incident_queries import incidents_overview, open_incident
from delivery.complaints.incident_rules import Answer, Answers, Question, judge
from delivery.complaints.incidents import (
    AssessIncident,
    assess as assess_incident,
    note_manufacturers_answer,
    note_reference,
)
from portal.complaint_words import FAULTS
from portal.consultant.incidents import words
from portal.consultant.incidents.forms import AnsweredForm, ChecklistForm, ReferenceForm, checklist_form
from portal.formats import instant as instant_words
from portal.security import current_identity, requires, unit_of_work

blueprint = Blueprint("incidents", __name__)


@blueprint.get("/incidents")
@requires(Permission.ASSESS_INCIDENT)
def overview() -> ResponseReturnValue:
    """Every incident of the region with a clock that runs, and the red flags that nobody has assessed."""
    page = request.args.get("page", 1, type=int)
    with unit_of_work() as session:
        return render_template(
            "consultant/incidents/overview.html",
            found=incidents_overview(session, current_identity(), page=min(max(1, page), 10_000)),
            severities=incident_words.severities(_),
            faults=FAULTS,
            words=words,
            page_url=lambda number: url_for("incidents.overview", page=number),
        )


@blueprint.get("/complaints/<string:case_no>/incident")
@requires(Permission.ASSESS_INCIDENT)
def show(case_no: str) -> ResponseReturnValue:
    """One case as an incident."""
    return _page(case_no)


def _page(
    case_no: str,
    checklist: ChecklistForm | None = None,
    answered: AnsweredForm | None = None,
    noted: ReferenceForm | None = None,
) -> str:
    with unit_of_work() as session:
        opened = open_incident(session, current_identity(), case_no)
        incident = opened.incident
        reference = incident.authority_ref if incident else ""
        return render_template(
            "consultant/incidents/incident.html",
            opened=opened,
            checklist=checklist or checklist_form(formdata=None, data=incident.checklist if incident else None),
            answered=answered or AnsweredForm(formdata=None),
            noted=noted or ReferenceForm(formdata=None, data={"reference": reference}),
            key=request.form.get("idempotency_key") or new_key(),
            questions=incident_words.questions(_),
            order=list(Question),
            severities=incident_words.severities(_),
            kinds=incident_words.kinds(_),
            write_urls={
                DocumentKind.AUTHORITY_REPORT: url_for("incidents.edit_report", case_no=case_no),
                DocumentKind.MANUFACTURER_LETTER: url_for("incidents.edit_letter", case_no=case_no),
            },
            clocks=[words.clock_line(clock, opened.instant) for clock in opened.clocks],
            because=judge(_answers(incident.checklist)).because if incident else (),
            answers=incident_words.answers(_),
            faults=FAULTS,
            words=words,
        )


def _answers(checklist: dict[str, str]) -> Answers:
    return {Question(question): Answer(answer) for question, answer in checklist.items()}


@blueprint.post("/complaints/<string:case_no>/incident")
@requires(Permission.ASSESS_INCIDENT)
def assess(case_no: str) -> ResponseReturnValue:
    """Judge the case by the checklist."""
    form = checklist_form()
    key = request.form.get("idempotency_key") or new_key()
    if form.validate():
        try:
            with unit_of_work() as session:
                incident = assess_incident(session, current_identity(), AssessIncident(case_no, form.answers, key))
                verdict = incident_words.severities(_)[incident.severity]
            flash(_("Assessed: %(verdict)s.", verdict=verdict), "success")
            return redirect(url_for("incidents.show", case_no=case_no), 303)
        except AnswersMissing as missing:
            for question in missing.questions:
                form[question.value].errors = [_("Choose an answer, “Not known yet” if you do not know.")]
    return _page(case_no, checklist=form), 422


@blueprint.post("/complaints/<string:case_no>/incident/answer")
@requires(Permission.ASSESS_INCIDENT)
def answer(case_no: str) -> ResponseReturnValue:
    """Note that the manufacturer has reported and answered."""
    form = AnsweredForm()
    if form.validate():
        try:
            with unit_of_work() as session:
                note_manufacturers_answer(
                    session, current_identity(), case_no, form.text.data or "", form.answered_at.data
                )
            flash(_("The manufacturer's clock has stopped."), "success")
            return redirect(url_for("incidents.show", case_no=case_no), 303)
        except TimeOutOfRange as problem:
            form.answered_at.errors = [out_of_range(problem)]
        except NotNotified:
            form.text.errors = [_("Note that the letter was sent first.")]
    return _page(case_no, answered=form), 422


@blueprint.post("/complaints/<string:case_no>/incident/reference")
@requires(Permission.ASSESS_INCIDENT)
def reference(case_no: str) -> ResponseReturnValue:
    """Keep Läkemedelsverket's number."""
    form = ReferenceForm()
    if form.validate():
        with unit_of_work() as session:
            note_reference(session, current_identity(), case_no, form.reference.data or "")
        flash(_("The number is kept."), "success")
        return redirect(url_for("incidents.show", case_no=case_no), 303)
    return _page(case_no, noted=form), 422


def out_of_range(problem: TimeOutOfRange) -> str:
    """Say between which instants something can have happened."""
    return _("Choose a time after %(earliest)s and not in the future.", earliest=instant_words(problem.earliest))
