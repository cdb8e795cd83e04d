"""Supplier claims: packs, answers, credit notes."""

from portal.consultant.claims.views import blueprint

__all__ = ["blueprint"]
