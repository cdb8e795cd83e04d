"""The relay: rings the queue for every outbox message, at once when the database says so and again while nobody has done it.

PostgreSQL holds the truth. If the queue is down the messages wait in the table; if a worker dies the lease ends and the bell rings
once more. Handlers run in one transaction with their done-mark, so ringing twice changes nothing.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import date, timedelta
from threading import Event
from typing import cast

import psycopg
from redis import Redis
from redis.exceptions import RedisError
from rq import Queue, Retry
from rq.serializers import JSONSerializer
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from core import outbox
from core.clock import STOCKHOLM, now
from core.db import Database
from core.idempotency import delete_old_keys
from core.policy import served_regions
from orders.reminders import REMIND_AT, start_reminders
from portal.duties import start_duties
from portal.sessions import delete_old_sessions

QUEUE_NAME = "portal"
WAKE_SECONDS = 1.0
QUEUE_DOWN_DELAY = timedelta(seconds=1)
# Shorter than the lease, so that a message is never rung for again while its job may still run.
JOB_SECONDS = 12
MOST_WAITING_JOBS = 1000
CLEAN_INTERVAL = timedelta(hours=1)
DUTY_INTERVAL = timedelta(seconds=20)

log = logging.getLogger("portal.relay")


class Relay:
    """Carries ids from the outbox to the queue."""

    def __init__(self, database: Database, queue: Queue) -> None:
        self._database = database
        self._queue = queue
        self._queue_is_down = False
        self._cleaned_at = database.clock.now() - CLEAN_INTERVAL
        self._reminded_on: date | None = None
        self._looked_at_duties = database.clock.now() - DUTY_INTERVAL

    def run(self, should_stop: Callable[[], bool]) -> None:
        """Relay until told to stop; survives the loss of the queue and of the database."""
        while not should_stop():
            try:
                self._listen(should_stop)
            except (OperationalError, psycopg.OperationalError) as problem:
                log.error("database is away", extra={"error": type(problem).__name__})
                self._database.dispose()
                _pause(should_stop)

    def ring(self) -> int:
        """Ring for whatever waits; return how many messages were handed to the queue."""
        if self._rings_unheard():
            return 0
        with self._database.unit_of_work() as session:
            ids = outbox.claim(session)
        for position, message_id in enumerate(ids):
            try:
                self._queue.enqueue(
                    "portal.jobs.handle_message",
                    message_id,
                    job_timeout=JOB_SECONDS,
                    result_ttl=0,
                    failure_ttl=3600,
                    retry=Retry(max=2, interval=[1, 5]),
                )
            except RedisError as problem:
                self._say_down(problem)
                with self._database.unit_of_work() as session:
                    outbox.put_back(session, ids[position:], QUEUE_DOWN_DELAY)
                return position
        if ids and self._queue_is_down:
            self._queue_is_down = False
            log.info("queue is back")
        return len(ids)

    def _rings_unheard(self) -> bool:
        # Without workers every message would be rung for again with each lease, until the queue's memory is full.
        try:
            return self._queue.count >= MOST_WAITING_JOBS
        except RedisError:
            return False

    def _listen(self, should_stop: Callable[[], bool]) -> None:
        with self._database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text(f"LISTEN {outbox.CHANNEL}"))
            driver = cast(psycopg.Connection, connection.connection.driver_connection)
            while not should_stop():
                while self.ring():
                    pass
                self._clean()
                self._remind()
                self._do_duties()
                for _ in driver.notifies(timeout=WAKE_SECONDS, stop_after=1):
                    pass

    def _clean(self) -> None:
        present = self._database.clock.now()
        if present - self._cleaned_at < CLEAN_INTERVAL:
            return
        self._cleaned_at = present
        with self._database.unit_of_work() as session:
            sessions, keys = delete_old_sessions(session), delete_old_keys(session, now(session))
        log.info("cleaned", extra={"sessions": sessions, "keys": keys})

    def _remind(self) -> None:
        """Have the day's reminders sent, once the hour has come; a day on which no relay ran is caught up by the next."""
        local = self._database.clock.now().astimezone(STOCKHOLM)
        if local.time() < REMIND_AT or self._reminded_on == local.date():
            return
        for region in served_regions():
            with self._database.unit_of_work() as session:
                if start_reminders(session, region):
                    log.info("reminders begin", extra={"region": region})
        self._reminded_on = local.date()

    def _do_duties(self) -> None:
        present = self._database.clock.now()
        if present - self._looked_at_duties < DUTY_INTERVAL:
            return
        self._looked_at_duties = present
        for region in served_regions():
            with self._database.unit_of_work() as session:
                start_duties(session, region)

    def _say_down(self, problem: RedisError) -> None:
        if not self._queue_is_down:
            log.error("queue is away; orders wait in the database", extra={"error": type(problem).__name__})
        self._queue_is_down = True


def make_queue(redis_url: str) -> Queue:
    """Return the queue that workers listen to; time-outs keep a dead server from holding the relay."""
    return Queue(
        QUEUE_NAME,
        connection=Redis.from_url(redis_url, socket_connect_timeout=2, socket_timeout=5),
        serializer=JSONSerializer,
    )


def _pause(should_stop: Callable[[], bool]) -> None:
    if not should_stop():
        Event().wait(WAKE_SECONDS)
