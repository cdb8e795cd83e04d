"""Recalls and safety notices: open, tell, phone, follow, close."""

from portal.consultant.recalls import papers
from portal.consultant.recalls.views import blueprint

__all__ = ["blueprint", "papers"]
