"""What a unit orders for its own store."""

from portal.prescriber.store.views import blueprint as blueprint
