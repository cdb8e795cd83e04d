"""Fault reports in figures, and the files to take along."""

from portal.consultant.statistics.views import blueprint

__all__ = ["blueprint"]
