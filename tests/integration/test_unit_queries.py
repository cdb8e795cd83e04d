"""What a prescriber's pages show: their own unit's and nobody else's, with a line in the access log per person. Handbook §§9 and 11."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st
from sqlalchemy import update

from auth.identity import Identity
from auth.models import Person
from core.clock import ManualClock
from core.db import Database
from orders.cancelling import cancel_order
from orders.models import Article, ExternalWithdrawal, PrescriptionItem, PrescriptionStatus, ProductKind
from orders.services import OrderLine, PlaceOrder, place_order
from orders.unit_queries import needs_you, patient_page, renewal_request, unit_item, unit_patients
from orders.unit_views import NeedsYou, UnitItem
from tests.support.builders import add_person, patient_identity
from tests.support.prescribing import Clinic, key
from tests.support.statements import counted

TODAY = date(2026, 12, 1)


@pytest.fixture
def clinic(database: Database) -> Clinic:
    return Clinic(database)


def _needs(clinic: Clinic, nurse: Identity | None = None) -> NeedsYou:
    with clinic.database.unit_of_work() as session:
        return needs_you(session, nurse or clinic.nurse)


def _ids(shown: tuple[UnitItem, ...]) -> list[int]:
    return [one.item.id for one in shown]


def _set(clinic: Clinic, item: PrescriptionItem, **values: Any) -> PrescriptionItem:
    with clinic.database.unit_of_work() as session:
        session.execute(update(PrescriptionItem).where(PrescriptionItem.id == item.id).values(**values))
    return item


def _elsewhere(clinic: Clinic, item: PrescriptionItem, *draws: tuple[date, int]) -> None:
    with clinic.database.unit_of_work() as session:
        session.add_all(
            ExternalWithdrawal(prescription_item_id=item.id, order_item_id=f"J-{day}", pieces=pieces, order_date=day)
            for day, pieces in draws
        )


def _order(clinic: Clinic, item: PrescriptionItem, packages: int) -> str:
    line = OrderLine(item.id, {item.article_id: packages}, clinic.now(item).orders_remaining)
    with clinic.database.unit_of_work() as session:
        return place_order(
            session, patient_identity(clinic.person), PlaceOrder((line,), idempotency_key=key())
        ).order_no


def test_what_ends_or_is_used_up_within_sixty_days_needs_the_unit(clinic: Clinic) -> None:
    far = date(2027, 11, 1)
    clinic.item(valid_until=far)
    ends = clinic.item(valid_until=TODAY + timedelta(days=60))
    clinic.item(valid_until=TODAY + timedelta(days=61))
    used_up = _set(clinic, clinic.item(valid_until=far), orders_remaining=0)
    _set(clinic, clinic.item(valid_until=far, earliest=TODAY + timedelta(days=61)), orders_remaining=0)
    last_one = _set(clinic, clinic.item(valid_until=far, days=60), orders_remaining=1)
    delivered = _set(clinic, clinic.item(valid_until=far), status=PrescriptionStatus.DELIVERED)
    expired = _set(clinic, clinic.item(valid_until=TODAY - timedelta(days=60)), status=PrescriptionStatus.EXPIRED)
    clinic.item(valid_until=TODAY - timedelta(days=61))
    _set(clinic, clinic.item(valid_until=TODAY), status=PrescriptionStatus.CANCELLED)
    found = _needs(clinic)
    assert _ids(found.ending) == [expired.id, used_up.id, delivered.id, ends.id, last_one.id]
    assert [one.runs_out_on for one in found.ending] == sorted(one.runs_out_on for one in found.ending)
    assert found.ending[0].runs_out_on == TODAY - timedelta(days=60)
    assert found.ending_total == 5
    assert (found.requests, found.little_used, found.moved) == ((), (), ())


def test_what_has_a_new_prescription_no_longer_ends(clinic: Clinic) -> None:
    article = clinic.article(ProductKind.PEN_NEEDLE)
    ending = clinic.item(article, valid_until=TODAY + timedelta(days=10))
    assert _ids(_needs(clinic).ending) == [ending.id]
    renewed = clinic.item(article, valid_until=date(2027, 11, 1))
    assert _ids(_needs(clinic).ending) == []
    _set(clinic, renewed, orders_remaining=0)
    assert sorted(_ids(_needs(clinic).ending)) == [ending.id, renewed.id]
    successor = clinic.article(ProductKind.PEN_NEEDLE)
    with clinic.database.unit_of_work() as session:
        session.get_one(Article, article.id).successor_id = successor.id
    clinic.item(successor, valid_until=date(2027, 11, 1))
    assert _ids(_needs(clinic).ending) == []


def test_what_is_hardly_used_is_said_with_its_share(clinic: Clinic) -> None:
    third = clinic.item(packages=6, days=84)
    _elsewhere(clinic, third, (TODAY - timedelta(days=252), 6))
    half = clinic.item(packages=6, days=84)
    _elsewhere(clinic, half, (TODAY - timedelta(days=252), 6), (TODAY - timedelta(days=160), 3))
    fresh = clinic.item(packages=6, days=84)
    _elsewhere(clinic, fresh, (TODAY - timedelta(days=80), 1))
    fine = clinic.item(packages=6, days=84)
    _elsewhere(clinic, fine, (TODAY - timedelta(days=168), 6), (TODAY - timedelta(days=90), 6))
    found = _needs(clinic)
    assert _ids(found.little_used) == [third.id]
    assert [(one.use.percent, one.use.withdrawals) for one in found.little_used] == [(33, 1)]
    clinic.stop(third)
    assert _needs(clinic).little_used == ()


def test_use_counts_ours_and_theirs_and_not_what_was_given_back(clinic: Clinic, clock: ManualClock) -> None:
    item = clinic.item(clinic.article(package_size=2), packages=6, days=30)
    _elsewhere(clinic, item, (TODAY - timedelta(days=200), 12))
    clinic_order = _order(clinic, item, 2)
    with clinic.database.unit_of_work() as session:
        shown = unit_item(session, clinic.nurse, item.id)
    assert (shown.shown.use.pieces, shown.shown.use.withdrawals) == (16, 2)
    assert [(one.pieces, one.order_no, one.is_cancelled) for one in shown.drawn] == [
        (4, clinic_order, False),
        (12, "", False),
    ]
    with clinic.database.unit_of_work() as session:
        cancel_order(session, patient_identity(clinic.person), clinic_order)
    with clinic.database.unit_of_work() as session:
        shown = unit_item(session, clinic.nurse, item.id)
    assert (shown.shown.use.pieces, shown.shown.use.withdrawals) == (12, 1)
    assert (shown.drawn[0].pieces, shown.drawn[0].is_cancelled) == (4, True)
    assert clock.now().date() == TODAY


def test_requests_come_oldest_first_with_what_they_are_about(clinic: Clinic, clock: ManualClock) -> None:
    items = [_set(clinic, clinic.item(), orders_remaining=0) for _number in range(3)]
    requests = []
    for item in reversed(items):
        requests.append(clinic.ask(item))
        clock.advance(timedelta(hours=1))
    found = _needs(clinic)
    assert _ids(found.requests) == [item.id for item in reversed(items)]
    assert [one.open_request.id for one in found.requests if one.open_request] == [one.id for one in requests]
    with clinic.database.unit_of_work() as session:
        page = renewal_request(session, clinic.nurse, requests[0].id)
        assert page.shown.item.id == items[-1].id
        assert [one.id for one in page.requests] == [requests[0].id]


def test_who_moved_is_shown_and_who_died_is_not(clinic: Clinic) -> None:
    item = _set(clinic, clinic.item(valid_until=TODAY + timedelta(days=10)), orders_remaining=2)
    clinic.ask(item)
    with clinic.database.unit_of_work() as session:
        session.get_one(Person, clinic.person.id).county_code = "12"
    found = _needs(clinic)
    assert [(one.person.id, one.active_items) for one in found.moved] == [(clinic.person.id, 1)]
    assert found.requests_total == 1
    with clinic.database.unit_of_work() as session:
        session.get_one(Person, clinic.person.id).deceased_on = TODAY
    found = _needs(clinic)
    assert (found.moved, found.requests, found.ending) == ((), (), ())


def _fill(clinic: Clinic, patients: int) -> None:
    """Patients of whom each needs the unit in every way."""
    for _number in range(patients):
        with clinic.database.unit_of_work() as session:
            person = add_person(session)
        item = clinic.item(person=person, valid_until=TODAY + timedelta(days=20))
        _elsewhere(clinic, item, (TODAY - timedelta(days=300), 1))
        clinic.ask(item, patient_identity(person))
        with clinic.database.unit_of_work() as session:
            session.get_one(Person, person.id).county_code = "12"


def test_the_pages_take_as_many_statements_for_many_as_for_few(clinic: Clinic) -> None:
    clinic.item()
    counts = []
    for patients in (2, 9):
        _fill(clinic, patients)
        for _number in range(patients):
            _elsewhere(clinic, clinic.item(), (TODAY, 6))
        looks: list[Callable[[Any], Any]] = [
            lambda session: needs_you(session, clinic.nurse),
            lambda session: unit_patients(session, clinic.nurse),
            lambda session: patient_page(session, clinic.nurse, clinic.person.id),
        ]
        taken = []
        for look in looks:
            with counted(clinic.database) as statements, clinic.database.unit_of_work() as session:
                shown = look(session)
                if isinstance(shown, NeedsYou):
                    for one in (*shown.requests, *shown.ending, *shown.little_used):
                        assert one.article.display_name
                        assert one.person.full_name
            taken.append(len(statements))
            assert sum("INSERT INTO access_log" in statement for statement in statements) == 1
        counts.append(taken)
    assert counts[0] == counts[1]
    assert max(counts[0]) <= 12
    assert len(_needs(clinic).moved) == 11


def test_the_list_and_the_rule_say_the_same(clinic: Clinic) -> None:
    item = clinic.item()

    @given(
        valid=st.integers(-100, 150),
        earliest=st.none() | st.integers(-30, 120),
        remaining=st.integers(0, 3),
        days=st.integers(1, 90),
        status=st.sampled_from([one for one in PrescriptionStatus if one is not PrescriptionStatus.CANCELLED]),
    )
    @settings(max_examples=60)
    def compare(valid: int, earliest: int | None, remaining: int, days: int, status: PrescriptionStatus) -> None:
        _set(
            clinic,
            item,
            last_valid_date=TODAY + timedelta(days=valid),
            next_earliest_order_date=None if earliest is None else TODAY + timedelta(days=earliest),
            orders_remaining=remaining,
            days_per_order=days,
            status=status,
        )
        with clinic.database.unit_of_work() as session:
            runs_out = unit_item(session, clinic.nurse, item.id).shown.runs_out_on
        listed = _ids(_needs(clinic).ending) == [item.id]
        assert listed is (abs((runs_out - TODAY).days) <= 60)

    compare()
