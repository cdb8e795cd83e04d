"""Supplier claims: packs, answers, credit notes."""

from portal.consultant.claims import acts, answers, credit_pages, from_case, papers, views
from portal.consultant.claims.blueprint import blueprint

__all__ = ["acts", "answers", "blueprint", "credit_pages", "from_case", "papers", "views"]
