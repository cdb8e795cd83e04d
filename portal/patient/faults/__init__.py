"""Reporting a product that failed, and following the case."""

from portal.patient.faults.views import blueprint

__all__ = ["blueprint"]
