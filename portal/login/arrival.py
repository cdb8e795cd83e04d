"""From what the identity provider vouches for to whom the portal knows."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy.orm import Session

from auth.models import Commission, Person
from auth.oidc_claims import Authenticated, AuthenticatedPerson
from auth.persons import find_commission, find_person_by_number, staff_identity
from core.audit import Actor, ActorKind
from portal.sessions import Owner


@dataclass(frozen=True)
class Arrival:
    """Somebody the portal knows: whose session it becomes, and how the access log names them."""

    owner: Owner
    actor: Actor


@dataclass(frozen=True)
class Stranger:
    """Somebody who proved who they are, but whom the portal does not know."""

    is_staff: bool
    reason: str


def arrive(session: Session, who: Authenticated) -> Arrival | Stranger:
    """Find the person by number, or the commission in force at the unit that the log-in states."""
    if isinstance(who, AuthenticatedPerson):
        person = find_person_by_number(session, who.number)
        if person is None or person.deceased_on is not None:
            return Stranger(is_staff=False, reason="unknown_person")
        return Arrival(Owner(person_id=person.id), _person_actor(person))
    commission = find_commission(session, who.hsa_id, who.commission_hsa_id)
    if commission is None or commission.unit.hsa_id != who.unit_hsa_id:
        return Stranger(is_staff=True, reason="unknown_commission")
    return Arrival(Owner(commission_id=commission.id), staff_identity(commission).actor)


def departing_actor(session: Session, owner: Owner) -> Actor | None:
    """Return how the access log names the owner of a session that ends, or None for an anonymous one."""
    if owner.person_id is not None:
        person = session.get(Person, owner.person_id)
        return None if person is None else _person_actor(person)
    if owner.commission_id is not None:
        commission = session.get(Commission, owner.commission_id)
        return None if commission is None else staff_identity(commission).actor
    return None


def _person_actor(person: Person) -> Actor:
    return Actor(ActorKind.PERSON, person.id, person.region)
