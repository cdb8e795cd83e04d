"""Serious incidents: the assessment, the clocks, the documents, the year."""

from portal.consultant.incidents import documents as documents, years as years
from portal.consultant.incidents.views import blueprint

__all__ = ["blueprint"]
