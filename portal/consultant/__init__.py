"""The product consultant's pages: the board of cases, and the case to decide."""

from portal.consultant import bulk, deciding, handling, views
from portal.consultant.blueprint import blueprint

__all__ = ["blueprint", "bulk", "deciding", "handling", "views"]
