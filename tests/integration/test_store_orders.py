"""A unit orders for its own store: paid by that store, sent like everything else, and about no patient."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest
from sqlalchemy import func, select

from auth.identity import Role
from auth.models import InboxMessage, Unit
from auth.persons import staff_identity
from core.audit import AccessLogEntry
from core.clock import today
from core.db import Database
from core.errors import NotFound, NotPermitted
from core.outbox import OutboxMessage, publish
from delivery.complaints.models import Complaint
from delivery.models import DepotOrder, DepotOrderStatus, PickedLot, PickLine, ShortReason
from delivery.papers import prepare_papers
from delivery.payer_basis import basis_of_region, basis_of_unit
from delivery.picking import start_picking, tick
from delivery.routing import STORE_DAYS
from delivery.shipping import register_delivery, ship
from delivery.shortage import finish, short_pick
from delivery.store_history import store_order, store_page
from orders.errors import NothingChosen, TooLateToCancel
from orders.models import Article, Channel, Order, OrderRow, PayerKind, RowKind, RowStatus
from orders.store_orders import (
    NoStore,
    PlaceStoreOrder,
    StoreOrderRefused,
    TooManyLines,
    cancel_store_order,
    place_store_order,
)
from orders.store_queries import find_storable
from orders.store_rules import MOST_LINES, MOST_PACKAGES, StoreFacts, StoreProblem, judge_line
from tests.support.builders import add_article, add_staff
from tests.support.depot_work import World
from tests.support.picking import assert_ledger_is_right, race
from tests.support.store import Store


@pytest.fixture
def world(database: Database) -> World:
    return World(database)


@pytest.fixture
def store(world: World) -> Store:
    return Store(world)


def _routed(world: World, order_no: str) -> int:
    world.handle("order.placed")
    with world.database.session() as session:
        return session.scalars(
            select(DepotOrder.id).join(DepotOrder.order).where(Order.order_no == order_no, DepotOrder.part == 0)
        ).one()


@pytest.mark.parametrize(
    ("facts", "packages", "problem"),
    [
        (StoreFacts(is_orderable=True, is_serialised=False), 1, None),
        (StoreFacts(is_orderable=True, is_serialised=False), MOST_PACKAGES, None),
        (StoreFacts(is_orderable=True, is_serialised=False), MOST_PACKAGES + 1, StoreProblem.TOO_MANY),
        (StoreFacts(is_orderable=True, is_serialised=False), 0, StoreProblem.NOT_AN_AMOUNT),
        (StoreFacts(is_orderable=True, is_serialised=False), -3, StoreProblem.NOT_AN_AMOUNT),
        (StoreFacts(is_orderable=True, is_serialised=True), 1, StoreProblem.FOR_ONE_PATIENT),
        (StoreFacts(is_orderable=False, is_serialised=False), 1, StoreProblem.NOT_ORDERABLE),
        (None, 1, StoreProblem.NOT_ORDERABLE),
    ],
)
def test_what_a_unit_may_store(facts: StoreFacts | None, packages: int, problem: StoreProblem | None) -> None:
    assert judge_line(facts, packages) is problem


def test_an_order_is_the_units_own_and_is_paid_by_its_store(store: Store, world: World) -> None:
    sensor, lancet = store.article(), store.article("Lansett")
    order_no = store.order({sensor: 4, lancet: 2})
    with world.database.session() as session:
        order = session.scalars(select(Order).where(Order.order_no == order_no)).one()
        assert (order.person_id, order.unit_id, order.channel) == (None, store.unit.id, Channel.UNIT)
        assert (order.orderer_staff_id, order.orderer_name) == (store.identity.staff_id, "Sjuksköterska Prov")
        assert [(row.kind, row.packages, row.payer, row.payer_ref) for row in order.rows] == [
            (RowKind.STORE, packages, PayerKind.UNIT_STORE, "77001") for packages in (4, 2)
        ]
        (choice,) = order.delivery_choices
        assert (choice.receiver, choice.street) == (store.unit.name, store.unit.street)
        entry = session.scalars(select(AccessLogEntry).where(AccessLogEntry.action == "store.ordered")).one()
        assert (entry.subject_person_id, entry.object_ref) == (None, f"order:{order_no}")
        with pytest.raises(LookupError):
            _ = order.patient
        with pytest.raises(LookupError):
            _ = order.patient_id


def test_one_form_makes_one_order_also_when_two_are_pressed_at_once(store: Store, world: World) -> None:
    article = store.article()
    command = PlaceStoreOrder({article.id: 3}, idempotency_key="same")

    def press(_number: int) -> None:
        with world.database.unit_of_work() as session:
            place_store_order(session, store.identity, command)

    assert race(4, press) == [None] * 4
    with world.database.session() as session:
        assert session.scalar(select(func.count()).select_from(Order)) == 1


def test_what_cannot_be_ordered_is_refused_as_a_whole_and_named(store: Store, world: World) -> None:
    good, outside = store.article(), store.article("Utanför avtalet", in_agreement=False)
    with world.database.unit_of_work() as session:
        pump = session.get_one(Article, store.article("Pump").id)
        pump.is_serialised = True
        ended = session.get_one(Article, store.article("Slut").id)
        ended.is_orderable = False
        generic = session.get_one(Article, store.article("Näringsdryck").id)
        variety = add_article(session, generic=generic, name="Näringsdryck vanilj")
        elsewhere = add_article(session, name="Norrut", region="norrbotten")
        elsewhere.agreement_no = "AVT-9"
    with pytest.raises(StoreOrderRefused) as refused:
        store.order({good: 1, outside: 1, pump: 1, ended: 1, generic: 1, elsewhere: 1})
    assert refused.value.problems == {
        outside.id: StoreProblem.NOT_ORDERABLE,
        pump.id: StoreProblem.FOR_ONE_PATIENT,
        ended.id: StoreProblem.NOT_ORDERABLE,
        generic.id: StoreProblem.NOT_ORDERABLE,
        elsewhere.id: StoreProblem.NOT_ORDERABLE,
    }
    # A variety is covered by the agreement of what it is a variety of.
    store.order({variety: 1})
    with world.database.session() as session:
        assert [one.name for one in find_storable(session, store.identity, "näring")] == ["Näringsdryck vanilj"]
        assert pump.id not in [one.id for one in find_storable(session, store.identity, "")]


def test_too_little_too_much_and_nothing(store: Store) -> None:
    article = store.article()
    for packages, problem in (
        (0, StoreProblem.NOT_AN_AMOUNT),
        (-1, StoreProblem.NOT_AN_AMOUNT),
        (MOST_PACKAGES + 1, StoreProblem.TOO_MANY),
    ):
        with pytest.raises(StoreOrderRefused) as refused:
            store.order({article: packages})
        assert refused.value.problems == {article.id: problem}
    with pytest.raises(NothingChosen):
        store.order({})
    with pytest.raises(TooManyLines):
        store.order({store.article(f"Artikel {number}"): 1 for number in range(MOST_LINES + 1)})


def test_a_unit_without_a_cost_centre_or_an_address_has_no_store(world: World) -> None:
    store = Store(world, cost_centre="")
    article = store.article()
    with pytest.raises(NoStore):
        store.order({article: 1})
    with world.database.unit_of_work() as session:
        unit = session.get_one(Unit, store.unit.id)
        unit.store_cost_centre, unit.street = "77002", ""
    with pytest.raises(NoStore):
        store.order({article: 1})


def test_only_the_units_own_staff_order_see_and_cancel(store: Store, world: World) -> None:
    article = store.article()
    order_no = store.order({article: 1})
    other = Store(world, name="Vårdcentralen Bredvid")
    with world.database.unit_of_work() as session:
        assert store_page(session, other.identity).orders == ()
        with pytest.raises(NotFound):
            store_order(session, other.identity, order_no)
        with pytest.raises(NotFound):
            cancel_store_order(session, other.identity, order_no)
        depot = staff_identity(add_staff(session, Role.DEPOT, unit=session.get_one(Unit, store.unit.id)))
        with pytest.raises(NotPermitted):
            place_store_order(session, depot, PlaceStoreOrder({article.id: 1}, idempotency_key="k"))
        with pytest.raises(NotPermitted):
            store_page(session, depot)
        elsewhere = replace(store.identity, region="norrbotten")
        with pytest.raises(NotFound):
            place_store_order(session, elsewhere, PlaceStoreOrder({article.id: 1}, idempotency_key="k"))


def test_it_is_picked_packed_sent_and_delivered_like_every_order(store: Store, world: World) -> None:
    article = store.article()
    lot = world.stock(article, 10)
    order_no = store.order({article: 4})
    depot_order_id = _routed(world, order_no)
    with world.database.session() as session:
        line = session.scalars(select(PickLine).where(PickLine.depot_order_id == depot_order_id)).one()
        assert line.use_until == line.depot_order.promised_date + timedelta(days=STORE_DAYS)
    parcel_id = world.packed(depot_order_id)
    with world.database.unit_of_work() as session:
        papers = prepare_papers(session, world.picker, parcel_id, "label")
        assert papers.receiver.lines[:2] == [store.unit.name, "Sjuksköterska Prov"]
        assert (papers.is_for_store, papers.language) == (True, "sv")
    with world.database.unit_of_work() as session:
        ship(session, world.picker, parcel_id, "STORE1")
    with world.database.session() as session:
        shown = store_order(session, store.identity, order_no)
        assert [(one.row.status, one.sent, one.to_come) for one in shown.rows] == [(RowStatus.SENT, 4, 0)]
        assert [parcel.tracking_no for parcel in shown.parcels] == ["STORE1"]
        assert not shown.can_be_cancelled
    with world.database.unit_of_work() as session:
        register_delivery(session, world.picker, parcel_id, "staff")
    with world.database.session() as session:
        assert session.scalars(select(OrderRow.status)).all() == [RowStatus.DELIVERED]
        # Everything that was logged on the way is about nobody.
        assert set(session.scalars(select(AccessLogEntry.subject_person_id))) == {None}
    assert world.balance(lot) == (6, 0)


def test_a_lot_that_expires_within_the_month_is_not_sent_to_a_store(store: Store, world: World) -> None:
    article = store.article()
    with world.database.session() as session:
        soon = today(session) + timedelta(days=STORE_DAYS)
    short_lived = world.stock(article, 10, "SOON", soon)
    good = world.stock(article, 10, "GOOD", date(2028, 12, 31))
    world.pick_all(_routed(world, store.order({article: 2})))
    with world.database.session() as session:
        assert session.scalars(select(PickedLot.lot_id)).all() == [good.id]
    assert world.balance(short_lived) == (10, 0)


def test_what_is_short_waits_and_comes_by_itself(store: Store, world: World) -> None:
    article = store.article()
    world.stock(article, 1)
    order_no = store.order({article: 3})
    depot_order_id = _routed(world, order_no)
    with world.database.unit_of_work() as session:
        depot_order = start_picking(session, world.picker, depot_order_id)
        (line,) = depot_order.lines
        for reservation in list(line.reservations):
            tick(session, world.picker, depot_order_id, line.id, reservation.lot_id, reservation.packages)
        short_pick(session, world.picker, depot_order_id, line.id, ShortReason.NOT_IN_STOCK)
        finish(session, world.picker, depot_order_id)
    with world.database.session() as session:
        (row,) = store_order(session, store.identity, order_no).rows
        assert (row.sent, row.to_come) == (0, 3)
        assert row.expected_on is not None
    world.stock(article, 5, "LOT2")
    with world.database.unit_of_work() as session:
        publish(session, "stock.received", depot_id=world.depot.id)
    world.handle("stock.received")
    with world.database.session() as session:
        later = session.scalars(select(DepotOrder).where(DepotOrder.part == 1)).one()
        assert later.status is DepotOrderStatus.WAITING
    world.packed(later.id)
    assert_ledger_is_right(world)


def test_it_can_be_cancelled_until_it_is_picked(store: Store, world: World) -> None:
    article = store.article()
    lot = world.stock(article, 10)
    first, second = store.order({article: 1}), store.order({article: 2})
    ids = {order_no: _routed(world, order_no) for order_no in (first, second)}
    world.start(ids[second])
    with world.database.unit_of_work() as session:
        cancel_store_order(session, store.identity, first)
        cancel_store_order(session, store.identity, first)
        with pytest.raises(TooLateToCancel):
            cancel_store_order(session, store.identity, second)
    world.handle("order.cancelled")
    assert world.status(ids[first]) is DepotOrderStatus.CANCELLED
    assert world.status(ids[second]) is DepotOrderStatus.PICKING
    assert world.balance(lot) == (10, 2)
    with world.database.session() as session:
        logged = session.scalars(select(AccessLogEntry).where(AccessLogEntry.action == "store.cancelled")).all()
        assert [entry.object_ref for entry in logged] == [f"order:{first}"]


def test_the_month_shows_it_under_the_stores_own_cost_centre(store: Store, world: World) -> None:
    sensor, lancet = store.article(), store.article("Lansett")
    with world.database.unit_of_work() as session:
        session.get_one(Article, sensor.id).price = Decimal("100")
    for article in (sensor, lancet):
        world.stock(article, 20)
    other = Store(world, name="Vårdcentralen Bredvid")
    for owner, wanted in ((store, {sensor: 2, lancet: 1}), (other, {sensor: 5})):
        parcel_id = world.packed(_routed(world, owner.order(wanted)))
        with world.database.unit_of_work() as session:
            ship(session, world.picker, parcel_id, f"T{parcel_id}")
    with world.database.unit_of_work() as session:
        month = today(session).replace(day=1)
        basis = basis_of_unit(session, store.identity, month)
        assert basis.for_patients == ()
        # Another unit with the same cost centre sees its own.
        assert [(line.article, line.packages, line.payer_ref) for line in basis.for_store] == [
            ("Glukossensor", 2, "77001"),
            ("Lansett", 1, "77001"),
        ]
        assert (basis.cost_centre, basis.store_cost_centre, basis.total) == ("10100", "77001", Decimal("200"))
        whole = basis_of_region(session, replace(store.identity, role=Role.SYSTEM), month)
        assert sum(line.packages for line in whole.lines if line.is_for_store) == 8


def test_nothing_of_a_store_is_about_a_patient(store: Store, world: World) -> None:
    """No inbox, no case, no withdrawal: handling the messages of a store order leaves nobody anything."""
    article = store.article()
    store.order({article: 1})
    world.handle("order.placed")
    with world.database.session() as session:
        assert session.scalars(select(InboxMessage.id)).all() == []
        assert session.scalars(select(Complaint.id)).all() == []
        kinds = session.scalars(select(OutboxMessage.kind)).all()
        assert kinds == ["order.placed"]
