"""What a reading makes of our copy: the source's numbers, its history once, its articles and units. Handbook §13."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from core.clock import swedish_date
from orders.importing.contract import parse_responses
from orders.importing.parsed import ParsedSubject
from orders.kinds import OWN_SOURCE
from orders.models import Article, Prescription, PrescriptionStatus, RowStatus
from orders.source.reading import Taken
from portal.prescriptions import State
from tests.support.builders import add_article, add_item
from tests.support.source import SourceItem
from tests.support.source_world import Held, SourceWorld, while_held

EMPTY = (
    '<r:GetMedicalSupplyPrescriptionsResponse xmlns:r="urn:riv:crm:selfservice:medicalsupply:'
    'GetMedicalSupplyPrescriptionsResponder:2">{}</r:GetMedicalSupplyPrescriptionsResponse>'
)


def _change(world: SourceWorld, name: str = "R1", **values: Any) -> None:
    number = world.person.number
    world.source.items[number] = [
        replace(item, **values) if item.item_id == name else item for item in world.source.items[number]
    ]


def _answer(world: SourceWorld, monkeypatch: pytest.MonkeyPatch, raw: bytes) -> State:
    monkeypatch.setattr(world.source, "read", lambda _region, _number: raw)
    return world.refresh()


def _article(world: SourceWorld, number: str) -> Article | None:
    with world.database.session() as session:
        return session.scalar(select(Article).where(Article.article_no == number))


def test_what_was_read_just_now_is_not_read_again(world: SourceWorld) -> None:
    for _time in range(3):
        assert world.prescriptions.refresh("vgr", world.person.id) is State.FRESH
    assert len(world.source.asked) == 1
    world.later(minutes=5)
    world.prescriptions.refresh("vgr", world.person.id)
    assert len(world.source.asked) == 2


def test_the_source_decides_what_remains_and_from_when(world: SourceWorld) -> None:
    day = swedish_date(world.clock.now())
    world.refresh()
    _change(world, remaining=2, next_date=day + timedelta(days=9))
    world.refresh()
    assert (world.item().orders_remaining, world.item().next_earliest_order_date) == (2, day + timedelta(days=9))
    # Renewed, or given back: a live answer is believed also when it says more than before.
    _change(world, remaining=3, next_date=None)
    world.refresh()
    assert (world.item().orders_remaining, world.item().next_earliest_order_date) == (3, None)
    _change(world, allowed=8, remaining=7)
    world.refresh()
    assert (world.item().orders_allowed, world.item().orders_remaining) == (8, 7)


def test_after_an_order_the_sources_own_date_says_when_the_next_may_be(world: SourceWorld) -> None:
    world.refresh()
    world.place()
    ordered = swedish_date(world.clock.now())
    ours = world.item().next_earliest_order_date
    assert ours is not None
    assert ours > ordered + timedelta(days=60)
    world.refresh()
    assert world.item().next_earliest_order_date == ordered + timedelta(days=60)


@pytest.mark.parametrize("lists", [True, False])
def test_a_source_that_counts_by_night_lets_nobody_order_twice_today(world: SourceWorld, lists: bool) -> None:
    world.refresh()
    before = world.source.items[world.person.number]
    world.place()
    world.source.items[world.person.number] = before
    if not lists:
        world.source.history.clear()
    world.refresh()
    assert [row.status for row in world.rows()] == [RowStatus.RECEIVED]
    next_date = world.item().next_earliest_order_date
    assert world.item().orders_remaining == 3
    assert next_date is not None
    assert next_date > swedish_date(world.clock.now())


def test_an_order_that_is_cancelled_there_is_cancelled_here(world: SourceWorld) -> None:
    world.refresh()
    world.place()
    (row,) = world.rows()
    assert row.source_item_id is not None
    world.source.cancel_order(world.person.number, row.source_item_id)
    world.later(days=2)
    assert world.refresh() is State.FRESH
    assert [row.status for row in world.rows()] == [RowStatus.CANCELLED]
    assert (world.item().orders_remaining, world.item().orders_used_here) == (4, 0)
    assert world.item().next_earliest_order_date is None
    assert world.inbox() == ["order.confirmed", "order.stopped"]
    assert world.place().order_no != ""


def test_what_a_short_history_no_longer_lists_is_not_cancelled(world: SourceWorld) -> None:
    world.refresh()
    world.place()
    world.source.history.clear()
    world.later(days=2)
    world.refresh()
    assert [row.status for row in world.rows()] == [RowStatus.RECEIVED]
    assert world.item().orders_remaining == 3


def test_a_delivery_is_told_on_its_day_and_not_before(world: SourceWorld) -> None:
    world.refresh()
    world.place()
    promised = swedish_date(world.clock.now()) + timedelta(days=5)
    world.source.deliver(world.person.number, promised)
    world.refresh()
    assert [row.status for row in world.rows()] == [RowStatus.RECEIVED]
    world.later(days=5)
    world.refresh()
    (row,) = world.rows()
    assert (row.status, swedish_date(row.status_at)) == (RowStatus.DELIVERED, promised)
    world.later(days=1)
    world.source.deliver(world.person.number, promised + timedelta(days=1))
    world.refresh()
    assert swedish_date(world.rows()[0].status_at) == promised


def test_an_answer_that_was_asked_for_earlier_undoes_nothing(world: SourceWorld) -> None:
    world.refresh()
    world.later(minutes=6)
    held = Held()
    world.source.before_reading = held

    def meanwhile() -> State:
        _change(world, remaining=1)
        return world.refresh()

    first, second = while_held(held, lambda: world.prescriptions.refresh("vgr", world.person.id), meanwhile)
    assert (first, second) == (State.FRESH, State.FRESH)
    assert world.item().orders_remaining == 1


def test_of_two_that_were_asked_for_at_once_the_later_to_come_is_not_taken(world: SourceWorld) -> None:
    world.refresh()

    def answer() -> ParsedSubject:
        return parse_responses(world.source.read("vgr", world.person.number), date(2026, 12, 1)).subjects[0]

    # Asked for first and answered last: it knows more than the other.
    first_asked_at = world.clock.now() + timedelta(seconds=1)
    world.later(seconds=2)
    second, second_asked_at = answer(), world.clock.now()
    _change(world, remaining=1)
    world.later(seconds=1)
    first = answer()
    world.prescriptions._take("vgr", world.person.id, first, first_asked_at)
    assert world.prescriptions._take("vgr", world.person.id, second, second_asked_at) is Taken.OLDER
    assert world.item().orders_remaining == 1


def test_an_answer_from_while_an_order_was_sent_is_not_taken_after_it(world: SourceWorld) -> None:
    """The source counts a withdrawal elsewhere and not yet our order: taken late, one withdrawal would be counted too little."""
    _change(world, remaining=3)
    world.refresh()
    assert world.item().orders_used_elsewhere == 1
    sending, reading = Held(), Held()
    world.source.before_register = sending
    with ThreadPoolExecutor(2) as pool:
        sent = pool.submit(world.place)
        assert sending.is_there.wait(20)
        # Asked for after the order was sent, answered before the source has taken it, and on its way for long.
        world.later(seconds=1)
        world.source.before_reading = reading
        late = pool.submit(world.prescriptions.refresh, "vgr", world.person.id)
        assert reading.is_there.wait(20)
        world.later(seconds=1)
        sending.may_go.set()
        assert sent.result(30).order_no
        reading.may_go.set()
        assert late.result(30) is State.FRESH
    item = world.item()
    assert (item.orders_used_here, item.orders_used_elsewhere, item.orders_remaining) == (1, 1, 2)


def test_what_the_source_no_longer_has_is_cancelled_but_for_what_is_ours(world: SourceWorld) -> None:
    world.refresh()
    with world.database.unit_of_work() as session:
        own = add_item(session, world.person, add_article(session))
        session.get_one(Prescription, own.prescription_id).source = OWN_SOURCE
        other = add_item(session, world.person, add_article(session))
    world.source.items.clear()
    assert world.refresh() is State.FRESH
    statuses = {item.id: item.status for item in world.items()}
    assert statuses.pop(own.id) is PrescriptionStatus.ACTIVE
    # Also what a file once told: the source has everything.
    assert statuses.pop(other.id) is PrescriptionStatus.CANCELLED
    assert list(statuses.values()) == [PrescriptionStatus.CANCELLED]
    world.source.prescribe(world.person.number, SourceItem("R1", "20001"))
    world.refresh()
    assert [item.status for item in world.items() if item.external_id == "R1"] == [PrescriptionStatus.ACTIVE]


def test_an_answer_that_speaks_of_nobody_says_that_nothing_is_known(
    world: SourceWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.refresh()
    ok = "<r:ResultCode>OK</r:ResultCode>"
    assert _answer(world, monkeypatch, EMPTY.format(ok).encode()) is State.FRESH
    assert world.item().status is PrescriptionStatus.CANCELLED


@pytest.mark.parametrize("words", ["ERROR", "INFO", "", "junk", "not xml"])
def test_an_answer_that_is_none_changes_nothing(
    world: SourceWorld, monkeypatch: pytest.MonkeyPatch, words: str
) -> None:
    world.refresh()
    raw = b"<" if words == "not xml" else EMPTY.format(f"<r:ResultCode>{words}</r:ResultCode>").encode()
    assert _answer(world, monkeypatch, raw) is State.DOWN
    assert world.item().status is PrescriptionStatus.ACTIVE


def test_an_answer_about_somebody_else_is_none(world: SourceWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    world.refresh()
    stranger = world.add_person()
    world.source.prescribe(stranger.number, SourceItem("R9", "20009"))
    raw = world.source.read("vgr", stranger.number)
    assert _answer(world, monkeypatch, raw) is State.DOWN
    assert [item.external_id for item in world.items()] == ["R1"]
    assert _article(world, "20009") is None


def test_what_cannot_be_read_is_not_cancelled(world: SourceWorld) -> None:
    world.source.prescribe(world.person.number, SourceItem("R2", "20002"))
    world.refresh()
    # More remain than are allowed: nobody can read that. And one that cannot even be named.
    _change(world, "R2", remaining=9)
    assert world.refresh() is State.IN_PART
    # And it is remembered until the source is asked again.
    asked = len(world.source.asked)
    assert world.prescriptions.refresh("vgr", world.person.id) is State.IN_PART
    assert len(world.source.asked) == asked
    assert [item.status for item in world.items()] == [PrescriptionStatus.ACTIVE] * 2
    _change(world, "R2", remaining=1, item_id="x" * 90)
    _change(world, "R1", remaining=2)
    assert world.refresh() is State.IN_PART
    assert [(item.status, item.orders_remaining) for item in world.items()] == [
        (PrescriptionStatus.ACTIVE, 2),
        (PrescriptionStatus.ACTIVE, 4),
    ]
