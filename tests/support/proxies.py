"""A patient and somebody to ask to be their proxy."""

from __future__ import annotations

from datetime import date

from sqlalchemy import select

from auth.identity import Task
from auth.models import InboxMessage, Person, Protection, ProxyAppointment
from auth.proxies import AppointProxy, answer_appointment, appoint_proxy, withdraw_proxy
from auth.relations import subjects_of
from core.audit import AccessLogEntry
from core.db import Database
from core.idempotency import new_key
from tests.support.builders import add_person, patient_identity

UNTIL = date(2027, 6, 1)


class Two:
    """A patient, somebody to ask, and what either may do."""

    def __init__(self, database: Database) -> None:
        self.database = database
        with database.unit_of_work() as session:
            self.patient = add_person(session, name="Anna Provsson")
            self.helper = add_person(session, name="Rolf Ombudsson")

    def ask(
        self, number: str = "", *, key: str = "", until: date = UNTIL, tasks: frozenset[Task] | None = None
    ) -> None:
        """Have the patient ask the helper, or whoever has the number."""
        tasks = frozenset({Task.ORDER}) if tasks is None else tasks
        command = AppointProxy(number or self.helper.number, tasks, until, key or new_key())
        with self.database.unit_of_work() as session:
            appoint_proxy(session, patient_identity(self.patient), command)

    def answer(self, accepts: bool = True, who: Person | None = None) -> None:
        """Have the helper answer the latest question."""
        with self.database.unit_of_work() as session:
            answer_appointment(session, patient_identity(who or self.helper), self.latest.id, accepts=accepts)

    def withdraw(self, who: Person) -> None:
        """End the latest appointment."""
        with self.database.unit_of_work() as session:
            withdraw_proxy(session, patient_identity(who), self.latest.id)

    @property
    def appointments(self) -> list[ProxyAppointment]:
        """All appointments, oldest first."""
        with self.database.session() as session:
            return list(session.scalars(select(ProxyAppointment).order_by(ProxyAppointment.id)))

    @property
    def latest(self) -> ProxyAppointment:
        """The newest appointment."""
        return self.appointments[-1]

    def helped(self) -> frozenset[Task]:
        """What the helper may do for the patient right now."""
        with self.database.session() as session:
            subjects = subjects_of(session, session.get_one(Person, self.helper.id))
            return next((s.rights.tasks for s in subjects if s.person.id == self.patient.id), frozenset())

    def kinds(self, receiver: Person) -> list[tuple[str, str]]:
        """The messages that somebody got: kind, and as whom."""
        with self.database.session() as session:
            found = session.scalars(
                select(InboxMessage).where(InboxMessage.receiver_id == receiver.id).order_by(InboxMessage.id)
            )
            return [(message.kind, message.facts["reader"]) for message in found]

    def logged(self, subject: Person) -> list[str]:
        """The actions logged about somebody, with what they were on."""
        with self.database.session() as session:
            found = session.scalars(
                select(AccessLogEntry).where(AccessLogEntry.subject_person_id == subject.id).order_by(AccessLogEntry.id)
            )
            return [f"{entry.action} {entry.object_ref}".strip() for entry in found]

    def protect(self, person: Person) -> None:
        """Give somebody a protected identity, as the population register does."""
        with self.database.unit_of_work() as session:
            found = session.get_one(Person, person.id)
            found.given_name = found.family_name = found.street = found.postal_code = found.city = ""
            found.protection = Protection.CONFIDENTIALITY_FLAG
