"""The papers of a recall: the letters, and the effectiveness report as a document and as a table."""

from __future__ import annotations

from flask import Response, flash, redirect, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _, ngettext

from auth.permissions import Permission
from core.errors import DomainError, NotFound, NotPermitted
from core.policy import policy_of
from delivery.complaints.recall_letters import letters_pdf, prepare_letters
from delivery.complaints.recall_report import recall_report, report_pdf, report_rows
from delivery.complaints.recall_telling import note_letters_posted
from delivery.documents import Address
from orders.policy import CustomerServicePolicy
from portal.consultant.recalls.views import blueprint, number_of
from portal.csv_download import csv_download
from portal.document_fonts import document_fonts, document_words
from portal.recall_words import WHAT_TO_DO, problem_words, reading_language
from portal.security import current_identity, require_signed_in, requires, unit_of_work


@blueprint.get("/recalls/<string:recall_no>/letters")
@requires(Permission.RECALL)
def letters(recall_no: str) -> ResponseReturnValue:
    """Make all letters as one PDF, each in its receiver's language."""
    user = require_signed_in()
    assert user.commission is not None
    unit = user.commission.unit
    sender = Address(unit.name, unit.street, unit.postal_code, unit.city)
    phone = policy_of(unit.region).section(CustomerServicePolicy).phone
    try:
        with unit_of_work() as session:
            found = prepare_letters(session, user.identity, number_of(recall_no), sender, phone)
            if not found.letters:
                flash(_("No letter is waiting to be posted."), "info")
                return redirect(url_for("recalls.show", recall_no=recall_no), 303)
            pdf = letters_pdf(found, document_fonts(), document_words)
    except (NotFound, NotPermitted):
        raise
    except DomainError as problem:
        flash(problem_words(problem), "attention")
        return redirect(url_for("recalls.show", recall_no=recall_no), 303)
    return _pdf(pdf, f"letters-{recall_no}.pdf")


@blueprint.post("/recalls/<string:recall_no>/letters-posted")
@requires(Permission.RECALL)
def letters_posted(recall_no: str) -> ResponseReturnValue:
    """Note that the letters are in the post."""
    try:
        with unit_of_work() as session:
            count = note_letters_posted(session, current_identity(), number_of(recall_no))
        flash(
            ngettext("%(num)s letter is noted as posted.", "%(num)s letters are noted as posted.", count)
            if count
            else _("No letter is waiting to be posted."),
            "success",
        )
    except (NotFound, NotPermitted):
        raise
    except DomainError as problem:
        flash(problem_words(problem), "attention")
    return redirect(url_for("recalls.show", recall_no=recall_no), 303)


@blueprint.get("/recalls/<string:recall_no>/report")
@requires(Permission.RECALL)
def report(recall_no: str) -> ResponseReturnValue:
    """Make the effectiveness report, without names."""
    language = reading_language()
    with unit_of_work() as session:
        made = recall_report(session, current_identity(), number_of(recall_no))
        what = str(WHAT_TO_DO[made.page.recall.what_to_do])
        pdf = report_pdf(made, document_fonts(), language, what, document_words(language))
    return _pdf(pdf, f"recall-{recall_no}.pdf")


@blueprint.get("/recalls/<string:recall_no>/report.csv")
@requires(Permission.RECALL)
def report_table(recall_no: str) -> ResponseReturnValue:
    """Give the report's receivers as a table, without names."""
    with unit_of_work() as session:
        made = recall_report(session, current_identity(), number_of(recall_no))
        return csv_download(f"recall-{recall_no}.csv", report_rows(made))


def _pdf(content: bytes, name: str) -> Response:
    return Response(
        content,
        mimetype="application/pdf",
        headers={"Content-Disposition": f'inline; filename="{name}"', "Cache-Control": "no-store"},
    )
