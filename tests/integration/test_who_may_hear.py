"""Whom customer service may tell something: the patient, those who may act for them, and with protected identity nobody. Handbook §4."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime

from sqlalchemy import update

from auth.calls import Situation, Speaker, WhoMayHear, who_may_hear
from auth.identity import ALL_TASKS, Relation, Task
from auth.models import Guardianship, Person, Protection, ProxyAppointment
from core.db import Database
from tests.support.builders import add_person
from tests.support.calls import Desk
from tests.support.pages import check_page

# The test's day is 1 December 2026.
NINE, THIRTEEN_TODAY, THIRTEEN_TOMORROW = date(2017, 5, 5), date(2013, 12, 1), date(2013, 12, 2)
EIGHTEEN_TODAY = date(2008, 12, 1)
BIRTHDAYS = {
    NINE: Situation.CHILD,
    THIRTEEN_TOMORROW: Situation.CHILD,
    THIRTEEN_TODAY: Situation.BETWEEN_AGES,
    date(2008, 12, 2): Situation.BETWEEN_AGES,
    EIGHTEEN_TODAY: Situation.ADULT,
}


class Family:
    """A patient with a guardian and a proxy."""

    def __init__(self, database: Database, born: date) -> None:
        self.database = database
        with database.unit_of_work() as session:
            self.patient = add_person(session, name="Elsa Provsson", born=born)
            self.guardian = add_person(session, name="Maria Vårdnad")
            self.proxy = add_person(session, name="Petra Ombud")
            session.add(Guardianship(guardian_id=self.guardian.id, child_id=self.patient.id))
            self.appointment = ProxyAppointment(
                patient_id=self.patient.id,
                proxy_id=self.proxy.id,
                tasks=[Task.REPORT_FAULTS.value],
                valid_from=date(2026, 1, 1),
                valid_until=date(2026, 12, 24),
                accepted_at=datetime(2026, 1, 1, tzinfo=UTC),
            )
            session.add(self.appointment)

    def heard(self) -> WhoMayHear:
        """Ask today."""
        with self.database.unit_of_work() as session:
            return who_may_hear(session, session.get_one(Person, self.patient.id))

    def names(self) -> list[str]:
        """Return who may speak for the patient."""
        return [speaker.name for speaker in self.heard().speakers]

    def protect(self, person: Person) -> None:
        """Have an identity protected from now on."""
        with self.database.unit_of_work() as session:
            found = session.get_one(Person, person.id)
            for name in ("given_name", "family_name", "street", "postal_code", "city"):
                setattr(found, name, "")
            found.protection = Protection.CONFIDENTIALITY_FLAG


def test_ages_decide_and_change_on_the_birthday(database: Database) -> None:
    for born, situation in BIRTHDAYS.items():
        family = Family(database, born)
        assert family.heard().situation is situation, born
        expected = ["Petra Ombud"] if situation is Situation.ADULT else ["Maria Vårdnad", "Petra Ombud"]
        assert family.names() == expected, born


def test_a_proxy_is_named_with_tasks_and_last_day(database: Database) -> None:
    family = Family(database, EIGHTEEN_TODAY)
    proxy = Speaker("Petra Ombud", Relation.PROXY, frozenset({Task.REPORT_FAULTS}), date(2026, 12, 24))
    assert family.heard() == WhoMayHear(Situation.ADULT, 18, (proxy,))
    with database.unit_of_work() as session:
        appointment = session.get_one(ProxyAppointment, family.appointment.id)
        appointment.tasks = [task.value for task in ALL_TASKS]
    assert family.heard().speakers == (replace(proxy, tasks=ALL_TASKS),)
    with database.unit_of_work() as session:
        session.get_one(ProxyAppointment, family.appointment.id).withdrawn_at = datetime(2026, 11, 30, tzinfo=UTC)
    assert family.names() == []


def test_a_proxy_whose_time_is_out_or_who_has_not_said_yes_is_not_named(database: Database) -> None:
    for change in ({"valid_until": date(2026, 11, 30)}, {"valid_from": date(2026, 12, 2)}, {"accepted_at": None}):
        family = Family(database, EIGHTEEN_TODAY)
        with database.unit_of_work() as session:
            appointment = session.get_one(ProxyAppointment, family.appointment.id)
            for name, value in change.items():
                setattr(appointment, name, value)
        assert family.names() == [], change


def test_with_protected_identity_on_either_side_nobody_is_named(database: Database) -> None:
    for born in (NINE, THIRTEEN_TODAY, EIGHTEEN_TODAY):
        family = Family(database, born)
        family.protect(family.guardian)
        family.protect(family.proxy)
        assert family.names() == [], born
        family = Family(database, born)
        family.protect(family.patient)
        assert family.heard().situation is Situation.PROTECTED
        assert family.names() == []


def test_one_who_has_died_speaks_for_nobody_and_has_nobody(database: Database) -> None:
    for born in (NINE, THIRTEEN_TODAY):
        family = Family(database, born)
        with database.unit_of_work() as session:
            session.get_one(Person, family.guardian.id).deceased_on = date(2026, 11, 1)
        assert family.names() == ["Petra Ombud"]
        with database.unit_of_work() as session:
            session.get_one(Person, family.patient.id).deceased_on = date(2026, 11, 1)
        assert family.heard().situation is Situation.DECEASED
        assert family.names() == []


def test_an_ended_guardianship_counts_no_more(database: Database) -> None:
    family = Family(database, NINE)
    with database.unit_of_work() as session:
        session.execute(update(Guardianship).values(ended_on=date(2026, 11, 1)))
    assert family.names() == ["Petra Ombud"]


def test_the_banner_says_it(database: Database) -> None:
    expected = {
        NINE: (
            "age 9",
            "This is a child.",
            "Maria Vårdnad, guardian",
            "Petra Ombud, proxy until 24 December 2026, may report faults",
        ),
        THIRTEEN_TODAY: ("age 13", "It should be Elsa Provsson or:", "Maria Vårdnad, guardian", "nothing else"),
        EIGHTEEN_TODAY: ("age 18", "It should be Elsa Provsson or:", "Petra Ombud, proxy until"),
    }
    desk = Desk(database)
    for born, sentences in expected.items():
        family = Family(database, born)
        page = desk.take_call(family.patient).get("/my-products")
        check_page(page)
        for words in sentences:
            assert words in page.text, words
        assert ("Maria" in page.text) is (born is not EIGHTEEN_TODAY)
    family.protect(family.patient)
    page = desk.client.get("/my-products")
    assert "Call about somebody with protected identity" in page.text
    for words in ("Elsa", "Maria", "Petra", "Skövde"):
        assert words not in page.text, words


def test_a_child_without_anybody_is_the_units(database: Database) -> None:
    family = Family(database, NINE)
    family.protect(family.guardian)
    family.protect(family.proxy)
    page = Desk(database).take_call(family.patient).get("/my-products")
    assert "This is a child, and nobody may act for them here." in page.text
