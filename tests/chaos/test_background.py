"""Nothing acknowledged is lost, whatever dies when: real relay, workers and Valkey, killed on purpose."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import func, select, text

from auth.models import Person
from core.clock import SystemClock
from core.db import Database
from core.outbox import OutboxMessage
from delivery.models import DepotOrder, PickLine
from orders.addresses import HomeAddress
from orders.models import Order, PrescriptionItem
from orders.services import OrderLine, PlaceOrder, place_order
from orders.wishes import DeliveryWish
from portal.embedded.valkey import EmbeddedValkey
from portal.jobs import run_message
from tests.support.builders import add_article, add_depot, add_item, add_person, patient_identity
from tests.support.processes import environment, running, wait_until

pytestmark = pytest.mark.chaos

WORKER_START_SECONDS = 30
# The lease, the relay's wake-up and a worker's start on a busy machine.
REDELIVERY_SECONDS = 60


@pytest.fixture
def live(database_url: str) -> Iterator[Database]:
    """The test's database on the machine's clock: the processes under test know no other."""
    opened = Database(database_url, clock=SystemClock())
    yield opened
    opened.dispose()


@pytest.fixture
def settings_of_processes(database_url: str, valkey: EmbeddedValkey, tmp_path: Path) -> dict[str, str]:
    key = tmp_path / "key.pem"
    key.write_text("not used by background processes")
    return environment(database_url, valkey.url, key)


def _patient(database: Database) -> tuple[Person, PrescriptionItem]:
    with database.unit_of_work() as session:
        add_depot(session)
        person = add_person(session)
        return person, add_item(session, person, add_article(session), days=1)


def _order(database: Database, person: Person, item: PrescriptionItem) -> Order:
    address = HomeAddress(person.full_name, person.street, person.postal_code, person.city)
    with database.unit_of_work() as session:
        line = OrderLine(item.id, {item.article_id: 1}, item.orders_remaining)
        return place_order(
            session,
            patient_identity(person),
            PlaceOrder((line,), (DeliveryWish(address=address),), idempotency_key=f"key-{item.id}"),
        )


def _at_depot(database: Database) -> int:
    with database.session() as session:
        return session.scalar(select(func.count()).select_from(DepotOrder)) or 0


def _all_done(database: Database) -> bool:
    with database.session() as session:
        return not session.scalar(
            select(func.count()).select_from(OutboxMessage).where(OutboxMessage.done_at.is_(None))
        )


def test_an_order_reaches_the_depot_in_under_a_second(
    live: Database, settings_of_processes: dict[str, str], tmp_path: Path
) -> None:
    person, item = _patient(live)
    other, other_item = _second_patient(live)
    with (
        running(settings_of_processes, tmp_path / "relay.log", "relay"),
        running(settings_of_processes, tmp_path / "worker.log", "worker"),
    ):
        _order(live, other, other_item)
        wait_until(lambda: _all_done(live), WORKER_START_SECONDS, "the first order was not handled")
        _order(live, person, item)
        took = wait_until(lambda: _at_depot(live) == 2, 10, "the order did not reach the depot")
    assert took < 1.0


def _second_patient(database: Database) -> tuple[Person, PrescriptionItem]:
    """Add one more patient with something to order."""
    with database.unit_of_work() as session:
        person = add_person(session)
        return person, add_item(session, person, add_article(session), days=1)


def test_with_valkey_down_the_patient_orders_and_the_depot_gets_it_when_it_is_back(
    live: Database, settings_of_processes: dict[str, str], valkey: EmbeddedValkey, tmp_path: Path
) -> None:
    person, item = _patient(live)
    relay_log = tmp_path / "relay.log"
    with running(settings_of_processes, relay_log, "relay"):
        valkey.stop()
        order = _order(live, person, item)
        assert order.order_no
        wait_until(lambda: "queue is away" in relay_log.read_text(), 15, "the relay did not notice")
        assert _at_depot(live) == 0
        valkey.start()
        with running(settings_of_processes, tmp_path / "worker.log", "worker"):
            wait_until(lambda: _all_done(live), REDELIVERY_SECONDS, "the order did not arrive")
    assert _at_depot(live) == 1


def test_a_worker_killed_in_the_middle_leaves_nothing_half_and_the_order_arrives_once(
    live: Database, settings_of_processes: dict[str, str], tmp_path: Path
) -> None:
    person, item = _patient(live)
    with (
        running(settings_of_processes, tmp_path / "relay.log", "relay"),
        live.engine.connect() as blocker,
    ):
        # Holding the depot's table stops the handler in the middle of its transaction, for as long as the test wants.
        blocker.execute(text("LOCK TABLE pick_line IN ACCESS EXCLUSIVE MODE"))
        _order(live, person, item)
        with running(settings_of_processes, tmp_path / "doomed.log", "worker") as doomed:
            wait_until(lambda: _somebody_waits(live), WORKER_START_SECONDS, "no worker took the message")
            doomed.kill()
        blocker.rollback()
        assert _at_depot(live) == 0
        with running(settings_of_processes, tmp_path / "worker.log", "worker"):
            wait_until(lambda: _all_done(live), REDELIVERY_SECONDS, "the order did not arrive")
    with live.session() as session:
        assert _at_depot(live) == 1
        assert session.scalar(select(func.count()).select_from(PickLine)) == 1


def _somebody_waits(database: Database) -> bool:
    with database.session() as session:
        waiting = session.scalar(
            text(
                "SELECT count(*) FROM pg_locks WHERE NOT granted AND database = (SELECT oid FROM pg_database"
                " WHERE datname = current_database())"
            )
        )
        return bool(waiting)


def test_the_same_message_twice_changes_nothing(live: Database, settings_of_processes: dict[str, str]) -> None:
    person, item = _patient(live)
    _order(live, person, item)
    with live.session() as session:
        message_id = session.scalars(select(OutboxMessage.id)).one()
    assert run_message(live, message_id) is True
    assert run_message(live, message_id) is False
    assert _at_depot(live) == 1
