"""A call to customer service: whose pages it opens and for how long, and who may be told something. Handbook §4."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from enum import StrEnum

from sqlalchemy import select
from sqlalchemy.orm import Session

from auth.identity import ALL_TASKS, Identity, Relation, Task
from auth.models import Guardianship, Person, ProxyAppointment
from auth.permissions import Permission, permits
from auth.relations import ActingPolicy, age_on, guardian_tasks, own_tasks, proxy_tasks
from core.audit import record
from core.clock import now, today
from core.policy import policy_of

LONGEST_CALL = timedelta(minutes=60)


@dataclass(frozen=True)
class Call:
    """A call that was opened: whom it is about, why it was opened, and when."""

    person_id: int
    reason: str = field(repr=False)
    opened_at: datetime


def person_in_call(session: Session, identity: Identity, call: Call) -> Person | None:
    """Return whom the call is about; None once the hour is over or the person belongs to another region than the staff member."""
    if now(session) >= call.opened_at + LONGEST_CALL:
        return None
    person = session.get(Person, call.person_id)
    return person if person is not None and person.region == identity.region else None


def identity_in_call(identity: Identity, call: Call) -> Identity:
    """Return what the staff member is during the call: they act for its person, and the access log keeps why."""
    return replace(
        identity,
        subject_person_id=call.person_id,
        relation=Relation.CALL,
        tasks=ALL_TASKS,
        reason=call.reason,
    )


def may_in_call(identity: Identity, permission: Permission) -> bool:
    """Tell whether the identity could do it with a patient on the phone: whether a call is all that is missing."""
    return permits(identity, Permission.TAKE_CALL) and permits(
        replace(identity, relation=Relation.CALL, tasks=ALL_TASKS), permission
    )


def record_end_of_call(session: Session, identity: Identity, call: Call) -> None:
    """Write into the access log that a call has ended."""
    record(session, identity_in_call(identity, call).actor, "call.closed", subject_person_id=call.person_id)


class Situation(StrEnum):
    """What decides who may be told something on the phone; the first that holds."""

    PROTECTED = "PROTECTED"
    DECEASED = "DECEASED"
    CHILD = "CHILD"
    BETWEEN_AGES = "BETWEEN_AGES"
    ADULT = "ADULT"


@dataclass(frozen=True)
class Speaker:
    """Somebody who may speak for the patient; a guardian, or a proxy with tasks and a last day."""

    name: str = field(repr=False)
    relation: Relation
    tasks: frozenset[Task] = frozenset()
    until: date | None = None


@dataclass(frozen=True)
class WhoMayHear:
    """Whom to expect on the phone besides the patient, who is `age` whole years old."""

    situation: Situation
    age: int
    speakers: tuple[Speaker, ...] = ()


def who_may_hear(session: Session, person: Person) -> WhoMayHear:
    """Say who may be told something about the person today; at most two statements.

    With protected identity, of the person or of who would speak for them, acting for another is off, and nobody is named.
    """
    day = today(session)
    policy = policy_of(person.region).section(ActingPolicy)
    age = age_on(person.birth_date, day)
    if person.is_protected:
        return WhoMayHear(Situation.PROTECTED, age)
    if person.deceased_on is not None:
        return WhoMayHear(Situation.DECEASED, age)
    if age >= policy.own_account_from_age:
        return WhoMayHear(Situation.ADULT, age, _proxies(session, person, day))
    situation = Situation.CHILD if age < policy.guardian_until_age else Situation.BETWEEN_AGES
    guardians = _guardians(session, person, day, policy, situation)
    return WhoMayHear(situation, age, (*guardians, *_proxies(session, person, day)))


def inbox_readers(session: Session, person: Person) -> tuple[int, ...]:
    """Return whose inboxes tell of what customer service did for a person: their own or, while a child has none, the guardians'.

    At most one statement. Nobody reads between the ages; the message then waits for the patient.
    """
    day = today(session)
    policy = policy_of(person.region).section(ActingPolicy)
    if own_tasks(person.birth_date, day, policy):
        return (person.id,)
    guardians = [one.id for one in _guardians_of(session, person) if guardian_tasks(person, one, day, policy)]
    return tuple(guardians) or (person.id,)


def inbox_readers_of_all(session: Session, persons: Sequence[Person]) -> dict[int, tuple[int, ...]]:
    """Return what `inbox_readers` says of each of many persons, by their ids; at most one statement."""
    day = today(session)
    found, children = dict[int, tuple[int, ...]](), dict[int, Person]()
    for person in persons:
        found[person.id] = (person.id,)
        if not own_tasks(person.birth_date, day, policy_of(person.region).section(ActingPolicy)):
            children[person.id] = person
    if children:
        rows = session.execute(
            select(Guardianship.child_id, Person)
            .join(Person, Guardianship.guardian_id == Person.id)
            .where(Guardianship.child_id.in_(children), Guardianship.ended_on.is_(None))
            .order_by(Guardianship.child_id, Person.id)
        )
        acting: dict[int, list[int]] = {}
        for child_id, guardian in rows:
            child = children[child_id]
            if guardian_tasks(child, guardian, day, policy_of(child.region).section(ActingPolicy)):
                acting.setdefault(child_id, []).append(guardian.id)
        found |= {child_id: tuple(guardians) for child_id, guardians in acting.items()}
    return found


def _guardians_of(session: Session, child: Person) -> list[Person]:
    return list(
        session.scalars(
            select(Person)
            .join(Guardianship, Guardianship.guardian_id == Person.id)
            .where(Guardianship.child_id == child.id, Guardianship.ended_on.is_(None))
            .order_by(Person.id)
        )
    )


def _guardians(
    session: Session, child: Person, day: date, policy: ActingPolicy, situation: Situation
) -> tuple[Speaker, ...]:
    # Between the ages a guardian has no tasks of their own, but they may ask for the child on the phone.
    may_ask = situation is Situation.BETWEEN_AGES
    return tuple(
        Speaker(guardian.full_name, Relation.GUARDIAN)
        for guardian in _guardians_of(session, child)
        if guardian_tasks(child, guardian, day, policy)
        or (may_ask and not guardian.is_protected and guardian.deceased_on is None)
    )


def _proxies(session: Session, patient: Person, day: date) -> tuple[Speaker, ...]:
    appointments = session.execute(
        select(ProxyAppointment, Person)
        .join(Person, ProxyAppointment.proxy_id == Person.id)
        .where(ProxyAppointment.patient_id == patient.id, ProxyAppointment.valid_until >= day)
        .order_by(ProxyAppointment.id)
    )
    return tuple(
        Speaker(proxy.full_name, Relation.PROXY, tasks, appointment.valid_until)
        for appointment, proxy in appointments
        if (tasks := proxy_tasks(appointment, patient, proxy, day))
    )
