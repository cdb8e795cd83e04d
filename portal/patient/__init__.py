"""The patient's pages: products, ordering, orders and the inbox."""

# Its routes are on the blueprint of `views`.
from portal.patient import ordering as ordering
from portal.patient.views import blueprint

__all__ = ["blueprint", "ordering"]
