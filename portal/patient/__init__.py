"""The patient's pages: products, ordering, orders and the inbox."""

from portal.patient.views import blueprint

__all__ = ["blueprint"]
