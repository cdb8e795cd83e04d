"""Reading who is whose proxy, and what proxies have done. Handbook §4."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from sqlalchemy import select
from sqlalchemy.orm import Session, aliased

from auth.identity import Identity, Task
from auth.models import Person, ProxyAppointment
from auth.permissions import Permission, require
from auth.relations import proxy_tasks
from core.audit import AccessLogEntry, ActorKind, record
from core.clock import today

MOST_LINES = 50
MOST_DEEDS = 20


class ProxyState(StrEnum):
    """Where an appointment stands today."""

    ASKED = "asked"
    IN_FORCE = "in_force"
    LATER = "later"
    PAUSED = "paused"
    ENDED = "ended"


@dataclass(frozen=True)
class ProxyLine:
    """One appointment as the other side sees it; `name` is empty when it may not be shown."""

    id: int
    name: str
    tasks: frozenset[Task]
    valid_from: date
    valid_until: date
    state: ProxyState


@dataclass(frozen=True)
class Deed:
    """What somebody else looked at or did for the patient; `name` is empty when it may not be shown."""

    entry: AccessLogEntry
    name: str


@dataclass(frozen=True)
class OwnProxies:
    """Who acts for one, for whom one acts, the questions to answer, and what others have done for one, newest first."""

    acting_for_me: tuple[ProxyLine, ...]
    i_act_for: tuple[ProxyLine, ...]
    questions: tuple[ProxyLine, ...]
    deeds: tuple[Deed, ...]


def own_proxies(session: Session, identity: Identity) -> OwnProxies:
    """Return everything about proxies of the person who asks, whoever they act for; three statements, and logs the look.

    A question not yet answered shows only to the one who is asked: whoever asks is not told that the number is known here.
    Raises NotPermitted.
    """
    require(identity, Permission.SEE_PROXIES)
    patient, proxy = aliased(Person), aliased(Person)
    rows = session.execute(
        select(ProxyAppointment, patient, proxy)
        .join(patient, ProxyAppointment.patient_id == patient.id)
        .join(proxy, ProxyAppointment.proxy_id == proxy.id)
        .where((patient.id == identity.person_id) | (proxy.id == identity.person_id))
        .order_by(ProxyAppointment.id.desc())
        .limit(MOST_LINES)
    ).all()
    mine: list[ProxyLine] = []
    others: list[ProxyLine] = []
    for appointment, patient_row, proxy_row in rows:
        is_mine = patient_row.id == identity.person_id
        state = _state(appointment, patient_row, proxy_row, today(session))
        is_refused = appointment.accepted_at is None and state is not ProxyState.ASKED
        if is_refused or (is_mine and state is ProxyState.ASKED):
            continue
        line = _line(appointment, proxy_row if is_mine else patient_row, state)
        (mine if is_mine else others).append(line)
    record(session, identity.actor, "proxies.seen", subject_person_id=identity.person_id, manner="LOOK")
    return OwnProxies(
        tuple(sorted(mine, key=_ended_last)),
        tuple(sorted((line for line in others if line.state is not ProxyState.ASKED), key=_ended_last)),
        tuple(line for line in others if line.state is ProxyState.ASKED),
        _deeds(session, identity),
    )


def _line(appointment: ProxyAppointment, other: Person, state: ProxyState) -> ProxyLine:
    name = "" if other.is_protected else other.full_name
    return ProxyLine(appointment.id, name, appointment.task_set, appointment.valid_from, appointment.valid_until, state)


def _ended_last(line: ProxyLine) -> bool:
    return line.state is ProxyState.ENDED


def _state(appointment: ProxyAppointment, patient: Person, proxy: Person, day: date) -> ProxyState:
    if appointment.withdrawn_at is not None or appointment.valid_until < day:
        return ProxyState.ENDED
    is_off = patient.is_protected or patient.deceased_on is not None or proxy.is_protected
    if appointment.accepted_at is None:
        return ProxyState.PAUSED if is_off else ProxyState.ASKED
    if proxy_tasks(appointment, patient, proxy, day):
        return ProxyState.IN_FORCE
    return ProxyState.PAUSED if is_off or proxy.deceased_on is not None else ProxyState.LATER


def _deeds(session: Session, identity: Identity) -> tuple[Deed, ...]:
    rows = session.execute(
        select(AccessLogEntry, Person)
        .join(Person, Person.id == AccessLogEntry.actor_id)
        .where(
            AccessLogEntry.subject_person_id == identity.person_id,
            AccessLogEntry.actor_kind == ActorKind.PERSON.value,
            AccessLogEntry.actor_id != identity.person_id,
            # Asking and answering is on the page already.
            ~AccessLogEntry.action.startswith("proxy.", autoescape=True),
        )
        .order_by(AccessLogEntry.at.desc(), AccessLogEntry.id.desc())
        .limit(MOST_DEEDS)
    ).all()
    # A protected identity has no name here.
    return tuple(Deed(entry, person.full_name) for entry, person in rows)
