"""A claim's files for the supplier, and the label of a returned product."""

from __future__ import annotations

from flask import Response
from flask.typing import ResponseReturnValue

from auth.permissions import Permission
from delivery.complaints.claim_document import MOST_PHOTO_BYTES_PRINTED
from delivery.complaints.claim_papers import papers_to_print
from delivery.complaints.return_label import label_of_case, return_label as label_pdf
from portal.claim_mail import LANGUAGE, answers_in_words, claim_pdf, claim_table, file_name
from portal.consultant.claims.blueprint import blueprint
from portal.csv_download import csv_download
from portal.document_fonts import document_fonts, document_words
from portal.security import current_identity, requires, unit_of_work


@blueprint.get("/claims/<string:claim_no>/document")
@requires(Permission.CLAIM)
def document(claim_no: str) -> ResponseReturnValue:
    """The claim as a PDF with photos."""
    with unit_of_work() as session:
        papers = papers_to_print(session, current_identity(), claim_no, answers_in_words)
        pdf = claim_pdf(session, papers, MOST_PHOTO_BYTES_PRINTED)
    return _pdf(pdf, file_name(papers.claim_no, "pdf"))


@blueprint.get("/claims/<string:claim_no>/table")
@requires(Permission.CLAIM)
def table(claim_no: str) -> ResponseReturnValue:
    """The claim as a table."""
    with unit_of_work() as session:
        papers = papers_to_print(session, current_identity(), claim_no, answers_in_words)
    return csv_download(file_name(papers.claim_no, "csv"), claim_table(papers))


@blueprint.get("/complaints/<string:case_no>/return-label")
@requires(Permission.CLAIM)
def return_label(case_no: str) -> ResponseReturnValue:
    """The label that goes on a returned product."""
    with unit_of_work() as session:
        label = label_of_case(session, current_identity(), case_no)
    return _pdf(label_pdf(label, document_fonts(), document_words(LANGUAGE)), f"retur-{label.case_no}.pdf")


def _pdf(content: bytes, name: str) -> Response:
    return Response(
        content,
        mimetype="application/pdf",
        headers={"Content-Disposition": f'inline; filename="{name}"', "Cache-Control": "no-store"},
    )
