"""A unit's patients, one of them, and what can be prescribed; other units and roles see nothing. Handbook §§3.9 and 11."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from auth.identity import Identity, Role
from auth.models import Protection
from auth.numbers import parse_number
from auth.persons import staff_identity
from core.audit import AccessLogEntry
from core.clock import today
from core.db import Database
from core.errors import NotFound, NotPermitted
from orders.assortment import assortment
from orders.models import Article, PrescriptionItem, ProductKind
from orders.unit_queries import needs_you, patient_page, renewal_request, unit_item, unit_patients
from orders.unit_views import NeedsYou
from tests.support.builders import add_person, add_staff, add_unit
from tests.support.prescribing import Clinic

TODAY = date(2026, 12, 1)


@pytest.fixture
def clinic(database: Database) -> Clinic:
    return Clinic(database)


def _needs(clinic: Clinic, nurse: Identity | None = None) -> NeedsYou:
    with clinic.database.unit_of_work() as session:
        return needs_you(session, nurse or clinic.nurse)


def _set(clinic: Clinic, item: PrescriptionItem, **values: Any) -> PrescriptionItem:
    with clinic.database.unit_of_work() as session:
        session.execute(update(PrescriptionItem).where(PrescriptionItem.id == item.id).values(**values))
    return item


def _looks(clinic: Clinic) -> list[tuple[str, int | None]]:
    with clinic.database.session() as session:
        entries = session.scalars(
            select(AccessLogEntry).where(AccessLogEntry.manner == "LOOK").order_by(AccessLogEntry.id)
        )
        return [(one.action, one.subject_person_id) for one in entries]


def test_another_unit_sees_nothing_of_it(clinic: Clinic) -> None:
    item = _set(clinic, clinic.item(valid_until=TODAY + timedelta(days=10)), orders_remaining=0)
    request = clinic.ask(item)
    with clinic.database.unit_of_work() as session:
        other = add_unit(session)
    nurse = clinic.another_nurse(other)
    found = _needs(clinic, nurse)
    assert (found.requests, found.ending, found.little_used, found.moved) == ((), (), (), ())
    looks: list[Callable[[Any], Any]] = [
        lambda session: patient_page(session, nurse, clinic.person.id),
        lambda session: unit_item(session, nurse, item.id),
        lambda session: renewal_request(session, nurse, request.id),
    ]
    for look in looks:
        with clinic.database.unit_of_work() as session, pytest.raises(NotFound):
            look(session)
    with clinic.database.unit_of_work() as session:
        assert unit_patients(session, nurse).total == 0
    assert _looks(clinic) == []


@pytest.mark.parametrize("role", [role for role in Role if role not in (Role.PRESCRIBER, Role.PATIENT, Role.SYSTEM)])
def test_only_prescribers_look(clinic: Clinic, role: Role) -> None:
    with clinic.database.unit_of_work() as session:
        other = staff_identity(add_staff(session, role, unit=clinic.unit))
    looks: list[Callable[[Any], Any]] = [
        lambda session: needs_you(session, other),
        lambda session: unit_patients(session, other),
        lambda session: patient_page(session, other, clinic.person.id),
        lambda session: unit_item(session, other, 1),
        lambda session: renewal_request(session, other, 1),
        lambda session: assortment(session, other),
    ]
    for look in looks:
        with clinic.database.unit_of_work() as session, pytest.raises(NotPermitted):
            look(session)


def test_patients_are_listed_by_name_page_by_page_and_found_by_number(clinic: Clinic) -> None:
    with clinic.database.unit_of_work() as session:
        people = [add_person(session, name=f"Anna Provsson{number:02}") for number in range(30)]
        hidden = add_person(session, protection=Protection.PROTECTED_REGISTRATION)
    for person in (*people, hidden):
        clinic.item(person=person, valid_until=date(2027, 5, 1))
        clinic.item(person=person, valid_until=date(2027, 4, 1))
    with clinic.database.unit_of_work() as session:
        first = unit_patients(session, clinic.nurse)
        second = unit_patients(session, clinic.nurse, page=2)
        beyond = unit_patients(session, clinic.nurse, page=99)
        one = unit_patients(session, clinic.nurse, number=parse_number(people[3].number, today(session)))
        stranger = unit_patients(session, clinic.nurse, number=parse_number(clinic.person.number, today(session)))
    assert (first.total, first.pages, len(first.rows), len(second.rows)) == (31, 2, 25, 6)
    assert beyond.page == 2
    assert [row.person.id for row in (*first.rows, *second.rows)] == [hidden.id, *(person.id for person in people)]
    assert (first.rows[0].active_items, first.rows[0].next_end) == (2, date(2027, 4, 1))
    assert [row.person.id for row in one.rows] == [people[3].id]
    assert stranger.rows == ()
    listed = [who for action, who in _looks(clinic) if action == "patients.listed"]
    assert len(listed) == 25 + 6 + 6 + 1


def test_a_patients_page_shows_the_units_items_active_first(clinic: Clinic) -> None:
    stopped, active = clinic.item(), clinic.item()
    clinic.stop(stopped)
    with clinic.database.unit_of_work() as session:
        other = add_unit(session)
    clinic.item(unit=other)
    with clinic.database.unit_of_work() as session:
        page = patient_page(session, clinic.nurse, clinic.person.id)
        assert [one.shown.item.id for one in page.items] == [active.id, stopped.id]
        assert (page.elsewhere, page.problems, page.reason) == (1, (), "")
    assert _looks(clinic) == [("patient.seen", clinic.person.id)]


def test_the_assortment_is_the_agreements_orderable_articles(clinic: Clinic) -> None:
    sensor = clinic.article(name="Glukossensor 14")
    drink = clinic.article(ProductKind.NUTRITION, name="Dryck")
    taste = clinic.article(ProductKind.NUTRITION, generic=drink, name="Dryck 50% choklad")
    battery, gone = clinic.article(name="Batteri"), clinic.article(name="Utgången")
    with clinic.database.unit_of_work() as session:
        session.get_one(Article, battery.id).agreement_no = ""
        session.get_one(Article, gone.id).is_orderable = False
        session.get_one(Article, drink.id).is_orderable = False
    with clinic.database.unit_of_work() as session:
        assert {one.id for one in assortment(session, clinic.nurse)} == {drink.id, sensor.id}
        assert [one.id for one in assortment(session, clinic.nurse, "GLUKOS 14")] == [sensor.id]
        assert [one.id for one in assortment(session, clinic.nurse, sensor.article_no)] == [sensor.id]
        assert [one.id for one in assortment(session, clinic.nurse, taste.article_no)] == [drink.id]
        assert assortment(session, clinic.nurse, "%") == []
