"""Who acts in what has happened in the demo region, with the rights that they have in real life."""

from __future__ import annotations

from sqlalchemy.orm import Session

from auth.identity import Identity
from auth.models import Person
from auth.relations import identity_for, subjects_of


def acting_for(session: Session, actor: Person, subject: Person) -> Identity:
    """Return somebody as they act for a person, maybe for themselves."""
    return next(identity_for(actor, found) for found in subjects_of(session, actor) if found.person is subject)
