"""Whatever dies between sending and answering: the order is awaited, looked for, and ends as registered or as taken back."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from core.outbox import Message, OutboxMessage
from orders.models import Registration
from portal.duties import start_duties
from portal.prescriptions import Prescriptions, State, look_for_awaited, use_prescriptions
from tests.support.builders import patient_identity
from tests.support.source import SourceItem
from tests.support.source_world import REGION, SourceWorld


class ProcessDied(BaseException):
    """What no handler of errors sees."""


def _die() -> None:
    raise ProcessDied


def _work_a_minute(world: SourceWorld) -> list[str]:
    world.later(minutes=1)
    with world.database.unit_of_work() as session:
        start_duties(session, REGION)
    use_prescriptions(world.prescriptions)
    return [kind for kind in world.work() if kind.startswith("registration")]


def _look(world: SourceWorld) -> None:
    world.later(seconds=5)
    for awaited in world.awaited():
        world.prescriptions.look_for(awaited.order_id)


def test_a_process_that_dies_after_the_source_has_it_leaves_an_order_that_is_found(world: SourceWorld) -> None:
    world.refresh()
    command = world.command()
    world.source.before_answer = _die
    with pytest.raises(ProcessDied):
        world.place(command)
    (order,) = world.orders()
    assert order.registration is Registration.AWAITED
    assert world.inbox() == []
    # The same form again, before anybody has looked.
    assert world.place(command).registration is Registration.AWAITED
    for _time in range(3):
        _look(world)
    (order,) = world.orders()
    assert order.registration is Registration.AT_SOURCE
    assert world.inbox() == ["order.confirmed"]
    assert len(world.source.orders) == 1
    world.refresh()
    assert (world.item().orders_remaining, world.elsewhere()) == (3, [])


def test_a_process_that_dies_before_the_source_has_it_leaves_nothing_in_the_end(world: SourceWorld) -> None:
    world.refresh()
    command = world.command()
    world.source.before_register = _die
    with pytest.raises(ProcessDied):
        world.place(command)
    _look(world)
    assert len(world.awaited()) == 1
    assert world.item().orders_remaining == 3
    world.end_patience()
    for _time in range(3):
        _look(world)
    assert (world.orders(), world.withdrawals(), world.inbox()) == ([], [], ["order.not_registered"])
    assert world.item().orders_remaining == 4
    world.source.before_register = lambda: None
    assert world.place(command).registration is Registration.AT_SOURCE
    assert len(world.source.orders) == 1


def test_only_the_beginning_of_an_order_in_the_history_is_all_of_it(world: SourceWorld) -> None:
    world.source.prescribe(world.person.number, SourceItem("R2", "20002"))
    world.refresh()
    world.source.before_answer = _die
    with pytest.raises(ProcessDied):
        world.place()
    last = world.source.history[world.person.number].pop()
    _look(world)
    assert len(world.awaited()) == 1
    world.end_patience()
    _look(world)
    (order,) = world.orders()
    assert order.registration is Registration.AT_SOURCE
    world.source.history[world.person.number].append(last)
    world.refresh()
    assert [row.source_item_id for row in world.rows()] == [
        past["OrderItemId"] for past in world.source.history[world.person.number]
    ]
    assert (world.elsewhere(), [item.orders_remaining for item in world.items()]) == ([], [3, 3])


def test_what_was_withdrawn_before_is_never_taken_for_the_order(world: SourceWorld) -> None:
    world.refresh()
    world.place()
    world.later(days=61)
    world.source.drops = True
    assert world.place().registration is Registration.AWAITED
    _look(world)
    assert len(world.awaited()) == 1


def test_workers_find_it_every_minute_also_after_the_source_was_down(world: SourceWorld) -> None:
    world.refresh()
    world.source.loses = True
    # Its answer is lost, and before anybody can ask the source it is down.
    world.source.before_answer = lambda: setattr(world.source, "is_down", True)
    order = world.place()
    assert order.registration is Registration.AWAITED
    assert _work_a_minute(world) == ["registrations.due", "registration.look"]
    assert len(world.awaited()) == 1
    world.source.is_down = False
    assert _work_a_minute(world) == ["registrations.due", "registration.look"]
    assert world.awaited() == []
    assert world.inbox() == ["order.confirmed"]
    assert _work_a_minute(world) == ["registrations.due"]
    with world.database.session() as session:
        assert session.scalars(select(OutboxMessage).where(OutboxMessage.dead_at.is_not(None))).all() == []
    assert len(world.source.orders) == 1


def test_workers_give_it_up_when_patience_has_ended(world: SourceWorld) -> None:
    world.refresh()
    world.source.drops = True
    world.place()
    _work_a_minute(world)
    world.later(minutes=27)
    _work_a_minute(world)
    assert len(world.awaited()) == 1
    _work_a_minute(world)
    assert len(world.awaited()) == 0
    assert (world.orders(), world.inbox()) == ([], ["order.not_registered"])


def test_each_order_is_looked_for_by_itself(world: SourceWorld) -> None:
    people = [world.add_person() for _number in range(3)]
    world.source.drops = True
    for person in people:
        world.source.prescribe(person.number, SourceItem("R1", "20001"))
        world.refresh(person)
        world.place(world.command(person=person), patient_identity(person))
    del world.source.items[people[1].number]
    world.source.items[people[1].number] = []
    assert _work_a_minute(world) == ["registrations.due", *["registration.look"] * 3]
    assert len(world.awaited()) == 3
    world.later(hours=2)
    _work_a_minute(world)
    assert world.awaited() == []
    assert [world.inbox(person) for person in people] == [["order.not_registered"]] * 3


def test_a_worker_without_a_way_to_the_source_leaves_it_awaited(world: SourceWorld) -> None:
    world.refresh()
    world.source.drops = True
    world.place()
    world.prescriptions = Prescriptions(world.database, None)
    _work_a_minute(world)
    assert len(world.awaited()) == 1
    assert world.refresh() is State.DOWN


def test_looking_for_what_is_settled_or_gone_asks_nobody(world: SourceWorld) -> None:
    world.refresh()
    order = world.place()
    asked = len(world.source.asked)
    world.prescriptions.look_for(order.id)
    world.prescriptions.look_for(order.id + 1000)
    assert len(world.source.asked) == asked


def test_looks_do_not_pile_up_while_a_source_hangs(world: SourceWorld) -> None:
    world.refresh()
    world.source.drops = True
    order = world.place()
    for number in range(3):
        with world.database.unit_of_work() as session:
            look_for_awaited(session, Message(number, "registrations.due", {"region": REGION}))
    with world.database.session() as session:
        looks = session.scalars(select(OutboxMessage).where(OutboxMessage.kind == "registration.look")).all()
        assert [look.payload for look in looks] == [{"order_id": order.id}]
    assert "registration.look" in _work_a_minute(world)
    assert _work_a_minute(world) == ["registrations.due", "registration.look"]


def test_nobody_looks_for_orders_where_prescriptions_live_here(world: SourceWorld) -> None:
    with world.database.unit_of_work() as session:
        assert "registrations.due" in start_duties(session, REGION)
        assert "registrations.due" not in start_duties(session, "jonkoping")
