"""The prescriber's pages: what needs the unit, its patients and their products, prescribing."""

from portal.prescriber import news, patient, prescribing, recalls, renewals, reporting, views
from portal.prescriber.blueprint import blueprint

__all__ = ["blueprint", "news", "patient", "prescribing", "recalls", "renewals", "reporting", "views"]
