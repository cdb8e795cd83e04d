"""Who did what the access log tells of, as its auditor reads it."""

from __future__ import annotations

from flask_babel import gettext as _

from core.audit import AccessLogEntry, ActorKind


def who_words(entry: AccessLogEntry) -> str:
    """Say who it was: staff by name, patients and relatives never."""
    if entry.actor_kind == ActorKind.STAFF.value:
        return entry.actor_label
    if entry.actor_kind == ActorKind.PERSON.value:
        return _("Patient or relative")
    return _("The system")
