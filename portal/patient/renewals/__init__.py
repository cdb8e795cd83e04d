"""Asking one's unit to renew a prescription."""

from portal.patient.renewals.views import blueprint

__all__ = ["blueprint"]
