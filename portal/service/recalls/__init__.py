"""Phoning those who have not answered about a recall; consultants and customer service."""

from portal.service.recalls.views import blueprint

__all__ = ["blueprint"]
