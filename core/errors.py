"""Errors that carry facts; the portal turns them into sentences."""

from __future__ import annotations


class DomainError(Exception):
    """A rule of the domain said no; subclasses are named after the rule and carry its facts."""


class NotPermitted(DomainError):
    """The identity may not do this; nothing about the subject is revealed."""


class NotFound(DomainError):
    """There is no such thing, or the identity may not know that there is."""


class ChangedMeanwhile(DomainError):
    """What the user saw is no longer true; they must look again before acting."""
