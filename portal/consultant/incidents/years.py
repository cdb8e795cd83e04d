"""The yearly compilation for Läkemedelsverket: a page, a PDF and a table."""

from __future__ import annotations

from flask import Response, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from auth.permissions import Permission
from core.errors import NotFound
from delivery.complaints import incident_words
from delivery.complaints.incident_models import Severity
from delivery.complaints.incident_year_paper import year_document, year_table
from delivery.complaints.incident_years import FIRST_YEAR, YearCompilation, year_compilation
from portal.consultant.incidents.views import blueprint
from portal.csv_download import csv_download
from portal.document_fonts import document_fonts, document_words
from portal.security import current_identity, requires, unit_of_work


@blueprint.get("/incidents/years/<int:year>")
@requires(Permission.ASSESS_INCIDENT)
def year(year: int) -> ResponseReturnValue:
    """A year's serious incidents per supplier and article."""
    found = _compilation(year, download=False)
    return render_template(
        "consultant/incidents/year.html",
        found=found,
        severities=incident_words.severities(_),
        order=list(Severity),
        before=url_for("incidents.year", year=year - 1) if year > FIRST_YEAR else "",
        after=url_for("incidents.year", year=year + 1) if found.is_over else "",
    )


@blueprint.get("/incidents/years/<int:year>/file")
@requires(Permission.ASSESS_INCIDENT)
def year_file(year: int) -> Response:
    """The compilation as PDF, in Swedish."""
    found = _compilation(year, download=True)
    return Response(
        year_document(found, document_fonts(), document_words("sv"), "sv"),
        mimetype="application/pdf",
        headers={
            "Content-Disposition": f'attachment; filename="incidents-{year}.pdf"',
            "Cache-Control": "no-store",
        },
    )


@blueprint.get("/incidents/years/<int:year>/table")
@requires(Permission.ASSESS_INCIDENT)
def year_table_file(year: int) -> Response:
    """The counts as a table, in Swedish."""
    return csv_download(f"incidents-{year}.csv", year_table(_compilation(year, download=True), document_words("sv")))


def _compilation(year: int, *, download: bool) -> YearCompilation:
    with unit_of_work() as session:
        found = year_compilation(session, current_identity(), year, download=download)
        if found is None:
            raise NotFound
    return found
