"""The suppliers' monthly files of what they exchanged directly."""

from portal.consultant.exchanges.views import blueprint

__all__ = ["blueprint"]
