"""The outbox: claimed by one, handled once, put off after a failure, dead and revived."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from core import outbox
from core.clock import ManualClock
from core.db import Database
from core.outbox import Handler, Message, OutboxMessage
from core.request_id import current_request_id, set_request_id


def _publish(database: Database, count: int = 1) -> list[int]:
    with database.unit_of_work() as session:
        for number in range(count):
            outbox.publish(session, "test.done", number=number)
    with database.session() as session:
        return list(session.scalars(select(OutboxMessage.id).order_by(OutboxMessage.id)))


def _claim(database: Database, limit: int = 100) -> list[int]:
    with database.unit_of_work() as session:
        return outbox.claim(session, limit)


def _handlers(seen: list[Message]) -> Mapping[str, Handler]:
    def remember(_session: Session, message: Message) -> None:
        seen.append(message)

    return {"test.done": remember}


def test_a_claimed_message_is_rung_again_only_after_its_lease(database: Database, clock: ManualClock) -> None:
    ids = _publish(database, 3)
    assert _claim(database) == ids
    assert _claim(database) == []
    clock.advance(outbox.LEASE)
    assert _claim(database) == ids


def test_two_relays_never_claim_the_same_message(database: Database) -> None:
    ids = _publish(database, 40)
    start = Barrier(4)

    def claim(_number: int) -> list[int]:
        start.wait()
        return _claim(database, 10)

    with ThreadPoolExecutor(4) as pool:
        claimed = [message_id for batch in pool.map(claim, range(4)) for message_id in batch]
    assert len(claimed) == len(set(claimed))
    assert set(claimed) <= set(ids)


def test_eight_workers_with_one_message_handle_it_once(database: Database) -> None:
    (message_id,) = _publish(database)
    seen: list[Message] = []
    start = Barrier(8)

    def handle(_number: int) -> bool:
        start.wait()
        with database.unit_of_work() as session:
            return outbox.handle(session, message_id, _handlers(seen))

    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(handle, range(8))) == [False] * 7 + [True]
    assert len(seen) == 1


def test_the_handler_acts_under_the_request_id_of_the_page(database: Database) -> None:
    set_request_id("from-the-page-1")
    (message_id,) = _publish(database)
    set_request_id("somewhere-else-2")
    ids: list[str] = []
    handlers: Mapping[str, Handler] = {"test.done": lambda _session, _message: ids.append(current_request_id())}
    with database.unit_of_work() as session:
        outbox.handle(session, message_id, handlers)
    assert ids == ["from-the-page-1"]


def test_a_failing_message_is_put_off_longer_and_longer_then_dead_and_can_be_revived(
    database: Database, clock: ManualClock
) -> None:
    (message_id,) = _publish(database)
    for attempt in range(1, outbox.MAX_ATTEMPTS + 1):
        with database.unit_of_work() as session:
            is_dead = outbox.record_failure(session, message_id, "TestError")
        assert is_dead is (attempt == outbox.MAX_ATTEMPTS)
        if not is_dead:
            clock.advance(timedelta(seconds=2**attempt - 1))
            assert _claim(database) == []
            clock.advance(timedelta(seconds=1))
            assert _claim(database) == [message_id]
    clock.advance(timedelta(days=1))
    assert _claim(database) == []
    with database.unit_of_work() as session:
        assert outbox.handle(session, message_id, _handlers([])) is False
        assert outbox.revive(session, message_id) is True
    assert _claim(database) == [message_id]


def test_a_message_of_a_transaction_that_failed_was_never_there(database: Database) -> None:
    with pytest.raises(ZeroDivisionError), database.unit_of_work() as session:  # noqa: PT012
        outbox.publish(session, "test.done")
        raise ZeroDivisionError
    assert _claim(database) == []
