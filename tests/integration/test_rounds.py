"""A round: several orders picked on one walk, each into its own box; who walks away frees what was not begun. Handbook §6."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from threading import Barrier

import pytest
from hypothesis import given, strategies as st

from core.clock import ManualClock
from core.db import Database
from core.errors import NotFound
from delivery import errors
from delivery.models import DepotOrder, DepotOrderStatus, StockBalance
from delivery.rounds import RoundPage, finish_round, round_page, scan_in_round, start_round
from delivery.walking import walking_key
from delivery.waves import plan_wave
from orders.models import Article
from tests.support.depot_work import World, gs1, lines_of

EXPIRES = date(2028, 12, 31)


@pytest.fixture
def world(database: Database) -> World:
    """A depot with three articles on three shelves."""
    return World(database)


def shelf(world: World, name: str, location: str, packages: int = 20) -> Article:
    article = world.article(name)
    with world.database.unit_of_work() as session:
        session.get_one(Article, article.id).location = location
    world.stock(article, packages, f"LOT-{name}")
    return article


def plan(world: World) -> None:
    with world.database.unit_of_work() as session:
        plan_wave(session, world.picker, "PostNord")


def begin(world: World, picker: int | None = None) -> int | None:
    with world.database.unit_of_work() as session:
        found = start_round(session, world.picker)
        return found.id if found else None


def page(world: World, round_id: int) -> RoundPage:
    with world.database.unit_of_work() as session:
        return round_page(session, world.picker, round_id)


def scan_one(world: World, round_id: int, article: Article, key: str = "") -> None:
    with world.database.unit_of_work() as session:
        scan_in_round(session, world.picker, round_id, gs1(article, f"LOT-{article.name}", EXPIRES), key=key)


def test_stops_follow_the_shelves_and_name_the_box(world: World) -> None:
    far, near = shelf(world, "Far", "B-10"), shelf(world, "Near", "B-2")
    first = world.order({far: 1, near: 2})
    world.order({near: 1})
    plan(world)
    round_id = begin(world)
    assert round_id is not None
    shown = page(world, round_id)
    assert [(stop.location, stop.box, stop.packages) for stop in shown.stops] == [
        ("B-2", "A", 2),
        ("B-2", "B", 1),
        ("B-10", "A", 1),
    ]
    assert shown.stops[0].depot_order_id == first
    assert begin(world) == round_id, "one round at a time"


def test_scans_fill_the_boxes_in_turn_and_the_round_ends_with_everything_picked(world: World) -> None:
    near, far = shelf(world, "Near", "A-1"), shelf(world, "Far", "A-2")
    orders = [world.order({near: 1, far: 1}), world.order({near: 1})]
    plan(world)
    round_id = begin(world)
    assert round_id is not None
    for article in (near, near, far):
        scan_one(world, round_id, article)
    with pytest.raises(errors.NothingLeftToPick):
        scan_one(world, round_id, near)
    assert page(world, round_id).is_done
    with world.database.unit_of_work() as session:
        finish_round(session, world.picker, round_id)
    assert {world.status(one) for one in orders} == {DepotOrderStatus.PICKED}
    assert begin(world) is None


def test_a_round_does_not_end_while_something_is_left(world: World) -> None:
    near = shelf(world, "Near", "A-1")
    world.order({near: 1})
    plan(world)
    round_id = begin(world)
    assert round_id is not None
    with world.database.unit_of_work() as session, pytest.raises(errors.LinesLeft):
        finish_round(session, world.picker, round_id)


def test_the_same_scan_sent_twice_picks_once(world: World) -> None:
    near = shelf(world, "Near", "A-1")
    order = world.order({near: 2})
    plan(world)
    round_id = begin(world)
    assert round_id is not None
    scan_one(world, round_id, near, key="scan-1")
    scan_one(world, round_id, near, key="scan-1")
    with world.database.session() as session:
        assert [line.picked for line in lines_of(session, order)] == [1]


def test_what_no_box_wants_is_refused(world: World) -> None:
    near, other = shelf(world, "Near", "A-1"), shelf(world, "Other", "A-2")
    world.order({near: 1})
    plan(world)
    round_id = begin(world)
    assert round_id is not None
    with pytest.raises(errors.NotOnOrder):
        scan_one(world, round_id, other)
    with world.database.unit_of_work() as session, pytest.raises(errors.UnreadableCode):
        scan_in_round(session, world.picker, round_id, "]")


def test_a_round_is_the_pickers_own(world: World) -> None:
    near = shelf(world, "Near", "A-1")
    world.order({near: 1})
    plan(world)
    round_id = begin(world)
    assert round_id is not None
    somebody_else = world.add_picker("Bo Plockare")
    with world.database.unit_of_work() as session, pytest.raises(NotFound):
        round_page(session, somebody_else, round_id)


def test_who_walks_away_frees_what_was_not_begun(world: World, clock: ManualClock) -> None:
    near, far = shelf(world, "Near", "A-1"), shelf(world, "Far", "A-2")
    begun, untouched = world.order({near: 2}), world.order({far: 1})
    plan(world)
    first_round = begin(world)
    assert first_round is not None
    scan_one(world, first_round, near)
    other = world.add_picker("Bo Plockare")
    clock.advance(timedelta(minutes=29))
    with world.database.unit_of_work() as session:
        assert start_round(session, other) is None
    clock.advance(timedelta(minutes=2))
    with world.database.unit_of_work() as session:
        taken = start_round(session, other)
        assert taken is not None
        assert [one.id for one in round_page(session, other, taken.id).depot_orders] == [untouched]
    with world.database.session() as session:
        assert session.get_one(DepotOrder, untouched).picker_id == other.staff_id
        assert session.get_one(DepotOrder, begun).picker_id == world.picker.staff_id
    assert [stop.depot_order_id for stop in page(world, first_round).stops] == [begun]


def test_pickers_who_begin_at_once_never_get_the_same_order(world: World) -> None:
    near = shelf(world, "Near", "A-1", 200)
    orders = [world.order({near: 1}) for _one in range(24)]
    plan(world)
    pickers = [world.add_picker(f"Plockare {number}") for number in range(4)]
    together = Barrier(4)

    def one_picker(number: int) -> list[int]:
        together.wait(30)
        with world.database.unit_of_work() as session:
            found = start_round(session, pickers[number])
            return [one.id for one in round_page(session, pickers[number], found.id).depot_orders] if found else []

    with ThreadPoolExecutor(4) as threads:
        got = list(threads.map(one_picker, range(4)))
    together_got = [one for boxes in got for one in boxes]
    assert len(together_got) == len(set(together_got))
    assert set(together_got) <= set(orders)
    assert max(len(boxes) for boxes in got) == 6
    with world.database.session() as session:
        assert all(balance.reserved <= balance.on_hand for balance in session.query(StockBalance))


@given(st.lists(st.from_regex(r"[A-C]-[0-9]{1,3}-[0-9]{1,2}", fullmatch=True)))
def test_shelves_are_walked_by_number_not_by_letter(places: list[str]) -> None:
    def numbers(place: str) -> tuple[str, int, int]:
        letter, bay, level = place.split("-")
        return letter, int(bay), int(level)

    assert [numbers(place) for place in sorted(places, key=walking_key)] == sorted(numbers(place) for place in places)
