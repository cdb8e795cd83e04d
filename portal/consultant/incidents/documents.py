"""Writing the report and the letter, reading a version, and noting that it was sent."""

from __future__ import annotations

from dataclasses import asdict

from flask import Response, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import force_locale, gettext as _

from auth.permissions import Permission
from core.idempotency import new_key
from delivery.complaints import incident_words
from delivery.complaints.incident_errors import AlreadySent, NamesSomebody, NewerVersion, NotSerious, TimeOutOfRange
from delivery.complaints.incident_facts import LANGUAGES, TOLD
from delivery.complaints.incident_models import DocumentKind
from delivery.complaints.incident_queries import draft_document, open_document, read_document
from delivery.complaints.incident_writing import WriteDocument, write_document
from delivery.complaints.incidents import MarkSent, mark_sent
from portal.consultant.incidents import words
from portal.consultant.incidents.forms import SentForm, WriteForm
from portal.consultant.incidents.views import blueprint, out_of_range
from portal.formats import instant as instant_words
from portal.incident_papers import CasePapers
from portal.security import current_identity, requires, unit_of_work


@blueprint.get("/complaints/<string:case_no>/incident/report")
@requires(Permission.ASSESS_INCIDENT)
def edit_report(case_no: str) -> ResponseReturnValue:
    """What the report to Läkemedelsverket says, before it is written."""
    return _edit(case_no, DocumentKind.AUTHORITY_REPORT, None)


@blueprint.get("/complaints/<string:case_no>/incident/letter")
@requires(Permission.ASSESS_INCIDENT)
def edit_letter(case_no: str) -> ResponseReturnValue:
    """What the letter to the manufacturer says, before it is written."""
    return _edit(case_no, DocumentKind.MANUFACTURER_LETTER, None)


@blueprint.post("/complaints/<string:case_no>/incident/report")
@requires(Permission.ASSESS_INCIDENT)
def write_report(case_no: str) -> ResponseReturnValue:
    """Write a version of the report."""
    return _write(case_no, DocumentKind.AUTHORITY_REPORT)


@blueprint.post("/complaints/<string:case_no>/incident/letter")
@requires(Permission.ASSESS_INCIDENT)
def write_letter(case_no: str) -> ResponseReturnValue:
    """Write a version of the letter."""
    return _write(case_no, DocumentKind.MANUFACTURER_LETTER)


def _edit(case_no: str, kind: DocumentKind, form: WriteForm | None) -> str:
    with unit_of_work() as session:
        draft = draft_document(session, current_identity(), case_no, kind)
        return render_template(
            "consultant/incidents/write.html",
            draft=draft,
            form=form or WriteForm(formdata=None, data=asdict(draft.texts)),
            kind=kind,
            title=incident_words.kinds(_)[kind],
            severity=incident_words.severities(_)[draft.incident.severity],
            action=url_for(f"incidents.{_WRITE[kind]}", case_no=case_no),
            key=request.form.get("idempotency_key") or new_key(),
        )


_WRITE = {DocumentKind.AUTHORITY_REPORT: "write_report", DocumentKind.MANUFACTURER_LETTER: "write_letter"}


def _write(case_no: str, kind: DocumentKind) -> ResponseReturnValue:
    form = WriteForm()
    if form.validate():
        command = WriteDocument(case_no, kind, form.texts, request.form.get("idempotency_key") or new_key())
        language = command.texts.language if command.texts.language in LANGUAGES else "sv"
        try:
            # The answers' words are the document's, not the reader's.
            with unit_of_work() as session, force_locale(language):
                document = write_document(session, current_identity(), command, CasePapers())
            flash(_("Version %(number)s is written. Read it, then send it.", number=document.version), "success")
            return redirect(url_for("incidents.document", case_no=case_no, document_id=document.id), 303)
        except NamesSomebody as problem:
            for name, found in problem.found.items():
                form[name].errors = [_named(name, found)]
        except NotSerious:
            flash(_("The case is not assessed as a serious incident, so there is nothing to report."), "attention")
            return redirect(url_for("incidents.show", case_no=case_no), 303)
    return _edit(case_no, kind, form), 422


def _named(field: str, found: tuple[str, ...]) -> str:
    quoted = ", ".join(f"”{word}”" for word in found[:3])
    if field in TOLD:
        return _("This says who somebody is: %(words)s. Write “the patient” instead.", words=quoted)
    return _("This is a number of the patient's or the reporter's: %(words)s. Write your own.", words=quoted)


@blueprint.get("/complaints/<string:case_no>/incident/documents/<int:document_id>")
@requires(Permission.ASSESS_INCIDENT)
def document(case_no: str, document_id: int) -> ResponseReturnValue:
    """One version: what it says, and whether it was sent."""
    return _document(case_no, document_id, None)


def _document(case_no: str, document_id: int, form: SentForm | None) -> str:
    with unit_of_work() as session:
        opened = open_document(session, current_identity(), case_no, document_id)
        kind = opened.document.kind
        return render_template(
            "consultant/incidents/document.html",
            opened=opened,
            document=opened.document,
            texts=opened.document.facts["texts"],
            form=form or SentForm(formdata=None, data={"sent_to": opened.receiver}),
            title=incident_words.kinds(_)[kind],
            is_letter=kind is DocumentKind.MANUFACTURER_LETTER,
            edit_url=url_for(f"incidents.{_WRITE[kind].replace('write', 'edit')}", case_no=case_no),
            days=opened.document.facts["manufacturer_days"],
            key=request.form.get("idempotency_key") or new_key(),
            words=words,
        )


@blueprint.post("/complaints/<string:case_no>/incident/documents/<int:document_id>")
@requires(Permission.ASSESS_INCIDENT)
def send(case_no: str, document_id: int) -> ResponseReturnValue:
    """Note that a version was sent."""
    form = SentForm()
    if form.validate():
        command = MarkSent(
            case_no,
            document_id,
            form.sent_to.data or "",
            request.form.get("idempotency_key") or new_key(),
            form.sent_at.data,
            form.reference.data or "",
        )
        try:
            with unit_of_work() as session:
                sent = mark_sent(session, current_identity(), command)
            flash(_said_sent(sent.kind), "success")
            return redirect(url_for("incidents.show", case_no=case_no), 303)
        except TimeOutOfRange as problem:
            form.sent_at.errors = [out_of_range(problem)]
        except AlreadySent as problem:
            facts = {"when": instant_words(problem.sent_at), "receiver": problem.sent_to}
            flash(_("It was sent %(when)s to %(receiver)s. Nothing was changed now.", **facts), "attention")
            return redirect(url_for("incidents.show", case_no=case_no), 303)
        except NewerVersion as problem:
            flash(_("There is a newer version, number %(number)s. Send that one.", number=problem.version), "attention")
            return redirect(url_for("incidents.show", case_no=case_no), 303)
        except NotSerious:
            flash(_("The case is not assessed as a serious incident, so there is nothing to report."), "attention")
            return redirect(url_for("incidents.show", case_no=case_no), 303)
    return _document(case_no, document_id, form), 422


def _said_sent(kind: DocumentKind) -> str:
    if kind is DocumentKind.MANUFACTURER_LETTER:
        return _("The letter is noted as sent. The manufacturer's clock runs from then.")
    return _("The report is noted as sent.")


@blueprint.get("/complaints/<string:case_no>/incident/documents/<int:document_id>/file")
@requires(Permission.ASSESS_INCIDENT)
def file(case_no: str, document_id: int) -> Response:
    """A version as PDF."""
    with unit_of_work() as session:
        found, content = read_document(session, current_identity(), case_no, document_id)
        name = f"{found.kind.value.lower().replace('_', '-')}-{case_no}-{found.version}.pdf"
    return Response(
        content,
        mimetype="application/pdf",
        headers={"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"},
    )
