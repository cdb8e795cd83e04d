"""What a unit may order for its own store: pure rules. Handbook §§6 and 8."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

# A store is filled every few weeks; more than this is a typing mistake, or a depot of its own.
MOST_LINES = 50
MOST_PACKAGES = 200


class StoreProblem(StrEnum):
    """Why a line of a store order is refused."""

    NOT_ORDERABLE = "NOT_ORDERABLE"
    FOR_ONE_PATIENT = "FOR_ONE_PATIENT"
    NOT_AN_AMOUNT = "NOT_AN_AMOUNT"
    TOO_MANY = "TOO_MANY"


@dataclass(frozen=True)
class StoreFacts:
    """What decides about an article: whether the agreement has it and it can be ordered, and whether each has a serial number."""

    is_orderable: bool
    is_serialised: bool


def judge_line(facts: StoreFacts | None, packages: int) -> StoreProblem | None:
    """Return what is wrong with so many packages of an article, None when nothing is; no facts means an article not known here.

    What has a serial number is bound to one patient with a warranty when it leaves the depot, so it is prescribed and never stored.
    """
    if facts is None or not facts.is_orderable:
        return StoreProblem.NOT_ORDERABLE
    if facts.is_serialised:
        return StoreProblem.FOR_ONE_PATIENT
    if packages < 1:
        return StoreProblem.NOT_AN_AMOUNT
    return StoreProblem.TOO_MANY if packages > MOST_PACKAGES else None
