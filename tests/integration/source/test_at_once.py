"""Several at once on a real database: one order is sent, and everybody is told what became of it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import func, select

from auth.identity import Relation
from auth.models import Person
from core.idempotency import IdempotencyKey
from orders.errors import OrderRefused
from orders.models import Order, Registration
from orders.source.registering import AnotherAwaited
from portal.prescriptions import State
from tests.support.builders import patient_identity
from tests.support.source import SourceItem
from tests.support.source_world import REGION, Held, SourceWorld, together, while_held


@pytest.fixture
def guardian(world: SourceWorld) -> Person:
    """Somebody who orders for the patient."""
    return world.add_person()


def _one_order(world: SourceWorld) -> Order:
    (order,) = world.orders()
    assert len(world.source.orders) == 1
    assert order.registration is Registration.AT_SOURCE
    assert world.awaited() == []
    return order


@pytest.mark.parametrize("attempt", range(5))
def test_one_form_in_six_tabs_is_one_order(world: SourceWorld, attempt: int) -> None:
    world.refresh()
    world.later(seconds=attempt + 1)
    command = world.command()
    results = together(*[lambda: world.prescriptions.place(world.identity, command)] * 6)
    order = _one_order(world)
    assert [result.order_no for result in results] == [order.order_no] * 6
    # Whoever was shown that it is awaited sees it confirmed, once.
    assert world.inbox() == ["order.confirmed"]
    world.refresh()
    assert world.item().orders_remaining == 3


@pytest.mark.parametrize("attempt", range(5))
def test_patient_and_guardian_at_once_are_one_order_and_one_refusal(
    world: SourceWorld, guardian: Person, attempt: int
) -> None:
    world.refresh()
    world.later(seconds=attempt + 1)
    theirs = patient_identity(world.person, actor=guardian, relation=Relation.GUARDIAN)
    own, other = world.command(), world.command()
    results = together(
        lambda: world.prescriptions.place(world.identity, own), lambda: world.prescriptions.place(theirs, other)
    )
    _one_order(world)
    assert sum(isinstance(result, Order) for result in results) == 1
    assert sum(isinstance(result, (OrderRefused, AnotherAwaited)) for result in results) == 1


def test_a_second_form_before_the_source_has_the_first_order_is_told_of_that(world: SourceWorld) -> None:
    world.source.prescribe(world.person.number, SourceItem("R2", "20002"))
    world.refresh()
    held = Held()
    world.source.before_register = held
    other = world.command("R2")
    first, second = while_held(held, lambda: world.place(world.command("R1")), lambda: world.place(other))
    assert isinstance(second, AnotherAwaited)
    assert second.order_no == first.order_no
    # The form that was turned away can be sent again: its key was not spent.
    assert world.place(other).registration is Registration.AT_SOURCE
    assert len(world.source.orders) == 2
    with world.database.session() as session:
        assert session.scalar(select(func.count()).select_from(IdempotencyKey)) == 2


def test_a_second_form_when_the_source_has_the_first_order_finds_it_and_goes_on(world: SourceWorld) -> None:
    world.source.prescribe(world.person.number, SourceItem("R2", "20002"))
    world.refresh()
    held = Held()
    world.source.before_answer = held
    first, second = while_held(held, lambda: world.place(world.command("R1")), lambda: world.place(world.command("R2")))
    assert [order.registration for order in (first, second)] == [Registration.AT_SOURCE] * 2
    assert world.inbox() == ["order.confirmed"] * 2
    world.refresh()
    assert (world.elsewhere(), [item.orders_remaining for item in world.items()]) == ([], [3, 3])


def test_looking_for_an_order_whose_answer_is_still_coming_registers_it_once(world: SourceWorld) -> None:
    world.refresh()
    held = Held()
    world.source.before_answer = held

    def look() -> None:
        world.later(seconds=5)
        (awaited,) = world.awaited()
        world.prescriptions.look_for(awaited.order_id)

    order, _none = while_held(held, world.place, look)
    assert order.registration is Registration.AT_SOURCE
    _one_order(world)
    assert world.inbox() == ["order.confirmed"]
    assert [row.source_item_id for row in world.rows()] == [
        past["OrderItemId"] for past in world.source.history[world.person.number]
    ]


def test_a_page_that_is_opened_meanwhile_counts_the_order_once(world: SourceWorld) -> None:
    world.refresh()
    for point in ("before_register", "before_answer"):
        held = Held()
        setattr(world.source, point, held)
        _order, state = while_held(held, world.place, world.refresh)
        assert state is (State.AWAITING if point == "before_register" else State.FRESH)
        world.later(days=61)
        world.refresh()
    assert len(world.source.orders) == 2
    assert world.elsewhere() == []
    assert (world.item().orders_remaining, world.item().orders_used_here) == (2, 2)


def test_an_answer_that_comes_when_patience_has_ended_does_not_confirm_what_was_taken_back(world: SourceWorld) -> None:
    world.refresh()
    held = Held()
    world.source.before_register = held

    def give_up() -> None:
        world.end_patience()
        (awaited,) = world.awaited()
        world.prescriptions.look_for(awaited.order_id)

    result, _none = while_held(held, world.place, give_up)
    assert world.inbox() == ["order.not_registered"]
    assert world.orders() == []
    assert not isinstance(result, Order)
    # The source has it all the same: the next reading says so, and nobody orders twice.
    world.refresh()
    assert (len(world.elsewhere()), world.item().orders_remaining) == (1, 3)


def test_everything_at_once_never_deadlocks_and_ends_well(world: SourceWorld, guardian: Person) -> None:
    for number in range(2, 5):
        world.source.prescribe(world.person.number, SourceItem(f"R{number}", f"2000{number}", allowed=40, remaining=40))
    world.refresh()
    theirs = patient_identity(world.person, actor=guardian, relation=Relation.GUARDIAN)

    def order(number: int) -> None:
        identity = world.identity if number % 2 else theirs
        for _turn in range(4):
            for name in ("R2", "R3", "R4"):
                try:
                    world.prescriptions.place(identity, world.command(name))
                except (OrderRefused, AnotherAwaited):
                    continue

    def look() -> None:
        for _turn in range(12):
            world.later(seconds=1)
            world.prescriptions.refresh(REGION, world.person.id)
            for awaited in world.awaited():
                world.prescriptions.look_for(awaited.order_id)

    world.source.before_answer = lambda: world.later(seconds=1)
    with ThreadPoolExecutor(6) as pool:
        acts = [pool.submit(order, number) for number in range(4)] + [pool.submit(look) for _time in range(2)]
        for act in acts:
            act.result(timeout=60)
    world.refresh()
    assert world.awaited() == []
    assert world.elsewhere() == []
    assert len(world.source.orders) == len(world.orders()) == 3
    there = {item.item_id: item.remaining for item in world.source.items[world.person.number]}
    assert {item.external_id: item.orders_remaining for item in world.items()} == there
