"""The prescriber's pages: what needs the unit, its patients and their products, prescribing."""

from portal.prescriber import patient, prescribing, renewals, views
from portal.prescriber.blueprint import blueprint

__all__ = ["blueprint", "patient", "prescribing", "renewals", "views"]
