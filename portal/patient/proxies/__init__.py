"""My proxies: appointing, answering and ending."""

from portal.patient.proxies.views import blueprint

__all__ = ["blueprint"]
