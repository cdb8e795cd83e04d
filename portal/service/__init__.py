"""Customer service's pages: where is the caller's parcel."""

from portal.service.views import blueprint

__all__ = ["blueprint"]
