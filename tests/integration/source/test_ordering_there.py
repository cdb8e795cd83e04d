"""Ordering at a source: what is sent once, what is shown, and what becomes of every answer. Handbook §13."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import func, select

from core.audit import AccessLogEntry
from core.errors import NotFound, NotPermitted
from core.outbox import OutboxMessage
from orders.cancelling import cancel_order
from orders.changing import change_amounts, change_delivery
from orders.errors import OrderRefused, RegisteredElsewhere
from orders.models import Registration, RowStatus
from orders.services import place_order
from orders.source.ports import AnswerLost, SourceDown
from orders.source.registering import AnotherAwaited
from orders.wishes import DeliveryWish
from portal.prescriptions import Prescriptions, RefusedBySource, State
from tests.support.builders import patient_identity
from tests.support.source import SourceItem
from tests.support.source_world import ADDRESS, REGION, SourceWorld, attempt


def _actions(world: SourceWorld) -> list[str]:
    with world.database.session() as session:
        return list(session.scalars(select(AccessLogEntry.action).order_by(AccessLogEntry.id)))


def test_an_order_is_registered_there_and_kept_here(world: SourceWorld) -> None:
    assert world.refresh() is State.FRESH
    order = world.place()
    assert order.registration is Registration.AT_SOURCE
    (row,) = world.rows()
    (past,) = world.source.history[world.person.number]
    assert row.source_item_id == past["OrderItemId"]
    assert len(world.source.orders) == 1
    assert world.inbox() == ["order.confirmed"]
    assert world.awaited() == []
    assert [action for action in _actions(world) if action.startswith("order")] == ["order.submitted", "order.placed"]
    # The depot hears nothing of it.
    with world.database.session() as session:
        assert "order.placed" not in session.scalars(select(OutboxMessage.kind)).all()
    assert world.refresh() is State.FRESH
    assert (world.item().orders_remaining, world.item().orders_used_here, world.item().orders_used_elsewhere) == (
        3,
        1,
        0,
    )
    assert world.elsewhere() == []


def test_the_same_form_again_is_answered_without_asking_the_source(world: SourceWorld) -> None:
    world.refresh()
    command = world.command()
    first = world.place(command)
    asked = len(world.source.asked)
    world.source.is_down = True
    # Nobody is told that nothing was ordered when the first click was.
    assert world.place(command).order_no == first.order_no
    assert len(world.source.asked) == asked
    assert len(world.source.orders) == 1


def test_the_form_of_an_earlier_order_gets_that_one_also_while_another_is_awaited(world: SourceWorld) -> None:
    world.source.prescribe(world.person.number, SourceItem("R2", "20002"))
    world.refresh()
    command = world.command("R1")
    first = world.place(command)
    world.source.drops = True
    awaited = world.place(world.command("R2"))
    assert awaited.registration is Registration.AWAITED
    assert world.place(command).order_no == first.order_no
    with pytest.raises(AnotherAwaited) as refusal:
        world.place(world.command("R1"))
    assert refusal.value.order_no == awaited.order_no


def test_a_source_that_refuses_leaves_nothing_behind(world: SourceWorld) -> None:
    world.refresh()
    before = world.item()
    world.source.refuses = "Kontakta din mottagning."
    command = world.command()
    with pytest.raises(RefusedBySource) as refusal:
        world.place(command)
    assert refusal.value.comment == "Kontakta din mottagning."
    assert (world.orders(), world.rows(), world.withdrawals(), world.awaited(), world.inbox()) == ([], [], [], [], [])
    after = world.item()
    assert (after.orders_remaining, after.orders_used_here, after.next_earliest_order_date) == (
        before.orders_remaining,
        before.orders_used_here,
        before.next_earliest_order_date,
    )
    world.source.refuses = None
    assert world.place(command).registration is Registration.AT_SOURCE


@pytest.mark.parametrize("goes_down", ["before it is read", "before it is sent"])
def test_a_source_that_is_down_takes_nothing_and_the_form_can_be_sent_again(world: SourceWorld, goes_down: str) -> None:
    world.refresh()
    command = world.command()
    if goes_down == "before it is read":
        world.source.is_down = True
    else:
        world.source.before_reading = lambda: setattr(world.source, "is_down", True)
    with pytest.raises(SourceDown):
        world.place(command)
    assert (world.orders(), world.awaited(), world.inbox()) == ([], [], [])
    assert world.item().orders_remaining == 4
    world.source.before_reading = lambda: None
    world.source.is_down = False
    assert world.place(command).registration is Registration.AT_SOURCE
    assert len(world.source.orders) == 1


def test_whoever_is_shown_an_order_as_awaited_is_told_when_nothing_comes_of_it(world: SourceWorld) -> None:
    world.refresh()
    command = world.command()
    shown = []

    def double_click() -> None:
        # The source is about to refuse the first click's order.
        shown.append(world.prescriptions.place(world.identity, command).registration)

    world.source.before_register = double_click
    world.source.refuses = "Nej."
    with pytest.raises(RefusedBySource):
        world.place(command)
    assert shown == [Registration.AWAITED]
    assert world.orders() == []
    assert world.inbox() == ["order.not_registered"]


def test_a_lost_answer_is_found_by_asking(world: SourceWorld) -> None:
    world.refresh()
    command = world.command()
    world.source.loses = True
    world.source.before_answer = lambda: world.later(seconds=2)
    order = world.place(command)
    assert order.registration is Registration.AT_SOURCE
    assert world.inbox() == ["order.confirmed"]
    assert len(world.source.orders) == 1
    assert world.place(command).order_no == order.order_no


def test_an_order_that_the_source_never_got_is_given_up_when_patience_ends(world: SourceWorld) -> None:
    world.refresh()
    command = world.command()
    world.source.drops = True
    order = world.place(command)
    assert order.registration is Registration.AWAITED
    assert world.item().orders_remaining == 3
    assert world.refresh() is State.AWAITING
    assert world.inbox() == []
    world.end_patience()
    assert world.refresh() is State.FRESH
    assert (world.orders(), world.withdrawals(), world.awaited()) == ([], [], [])
    assert world.item().orders_remaining == 4
    assert world.inbox() == ["order.not_registered"]
    world.source.drops = False
    assert world.place(command).order_no != order.order_no
    assert len(world.source.orders) == 1


def test_what_is_not_ours_is_not_placed_changed_or_cancelled_here(world: SourceWorld) -> None:
    world.refresh()
    with world.database.unit_of_work() as session, pytest.raises(RegisteredElsewhere):
        place_order(session, world.identity, world.command())
    orders = [world.place()]
    world.later(days=61)
    world.refresh()
    world.source.drops = True
    orders.append(world.place())
    assert [order.registration for order in orders] == [Registration.AT_SOURCE, Registration.AWAITED]
    for order in orders:
        for act in (
            lambda session, number: cancel_order(session, world.identity, number),
            lambda session, number: change_delivery(
                session, world.identity, number, 1, DeliveryWish(address=ADDRESS), idempotency_key="k"
            ),
            lambda session, number: change_amounts(session, world.identity, number, (), seen=0, idempotency_key="k"),
        ):
            with world.database.unit_of_work() as session, pytest.raises(RegisteredElsewhere):
                act(session, order.order_no)  # type: ignore[no-untyped-call]
    assert {row.status for row in world.rows()} == {RowStatus.RECEIVED}


def test_the_rules_are_those_of_every_order(world: SourceWorld) -> None:
    world.refresh()
    world.place()
    with pytest.raises(OrderRefused):
        world.place()
    assert len(world.source.orders) == 1
    stranger = world.add_person()
    with pytest.raises(NotPermitted):
        world.place(world.command(), patient_identity(stranger))
    with pytest.raises(NotPermitted):
        world.place(world.command(), replace(world.identity, tasks=frozenset()))
    assert len(world.source.orders) == 1


def test_nobody_of_another_region_is_asked_about(world: SourceWorld) -> None:
    stranger = world.add_person(region="jonkoping")
    with pytest.raises(NotFound):
        world.prescriptions.refresh(REGION, stranger.id)
    identity = patient_identity(stranger)
    world.refresh()
    command = world.command()
    assert isinstance(attempt(lambda: world.place(command, replace(identity, region=REGION))), NotFound)
    assert stranger.number not in world.source.asked


def test_where_they_live_here_nothing_is_asked(world: SourceWorld) -> None:
    person = world.add_person(region="jonkoping")
    assert world.prescriptions.refresh("jonkoping", person.id) is State.HERE
    assert world.source.asked == []
    assert Prescriptions(world.database, None).refresh(REGION, world.person.id) is State.DOWN


def test_rows_that_the_source_does_not_name_are_named_by_its_history(world: SourceWorld) -> None:
    world.source.prescribe(world.person.number, SourceItem("R2", "20002"))
    world.source.names_rows = False
    world.refresh()
    world.place()
    assert [row.source_item_id for row in world.rows()] == [None, None]
    assert world.refresh() is State.FRESH
    assert [row.source_item_id for row in world.rows()] == [
        past["OrderItemId"] for past in world.source.history[world.person.number]
    ]
    assert world.elsewhere() == []
    assert [item.orders_remaining for item in world.items()] == [3, 3]


def test_the_answer_that_is_lost_for_good_says_nothing_of_the_patient(world: SourceWorld) -> None:
    for problem in (AnswerLost("lost"), SourceDown("down"), RefusedBySource("Kontakta Test Testsson")):
        assert "Testsson" not in str(problem)
    with world.database.session() as session:
        assert session.scalar(select(func.count()).select_from(AccessLogEntry)) == 0
