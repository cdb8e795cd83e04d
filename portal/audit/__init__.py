"""The auditor's page: who looked at or acted on what, when and why."""

from portal.audit.views import blueprint

__all__ = ["blueprint"]
