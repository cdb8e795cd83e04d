"""The product consultant's pages: the board of cases, and the case to decide."""

from portal.consultant.views import blueprint

__all__ = ["blueprint"]
