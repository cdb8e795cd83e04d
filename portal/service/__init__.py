"""Customer service's own page: whom a call is about. From there on they are on the patient's pages."""

from portal.service.views import blueprint

__all__ = ["blueprint"]
