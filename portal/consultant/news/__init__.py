"""News that goes out to prescribers and patients."""

from portal.consultant.news.views import blueprint

__all__ = ["blueprint"]
