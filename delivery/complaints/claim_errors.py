"""What supplier claims refuse, with the facts that the portal says in words. Money is SEK."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from core.errors import DomainError
from delivery.complaints.claim_models import ClaimOutcome, ClaimStatus
from delivery.complaints.claim_rules import ClaimProblem, CreditProblem


class ClaimRefused(DomainError):
    """A case cannot be claimed; `claim_no` is the pack that it is in already, or the one that is full."""

    def __init__(self, problem: ClaimProblem, case_no: str, claim_no: str = "") -> None:
        super().__init__(f"{problem}: {case_no}")
        self.problem = problem
        self.case_no = case_no
        self.claim_no = claim_no


class PackNotThere(DomainError):
    """A claim pack is no longer, or not yet, where the act needs it to be."""

    def __init__(self, claim_no: str, status: ClaimStatus, sent_at: datetime | None = None, sent_by: str = "") -> None:
        super().__init__(f"{claim_no}: {status}")
        self.claim_no = claim_no
        self.status = status
        self.sent_at = sent_at
        self.sent_by = sent_by


class PackIsEmpty(DomainError):
    """There is nothing in the pack to send."""


class AddressMalformed(DomainError):
    """The supplier's e-mail address is none."""


class NoMailHere(DomainError):
    """This installation has no way to send e-mail."""


class AnswerReasonMissing(DomainError):
    """A rejection is written down with the supplier's reason."""

    def __init__(self, case_nos: tuple[str, ...]) -> None:
        super().__init__(", ".join(case_nos))
        self.case_nos = case_nos


class NothingAnswered(DomainError):
    """No line was given an answer."""


class AnsweredAlready(DomainError):
    """Somebody has written down another answer about the case."""

    def __init__(self, case_no: str, outcome: ClaimOutcome, answered_at: datetime) -> None:
        super().__init__(f"{case_no}: {outcome}")
        self.case_no = case_no
        self.outcome = outcome
        self.answered_at = answered_at


class AnswerStays(DomainError):
    """An answer cannot be undone: there is none (any more), the case is credited, or it has gone on since."""

    def __init__(self, case_no: str, *, has_answer: bool, is_credited: bool) -> None:
        super().__init__(case_no)
        self.case_no = case_no
        self.has_answer = has_answer
        self.is_credited = is_credited


@dataclass(frozen=True)
class EarlierNote:
    """The credit note that came first."""

    note_id: int
    credit_no: str
    amount: Decimal
    dated_on: date
    booked_at: datetime
    booked_by: str


class CreditNoteCame(DomainError):
    """The supplier's note with this number is booked already."""

    def __init__(self, earlier: EarlierNote) -> None:
        super().__init__(earlier.credit_no)
        self.earlier = earlier


class CreditedAlready(DomainError):
    """The whole value of a case has come back already, by the earlier note."""

    def __init__(self, case_no: str, earlier: EarlierNote) -> None:
        super().__init__(f"{case_no}: {earlier.credit_no}")
        self.case_no = case_no
        self.earlier = earlier


class CaseNotCreditable(DomainError):
    """A case that the supplier rejected, or whose claim has not been sent, gets no credit."""

    def __init__(self, case_no: str, claim_no: str, status: ClaimStatus) -> None:
        super().__init__(f"{case_no} in {claim_no}: {status}")
        self.case_no = case_no
        self.claim_no = claim_no
        self.status = status


class CreditRefused(DomainError):
    """A credit note is not shared out as it must be; `left` is what each claim line has left."""

    def __init__(
        self,
        problems: tuple[CreditProblem, ...],
        amount: Decimal,
        shared: Decimal,
        left: dict[int, Decimal],
    ) -> None:
        super().__init__(", ".join(problems))
        self.problems = problems
        self.amount = amount
        self.shared = shared
        self.left = left


class CreditNumberMissing(DomainError):
    """A credit note has a number, and it is the supplier's."""


class CreditDateWrong(DomainError):
    """A credit note is dated neither in the future nor before the claim that it answers was opened."""

    def __init__(self, earliest: date, latest: date) -> None:
        super().__init__(f"{earliest}..{latest}")
        self.earliest = earliest
        self.latest = latest


class CreditUndone(DomainError):
    """Somebody has undone the note already."""

    def __init__(self, credit_no: str, undone_at: datetime) -> None:
        super().__init__(credit_no)
        self.credit_no = credit_no
        self.undone_at = undone_at


class ClaimReasonMissing(DomainError):
    """What is written off or undone is so with a reason."""
