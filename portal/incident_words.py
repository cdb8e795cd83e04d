"""What a case's timeline tells of serious incidents, in the reader's language."""

from __future__ import annotations

from flask_babel import gettext as _

from delivery.complaints import incident_words
from delivery.complaints.incident_models import DocumentKind, Severity
from delivery.complaints.models import ComplaintEvent, ComplaintEventKind


def incident_event_words(event: ComplaintEvent) -> str:
    """Say what an event's text means: severities and documents are kept as codes; any other event's text is as it stands."""
    match event.kind:
        case ComplaintEventKind.INCIDENT_ASSESSED:
            return incident_words.severities(_)[Severity(event.text)]
        case ComplaintEventKind.DOCUMENT_WRITTEN if ":" in event.text:
            kind, version = event.text.split(":", 1)
            return _(
                "%(document)s, version %(number)s", document=incident_words.kinds(_)[DocumentKind(kind)], number=version
            )
        case ComplaintEventKind.DOCUMENT_SENT if event.text.count(":") >= 2:
            kind, version, receiver = event.text.split(":", 2)
            document = incident_words.kinds(_)[DocumentKind(kind)]
            return _(
                "%(document)s, version %(number)s, to %(receiver)s",
                document=document,
                number=version,
                receiver=receiver,
            )
        case _:
            return event.text
