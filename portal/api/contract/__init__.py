"""The national contract over SOAP: what 1177's pages, and other portals, ask of this program. Handbook §13."""

from portal.api.contract.views import blueprint

__all__ = ["blueprint"]
