"""Parcels on a real database: packed, handed over and delivered once, and never to an address that must not be known."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import date

import pytest
from sqlalchemy import func, select

from auth.identity import system_identity
from auth.models import InboxMessage, Person, Protection
from core.audit import AccessLogEntry
from core.clock import ManualClock
from core.db import Database
from core.errors import NotFound
from delivery import errors
from delivery.documents import ParcelPapers
from delivery.models import DepotOrder, DepotOrderStatus, Parcel, PickedLot, ShortReason, TrackingEvent, TrackingKind
from delivery.papers import prepare_papers
from delivery.parcels import label_is_outdated, parcel_page, parcels
from delivery.picking import scan
from delivery.put_back import put_back
from delivery.queries import numbers_of_today
from delivery.shipping import pack, register_delivery, ship
from delivery.shortage import finish, pick_again, short_pick
from orders.models import DeliveryChoice, DeliveryMethod, RowStatus
from tests.support.builders import add_person
from tests.support.depot_work import World, gs1, lines_of, rows_of
from tests.support.statements import counted

CARRIER = system_identity("vgr", "carrier")


@pytest.fixture
def world(database: Database) -> World:
    return World(database)


def packed_order(world: World, *, person: Person | None = None, packages: int = 2) -> tuple[int, int]:
    """A packed order; its id and its parcel's."""
    article = world.article()
    world.stock(article, 20)
    depot_order_id = world.order({article: packages}, person)
    return depot_order_id, world.packed(depot_order_id)


def ship_it(world: World, parcel_id: int, tracking_no: str = "00370730 1") -> None:
    with world.database.unit_of_work() as session:
        ship(session, world.picker, parcel_id, tracking_no)


def deliver(world: World, parcel_id: int) -> None:
    with world.database.unit_of_work() as session:
        register_delivery(session, CARRIER, parcel_id, "carrier")


def print_papers(world: World, parcel_id: int) -> ParcelPapers:
    with world.database.unit_of_work() as session:
        return prepare_papers(session, world.picker, parcel_id, "label")


def messages(world: World, kind: str) -> list[dict[str, object]]:
    with world.database.session() as session:
        return list(session.scalars(select(InboxMessage.facts).where(InboxMessage.kind == kind)))


def protect(world: World, person: Person) -> None:
    with world.database.unit_of_work() as session:
        stored = session.get_one(Person, person.id)
        stored.given_name = stored.family_name = stored.street = stored.postal_code = stored.city = ""
        stored.door_code = ""
        stored.protection = Protection.CONFIDENTIALITY_FLAG


def test_packing_makes_one_parcel_with_a_number_of_its_own(world: World) -> None:
    depot_order_id, parcel_id = packed_order(world)
    with world.database.unit_of_work() as session:
        assert pack(session, world.picker, depot_order_id).id == parcel_id
    _, other_id = packed_order(world)
    with world.database.session() as session:
        numbers = session.scalars(select(Parcel.sscc).order_by(Parcel.id)).all()
        assert [number[:8] for number in numbers] == ["07350000", "07350000"]
        assert len(set(numbers)) == 2
        assert session.get_one(Parcel, other_id).carrier == "PostNord"


def test_an_order_that_is_not_picked_cannot_be_packed(world: World) -> None:
    article = world.article()
    world.stock(article, 5)
    depot_order_id = world.order({article: 1})
    with pytest.raises(errors.WrongStep), world.database.unit_of_work() as session:
        pack(session, world.picker, depot_order_id)


def test_handing_over_sends_the_rows_and_tells_the_patient_once(world: World) -> None:
    depot_order_id, parcel_id = packed_order(world)
    ship_it(world, parcel_id, "ab 123 ")
    with pytest.raises(errors.AlreadyShipped):
        ship_it(world, parcel_id, "OTHER")
    with world.database.session() as session:
        parcel = session.get_one(Parcel, parcel_id)
        assert (parcel.tracking_no, parcel.shipped_at) == ("AB123", world.database.clock.now())
        assert session.scalars(select(TrackingEvent.kind)).all() == [TrackingKind.HANDED_OVER]
        assert [row.status for row in rows_of(session, depot_order_id)] == [RowStatus.SENT]
        order_no = session.get_one(DepotOrder, depot_order_id).order.order_no
    assert messages(world, "order.sent") == [{"order_no": order_no, "tracking_no": "AB123", "carrier": "PostNord"}]
    with world.database.unit_of_work() as session:
        assert numbers_of_today(session, world.picker).shipped_today == 1


def test_a_tracking_number_belongs_to_one_parcel(world: World) -> None:
    (_, first), (order_id, second) = packed_order(world), packed_order(world)
    ship_it(world, first, "SAME")
    with pytest.raises(errors.TrackingNumberTaken):
        ship_it(world, second, "same")
    assert world.status(order_id) is DepotOrderStatus.PACKED
    for wrong in ("  ", "9" * 41):
        with pytest.raises(ValueError, match="tracking number"):
            ship_it(world, second, wrong)


def test_a_parcel_handed_over_twice_at_once_is_handed_over_once(world: World) -> None:
    _, parcel_id = packed_order(world)
    with ThreadPoolExecutor(4) as pool:
        runs = [pool.submit(ship_it, world, parcel_id, f"RACE{number}") for number in range(4)]
    outcomes = [type(problem) if (problem := run.exception()) else None for run in runs]
    assert outcomes.count(None) == 1
    assert outcomes.count(errors.AlreadyShipped) == 3
    assert len(messages(world, "order.sent")) == 1


def test_delivery_is_noted_once_and_never_before_the_hand_over(world: World, clock: ManualClock) -> None:
    depot_order_id, parcel_id = packed_order(world)
    with pytest.raises(errors.NotShipped):
        deliver(world, parcel_id)
    ship_it(world, parcel_id)
    deliver(world, parcel_id)
    delivered_at = clock.now()
    clock.set(clock.now().replace(hour=20))
    deliver(world, parcel_id)
    with world.database.session() as session:
        assert session.get_one(Parcel, parcel_id).delivered_at == delivered_at
        assert [row.status for row in rows_of(session, depot_order_id)] == [RowStatus.DELIVERED]
    assert len(messages(world, "order.delivered")) == 1


def test_a_row_is_delivered_when_every_part_of_it_is(world: World) -> None:
    article = world.article()
    world.stock(article, 1)
    first = world.order({article: 3})
    world.start(first)
    with world.database.unit_of_work() as session:
        scan(session, world.picker, first, gs1(article, "LOT1", date(2028, 12, 31)))
        line = lines_of(session, first)[0]
        short_pick(session, world.picker, first, line.id, ShortReason.NOT_IN_STOCK)
        finish(session, world.picker, first)
        parcel_id = pack(session, world.picker, first).id
        second = session.scalars(select(DepotOrder.id).where(DepotOrder.part == 1)).one()
    papers = print_papers(world, parcel_id)
    assert [(line.packages, line.expected_on) for line in papers.short] == [(2, date(2026, 12, 15))]
    ship_it(world, parcel_id, "ONE")
    deliver(world, parcel_id)

    def row_status() -> RowStatus:
        with world.database.session() as session:
            return rows_of(session, first)[0].status

    assert row_status() is RowStatus.SENT
    world.stock(article, 5, "LOT2")
    with world.database.unit_of_work() as session:
        pick_again(session, world.picker, second)
    rest = world.packed(second)
    assert row_status() is RowStatus.SENT
    ship_it(world, rest, "TWO")
    deliver(world, rest)
    assert row_status() is RowStatus.DELIVERED


def test_a_protected_person_s_parcel_names_the_unit_only(world: World) -> None:
    with world.database.unit_of_work() as session:
        person = add_person(session, protection=Protection.PROTECTED_REGISTRATION)
    _, parcel_id = packed_order(world, person=person)
    papers = print_papers(world, parcel_id)
    assert papers.receiver.name.startswith("Diabetesmottagningen")
    ship_it(world, parcel_id)


def test_protection_that_comes_before_packing_reroutes_the_parcel(world: World) -> None:
    with world.database.unit_of_work() as session:
        person = add_person(session)
    article = world.article()
    world.stock(article, 5)
    depot_order_id = world.order({article: 1}, person)
    protect(world, person)
    parcel_id = world.packed(depot_order_id)
    with world.database.session() as session:
        choice = session.scalars(select(DeliveryChoice)).one()
        assert (choice.method, choice.receiver) == (DeliveryMethod.UNIT, "Diabetesmottagningen Provstad")
        assert (choice.street, choice.door_code, choice.comment) == ("Vårdvägen 2", "", "")
    ship_it(world, parcel_id)


def test_protection_that_comes_after_packing_needs_a_new_label(world: World) -> None:
    with world.database.unit_of_work() as session:
        person = add_person(session)
    _, parcel_id = packed_order(world, person=person)
    assert print_papers(world, parcel_id).receiver.name == "Test Testsson"
    protect(world, person)
    with world.database.unit_of_work() as session:
        assert label_is_outdated(parcel_page(session, world.picker, parcel_id))
    with pytest.raises(errors.LabelOutdated):
        ship_it(world, parcel_id)
    papers = print_papers(world, parcel_id)
    assert "Test" not in "".join(papers.receiver.lines)
    assert (papers.receiver.door_code, papers.receiver.comment) == ("", "")
    ship_it(world, parcel_id)
    with world.database.session() as session:
        acts = session.scalars(select(AccessLogEntry.action).order_by(AccessLogEntry.id)).all()
        assert acts.count("parcel.rerouted") == 1
        assert acts.count("label.printed") == 2


def test_nothing_is_sent_to_somebody_who_has_died_or_of_a_cancelled_row(world: World) -> None:
    with world.database.unit_of_work() as session:
        person = add_person(session)
    _, to_the_dead = packed_order(world, person=person)
    order_id, cancelled = packed_order(world)
    with world.database.unit_of_work() as session:
        session.get_one(Person, person.id).deceased_on = date(2026, 11, 30)
        rows_of(session, order_id)[0].status = RowStatus.CANCELLED
    with pytest.raises(errors.ReceiverDeceased):
        ship_it(world, to_the_dead)
    with pytest.raises(errors.RowCancelled):
        ship_it(world, cancelled)
    with world.database.unit_of_work() as session:
        put_back(session, world.picker, order_id)
    assert world.status(order_id) is DepotOrderStatus.CANCELLED
    with world.database.session() as session:
        assert session.get(Parcel, cancelled) is None
        assert session.scalar(select(func.count()).select_from(PickedLot)) == 1


def test_a_parcel_that_is_handed_over_cannot_be_unpacked(world: World) -> None:
    depot_order_id, parcel_id = packed_order(world)
    ship_it(world, parcel_id)
    with pytest.raises(errors.WrongStep), world.database.unit_of_work() as session:
        put_back(session, world.picker, depot_order_id)


def test_the_parcel_list_is_the_region_s_and_takes_one_statement(world: World) -> None:
    (_, first), (_, second) = packed_order(world), packed_order(world)
    ship_it(world, first)
    with world.database.unit_of_work() as session, counted(world.database) as statements:
        assert [parcel.id for parcel in parcels(session, world.picker, shipped=True)] == [first]
        assert [parcel.depot_order.order.order_no for parcel in parcels(session, world.picker, shipped=False)]
        assert len(statements) == 2
    elsewhere = world.picker.__class__(role=world.picker.role, region="elsewhere", staff_id=world.picker.staff_id)
    with world.database.unit_of_work() as session:
        assert parcels(session, elsewhere, shipped=True) == []
        with pytest.raises(NotFound):
            parcel_page(session, elsewhere, second)
        with pytest.raises(NotFound):
            ship(session, elsewhere, second, "X")
