"""What a patient is told of a recall, and the one click that says that they know."""

from portal.patient.recalls.views import blueprint

__all__ = ["blueprint"]
