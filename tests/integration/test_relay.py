"""The relay and the queue: how many bells may wait, and what an error of the database says."""

from __future__ import annotations

import pytest
from sqlalchemy import select
from sqlalchemy.exc import DataError

from auth.models import Person
from core import outbox
from core.clock import ManualClock
from core.db import Database
from portal import relay
from portal.embedded.valkey import EmbeddedValkey


def test_without_workers_the_queue_does_not_fill_up(
    database: Database, clock: ManualClock, valkey: EmbeddedValkey, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relay, "MOST_WAITING_JOBS", 6)
    with database.unit_of_work() as session:
        for number in range(4):
            outbox.publish(session, "test.done", number=number)
    queue = relay.make_queue(valkey.url)
    bell = relay.Relay(database, queue)
    rung = []
    for _lease in range(5):
        rung.append(bell.ring())
        clock.advance(outbox.LEASE)
    assert rung == [4, 4, 0, 0, 0]
    queue.empty()  # type: ignore[no-untyped-call]
    assert bell.ring() == 4
    queue.connection.close()


def test_an_error_of_the_database_does_not_say_what_it_was_given(database: Database) -> None:
    with database.session() as session, pytest.raises(DataError) as refused:
        session.scalar(select(Person.id).where(Person.given_name == "Astrid\x00Provsson"))
    assert "Astrid" not in str(refused.value)
