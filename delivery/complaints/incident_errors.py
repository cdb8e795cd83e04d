"""What the work with serious incidents refuses, with the facts that the portal says in words."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from core.errors import DomainError
from delivery.complaints.incident_rules import Question


class AnswersMissing(DomainError):
    """The checklist lacks answers without which nobody can say how serious it is."""

    def __init__(self, questions: tuple[Question, ...]) -> None:
        super().__init__(", ".join(questions))
        self.questions = questions


class NotSerious(DomainError):
    """Nothing is reported of a case that is not assessed, or was assessed as not serious."""


class NamesSomebody(DomainError):
    """A text that is to leave the house says who the patient or the reporter is; by field, what it says."""

    def __init__(self, found: Mapping[str, tuple[str, ...]]) -> None:
        super().__init__(", ".join(found))
        self.found = found


class AlreadySent(DomainError):
    """This version has been sent, and stays as it is."""

    def __init__(self, sent_at: datetime, sent_to: str) -> None:
        super().__init__("sent")
        self.sent_at = sent_at
        self.sent_to = sent_to


class NewerVersion(DomainError):
    """There is a newer version; that one is to be sent."""

    def __init__(self, version: int) -> None:
        super().__init__(str(version))
        self.version = version


class TimeOutOfRange(DomainError):
    """Something cannot have happened when it is said to have: before `earliest`, or in the future."""

    def __init__(self, earliest: datetime) -> None:
        super().__init__(earliest.isoformat())
        self.earliest = earliest


class NotNotified(DomainError):
    """The manufacturer cannot have answered what it has not been told."""
