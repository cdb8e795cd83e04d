"""The demo region is what it says it is: everybody in their own situation, whichever day it is loaded."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session
from stdnum import ean

import portal.demo.region as region
from auth.identity import Role, system_identity
from auth.models import Commission, Person, ProxyAppointment
from auth.numbers import parse_number
from auth.persons import find_commission, find_person_by_number, staff_identity
from auth.relations import identity_for, subjects_of
from core.clock import ManualClock, swedish_date
from core.crypto import use_keyring
from core.db import Database
from core.outbox import OutboxMessage
from core.policy import Policies, use_policies
from delivery.complaints.board import board
from delivery.complaints.models import Complaint, ComplaintState
from delivery.models import Depot, DepotOrder, DepotOrderStatus, Lot, StockBalance
from orders.importing.prescriptions import import_prescriptions
from orders.models import Article, Order, OrderRow, PrescriptionItem, ProductArea, RowStatus
from orders.queries import ProductList, products_of
from orders.rules import Reason
from portal.config import PACKAGED_POLICIES, Settings
from portal.demo.region.filling import filled, number_of
from tests.support.databases import TestDatabases
from tests.support.settings import TEST_KEYRING, make_settings

LEAP_DAY = datetime(2028, 2, 29, 7, 0, tzinfo=UTC)


@pytest.fixture(
    scope="module", params=[datetime(2026, 11, 22, 1, 0, tzinfo=UTC), LEAP_DAY], ids=["november", "leap-day"]
)
def loaded(databases: TestDatabases, request: pytest.FixtureRequest) -> Iterator[Database]:
    """The demo region, loaded on some day; the tests that share it only look."""
    use_keyring(TEST_KEYRING)
    use_policies(Policies.load(PACKAGED_POLICIES))
    with databases.copy() as url:
        database = Database(url, clock=ManualClock(request.param))
        region.load_demo_region(database, make_settings(database_url=url), lambda line: None)
        yield database
        database.dispose()


@contextmanager
def opened(database: Database) -> Iterator[Session]:
    with database.session() as session:
        yield session
        session.rollback()


def person(session: Session, who: str) -> Person:
    keys = {entry["id"]: entry for entry in region.people_at_identity_provider()}
    claims = keys[who]["claims"]
    number = next(value for name, value in claims.items() if name.endswith("Number"))
    found = find_person_by_number(session, parse_number(number, date(2030, 1, 1)))
    assert found is not None
    return found


def reasons(products: ProductList) -> Counter[Reason]:
    return Counter(
        product.verdict.reason for group in (products.orderable, products.later, products.ended) for product in group
    )


def own_products(session: Session, who: str) -> ProductList:
    actor = person(session, who)
    return products_of(session, identity_for(actor, subjects_of(session, actor)[0]))


def test_everybody_is_in_their_own_situation(loaded: Database) -> None:
    with opened(loaded) as session:
        annas = own_products(session, "anna")
        assert reasons(annas) == {Reason.ALLOWED: 4}
        assert all(
            product.lasts_until and product.lasts_until > swedish_date(loaded.clock.now())
            for product in annas.orderable
        )
        assert reasons(own_products(session, "mehmet")) == {Reason.NOT_YET: 2}
        assert reasons(own_products(session, "gunilla")) == {Reason.USED_UP: 3}
        assert reasons(own_products(session, "petter")) == {Reason.EXPIRED: 2, Reason.CANCELLED: 1}
        assert reasons(own_products(session, "lena")) == {Reason.MOVED_OUT: 1}
        assert reasons(own_products(session, "protected")) == {Reason.ALLOWED: 2}
        assert reasons(own_products(session, "ingrid")) == {
            Reason.NOT_YET: 2,
            Reason.ALLOWED: 2,
            Reason.DISCONTINUED: 1,
        }
        assert reasons(own_products(session, "fatima")) == {Reason.NOT_YET: 2, Reason.ALLOWED: 3}
        assert reasons(own_products(session, "tomasz")) == {Reason.NOT_YET: 3}


def test_relatives_may_what_they_may(loaded: Database) -> None:
    with opened(loaded) as session:
        sara = person(session, "sara")
        child = subjects_of(session, sara)[1]
        assert child.person.given_name == "Alva"
        assert reasons(products_of(session, identity_for(sara, child)))[Reason.ALLOWED] == 2
        assert not subjects_of(session, person(session, "elias"))[0].rights.tasks
        assert len(subjects_of(session, person(session, "maria"))) == 1
        assert [task.value for task in subjects_of(session, person(session, "johan"))[1].rights.tasks] == [
            "report_faults"
        ]
        assert session.scalars(select(ProxyAppointment.tasks)).all() == [["report_faults"]]
        assert session.scalar(select(func.count()).where(Person.deceased_on.is_not(None))) == 1


def test_the_depot_and_the_consultant_have_something_to_do(loaded: Database) -> None:
    with opened(loaded) as session:
        # One of units' orders in every state that the depot's pages speak of, and patients' beside them.
        of_units = select(DepotOrder.status).join(Order).where(Order.unit_id.is_not(None))
        assert Counter(session.scalars(of_units)) == {
            DepotOrderStatus.WAITING: 3,
            DepotOrderStatus.PICKING: 5,
            DepotOrderStatus.PACKED: 1,
            DepotOrderStatus.SHIPPED: 4,
            DepotOrderStatus.BACK_ORDERED: 1,
        }
        of_patients = select(DepotOrder.status).join(Order).where(Order.person_id.is_not(None))
        assert set(session.scalars(of_patients)) >= {
            DepotOrderStatus.WAITING,
            DepotOrderStatus.SHIPPED,
            DepotOrderStatus.PACKED,
            DepotOrderStatus.DELIVERED,
        }
        assert Counter(session.scalars(select(OrderRow.status).join(Order)))[RowStatus.DELIVERED] >= 6
        # The board has cases in every pile, and somebody is late.
        cases = session.scalars(select(Complaint)).all()
        assert all(case.routed_at for case in cases)
        assert {case.state for case in cases} >= {
            ComplaintState.RECEIVED,
            ComplaintState.TRIAGED,
            ComplaintState.REPLACEMENT_ORDERED,
            ComplaintState.DECLINED,
            ComplaintState.CLAIMED,
            ComplaintState.CLOSED,
        }
        consultant = next(
            staff_identity(one) for one in session.scalars(select(Commission)) if one.role is Role.CONSULTANT
        )
        counts = board(session, consultant).counts
        assert all(counts.values()), counts
        # A carrier is called by the workers, once they run.
        waiting = session.scalars(select(OutboxMessage.kind).where(OutboxMessage.done_at.is_(None))).all()
        assert Counter(waiting)["parcel.packed"] == 2
        assert set(waiting) <= {"parcel.packed", "claim.send"}
        expired = select(Lot.id).join(StockBalance).where(Lot.expires_on < swedish_date(loaded.clock.now()))
        assert session.scalars(expired).one()


def test_the_assortment_is_that_of_a_depot(loaded: Database) -> None:
    with opened(loaded) as session:
        articles = session.scalars(select(Article)).all()
        assert {article.product_area for article in articles} == set(ProductArea)
        assert len(articles) >= 30
        stocked = [article for article in articles if article.gtin]
        assert all(len(article.gtin or "") == 14 and ean.is_valid(article.gtin or "") for article in stocked)
        assert all(article.supplier_id and article.agreement_no and article.location for article in stocked)
        assert any(article.successor_id and not article.is_orderable for article in articles)


def test_everybody_on_the_list_is_known_to_the_portal(loaded: Database) -> None:
    listed = region.who_can_log_in()
    people = region.people_at_identity_provider()
    assert [entry["label"] for entry in people] == [name for name, _, _ in listed]
    with opened(loaded) as session:
        for entry in people:
            claims = entry["claims"]
            if entry["group"] == "staff":
                commission = find_commission(session, claims["employeeHsaId"], claims["commissionHsaId"])
                assert commission is not None
                assert commission.unit.hsa_id == claims["healthCareUnitHsaId"]
                assert staff_identity(commission).label == entry["label"]
            else:
                assert person(session, entry["id"]).deceased_on is None
        roles = {commission.role.value for commission in session.scalars(select(Commission))}
        assert roles == {"DEPOT", "CUSTOMER_SERVICE", "CONSULTANT", "AUDITOR", "PRESCRIBER", "COST_RESPONSIBLE"}


@pytest.mark.parametrize("name", ["prescriptions-2.0.xml", "prescriptions-1.0.xml", "prescriptions.csv"])
def test_importing_its_files_anew_gives_no_withdrawal_back(loaded: Database, name: str) -> None:
    with loaded.unit_of_work() as session:
        identity = system_identity(region.REGION, "again")
        outcome = import_prescriptions(session, identity, filled(name, swedish_date(loaded.clock.now())))
    assert not outcome.wrote_something


@pytest.mark.parametrize("day", [date(2026, 11, 22), date(2028, 2, 29), date(2028, 6, 28), date(2027, 1, 1)])
def test_children_have_the_age_they_should(day: date) -> None:
    born = parse_number(number_of(day, 9, 120, 986), day).birth_date
    assert day.year - born.year - ((day.month, day.day) < (born.month, born.day)) == 9


def test_loading_again_changes_nothing_and_remembers_its_day(
    database: Database, clock: ManualClock, settings: Settings
) -> None:
    region.load_demo_region(database, settings, lambda line: None)
    people, orders = region.people_at_identity_provider(), _count(database)
    clock.set(datetime(2027, 6, 1, 8, 0, tzinfo=UTC))
    said: list[str] = []
    region.load_demo_region(database, settings, said.append)
    assert said == ["it is there already"]
    assert region.people_at_identity_provider() == people
    assert _count(database) == orders


def _count(database: Database) -> int | None:
    with opened(database) as session:
        return session.scalar(select(func.count()).select_from(Order))


def test_another_installation_knows_the_same_people_and_nothing_that_they_may_order(
    loaded: Database, databases: TestDatabases
) -> None:
    def numbers(database: Database) -> set[str]:
        with opened(database) as session:
            return {one.number for one in session.scalars(select(Person))}

    with databases.copy() as url:
        # It may be past midnight when the second one is loaded.
        other = Database(url, clock=ManualClock(loaded.clock.now() + timedelta(days=1)))
        for _each in range(2):
            region.load_people(other, make_settings(database_url=url), lambda line: None)
            # Children among them; the first one has a crowd besides, who cannot log in.
            assert len(numbers(other)) == 18
            assert numbers(other) < numbers(loaded)
        with opened(other) as session:
            counts = [session.scalar(select(func.count()).select_from(one)) for one in (PrescriptionItem, Order, Depot)]
            assert counts == [0, 0, 0]
            assert session.scalar(select(func.count()).select_from(Commission)) == 11
        other.dispose()
