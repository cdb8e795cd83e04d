"""What prescribing and renewing refuse, with the facts that the portal says in words."""

from __future__ import annotations

from datetime import datetime

from core.errors import DomainError
from orders.kinds import RenewalStatus
from orders.prescription_rules import Problem
from orders.rules import Verdict


class PrescriptionRefused(DomainError):
    """Nothing was prescribed or extended; every problem is named, those that may be confirmed only when there is no other."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__(", ".join(problem.kind for problem in problems))
        self.problems = problems

    @property
    def may_be_confirmed(self) -> bool:
        """Whether the prescriber may go on by confirming what is named."""
        return all(problem.may_be_confirmed for problem in self.problems)


class MayNotAskToRenew(DomainError):
    """A renewal would not help: the verdict says what would."""

    def __init__(self, verdict: Verdict) -> None:
        super().__init__(verdict.reason.value)
        self.verdict = verdict


class AlreadyAnswered(DomainError):
    """Somebody has answered the request."""

    def __init__(self, status: RenewalStatus, answered_at: datetime, answered_by: str) -> None:
        super().__init__(status.value)
        self.status = status
        self.answered_at = answered_at
        self.answered_by = answered_by


class ReasonMissing(DomainError):
    """Stopping, declining and looking up another unit's patient need a reason."""
