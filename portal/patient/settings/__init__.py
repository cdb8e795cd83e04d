"""Settings: how to be told of messages, what to be reminded of, and the language."""

from portal.patient.settings.views import blueprint

__all__ = ["blueprint"]
