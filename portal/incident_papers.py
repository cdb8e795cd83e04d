"""The documents of serious incidents with the portal's typefaces and translations, for pages, jobs and the demo alike."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from delivery.complaints.incident_papers import case_document
from delivery.complaints.models import FaultReport
from portal.document_fonts import document_fonts, document_words
from portal.question_words import answer_lines


class CasePapers:
    """Makes what `delivery.complaints.incident_writing` keeps; the caller has set the language of the answers' words."""

    def answers(self, report: FaultReport) -> list[tuple[str, str]]:
        """Return the answers to the questions that fit the product, in words."""
        return answer_lines(report)

    def pdf(self, facts: dict[str, Any], version: int, written_at: datetime) -> bytes:
        """Return the document."""
        return case_document(facts, version, written_at, document_fonts(), document_words(facts["language"]))
