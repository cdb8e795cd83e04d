"""What fault reports and complaints refuse, with the facts that the portal says in words."""

from __future__ import annotations

from datetime import date, datetime

from core.errors import DomainError
from delivery.complaints.models import ComplaintState
from delivery.complaints.rules import ReportProblem


class ReportRefused(DomainError):
    """A fault report says what cannot be; every problem is named."""

    def __init__(self, problems: tuple[ReportProblem, ...], delivered_on: date, delivered_packages: int) -> None:
        super().__init__(", ".join(problems))
        self.problems = problems
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
