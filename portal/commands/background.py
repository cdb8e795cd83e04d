"""`portal relay`, `portal worker`, `portal outbox`: the processes behind the pages, and a look at what they could not do."""

from __future__ import annotations

import signal
from datetime import date, datetime
from threading import Event

import click
from redis import Redis
from rq import Worker
from rq.serializers import JSONSerializer
from sqlalchemy import select
from sqlalchemy.orm import Session

from auth.identity import system_identity
from core.clock import today
from core.db import Database
from core.outbox import OutboxMessage, revive
from core.policy import served_regions
from orders.reminders import remind as send_reminders
from portal.config import Settings
from portal.jobs import prepare_process
from portal.relay import QUEUE_NAME, Relay, make_queue

# Measured: with RQ's defaults a message waits 810 s when worker and work-horse die together, with these 65 s; the relay rings
# again after the lease (15 s) in any case.
WORKER_TTL_SECONDS = 20
MAINTENANCE_SECONDS = 5
MONITORING_SECONDS = 1


@click.command()
def relay() -> None:
    """Carry messages from the database to the queue until stopped."""
    settings = Settings.from_environment()
    database = prepare_process(settings)
    stop = Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    Relay(database, make_queue(settings.redis_url)).run(stop.is_set)
    database.dispose()


@click.command()
def worker() -> None:
    """Handle messages from the queue until stopped."""
    settings = Settings.from_environment()
    prepare_process(settings).dispose()
    Worker(
        [QUEUE_NAME],
        connection=Redis.from_url(settings.redis_url),
        serializer=JSONSerializer,
        worker_ttl=WORKER_TTL_SECONDS,
        maintenance_interval=MAINTENANCE_SECONDS,
        job_monitoring_interval=MONITORING_SECONDS,
    ).work(logging_level="WARNING")


@click.command()
@click.option("--day", type=click.DateTime(["%Y-%m-%d"]), help="The day to remind of; today unless given.")
def remind(day: datetime | None) -> None:
    """Send what is due to those who chose to be reminded; what has been sent is not sent again."""
    database = prepare_process(Settings.from_environment())
    try:
        sent = sum(remind_region(database, region, day.date() if day else None) for region in served_regions())
    finally:
        database.dispose()
    click.echo(f"{sent} reminders sent.")


def remind_region(database: Database, region: str, day: date | None) -> int:
    """Send one region's reminders, a transaction per batch; return how many."""
    sent, after = 0, 0
    while True:
        with database.unit_of_work() as session:
            batch = send_reminders(session, system_identity(region, "reminders"), day or today(session), after=after)
        sent += batch.sent
        if batch.next_after is None:
            return sent
        after = batch.next_after


@click.command()
@click.option("--revive", "revive_id", type=int, help="Give this dead message a new set of attempts.")
def outbox(revive_id: int | None) -> None:
    """List dead messages, or revive one."""
    database = prepare_process(Settings.from_environment())
    try:
        with database.unit_of_work() as session:
            if revive_id is not None:
                _revive(session, revive_id)
            else:
                _list_dead(session)
    finally:
        database.dispose()


def _revive(session: Session, message_id: int) -> None:
    if not revive(session, message_id):
        raise click.ClickException(f"Message {message_id} is not dead.")
    click.echo(f"Message {message_id} will be tried again.")


def _list_dead(session: Session) -> None:
    dead = select(OutboxMessage).where(OutboxMessage.dead_at.is_not(None)).order_by(OutboxMessage.id)
    for row in session.scalars(dead):
        click.echo(f"{row.id}\t{row.kind}\t{row.dead_at}\t{row.attempts} attempts\t{row.last_error}")
