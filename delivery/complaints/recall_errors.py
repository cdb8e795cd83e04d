"""What recalls refuse, with the facts that the portal says in words."""

from __future__ import annotations

from dataclasses import dataclass

from core.errors import DomainError


class NothingNamed(DomainError):
    """Nothing that was ever here is called back."""


@dataclass(eq=False)
class CountDiffers(DomainError):
    """The number that was typed is not how many are affected; nothing was recalled."""

    typed: int
    affected: int


class AlreadyTold(DomainError):
    """Messages are sent: what people have been told cannot be undone."""


@dataclass(eq=False)
class WrongRecallStep(DomainError):
    """The recall is not where this act begins; `status` is where it is."""

    status: str


class TextMissing(DomainError):
    """Nobody is told nothing."""


class NoteTooShort(DomainError):
    """What a call that was not answered, or was, came to."""
