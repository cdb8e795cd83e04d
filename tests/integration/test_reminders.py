"""Reminders: to whom, about what, once; and by whom they are begun."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from itertools import count

import pytest
from redis import Redis
from rq import Queue
from sqlalchemy import select

from auth.identity import Identity, system_identity
from auth.models import ContactSettings, Guardianship, InboxMessage, NotifyBy, Person, Protection
from core.audit import AccessLogEntry
from core.clock import ManualClock
from core.db import Database
from core.errors import NotPermitted
from core.outbox import Message, OutboxMessage
from core.policy import served_regions
from orders.kinds import PrescriptionStatus, ReminderKind
from orders.models import Article, Order, OrderRow, PrescriptionItem, RowStatus
from orders.reminder_models import Reminder
from orders.reminders import continue_reminders, remind, start_reminders
from orders.services import OrderLine, PlaceOrder, place_order
from portal.commands.background import remind_region
from portal.relay import Relay
from tests.support.builders import NOON, add_article, add_item, add_person, patient_identity
from tests.support.statements import counted

TODAY = date(2026, 12, 1)
SYSTEM = system_identity("vgr", "reminders")
ALL = tuple(ReminderKind)
_keys = count(1)


@dataclass
class World:
    database: Database
    article: Article = field(init=False)

    def __post_init__(self) -> None:
        with self.database.unit_of_work() as session:
            self.article = add_article(session)

    def person(self, *kinds: ReminderKind, **details: object) -> Person:
        with self.database.unit_of_work() as session:
            person = add_person(session, **details)  # type: ignore[arg-type]
            if kinds:
                session.add(
                    ContactSettings(person_id=person.id, reminders=[kind.value for kind in kinds], changed_at=NOON)
                )
            return person

    def item(self, person: Person, **details: object) -> PrescriptionItem:
        with self.database.unit_of_work() as session:
            return add_item(session, person, self.article, **details)  # type: ignore[arg-type]

    def change(self, row: object, **values: object) -> None:
        with self.database.unit_of_work() as session:
            found = session.get_one(type(row), row.id)  # type: ignore[attr-defined]
            for name, value in values.items():
                setattr(found, name, value)

    def guard(self, guardian: Person, child: Person) -> None:
        with self.database.unit_of_work() as session:
            session.add(Guardianship(guardian_id=guardian.id, child_id=child.id))

    def order(self, person: Person, item: PrescriptionItem) -> Order:
        with self.database.unit_of_work() as session:
            now = session.get_one(PrescriptionItem, item.id)
            line = OrderLine(item.id, {self.article.id: item.packages_per_order}, now.orders_remaining)
            return place_order(
                session, patient_identity(person), PlaceOrder((line,), idempotency_key=f"remind-{next(_keys)}")
            )

    def remind(self, day: date = TODAY, limit: int = 200) -> int:
        with self.database.unit_of_work() as session:
            return remind(session, SYSTEM, day, limit=limit).sent

    def inbox(self) -> list[tuple[int, int, str]]:
        with self.database.session() as session:
            return [
                (m.receiver_id, m.about_person_id, m.kind)
                for m in session.scalars(
                    select(InboxMessage).where(InboxMessage.kind.startswith("reminder.")).order_by(InboxMessage.id)
                )
            ]


@pytest.fixture
def world(database: Database) -> World:
    return World(database)


def test_what_was_chosen_is_told_once(world: World) -> None:
    person = world.person(ReminderKind.CAN_ORDER)
    item = world.item(person, earliest=TODAY, valid_until=TODAY + timedelta(days=20))
    assert world.remind() == 1
    assert world.remind() == 0
    assert world.remind(TODAY + timedelta(days=1)) == 0
    assert world.inbox() == [(person.id, person.id, "reminder.can_order")]
    with world.database.session() as session:
        (message,) = session.scalars(select(InboxMessage))
        assert message.facts == {"articles": ["Glukossensor"], "items": [item.id], "day": "2026-12-01"}
        (row,) = session.scalars(select(Reminder))
        assert (row.person_id, row.kind, row.about) == (person.id, ReminderKind.CAN_ORDER, TODAY)
        assert "reminder.sent" in session.scalars(select(AccessLogEntry.action)).all()


def test_several_products_on_a_day_are_one_message(world: World) -> None:
    person = world.person(ReminderKind.CAN_ORDER)
    for _ in range(3):
        world.item(person, earliest=TODAY)
    assert world.remind() == 3
    assert len(world.inbox()) == 1


def test_who_has_not_chosen_is_left_alone(world: World) -> None:
    world.item(world.person(), earliest=TODAY)
    world.item(world.person(ReminderKind.PRESCRIPTION_ENDS), earliest=TODAY)
    assert world.remind() == 0


def test_an_order_silences_both_reminders(world: World) -> None:
    person = world.person(*ALL)
    item = world.item(person, earliest=TODAY)
    order = world.order(person, item)
    assert world.remind(TODAY + timedelta(days=1)) == 0
    # 84 days from the promised day: nothing runs out before, while the parcel is on its way or not.
    last = order.promised_date + timedelta(days=84)
    assert world.remind(TODAY + timedelta(days=70)) == 1  # It can be ordered again.
    assert world.remind(last - timedelta(days=11)) == 0
    assert [kind for *_who, kind in world.inbox()] == ["reminder.can_order"]
    world.database.clock.set(datetime(2027, 2, 25, 9, tzinfo=UTC))  # type: ignore[attr-defined]
    with world.database.unit_of_work() as session:
        for row in session.scalars(select(OrderRow)):
            row.status, row.status_at = RowStatus.DELIVERED, datetime(2026, 12, 8, 9, tzinfo=UTC)
    assert world.remind(last - timedelta(days=10)) == 1
    assert world.inbox()[-1][2] == "reminder.runs_out"


def test_a_parcel_that_is_late_has_not_come_yet(world: World, clock: ManualClock) -> None:
    person = world.person(ReminderKind.RUNS_OUT)
    item = world.item(person, days=14)
    world.order(person, item)
    clock.advance(timedelta(days=20))
    # Promised for 8 December and to last two weeks; it still waits at the depot.
    assert world.remind(TODAY + timedelta(days=20)) == 0


def test_a_prescription_that_ends(world: World) -> None:
    person = world.person(*ALL)
    world.item(person, valid_until=TODAY + timedelta(days=30))
    world.item(person, valid_until=TODAY + timedelta(days=31))
    assert world.remind() == 0  # The longer one is of the same article and goes on.
    assert world.remind(TODAY + timedelta(days=1)) == 1
    assert [kind for *_who, kind in world.inbox()] == ["reminder.prescription_ends"]


def test_the_deceased_the_moved_and_what_was_stopped(world: World) -> None:
    dead, moved, stopped = (world.person(*ALL) for _ in range(3))
    for person in (dead, moved):
        world.item(person, earliest=TODAY, valid_until=TODAY + timedelta(days=30))
    item = world.item(stopped, earliest=TODAY, valid_until=TODAY + timedelta(days=30))
    world.change(dead, deceased_on=TODAY)
    world.change(moved, county_code="01")
    world.change(item, status=PrescriptionStatus.CANCELLED)
    assert world.remind() == 0


def test_protected_identity_gets_it_in_the_inbox_alone(world: World) -> None:
    person = world.person(*ALL, protection=Protection.PROTECTED_REGISTRATION)
    world.item(person, earliest=TODAY)
    assert world.remind() == 1
    with world.database.session() as session:
        assert "message.posted" not in session.scalars(select(OutboxMessage.kind)).all()


def test_a_childs_reminders_go_to_the_guardians_who_chose_them(world: World) -> None:
    child = world.person(*ALL, born=date(2015, 3, 1))
    chose, also, did_not = world.person(ReminderKind.CAN_ORDER), world.person(*ALL), world.person()
    for guardian in (chose, also, did_not):
        world.guard(guardian, child)
    world.item(child, earliest=TODAY)
    assert world.remind() == 1
    assert world.inbox() == [
        (chose.id, child.id, "reminder.can_order"),
        (also.id, child.id, "reminder.can_order"),
    ]


def test_from_the_thirteenth_birthday_neither_is_reminded(world: World) -> None:
    child, guardian = world.person(*ALL, born=date(2013, 12, 2)), world.person(*ALL)
    world.guard(guardian, child)
    world.item(child, earliest=TODAY)
    world.item(child, earliest=TODAY + timedelta(days=1))
    assert world.remind() == 1
    assert world.remind(TODAY + timedelta(days=1)) == 0


def test_a_guardian_with_protected_identity_is_not_told_of_the_child(world: World) -> None:
    child = world.person(born=date(2015, 3, 1))
    world.guard(world.person(*ALL, protection=Protection.CONFIDENTIALITY_FLAG), child)
    world.item(child, earliest=TODAY)
    assert world.remind() == 0


def test_telling_outside_is_once_a_person_and_only_for_who_chose_it(world: World) -> None:
    person = world.person(*ALL)
    with world.database.unit_of_work() as session:
        chosen = session.get_one(ContactSettings, person.id)
        chosen.notify_by, chosen.email = NotifyBy.EMAIL, "nagon@example.org"
    world.item(person, earliest=TODAY, valid_until=TODAY + timedelta(days=30))
    assert world.remind() == 2
    assert len(world.inbox()) == 2
    with world.database.session() as session:
        (posted,) = [m for m in session.scalars(select(OutboxMessage)) if m.kind == "message.posted"]
        assert set(posted.payload) == {"inbox_message_id"}


def test_two_at_once_tell_once(world: World) -> None:
    for _ in range(12):
        world.item(world.person(*ALL), earliest=TODAY, valid_until=TODAY + timedelta(days=30))
    with ThreadPoolExecutor(4) as pool:
        sent = list(pool.map(lambda _n: world.remind(), range(4)))
    assert sum(sent) == 24
    assert len(world.inbox()) == 24


def test_the_statements_do_not_grow_with_the_patients(world: World) -> None:
    for _ in range(3):
        world.item(world.person(*ALL), earliest=TODAY)
    with counted(world.database) as few:
        world.remind()
    for _ in range(12):
        person = world.person(*ALL)
        world.item(person, earliest=TODAY)
        world.item(person, earliest=TODAY)
    with counted(world.database) as many:
        world.remind(TODAY + timedelta(days=1))
    assert len(world.inbox()) == 15
    assert len(many) == len(few)


def test_in_batches_through_the_outbox(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    people = [world.person(*ALL) for _ in range(5)]
    for person in people:
        world.item(person, earliest=TODAY)
    monkeypatch.setattr("orders.reminders.remind.__kwdefaults__", {"after": 0, "limit": 2})
    with world.database.unit_of_work() as session:
        assert start_reminders(session, "vgr")
    handled = set[int]()
    for _ in range(4):
        with world.database.unit_of_work() as session:
            due = [m for m in session.scalars(select(OutboxMessage)) if m.kind == "reminders.due"]
            for row in due:
                if row.id not in handled:
                    handled.add(row.id)
                    continue_reminders(session, Message(row.id, row.kind, row.payload))
    assert len(handled) == 3
    assert [receiver for receiver, *_rest in world.inbox()] == [person.id for person in people]


def test_the_day_begins_at_seven_and_once(world: World, clock: ManualClock) -> None:
    def start() -> bool:
        with world.database.unit_of_work() as session:
            return start_reminders(session, "vgr")

    clock.set(datetime(2026, 12, 1, 5, 59, tzinfo=UTC))
    assert not start()
    clock.set(datetime(2026, 12, 1, 6, 0, tzinfo=UTC))
    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(lambda _n: start(), range(4))) == [False, False, False, True]
    assert not start()
    clock.advance(timedelta(days=1))
    assert start()


def test_a_command_reminds_a_whole_region(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(5):
        world.item(world.person(*ALL), earliest=TODAY)
    monkeypatch.setattr("orders.reminders.remind.__kwdefaults__", {"after": 0, "limit": 2})
    assert remind_region(world.database, "vgr", None) == 5
    assert remind_region(world.database, "vgr", TODAY) == 0


def test_nobody_but_the_system_reminds(world: World) -> None:
    person = world.person(*ALL)
    identity: Identity = patient_identity(person)
    with world.database.unit_of_work() as session, pytest.raises(NotPermitted):
        remind(session, identity, TODAY)


def test_the_background_process_begins_the_day(world: World, clock: ManualClock) -> None:
    queue = Queue("portal", connection=Redis.from_url("redis://127.0.0.1:1"))
    relays = [Relay(world.database, queue) for _ in range(2)]

    def begun() -> int:
        for relay in relays:
            relay._remind()
            relay._remind()
        with world.database.session() as session:
            kinds = session.scalars(select(OutboxMessage.kind)).all()
            return kinds.count("reminders.due")

    regions = len(served_regions())
    clock.set(datetime(2026, 12, 1, 5, 59, tzinfo=UTC))
    assert begun() == 0
    clock.set(datetime(2026, 12, 1, 22, 0, tzinfo=UTC))
    assert begun() == regions
    # The next day nobody was there until the evening after.
    clock.set(datetime(2026, 12, 3, 20, 0, tzinfo=UTC))
    assert begun() == 2 * regions
