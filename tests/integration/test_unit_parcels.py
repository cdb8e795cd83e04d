"""Parcels on their way to a unit for protected patients: named by nothing but a number, seen by that unit alone. Handbook §4."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from auth.models import Person, Protection, Unit
from core.audit import AccessLogEntry
from core.clock import ManualClock
from core.db import Database
from core.errors import NotPermitted
from delivery.models import DepotOrderStatus
from delivery.shipping import register_delivery, ship
from delivery.unit_parcels import UnitParcel, parcels_to_unit
from orders.models import Prescription
from tests.support.builders import add_person, add_unit
from tests.support.depot_work import World, item_of
from tests.support.prescribing import Clinic
from tests.support.statements import counted


class Hidden:
    """A clinic with a protected patient, and a depot."""

    def __init__(self, database: Database) -> None:
        self.world, self.clinic = World(database), Clinic(database)
        self.database = database
        with database.unit_of_work() as session:
            self.person = add_person(session, protection=Protection.CONFIDENTIALITY_FLAG)
            session.get_one(Person, self.person.id).alias = "Blå Ekorre"

    def order(self, unit: Unit | None = None, person: Person | None = None) -> int:
        """Order something that the unit has prescribed; return the depot order's id."""
        article = self.world.article()
        self.world.stock(article, 5)
        depot_order_id = self.world.order({article: 1}, person or self.person)
        with self.database.unit_of_work() as session:
            item = item_of(session, article)
            session.get_one(Prescription, item.prescription_id).unit_id = (unit or self.clinic.unit).id
        return depot_order_id

    def seen(self) -> tuple[UnitParcel, ...]:
        """Look as the clinic's nurse."""
        with self.database.unit_of_work() as session:
            return parcels_to_unit(session, self.clinic.nurse)


@pytest.fixture
def hidden(database: Database) -> Hidden:
    return Hidden(database)


def test_a_parcel_is_followed_from_the_order_until_it_has_been_there_a_while(
    hidden: Hidden, clock: ManualClock
) -> None:
    depot_order_id = hidden.order()
    (waiting,) = hidden.seen()
    assert (waiting.person_id, waiting.alias, waiting.parcel_no) == (hidden.person.id, "Blå Ekorre", "")
    assert waiting.status is DepotOrderStatus.WAITING
    parcel_id = hidden.world.packed(depot_order_id)
    assert len(hidden.seen()[0].parcel_no) == 18
    with hidden.database.unit_of_work() as session:
        ship(session, hidden.world.picker, parcel_id, "T1")
    assert (hidden.seen()[0].status, hidden.seen()[0].tracking_no) == (DepotOrderStatus.SHIPPED, "T1")
    with hidden.database.unit_of_work() as session:
        register_delivery(session, hidden.world.picker, parcel_id, "test")
    assert hidden.seen()[0].delivered_at == clock.now()
    clock.advance(timedelta(days=15))
    assert hidden.seen() == ()


def test_only_what_comes_to_this_unit_is_seen_and_logged(hidden: Hidden) -> None:
    with hidden.database.unit_of_work() as session:
        open_person, other_unit = add_person(session), add_unit(session)
    hidden.order(person=open_person)
    hidden.order(unit=other_unit)
    assert hidden.seen() == ()
    with hidden.database.session() as session:
        assert session.scalars(select(AccessLogEntry).where(AccessLogEntry.action == "unit_parcels.seen")).all() == []
    hidden.order()
    assert len(hidden.seen()) == 1
    with hidden.database.session() as session:
        (entry,) = session.scalars(select(AccessLogEntry).where(AccessLogEntry.action == "unit_parcels.seen"))
    assert (entry.subject_person_id, entry.unit_id) == (hidden.person.id, hidden.clinic.unit.id)


def test_the_depot_does_not_look_here(hidden: Hidden) -> None:
    with hidden.database.unit_of_work() as session, pytest.raises(NotPermitted):
        parcels_to_unit(session, hidden.world.picker)


def test_many_parcels_take_as_many_statements_as_one(hidden: Hidden) -> None:
    counts = []
    for orders in (1, 4):
        for _number in range(orders):
            hidden.order()
        with counted(hidden.database) as statements:
            hidden.seen()
        counts.append(len(statements))
    assert counts[0] == counts[1] <= 4
