"""The source that has a region's prescriptions, as this program asks it, by the national contract. Handbook §13."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from core.errors import DomainError
from orders.contract.writing import Values
from orders.source.rules import StatedRow


class SourceDown(DomainError):
    """The source did not answer, or with nothing that can be used; it has certainly registered nothing. The words name nobody."""


class AnswerLost(DomainError):
    """The source may have registered the order, or not: its answer did not come, or is none. The words name nobody."""


@dataclass(frozen=True)
class Registered:
    """The source has taken the order, all of it; its rows as far as it tells of them."""

    rows: tuple[StatedRow, ...]


@dataclass(frozen=True)
class Refused:
    """The source takes nothing of the order; its comment is fit for the patient, and empty when it gave none."""

    comment: str = field(repr=False)


class PrescriptionSource(Protocol):
    """Something that has prescriptions. It may take seconds: never call it inside a transaction that holds locks."""

    def read(self, region: str, number: str) -> bytes:
        """Return the answer about a person's prescriptions (XML); asks again once where that helps. Raises SourceDown."""
        ...

    def register(self, region: str, order: Values) -> Registered | Refused:
        """Have an order registered, values of the contract's request; asked once, whatever comes. Raises SourceDown, AnswerLost."""
        ...
