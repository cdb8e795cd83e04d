"""What fault reports and complaints refuse, with the facts that the portal says in words."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime

from core.errors import DomainError
from delivery.complaints.models import ComplaintState
from delivery.complaints.questions import AnswerProblem
from delivery.complaints.rules import ReportProblem


class ReportRefused(DomainError):
    """A fault report says what cannot be; every problem is named, those of the product's own questions by their code."""

    def __init__(
        self,
        problems: tuple[ReportProblem, ...],
        delivered_on: date | None,
        delivered_packages: int | None,
        answers: Mapping[str, AnswerProblem] | None = None,
    ) -> None:
        answers = answers or {}
        super().__init__(", ".join([*problems, *answers.values()]))
        self.problems = problems
        self.answers = answers
        self.delivered_on = delivered_on
        self.delivered_packages = delivered_packages


class AlreadyDecided(DomainError):
    """Somebody has decided the case; `order_no` when it was replaced."""

    def __init__(self, state: ComplaintState, decided_at: datetime, decided_by: str, order_no: str | None) -> None:
        super().__init__(state.value)
        self.state = state
        self.decided_at = decided_at
        self.decided_by = decided_by
        self.order_no = order_no


class ReasonMissing(DomainError):
    """A complaint is declined with a reason or not at all."""


class PackagesOutOfRange(DomainError):
    """A replacement is at least one package and at most what was delivered."""

    def __init__(self, delivered_packages: int) -> None:
        super().__init__(str(delivered_packages))
        self.delivered_packages = delivered_packages


class PatientHasDied(DomainError):
    """Nothing more is sent (handbook §4)."""


class StateRefused(DomainError):
    """A case cannot go from where it is to where it was wanted."""

    def __init__(self, state: ComplaintState, wanted: ComplaintState) -> None:
        super().__init__(f"{state} -> {wanted}")
        self.state = state
        self.wanted = wanted


class AlreadyReplaced(DomainError):
    """A case that was opened again has had its replacement: nobody is sent two for one report."""

    def __init__(self, order_no: str) -> None:
        super().__init__(order_no)
        self.order_no = order_no


class NothingPrescribed(DomainError):
    """The patient has no prescription here: there is no unit and no way by which anything could be sent."""


class SentFromElsewhere(DomainError):
    """The region's products come from another system's depot: a replacement is ordered there, and no depot of ours could send it."""


class NotADuplicate(DomainError):
    """A case is the same only as another of the same patient and article."""


class DuplicateIsGraver(DomainError):
    """The case that would be closed has a red flag and the other has none: it is the other that is to be closed."""


class NobodyToAsk(DomainError):
    """Nobody reads for the patient: a question would reach no one, so they are to be phoned."""


class NotAColleague(DomainError):
    """A case is given to a consultant of the region or to nobody."""


class NotWaiting(DomainError):
    """The clock of a case stands still only while it waits for its reporter."""
