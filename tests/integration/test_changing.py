"""Changing an order until somebody begins to pick it: what is written, what the depot does, what is refused."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from threading import Barrier

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st
from sqlalchemy import select

from auth.identity import Identity, Relation, Role, Task
from auth.models import InboxMessage, Person, Protection
from core.audit import AccessLogEntry
from core.db import Database
from core.errors import ChangedMeanwhile, NotFound, NotPermitted
from core.outbox import OutboxMessage
from delivery.models import DepotOrder, DepotOrderStatus
from delivery.queries import pick_list
from orders.cancelling import cancel_order
from orders.changing import ChangedLine, change_amounts, change_delivery
from orders.deliveries import Trouble
from orders.errors import DeliveryRefused, NothingWouldBeLeft, OrderRefused, TooLateToChange
from orders.models import Article, DeliveryChoice, Order, OrderRow, PrescriptionItem, RowStatus, Withdrawal
from orders.open_orders import seen_version
from orders.queries import order_of, orders_of, products_of
from orders.rules import QuantityProblem
from orders.services import OrderLine, PlaceOrder, place_order
from orders.wishes import DeliveryWish, HomeAddress
from portal.patient.tracking import shipments_of
from tests.support.builders import add_article, add_item, add_person, add_staff, patient_identity
from tests.support.depot_work import World
from tests.support.statements import counted

HOME = HomeAddress("Test Testsson", "Provgatan 1", "54130", "Skövde", door_code="1234", phone="070-123 45 67")
ELSEWHERE = HomeAddress("Sommar Stugan", "Strandvägen 9", "45431", "Brastad", comment="Bakom ladan")
_keys = count(1)


@dataclass
class Changing(World):
    """A patient with a sensor (6 packages) and a stoma bag in three sizes (10 packages), both ordered."""

    person: Person = field(init=False)
    sensor: Article = field(init=False)
    sizes: tuple[Article, ...] = field(init=False)
    item: PrescriptionItem = field(init=False)
    spread: PrescriptionItem = field(init=False)
    order_no: str = field(init=False)

    def __post_init__(self) -> None:
        super().__post_init__()
        with self.database.unit_of_work() as session:
            self.person = add_person(session)
            self.sensor = add_article(session)
            generic = add_article(session, name="Stomipåse")
            self.sizes = tuple(add_article(session, name="Stomipåse", generic=generic) for _ in range(3))
            self.item = add_item(session, self.person, self.sensor, packages=6)
            self.spread = add_item(session, self.person, generic, packages=10, sub_articles=self.sizes)
        self.place()

    @property
    def identity(self) -> Identity:
        return patient_identity(self.person)

    def place(self) -> None:
        with self.database.unit_of_work() as session:
            a, b, _c = self.sizes
            lines = (
                OrderLine(self.item.id, {self.sensor.id: 6}, self.now_left(self.item)),
                OrderLine(self.spread.id, {a.id: 4, b.id: 6}, self.now_left(self.spread)),
            )
            command = PlaceOrder(lines, (DeliveryWish(address=HOME),), idempotency_key=f"place-{next(_keys)}")
            self.order_no = place_order(session, self.identity, command).order_no
        self.handle("order.placed")

    def now_left(self, item: PrescriptionItem) -> int:
        with self.database.session() as session:
            return session.get_one(PrescriptionItem, item.id).orders_remaining

    def rows(self) -> dict[int, int]:
        """Packages per article of what is left of the order, as its page shows it."""
        with self.database.session() as session:
            order = order_of(session, self.identity, self.order_no)
            return {row.article_id: row.packages for row in order.rows if row.status is not RowStatus.CANCELLED}

    def version(self) -> int:
        with self.database.session() as session:
            return seen_version(order_of(session, self.identity, self.order_no).rows)

    def choice(self) -> DeliveryChoice:
        with self.database.session() as session:
            (choice,) = order_of(session, self.identity, self.order_no).delivery_choices
            return choice

    def amounts(self, *lines: tuple[PrescriptionItem, dict[int, int]], seen: int | None = None, key: str = "") -> Order:
        with self.database.unit_of_work() as session:
            return change_amounts(
                session,
                self.identity,
                self.order_no,
                [ChangedLine(item.id, packages) for item, packages in lines],
                seen=self.version() if seen is None else seen,
                idempotency_key=key or f"change-{next(_keys)}",
            )

    def delivery(self, wish: DeliveryWish, identity: Identity | None = None, key: str = "") -> Order:
        with self.database.unit_of_work() as session:
            return change_delivery(
                session,
                identity or self.identity,
                self.order_no,
                self.choice().id,
                wish,
                idempotency_key=key or f"change-{next(_keys)}",
            )

    def settle_depot(self) -> None:
        self.handle("order.cancelled")
        self.handle("order.placed")

    def depot_orders(self) -> list[DepotOrder]:
        with self.database.session() as session:
            found = session.scalars(
                select(DepotOrder)
                .join(DepotOrder.order)
                .where(Order.order_no == self.order_no, DepotOrder.status != DepotOrderStatus.CANCELLED)
            )
            return list(found)


@pytest.fixture
def world(database: Database) -> Changing:
    return Changing(database)


def test_less_and_another_spread(world: Changing) -> None:
    a, b, c = world.sizes
    world.amounts((world.item, {world.sensor.id: 2}), (world.spread, {a.id: 1, c.id: 9, b.id: 0}))
    assert world.rows() == {world.sensor.id: 2, a.id: 1, c.id: 9}
    with world.database.session() as session:
        packages = {w.prescription_item_id: w.packages for w in session.scalars(select(Withdrawal))}
        assert packages == {world.item.id: 2, world.spread.id: 10}
        assert [m.kind for m in session.scalars(select(InboxMessage).order_by(InboxMessage.id))][-1] == "order.changed"
        assert "order.changed" in session.scalars(select(AccessLogEntry.action)).all()
    # The withdrawal is used all the same.
    assert world.now_left(world.item) == 3


def test_a_product_left_out_gives_its_withdrawal_back(world: Changing) -> None:
    world.amounts((world.item, {world.sensor.id: 0}))
    assert set(world.rows()) == {article.id for article in world.sizes[:2]}
    with world.database.session() as session:
        item = session.get_one(PrescriptionItem, world.item.id)
        assert (item.orders_remaining, item.orders_used_here, item.next_earliest_order_date) == (4, 0, None)
        assert world.item.id in [p.item.id for p in products_of(session, world.identity).orderable]


def test_cancelling_after_a_change_gives_back_only_what_stands(world: Changing) -> None:
    world.amounts((world.item, {}))
    with world.database.unit_of_work() as session:
        cancel_order(session, world.identity, world.order_no)
    assert (world.now_left(world.item), world.now_left(world.spread)) == (4, 4)
    with world.database.session() as session:
        for item in session.scalars(select(PrescriptionItem)):
            assert item.orders_used_here == 0


def test_the_depot_drops_the_old_rows_and_gets_the_new_ones(world: Changing) -> None:
    world.stock(world.sensor, 20)
    (before,) = world.depot_orders()
    world.amounts((world.item, {world.sensor.id: 2}))
    with world.database.session() as session:
        assert pick_list(session, world.picker) == []
    world.settle_depot()
    world.settle_depot()
    (after,) = world.depot_orders()
    assert after.id != before.id
    with world.database.session() as session:
        (work,) = pick_list(session, world.picker)
        assert (work.id, work.packages) == (after.id, 12)
    assert world.start(after.id).status is DepotOrderStatus.PICKING


def test_what_was_replaced_is_shown_to_nobody(world: Changing) -> None:
    world.amounts((world.item, {world.sensor.id: 1}))
    world.settle_depot()
    with world.database.session() as session:
        (order,) = orders_of(session, world.identity)
        (shipment,) = shipments_of(session, [order])[order.id]
        assert sorted(line.packages for line in shipment.lines) == [1, 4, 6]
        assert len(order.delivery_choices) == 1
        lazily = session.scalars(select(Order).execution_options(populate_existing=True)).one()
        session.expire(lazily)
        assert {row.packages for row in lazily.rows} == {1, 4, 6}
        assert len(session.scalars(select(OrderRow)).all()) == 6


def test_the_forecast_counts_what_is_left_of_it(world: Changing) -> None:
    def supply() -> int:
        with world.database.session() as session:
            return next(p.supply_days for p in products_of(session, world.identity).later if p.item.id == world.item.id)

    assert supply() == 84
    world.amounts((world.item, {world.sensor.id: 3}))
    assert supply() == 42


def test_the_address_is_changed_in_place(world: Changing) -> None:
    before = world.choice().id
    world.delivery(DeliveryWish(address=ELSEWHERE))
    choice = world.choice()
    assert choice.id == before
    assert (choice.receiver, choice.street, choice.postal_code, choice.comment) == (
        "Sommar Stugan",
        "Strandvägen 9",
        "45431",
        "Bakom ladan",
    )
    # Nothing of the old address is left.
    assert (choice.door_code, choice.phone) == ("", "")
    with world.database.session() as session:
        assert "order.cancelled" not in session.scalars(select(OutboxMessage.kind)).all()


@pytest.mark.parametrize(
    ("wish", "trouble", "name"),
    [
        (DeliveryWish(address=HomeAddress("A", "Box 12", "54130", "B")), Trouble.PO_BOX, "street"),
        (DeliveryWish(address=HomeAddress("A", "Gatan 1", "99", "B")), Trouble.POSTAL_CODE, "postal_code"),
        (DeliveryWish(address=HomeAddress("", "Gatan 1", "54130", "B")), Trouble.MISSING, "receiver"),
    ],
)
def test_an_address_that_cannot_be_used_changes_nothing(
    world: Changing, wish: DeliveryWish, trouble: Trouble, name: str
) -> None:
    with pytest.raises(DeliveryRefused) as refused:
        world.delivery(wish)
    assert [(p.trouble, p.field) for p in refused.value.problems] == [(trouble, name)]
    assert world.choice().street == "Provgatan 1"


def test_more_than_the_limit_and_other_articles_are_refused(world: Changing) -> None:
    a, b, _c = world.sizes
    for item, packages, problem in (
        (world.item, {world.sensor.id: 7}, QuantityProblem.TOO_MUCH),
        (world.spread, {a.id: 5, b.id: 6}, QuantityProblem.TOO_MUCH),
        (world.item, {a.id: 1}, QuantityProblem.FOREIGN_ARTICLE),
        (world.item, {world.sensor.id: -1}, QuantityProblem.NEGATIVE),
    ):
        with pytest.raises(OrderRefused) as refused:
            world.amounts((item, packages))
        assert [p.quantity for p in refused.value.problems] == [problem]
    assert world.rows() == {world.sensor.id: 6, a.id: 4, b.id: 6}


def test_what_can_be_ordered_no_more_may_stay_but_not_grow(world: Changing) -> None:
    a, _b, c = world.sizes
    with world.database.unit_of_work() as session:
        session.get_one(Article, a.id).is_orderable = False
    world.amounts((world.spread, {a.id: 3, c.id: 1}))
    assert world.rows()[a.id] == 3
    with pytest.raises(OrderRefused):
        world.amounts((world.spread, {a.id: 4, c.id: 1}))


def test_leaving_out_everything_is_a_cancellation(world: Changing) -> None:
    with pytest.raises(NothingWouldBeLeft):
        world.amounts((world.item, {}), (world.spread, {}))
    assert len(world.rows()) == 3


def test_a_stale_page_changes_nothing(world: Changing) -> None:
    seen = world.version()
    world.amounts((world.item, {world.sensor.id: 2}))
    with pytest.raises(ChangedMeanwhile):
        world.amounts((world.item, {world.sensor.id: 5}), seen=seen)
    assert world.rows()[world.sensor.id] == 2


def test_a_double_click_changes_once_and_is_told_so(world: Changing) -> None:
    seen = world.version()
    world.amounts((world.item, {world.sensor.id: 2}), seen=seen, key="one")
    world.amounts((world.item, {world.sensor.id: 2}), seen=seen, key="one")
    with world.database.session() as session:
        assert [m.kind for m in session.scalars(select(InboxMessage))].count("order.changed") == 1


def test_the_same_amounts_change_nothing(world: Changing) -> None:
    version = world.version()
    world.amounts((world.item, {world.sensor.id: 6}))
    assert world.version() == version


def test_too_late_when_picking_has_begun(world: Changing) -> None:
    world.stock(world.sensor, 20)
    (depot_order,) = world.depot_orders()
    world.start(depot_order.id)
    with pytest.raises(TooLateToChange):
        world.amounts((world.item, {world.sensor.id: 2}))
    with pytest.raises(TooLateToChange):
        world.delivery(DeliveryWish(address=ELSEWHERE))


def test_a_cancelled_order_cannot_be_changed(world: Changing) -> None:
    seen = world.version()
    with world.database.unit_of_work() as session:
        cancel_order(session, world.identity, world.order_no)
    with pytest.raises(TooLateToChange):
        world.amounts((world.item, {world.sensor.id: 2}), seen=seen)


def test_another_persons_order_does_not_exist(world: Changing) -> None:
    with world.database.unit_of_work() as session:
        stranger = patient_identity(add_person(session))
    with world.database.unit_of_work() as session, pytest.raises(NotFound):
        change_amounts(session, stranger, world.order_no, [], seen=1, idempotency_key="x")
    with pytest.raises(NotFound):
        world.delivery(DeliveryWish(address=ELSEWHERE), identity=stranger)


def test_who_may_only_look_may_not_change(world: Changing) -> None:
    looker = Identity(
        Role.PATIENT,
        "vgr",
        person_id=world.person.id + 1,
        subject_person_id=world.person.id,
        relation=Relation.PROXY,
        tasks=frozenset({Task.VIEW_HISTORY, Task.REPORT_FAULTS}),
    )
    with pytest.raises(NotPermitted):
        world.delivery(DeliveryWish(address=ELSEWHERE), identity=looker)


def test_customer_service_changes_an_address_with_the_patient_on_the_phone(world: Changing) -> None:
    with world.database.unit_of_work() as session:
        staff = add_staff(session, Role.CUSTOMER_SERVICE)
    call = Identity(
        Role.CUSTOMER_SERVICE,
        "vgr",
        staff_id=staff.staff_id,
        unit_id=staff.unit_id,
        label="Kim Kundtjänst",
        subject_person_id=world.person.id,
        relation=Relation.CALL,
        tasks=frozenset(Task),
        reason="Ringer om adressen",
    )
    world.delivery(DeliveryWish(address=ELSEWHERE), identity=call)
    with world.database.session() as session:
        entry = session.scalars(select(AccessLogEntry).where(AccessLogEntry.action == "order.changed")).one()
        assert (entry.actor_label, entry.reason) == ("Kim Kundtjänst", "Ringer om adressen")
        receivers = session.scalars(select(InboxMessage.receiver_id).where(InboxMessage.kind == "order.changed")).all()
        assert receivers == [world.person.id]


def test_with_protected_identity_it_stays_with_the_unit(world: Changing) -> None:
    with world.database.unit_of_work() as session:
        person = session.get_one(Person, world.person.id)
        person.protection = Protection.CONFIDENTIALITY_FLAG
        person.given_name = person.family_name = person.street = person.postal_code = person.city = ""
        person.door_code = person.phone = ""
    before = world.choice().street
    world.delivery(DeliveryWish(address=ELSEWHERE))
    assert world.choice().street == before


def test_statements_do_not_grow_with_the_products(world: Changing) -> None:
    a, _b, c = world.sizes
    with counted(world.database) as one:
        world.amounts((world.item, {world.sensor.id: 2}), seen=world.version())
    with counted(world.database) as two:
        world.amounts((world.item, {world.sensor.id: 3}), (world.spread, {a.id: 1, c.id: 1}), seen=world.version())
    # One more withdrawal is written.
    assert len(two) <= len(one) + 1
    assert len(one) <= 32


@pytest.mark.parametrize("seed", range(6))
def test_a_picker_and_a_change_at_once(world: Changing, seed: int) -> None:
    """Either the change is refused, or the picker sees only the new rows: nothing is picked twice, nothing lost."""
    for article in (world.sensor, *world.sizes):
        world.stock(article, 40)
    (depot_order,) = world.depot_orders()
    together = Barrier(2)
    version = world.version()

    def change() -> bool:
        together.wait()
        try:
            world.amounts((world.item, {world.sensor.id: 1}), seen=version)
        except TooLateToChange:
            return False
        return True

    def pick() -> DepotOrderStatus:
        together.wait()
        return world.start(depot_order.id).status

    with ThreadPoolExecutor(2) as pool:
        changed, picked = [task.result(30) for task in (pool.submit(change), pool.submit(pick))]
    world.settle_depot()
    sensors = 1 if changed else 6
    assert picked is (DepotOrderStatus.CANCELLED if changed else DepotOrderStatus.PICKING)
    (left,) = world.depot_orders()
    world.packed(left.id)
    with world.database.session() as session:
        lines = session.get_one(DepotOrder, left.id).lines
        assert sum(line.picked for line in lines if line.article_id == world.sensor.id) == sensors
        assert sum(line.picked for line in lines) == sensors + 10
    assert world.rows()[world.sensor.id] == sensors


def test_two_changes_at_once_one_wins(world: Changing) -> None:
    version, together = world.version(), Barrier(2)

    def change(packages: int) -> bool:
        together.wait()
        try:
            world.amounts((world.item, {world.sensor.id: packages}), seen=version)
        except ChangedMeanwhile:
            return False
        return True

    with ThreadPoolExecutor(2) as pool:
        won = dict(zip((1, 2), pool.map(change, (1, 2)), strict=True))
    assert sorted(won.values()) == [False, True]
    assert world.rows()[world.sensor.id] == (1 if won[1] else 2)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    changes=st.lists(
        st.tuples(st.integers(-1, 8), st.lists(st.integers(-1, 11), min_size=3, max_size=3)), min_size=1, max_size=4
    )
)
def test_whatever_is_changed_the_limits_and_sums_hold(world: Changing, changes: list[tuple[int, list[int]]]) -> None:
    world.database.clock.set(datetime(2026, 12, 1, 9, tzinfo=UTC))  # type: ignore[attr-defined]
    with world.database.unit_of_work() as session:
        for item in session.scalars(select(PrescriptionItem)):
            item.orders_allowed += 1
            item.orders_remaining += 1
            item.next_earliest_order_date = None
    world.place()
    before = (world.now_left(world.item), world.now_left(world.spread))
    for sensors, spread in changes:
        spread_over = {article.id: n for article, n in zip(world.sizes, spread, strict=True)}
        try:
            world.amounts((world.item, {world.sensor.id: sensors}), (world.spread, spread_over))
        except (OrderRefused, NothingWouldBeLeft, NotFound):
            continue
    with world.database.session() as session:
        order = order_of(session, world.identity, world.order_no)
        standing = {
            w.prescription_item_id: w
            for w in session.scalars(select(Withdrawal).where(Withdrawal.order_id == order.id))
            if w.cancelled_at is None
        }
        for item, left in zip((world.item, world.spread), before, strict=True):
            kept = session.get_one(PrescriptionItem, item.id)
            rows = [
                row
                for row in order.rows
                if row.status is RowStatus.RECEIVED
                and row.withdrawal
                and row.withdrawal.prescription_item_id == item.id
            ]
            assert kept.orders_remaining == left + (item.id not in standing)
            assert bool(rows) == (item.id in standing)
            if rows:
                assert sum(row.packages for row in rows) == standing[item.id].packages <= item.packages_per_order
        assert any(row.status is RowStatus.RECEIVED for row in order.rows)
