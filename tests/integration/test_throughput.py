"""The day hour by hour, also for whoever picks before seven or after four."""

from __future__ import annotations

from datetime import datetime

import pytest

from core.clock import STOCKHOLM, ManualClock
from core.db import Database
from delivery.overview import FIRST_HOUR, LAST_HOUR, throughput
from delivery.shipping import ship
from tests.support.depot_work import World


@pytest.mark.parametrize(
    ("hour", "first", "last"), [(5, 5, LAST_HOUR), (11, FIRST_HOUR, LAST_HOUR), (19, FIRST_HOUR, 19)]
)
def test_every_hour_in_which_something_was_done_is_shown(
    database: Database, clock: ManualClock, hour: int, first: int, last: int
) -> None:
    world = World(database)
    article = world.article()
    world.stock(article, 9)
    clock.set(datetime(2026, 12, 1, hour, 30, tzinfo=STOCKHOLM))
    parcel_id = world.packed(world.order({article: 4}))
    with database.unit_of_work() as session:
        ship(session, world.picker, parcel_id, "TEST1")
    with database.session() as session:
        hours = throughput(session, world.picker)
    assert [one.hour for one in hours] == list(range(first, last + 1))
    assert {one.hour: (one.packages, one.parcels) for one in hours if one.packages} == {hour: (4, 1)}
