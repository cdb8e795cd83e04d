"""The depot's pages: the day, picking by hand-held, packing and papers, parcels and stock."""

from portal.depot import parcels, picking, views, warehouse
from portal.depot.blueprint import blueprint

__all__ = ["blueprint", "parcels", "picking", "views", "warehouse"]
