"""Proxies (ombud): a patient asks somebody, who says yes or no, and either ends it at once. Handbook §4."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import date, datetime, time
from enum import StrEnum

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from auth.identity import Identity, Task
from auth.models import Person, ProxyAppointment
from auth.numbers import PersonNumber, parse_number
from auth.permissions import Permission, require
from auth.persons import find_person_by_number, post_message
from auth.relations import ActingPolicy, age_on
from core import idempotency
from core.audit import AccessLogEntry, record
from core.clock import STOCKHOLM, now, today
from core.errors import ChangedMeanwhile, DomainError, NotFound
from core.policy import policy_of

ASKED = "proxy.appointed"


class AppointmentProblem(StrEnum):
    """What does not add up in what the patient asked for; each can be told from the form and the calendar alone."""

    ONESELF = "oneself"
    TOO_YOUNG = "too_young"
    NO_TASK = "no_task"
    ALREADY_OVER = "already_over"
    TOO_LONG = "too_long"


class AppointmentRefused(DomainError):
    """Nobody was asked; `latest` is the last end date that the region allows."""

    def __init__(self, problems: tuple[AppointmentProblem, ...], latest: date) -> None:
        super().__init__(", ".join(problems))
        self.problems = problems
        self.latest = latest


class ActingIsOff(DomainError):
    """With one's own protected identity nobody acts for one, and one acts for nobody."""


class TooManyAsked(DomainError):
    """The patient has asked as many people today as the region allows."""


@dataclass(frozen=True)
class AppointProxy:
    """Whom to ask, for what, until and including which day."""

    number: str = field(repr=False)
    tasks: frozenset[Task]
    valid_until: date
    idempotency_key: str


def appoint_proxy(session: Session, identity: Identity, command: AppointProxy) -> None:
    """Ask somebody to be the patient's proxy; the same key asks once, and a new question replaces one not yet answered.

    Nothing is returned, and the outcome is the same, whether or not somebody with that number is known here, lives, or is protected:
    to be in this register says something about one's health. So is the patient's access-log entry and message. Locks both persons in id
    order. Raises NotPermitted, MalformedNumber, ActingIsOff, TooManyAsked, or AppointmentRefused.
    """
    require(identity, Permission.APPOINT_PROXY)
    number = parse_number(command.number, today(session))
    found = find_person_by_number(session, number)
    persons = _lock_persons(session, {identity.person_id, found.id if found else None})
    patient = persons[identity.person_id or 0]
    spent = idempotency.spend(session, "proxy", f"person:{patient.id}", command.idempotency_key)
    if not spent.is_first:
        return
    if patient.is_protected:
        raise ActingIsOff
    policy = policy_of(patient.region).section(ActingPolicy)
    _check(patient, number, command, today(session), policy)
    if _asked_today(session, patient) >= policy.proxies_asked_a_day:
        raise TooManyAsked
    record(session, identity.actor, "proxy.asked", subject_person_id=patient.id)
    post_message(session, patient.id, patient.id, ASKED, reader="patient")
    proxy = persons.get(found.id) if found else None
    if proxy is None or proxy.is_protected or proxy.deceased_on is not None:
        return
    _end(session, _lock_appointments(session, patient.id, proxy.id, is_accepted=False))
    appointment = ProxyAppointment(
        patient_id=patient.id,
        proxy_id=proxy.id,
        tasks=sorted(task.value for task in command.tasks),
        valid_from=today(session),
        valid_until=command.valid_until,
    )
    session.add(appointment)
    session.flush()
    record(session, identity.actor, ASKED, subject_person_id=proxy.id, object_ref=f"proxy:{appointment.id}")
    post_message(session, proxy.id, proxy.id, ASKED, reader="proxy")


def answer_appointment(session: Session, identity: Identity, appointment_id: int, *, accepts: bool) -> None:
    """Say yes or no to a patient's question; saying the same twice changes nothing.

    A yes ends what the same proxy could do before, so the newest decides. Locks both persons in id order, then the appointments.
    Raises NotPermitted, NotFound, ActingIsOff, or ChangedMeanwhile when it was taken back, has ended or was answered otherwise.
    """
    require(identity, Permission.ANSWER_APPOINTMENT)
    appointment, persons = _lock(session, appointment_id)
    if appointment.proxy_id != identity.person_id:
        raise NotFound
    patient, proxy = persons[appointment.patient_id], persons[appointment.proxy_id]
    if not accepts:
        _decline(session, identity, appointment)
        return
    if proxy.is_protected:
        raise ActingIsOff
    is_gone = patient.is_protected or patient.deceased_on is not None or appointment.valid_until < today(session)
    if appointment.withdrawn_at is not None or is_gone:
        raise ChangedMeanwhile
    if appointment.accepted_at is not None:
        return
    _end(session, _lock_appointments(session, patient.id, proxy.id, is_accepted=True))
    appointment.accepted_at = now(session)
    _tell(session, identity, appointment, "proxy.accepted", subject_person_id=patient.id)


def _decline(session: Session, identity: Identity, appointment: ProxyAppointment) -> None:
    if appointment.accepted_at is not None:
        raise ChangedMeanwhile
    if appointment.withdrawn_at is not None:
        return
    appointment.withdrawn_at = now(session)
    # About the one who says no: the patient is not told who is known here.
    _tell(session, identity, appointment, "proxy.declined", subject_person_id=appointment.proxy_id)


def withdraw_proxy(session: Session, identity: Identity, appointment_id: int) -> None:
    """End an appointment at once, as the patient or as the proxy; one that has ended stays as it was.

    Locks both persons in id order, then the appointment. Raises NotPermitted, or NotFound for anybody else and before a yes: a patient
    who tries numbers must not learn that somebody was asked.
    """
    require(identity, Permission.ANSWER_APPOINTMENT)
    appointment, _persons = _lock(session, appointment_id)
    is_theirs = identity.person_id in {appointment.patient_id, appointment.proxy_id}
    if not is_theirs or appointment.accepted_at is None:
        raise NotFound
    if appointment.withdrawn_at is None:
        appointment.withdrawn_at = now(session)
        _tell(session, identity, appointment, "proxy.withdrawn", subject_person_id=appointment.patient_id)


def take_back_unanswered(session: Session, identity: Identity) -> None:
    """Take back every question of the patient's that nobody has answered; says nothing about whether there were any.

    Locks the patient, then the appointments in id order. Raises NotPermitted.
    """
    require(identity, Permission.APPOINT_PROXY)
    patient = _lock_persons(session, {identity.person_id})[identity.person_id or 0]
    _end(session, _lock_appointments(session, patient.id, None, is_accepted=False))
    record(session, identity.actor, "proxy.taken_back", subject_person_id=patient.id)


def latest_end(day: date, policy: ActingPolicy) -> date:
    """Return the last day that a proxy appointed on `day` may act; 29 February becomes the 28th."""
    year = day.year + policy.proxy_years_at_most
    return day.replace(year=year, day=28) if (day.month, day.day) == (2, 29) else day.replace(year=year)


def _check(patient: Person, number: PersonNumber, command: AppointProxy, day: date, policy: ActingPolicy) -> None:
    latest = latest_end(day, policy)
    problems = {
        AppointmentProblem.ONESELF: number.extension == patient.number,
        AppointmentProblem.TOO_YOUNG: age_on(number.birth_date, day) < policy.own_account_from_age,
        AppointmentProblem.NO_TASK: not command.tasks,
        AppointmentProblem.ALREADY_OVER: command.valid_until < day,
        AppointmentProblem.TOO_LONG: command.valid_until > latest,
    }
    found = tuple(problem for problem, is_so in problems.items() if is_so)
    if found:
        raise AppointmentRefused(found, latest)


def _asked_today(session: Session, patient: Person) -> int:
    # Counted in the log, where a question to nobody counts too.
    begins = datetime.combine(today(session), time(), STOCKHOLM)
    asked = select(func.count()).where(
        AccessLogEntry.subject_person_id == patient.id,
        AccessLogEntry.at >= begins,
        AccessLogEntry.action == "proxy.asked",
    )
    return session.scalar(asked) or 0


def _lock_persons(session: Session, person_ids: Collection[int | None]) -> dict[int, Person]:
    found = session.scalars(
        select(Person)
        .where(Person.id.in_([person_id for person_id in person_ids if person_id is not None]))
        .order_by(Person.id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )
    return {person.id: person for person in found}


def _lock(session: Session, appointment_id: int) -> tuple[ProxyAppointment, dict[int, Person]]:
    seen = session.get(ProxyAppointment, appointment_id)
    if seen is None:
        raise NotFound
    persons = _lock_persons(session, {seen.patient_id, seen.proxy_id})
    appointment = session.get_one(ProxyAppointment, appointment_id, with_for_update=True, populate_existing=True)
    return appointment, persons


def _lock_appointments(
    session: Session, patient_id: int, proxy_id: int | None, *, is_accepted: bool
) -> list[ProxyAppointment]:
    accepted = ProxyAppointment.accepted_at
    query = select(ProxyAppointment).where(
        ProxyAppointment.patient_id == patient_id,
        ProxyAppointment.withdrawn_at.is_(None),
        accepted.is_not(None) if is_accepted else accepted.is_(None),
    )
    if proxy_id is not None:
        query = query.where(ProxyAppointment.proxy_id == proxy_id)
    query = query.order_by(ProxyAppointment.id).with_for_update().execution_options(populate_existing=True)
    return list(session.scalars(query))


def _end(session: Session, appointments: list[ProxyAppointment]) -> None:
    for appointment in appointments:
        appointment.withdrawn_at = now(session)


def _tell(
    session: Session, identity: Identity, appointment: ProxyAppointment, kind: str, *, subject_person_id: int
) -> None:
    record(session, identity.actor, kind, subject_person_id=subject_person_id, object_ref=f"proxy:{appointment.id}")
    for reader, person_id in (("patient", appointment.patient_id), ("proxy", appointment.proxy_id)):
        # About the reader and without names: a name would outlive a protected identity, and the message is theirs when the right has ended.
        post_message(session, person_id, person_id, kind, reader=reader)
