"""Who may act for whom: a pure rule, and the look-up that feeds it at each request. Handbook §4."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import ClassVar

from sqlalchemy import select
from sqlalchemy.orm import Session

from auth.identity import ALL_TASKS, Identity, Relation, Role, Task
from auth.models import Guardianship, Person, ProxyAppointment
from core.clock import today as today_of
from core.policy import policy_of


@dataclass(frozen=True)
class ActingPolicy:
    """Ages (whole years) between which guardians and children may act, and how long and often proxies are appointed; a policy section."""

    SECTION: ClassVar[str] = "acting"

    guardian_until_age: int = 13
    own_account_from_age: int = 18
    proxy_years_at_most: int = 2
    proxies_asked_a_day: int = 10


@dataclass(frozen=True)
class Rights:
    """What an actor may do for a subject, and as what; no tasks means not at all."""

    relation: Relation
    tasks: frozenset[Task]


NO_RIGHTS: frozenset[Task] = frozenset()


def age_on(birth_date: date, day: date) -> int:
    """Return whole years of age on `day`; a person born on 29 February ages on 1 March in other years."""
    return day.year - birth_date.year - ((day.month, day.day) < (birth_date.month, birth_date.day))


def own_tasks(birth_date: date, day: date, policy: ActingPolicy) -> frozenset[Task]:
    """Return what a person may do for themselves: everything from the policy's age, before that nothing."""
    return ALL_TASKS if age_on(birth_date, day) >= policy.own_account_from_age else NO_RIGHTS


def guardian_tasks(child: Person, guardian: Person, day: date, policy: ActingPolicy) -> frozenset[Task]:
    """Return what a guardian may do for a child: everything below the policy's age, nothing from the birthday on."""
    if _acting_is_off(child, guardian) or age_on(child.birth_date, day) >= policy.guardian_until_age:
        return NO_RIGHTS
    return ALL_TASKS


def proxy_tasks(appointment: ProxyAppointment, patient: Person, proxy: Person, day: date) -> frozenset[Task]:
    """Return the appointed tasks while the appointment is accepted, not withdrawn and within its period."""
    in_force = (
        appointment.accepted_at is not None
        and appointment.withdrawn_at is None
        and appointment.valid_from <= day <= appointment.valid_until
    )
    if _acting_is_off(patient, proxy) or not in_force:
        return NO_RIGHTS
    return appointment.task_set


def _acting_is_off(subject: Person, actor: Person) -> bool:
    return (
        subject.is_protected or actor.is_protected or subject.deceased_on is not None or actor.deceased_on is not None
    )


@dataclass(frozen=True)
class ActableSubject:
    """Somebody whom the actor may act for, themselves included."""

    person: Person
    rights: Rights


def subjects_of(session: Session, actor: Person) -> list[ActableSubject]:
    """Return whom the actor may act for today: themselves first, then children, then patients who appointed them."""
    day = today_of(session)
    subjects = [
        ActableSubject(
            actor,
            Rights(Relation.SELF, own_tasks(actor.birth_date, day, policy_of(actor.region).section(ActingPolicy))),
        )
    ]
    children = session.scalars(
        select(Person)
        .join(Guardianship, Guardianship.child_id == Person.id)
        .where(Guardianship.guardian_id == actor.id, Guardianship.ended_on.is_(None))
        .order_by(Person.birth_date.desc(), Person.id)
    )
    for child in children:
        tasks = guardian_tasks(child, actor, day, policy_of(child.region).section(ActingPolicy))
        if tasks:
            subjects.append(ActableSubject(child, Rights(Relation.GUARDIAN, tasks)))
    appointments = session.execute(
        select(ProxyAppointment, Person)
        .join(Person, ProxyAppointment.patient_id == Person.id)
        .where(ProxyAppointment.proxy_id == actor.id)
        .order_by(ProxyAppointment.id)
    )
    merged: dict[int, ActableSubject] = {}
    for appointment, patient in appointments:
        tasks = proxy_tasks(appointment, patient, actor, day)
        if tasks:
            known = merged[patient.id].rights.tasks if patient.id in merged else NO_RIGHTS
            merged[patient.id] = ActableSubject(patient, Rights(Relation.PROXY, known | tasks))
    guarded = {subject.person.id for subject in subjects}
    return subjects + [subject for patient_id, subject in merged.items() if patient_id not in guarded]


def guardians_of(session: Session, child: Person) -> list[Person]:
    """Return the guardians who may act for the child today, in id order; in one statement."""
    day, policy = today_of(session), policy_of(child.region).section(ActingPolicy)
    guardians = session.scalars(
        select(Person)
        .join(Guardianship, Guardianship.guardian_id == Person.id)
        .where(Guardianship.child_id == child.id, Guardianship.ended_on.is_(None))
        .order_by(Person.id)
    )
    return [guardian for guardian in guardians if guardian_tasks(child, guardian, day, policy)]


def identity_for(actor: Person, subject: ActableSubject) -> Identity:
    """Build the identity of a person acting for one of their subjects."""
    return Identity(
        role=Role.PATIENT,
        region=subject.person.region,
        person_id=actor.id,
        label=actor.full_name,
        subject_person_id=subject.person.id,
        relation=subject.rights.relation,
        tasks=subject.rights.tasks,
    )
