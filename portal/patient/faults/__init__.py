"""Reporting a product that failed, and following the case."""

from portal.patient.faults import choosing, following, views
from portal.patient.faults.blueprint import blueprint

__all__ = ["blueprint", "choosing", "following", "views"]
