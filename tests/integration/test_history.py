"""What has been ordered, here and elsewhere: every thing once, newest first, a page at a time."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import select

from auth.identity import Identity, Relation, Role, Task
from auth.models import Person
from core.clock import ManualClock, swedish_date
from core.db import Database
from core.errors import NotPermitted
from orders.history import history_of, last_times
from orders.models import Article, ExternalWithdrawal, Order, PrescriptionItem
from orders.services import OrderLine, PlaceOrder, place_order
from tests.support.builders import add_article, add_item, add_person, patient_identity
from tests.support.pages import check_page
from tests.support.statements import counted
from tests.support.web import make_app, sign_in


class World:
    def __init__(self, database: Database, clock: ManualClock) -> None:
        self.database, self.clock = database, clock
        with database.unit_of_work() as session:
            self.person = add_person(session)
            self.article = add_article(session, package_size=50)
            self.item = add_item(session, self.person, self.article, allowed=99, packages=2)

    def order(self, at: datetime) -> Order:
        self.clock.set(at)
        with self.database.unit_of_work() as session:
            item = session.get_one(PrescriptionItem, self.item.id)
            item.next_earliest_order_date = None
            line = OrderLine(item.id, {self.article.id: 2}, item.orders_remaining)
            return place_order(
                session, patient_identity(self.person), PlaceOrder((line,), idempotency_key=at.isoformat())
            )

    def elsewhere(self, day: date, pieces: int = 30, article: Article | None = None) -> None:
        with self.database.unit_of_work() as session:
            session.add(
                ExternalWithdrawal(
                    prescription_item_id=self.item.id,
                    order_item_id=f"{day}-{pieces}-{article and article.id}",
                    article_id=article.id if article else None,
                    pieces=pieces,
                    order_date=day,
                    delivered_date=day + timedelta(days=4),
                )
            )

    def pages(self, limit: int) -> list[list[tuple[str, int]]]:
        found, mark = [], None
        with self.database.session() as session:
            while True:
                page = history_of(session, patient_identity(self.person), mark, limit)
                found.append(
                    [
                        (entry.day.isoformat(), len(entry.elsewhere) if entry.order is None else -1)
                        for entry in page.entries
                    ]
                )
                mark = page.older_than
                if mark is None:
                    return found


@pytest.fixture
def world(database: Database, clock: ManualClock) -> World:
    return World(database, clock)


def at(day: date, hour: int = 10) -> datetime:
    return datetime(day.year, day.month, day.day, hour, tzinfo=UTC)


def test_both_kinds_newest_first_and_none_twice_or_left_out(world: World) -> None:
    world.order(at(date(2025, 6, 1)))
    world.elsewhere(date(2025, 8, 1))
    world.elsewhere(date(2025, 8, 1), pieces=40)
    world.order(at(date(2025, 8, 1)))
    world.elsewhere(date(2024, 1, 1))
    # Late in the evening in London is the next day in Sweden.
    world.order(at(date(2026, 11, 30), 23))
    expected = [("2026-12-01", -1), ("2025-08-01", -1), ("2025-08-01", 2), ("2025-06-01", -1), ("2024-01-01", 1)]
    assert world.pages(25) == [expected]
    for limit in (1, 2, 3):
        cut = [entry for page in world.pages(limit) for entry in page]
        assert [day for day, count in cut if count == -1] == [day for day, count in expected if count == -1]
        assert sum(count for _day, count in cut if count > 0) == 3
        assert [day for day, _count in cut] == sorted((day for day, _count in cut), reverse=True)


def test_there_is_no_end_to_it(world: World, clock: ManualClock) -> None:
    for n in range(60):
        world.order(at(date(2024, 1, 1) + timedelta(days=n * 7)))
    assert [len(page) for page in world.pages(25)] == [25, 25, 10]


def test_statements_do_not_grow(world: World) -> None:
    world.order(at(date(2026, 1, 1)))
    world.elsewhere(date(2025, 1, 1))
    identity = patient_identity(world.person)
    with world.database.session() as session, counted(world.database) as few:
        history_of(session, identity)
        last_times(session, identity)
    for n in range(8):
        world.order(at(date(2026, 2, 1) + timedelta(days=n)))
        world.elsewhere(date(2025, 2, 1) + timedelta(days=n))
    with world.database.session() as session, counted(world.database) as many:
        history_of(session, identity)
        last_times(session, identity)
    assert len(many) == len(few) <= 9


def test_when_each_product_was_last(world: World) -> None:
    with world.database.unit_of_work() as session:
        other = add_article(session, name="Teststicka")
    world.elsewhere(date(2026, 1, 1))
    world.elsewhere(date(2026, 3, 1), article=other)
    placed = world.order(at(date(2026, 2, 1)))
    with world.database.session() as session:
        found = last_times(session, patient_identity(world.person))
    assert [(one.article.id, one.day, one.packages, one.pieces, one.order_no) for one in found] == [
        (other.id, date(2026, 3, 1), 0, 30, ""),
        (world.article.id, swedish_date(placed.placed_at), 2, 0, placed.order_no),
    ]


def test_nobody_elses(world: World) -> None:
    world.order(at(date(2026, 1, 1)))
    world.elsewhere(date(2026, 1, 1))
    with world.database.unit_of_work() as session:
        stranger = patient_identity(add_person(session))
        assert history_of(session, stranger).entries == ()
        assert last_times(session, stranger) == []
    helper = Identity(
        Role.PATIENT,
        "vgr",
        person_id=9,
        subject_person_id=world.person.id,
        relation=Relation.PROXY,
        tasks=frozenset({Task.REPORT_FAULTS}),
    )
    with world.database.unit_of_work() as session, pytest.raises(NotPermitted):
        history_of(session, helper)


def test_the_page(world: World, clock: ManualClock) -> None:
    client = sign_in(make_app(world.database).test_client(), world.person)
    empty = client.get("/orders")
    check_page(empty)
    assert "No orders yet" in empty.text
    for n in range(30):
        world.order(at(date(2026, 1, 1) + timedelta(days=n)))
    world.elsewhere(date(2025, 5, 5))
    clock.set(at(date(2026, 12, 1)))
    client = sign_in(client, world.person)
    first = client.get("/orders")
    check_page(first)
    assert "When each product was last" in first.text
    assert len(re.findall(r'href="/orders/[0-9]+"><?', first.text)) >= 25
    older = re.search(r'href="(/orders\?older-than=[^"]+)"', first.text)
    assert older
    second = client.get(older[1])
    check_page(second)
    assert "Not ordered here" in second.text
    assert "30\N{NO-BREAK SPACE}pcs" in second.text
    assert "5 May 2025" in second.text
    end = client.get("/orders?older-than=1999-01-01.1.1")
    check_page(end)
    assert "Nothing older" in end.text


@pytest.mark.parametrize(
    "mark", ["", "x", "2026-13-01.1.1", "2026-01-01.1.99999999999999999999", "2026-01-01.2.1", "\x00", "٢٠٢٦-01-01.1.1"]
)
def test_a_mark_that_is_none_begins_from_the_newest(world: World, mark: str) -> None:
    world.order(at(date(2026, 1, 1)))
    with world.database.session() as session:
        assert len(history_of(session, patient_identity(world.person), mark).entries) == 1
        assert len(session.scalars(select(Person)).all()) == 1
