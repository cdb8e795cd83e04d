"""A prescriber prescribes, extends and stops: within policy, at their own unit, once, and nothing waits for ever. Handbook §3."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from auth.identity import Identity, Role
from auth.models import InboxMessage, Person, PersonCategory, Protection, Unit
from auth.numbers import parse_number
from auth.persons import staff_identity
from core.audit import AccessLogEntry
from core.clock import ManualClock, today
from core.db import Database
from core.errors import NotFound, NotPermitted
from orders.kinds import OWN_SOURCE, DeliveryMethod, ProductKind
from orders.models import Article, PrescriptionItem, PrescriptionStatus
from orders.prescribing import prescribe
from orders.prescribing_errors import PrescriptionRefused, ReasonMissing
from orders.prescription_rules import ProblemKind
from orders.queries import products_of
from orders.unit_access import find_patient
from tests.support.builders import add_person, add_staff, add_unit, patient_identity
from tests.support.prescribing import Clinic, good_terms


@pytest.fixture
def clinic(database: Database) -> Clinic:
    return Clinic(database)


def _refusal(clinic: Clinic, article: Article, **terms: Any) -> list[ProblemKind]:
    with pytest.raises(PrescriptionRefused) as refused:
        clinic.prescribe(article, **terms)
    return [problem.kind for problem in refused.value.problems]


def _told(clinic: Clinic) -> list[tuple[str, dict[str, Any]]]:
    with clinic.database.session() as session:
        return [(one.kind, one.facts) for one in session.scalars(select(InboxMessage).order_by(InboxMessage.id))]


def _logged(clinic: Clinic, action: str) -> list[AccessLogEntry]:
    with clinic.database.session() as session:
        return list(session.scalars(select(AccessLogEntry).where(AccessLogEntry.action == action)))


def test_what_is_prescribed_can_be_ordered_at_once(clinic: Clinic) -> None:
    article = clinic.article()
    clinic.item()  # makes the person a patient of the unit
    item = clinic.prescribe(article)
    with clinic.database.unit_of_work() as session:
        kept = session.get_one(PrescriptionItem, item.id)
        assert (kept.prescription.source, kept.prescription.unit_id) == (OWN_SOURCE, clinic.unit.id)
        assert kept.prescription.prescriber_name == "Sonja Sköterska"
        assert (kept.orders_remaining, kept.pieces_per_order) == (4, 6 * article.package_size)
        assert [one.method for one in kept.delivery_alternatives] == [
            DeliveryMethod.HOME_DELIVERY,
            DeliveryMethod.SERVICE_POINT,
        ]
        home, point = kept.delivery_alternatives
        assert (home.method_id, home.allow_delivery_comment) == ("HOME", True)
        assert (point.provider, point.notifications) == ("POSTNORD", ["SMS", "EMAIL", "LETTER"])
        assert point.allow_choice_of_delivery_points
        assert point.allow_contact_person
        shown = products_of(session, patient_identity(clinic.person))
        assert item.id in {product.item.id for product in shown.orderable}
    assert _told(clinic) == [("prescription.new", {"article": "Glukossensor", "until": "2027-11-30"})]
    (entry,) = _logged(clinic, "prescription.made")
    assert (entry.subject_person_id, entry.unit_id) == (clinic.person.id, clinic.unit.id)


def test_the_same_form_prescribes_once(clinic: Clinic) -> None:
    clinic.item()
    command = good_terms(clinic.person, clinic.article())
    ids = set()
    for _time in range(2):
        with clinic.database.unit_of_work() as session:
            ids.add(prescribe(session, clinic.nurse, command).id)
    assert len(ids) == 1
    with pytest.raises(PrescriptionRefused) as refused:
        clinic.prescribe(clinic.article(), confirmed_second=False, last_valid_date=date(2028, 1, 1))
    assert refused.value.problems[0].day == date(2027, 12, 1)


def test_a_second_prescription_of_the_same_needs_a_yes(clinic: Clinic) -> None:
    article = clinic.article()
    clinic.item(article, valid_until=date(2027, 2, 1))
    assert _refusal(clinic, article) == [ProblemKind.ALREADY_PRESCRIBED]
    clinic.prescribe(article, confirmed_second=True)
    # A yes to that is no yes to anything else.
    assert _refusal(clinic, article, confirmed_second=True, days_per_order=91) == [ProblemKind.DAYS_OUT_OF_RANGE]


def test_a_variant_of_the_same_counts_as_the_same(clinic: Clinic) -> None:
    generic = clinic.article(ProductKind.NUTRITION, name="Dryck")
    tastes = [clinic.article(ProductKind.NUTRITION, generic=generic, name=name) for name in ("Choklad", "Vanilj")]
    clinic.item(tastes[0])
    assert _refusal(clinic, generic) == [ProblemKind.ALREADY_PRESCRIBED]
    assert _refusal(clinic, tastes[1]) == [ProblemKind.ALREADY_PRESCRIBED]


def test_a_generic_article_is_prescribed_with_its_orderable_variants(clinic: Clinic) -> None:
    generic = clinic.article(ProductKind.NUTRITION, name="Dryck")
    tastes = [clinic.article(ProductKind.NUTRITION, generic=generic, name=name) for name in ("Choklad", "Vanilj")]
    with clinic.database.unit_of_work() as session:
        session.get_one(Article, generic.id).is_orderable = False
        session.get_one(Article, tastes[0].id).is_orderable = False
    clinic.item()
    assert _refusal(clinic, generic, sub_article_ids=(tastes[0].id,)) == [ProblemKind.FOREIGN_SUB_ARTICLE]
    item = clinic.prescribe(generic)
    with clinic.database.session() as session:
        assert [one.id for one in session.get_one(PrescriptionItem, item.id).sub_articles] == [tastes[1].id]


def test_strips_fit_the_meter_that_the_patient_has(clinic: Clinic) -> None:
    strips = {group: clinic.article(ProductKind.TEST_STRIP, group=group, name="Stickor") for group in "AB"}
    meter = clinic.article(ProductKind.METER, group="A", name="Mätare")
    clinic.item()
    clinic.prescribe(strips["B"])
    clinic.stop(clinic.item(meter))
    # A stopped meter says nothing.
    clinic.prescribe(strips["B"], confirmed_second=True)
    clinic.prescribe(strips["A"])
    clinic.item(meter)
    assert _refusal(clinic, strips["B"], confirmed_second=True) == [ProblemKind.NO_MATCHING_METER]
    clinic.prescribe(strips["B"], confirmed_second=True, confirmed_meter=True)


def test_nothing_outside_the_agreement_is_prescribed(clinic: Clinic) -> None:
    battery = clinic.article(ProductKind.OTHER, name="Batteri")
    with clinic.database.unit_of_work() as session:
        session.get_one(Article, battery.id).agreement_no = ""
    clinic.item()
    assert _refusal(clinic, battery) == [ProblemKind.OUTSIDE_AGREEMENT]
    with pytest.raises(NotFound):
        clinic.prescribe(battery, article_id=battery.id + 1000)


@pytest.mark.parametrize(
    ("facts", "problem"),
    [
        ({"deceased_on": date(2026, 11, 1)}, ProblemKind.DECEASED),
        ({"county_code": "12"}, ProblemKind.MOVED_OUT),
        ({"category": PersonCategory.ASYLUM_SEEKER}, ProblemKind.PHARMACY),
    ],
)
def test_nothing_is_prescribed_or_extended_for_those_supplied_elsewhere(
    clinic: Clinic, facts: dict[str, Any], problem: ProblemKind
) -> None:
    item = clinic.item(valid_until=date(2027, 1, 1))
    with clinic.database.unit_of_work() as session:
        person = session.get_one(Person, clinic.person.id)
        for name, value in facts.items():
            setattr(person, name, value)
    assert _refusal(clinic, clinic.article()) == [problem]
    with pytest.raises(PrescriptionRefused) as refused:
        clinic.extend(item, more_orders=1)
    assert [one.kind for one in refused.value.problems] == [problem]


def test_a_protected_patients_unit_needs_an_address(clinic: Clinic) -> None:
    with clinic.database.unit_of_work() as session:
        hidden = add_person(session, protection=Protection.CONFIDENTIALITY_FLAG)
    clinic.item(person=hidden)
    article = clinic.article()
    clinic.prescribe(article, person_id=hidden.id)
    with clinic.database.unit_of_work() as session:
        session.get_one(Unit, clinic.unit.id).street = ""
    assert _refusal(clinic, clinic.article(), person_id=hidden.id) == [ProblemKind.UNIT_HAS_NO_ADDRESS]


def test_a_stranger_is_found_with_a_reason_first(clinic: Clinic, clock: ManualClock) -> None:
    article = clinic.article()
    with pytest.raises(NotFound):
        clinic.prescribe(article)

    def find(reason: str, nurse: Identity | None = None) -> Person:
        with clinic.database.unit_of_work() as session:
            number = parse_number(clinic.person.number, today(session))
            return find_patient(session, nurse or clinic.nurse, number, reason)

    with pytest.raises(ReasonMissing):
        find(" \x00")
    find("Ny patient på remiss", clinic.another_nurse())
    with pytest.raises(NotFound):
        clinic.prescribe(article)
    assert find("Ny patient på remiss").id == clinic.person.id
    clock.advance(timedelta(hours=13))
    with pytest.raises(NotFound):
        clinic.prescribe(article)
    find("Ny patient på remiss")
    clinic.prescribe(article)
    (entry,) = _logged(clinic, "prescription.made")
    assert entry.reason == "Ny patient på remiss"
    assert [one.reason for one in _logged(clinic, "patient.found")] == ["Ny patient på remiss"] * 3
    # Now a patient of the unit's, who needs no reason.
    assert find("").id == clinic.person.id


def test_nobody_finds_a_patient_of_another_region(clinic: Clinic) -> None:
    with clinic.database.unit_of_work() as session:
        person = session.get_one(Person, clinic.person.id)
        person.region = "elsewhere"
        number = parse_number(person.number, today(session))
    with clinic.database.session() as session, pytest.raises(NotFound):
        find_patient(session, clinic.nurse, number, "Ny patient")
    with clinic.database.session() as session, pytest.raises(ReasonMissing):
        find_patient(session, clinic.nurse, number, "")


@pytest.mark.parametrize("role", [role for role in Role if role not in (Role.PRESCRIBER, Role.PATIENT, Role.SYSTEM)])
def test_only_prescribers_prescribe(clinic: Clinic, role: Role) -> None:
    item = clinic.item()
    with clinic.database.unit_of_work() as session:
        other = staff_identity(add_staff(session, role, unit=clinic.unit))
    for act in (
        lambda: clinic.prescribe(clinic.article(), other),
        lambda: clinic.extend(item, other, more_orders=1),
        lambda: clinic.stop(item, other),
    ):
        with pytest.raises(NotPermitted):
            act()


def test_another_units_item_is_not_there(clinic: Clinic) -> None:
    with clinic.database.unit_of_work() as session:
        other_unit = add_unit(session, "Barnmottagningen")
    elsewhere = clinic.another_nurse(other_unit)
    item = clinic.item()
    with pytest.raises(NotFound):
        clinic.extend(item, elsewhere, more_orders=1)
    with pytest.raises(NotFound):
        clinic.stop(item, elsewhere)
    with pytest.raises(NotFound):
        clinic.prescribe(clinic.article(), elsewhere)
    same_unit_elsewhere = replace(clinic.nurse, region="elsewhere")
    with pytest.raises(NotFound):
        clinic.stop(item, same_unit_elsewhere)
    assert clinic.now(item).status is PrescriptionStatus.ACTIVE


def test_an_extension_adds_to_what_is_left_and_wakes_what_has_expired(clinic: Clinic, clock: ManualClock) -> None:
    item = clinic.item(allowed=1, valid_until=date(2026, 12, 31))
    clock.advance(timedelta(days=60))
    with clinic.database.unit_of_work() as session:
        session.get_one(PrescriptionItem, item.id).status = PrescriptionStatus.EXPIRED
        session.get_one(PrescriptionItem, item.id).ended_on = date(2026, 12, 31)
    for _time in range(2):
        clinic.extend(item, more_orders=3, last_valid_date=date(2028, 1, 30), idempotency_key="twice")
    extended = clinic.now(item)
    assert (extended.status, extended.ended_on) == (PrescriptionStatus.ACTIVE, None)
    assert (extended.orders_allowed, extended.orders_added, extended.orders_remaining) == (4, 3, 4)
    assert extended.last_valid_date == extended.extended_until == date(2028, 1, 30)
    with clinic.database.unit_of_work() as session:
        shown = products_of(session, patient_identity(clinic.person))
        assert [product.item.id for product in shown.orderable] == [item.id]
    assert [kind for kind, _facts in _told(clinic)] == ["prescription.extended"]


def test_the_home_regions_yes_is_kept(clinic: Clinic) -> None:
    item = clinic.item()
    clinic.extend(item, home_region_agreed=True)
    kept = clinic.now(item)
    assert (kept.home_region_agreed, kept.orders_added, kept.extended_until) == (True, 0, None)


def test_a_stopped_item_stays_stopped_and_is_not_extended(clinic: Clinic) -> None:
    item = clinic.item()
    with pytest.raises(ReasonMissing):
        clinic.stop(item, reason=" \x00 ")
    for _time in range(2):
        clinic.stop(item)
    stopped = clinic.now(item)
    assert (stopped.status, stopped.ended_on) == (PrescriptionStatus.CANCELLED, date(2026, 12, 1))
    assert stopped.stopped_at is not None
    assert [kind for kind, _facts in _told(clinic)] == ["prescription.stopped"]
    (entry,) = _logged(clinic, "prescription.stopped")
    assert (entry.reason, entry.subject_person_id) == ("Används inte", clinic.person.id)
    with pytest.raises(PrescriptionRefused) as refused:
        clinic.extend(item, more_orders=1)
    assert refused.value.problems[0].kind is ProblemKind.CANCELLED


def test_what_its_source_has_cancelled_can_be_stopped_for_good_without_a_word(clinic: Clinic) -> None:
    item = clinic.item()
    with clinic.database.unit_of_work() as session:
        session.get_one(PrescriptionItem, item.id).status = PrescriptionStatus.CANCELLED
    clinic.stop(item)
    assert clinic.now(item).stopped_at is not None
    assert _told(clinic) == []
