"""News about products that somebody uses."""

from portal.patient.news.views import blueprint

__all__ = ["blueprint"]
