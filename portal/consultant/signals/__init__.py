"""Lots whose rate of fault reports stands out."""

from portal.consultant.signals.views import blueprint

__all__ = ["blueprint"]
