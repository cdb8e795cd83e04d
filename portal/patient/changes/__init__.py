"""Changing an order that nobody has begun to pick."""

from portal.patient.changes.views import blueprint

__all__ = ["blueprint"]
