"""Prescriptions on PostgreSQL: what disappears is cancelled, and no file gives a used withdrawal back."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from auth.importing.persons import import_persons
from auth.models import Person
from core.clock import ManualClock
from core.db import Database
from core.importing import ImportRefused
from orders.cancelling import cancel_order
from orders.importing.articles import import_articles
from orders.importing.history import order_item_id
from orders.importing.prescriptions import import_prescriptions
from orders.models import (
    ExternalWithdrawal,
    Order,
    OrderRow,
    PrescriptionStatus,
)
from orders.services import OrderLine, PlaceOrder, place_order
from tests.support.builders import add_depot, number_text, patient_identity
from tests.support.contract import Item, Past, response
from tests.support.imports import (
    ARTICLES,
    NUMBER,
    OTHER,
    PERSONS,
    TABLE,
    run,
    tallies,
    the_item,
)


@pytest.fixture
def filled(database: Database) -> Database:
    """A database with persons, articles and a depot."""
    run(database, import_persons, PERSONS)
    run(database, import_articles, ARTICLES)
    with database.unit_of_work() as session:
        add_depot(session)
    return database


@pytest.fixture
def session(database: Database) -> Iterator[Session]:
    """A session to look with."""
    with database.session() as opened:
        yield opened


@pytest.mark.parametrize(
    ("item", "reason"),
    [
        (Item(article_no="99999"), "the article is not known"),
        (Item(sub_article_nos=("99999",)), "a sub-article is not known"),
        (Item(package_size=2), "the package size is not the article's"),
        (Item(article_no="23101", package_size=50, pieces=120, packages=0), "not whole packages"),
        (Item(article_no="23101", package_size=50, pieces=100, packages=3), "not whole packages"),
        (Item(unit_id="MOTT-1"), "the unit is not known"),
    ],
)
def test_prescriptions_that_do_not_fit_what_is_known(filled: Database, item: Item, reason: str) -> None:
    with pytest.raises(ImportRefused) as refused:
        run(filled, import_prescriptions, response(NUMBER, item))
    assert reason in refused.value.outcome.refused[0].reason
    stranger = number_text(date(1988, 8, 8), 1)
    with pytest.raises(ImportRefused) as refused:
        run(filled, import_prescriptions, response(stranger, Item()))
    assert "the person is not known" in refused.value.outcome.refused[0].reason


def test_pieces_without_packages_become_packages(filled: Database, session: Session) -> None:
    run(
        filled,
        import_prescriptions,
        response(NUMBER, Item(article_no="23101", package_size=50, pieces=200, packages=0)),
    )
    assert (the_item(session).packages_per_order, the_item(session).pieces_per_order) == (4, 200)


def test_what_disappears_from_a_full_delivery_is_cancelled_and_comes_back(filled: Database, session: Session) -> None:
    both = response(NUMBER, Item(), Item(item_id="I2"))
    elsewhere = response(NUMBER, Item(item_id="I9", source="ANNAT"))
    run(filled, import_prescriptions, f"<all>{both}{elsewhere}</all>")
    run(filled, import_prescriptions, response(OTHER, Item(item_id="I8")))
    assert tallies(run(filled, import_prescriptions, response(NUMBER, Item()))) == (0, 0, 1, 1, 0)
    gone = the_item(session, "I2")
    assert (gone.status, gone.ended_on) == (PrescriptionStatus.CANCELLED, date(2026, 12, 1))
    assert the_item(session, "I9").status is PrescriptionStatus.ACTIVE
    assert the_item(session, "I8").status is PrescriptionStatus.ACTIVE
    assert tallies(run(filled, import_prescriptions, response(NUMBER, Item()))) == (0, 0, 1, 0, 0)
    assert tallies(run(filled, import_prescriptions, both)) == (0, 1, 1, 0, 0)
    assert the_item(session, "I2").ended_on is None


def test_a_refused_item_is_not_taken_as_gone(filled: Database, session: Session) -> None:
    run(filled, import_prescriptions, response(NUMBER, Item(), Item(item_id="I2")))
    bad = response(NUMBER, Item(), Item(item_id="I2", last_valid="fel"))
    assert tallies(run(filled, import_prescriptions, bad, skip_bad=True)) == (0, 0, 1, 0, 1)
    unnamed = response(NUMBER, Item(item_id=""))
    assert tallies(run(filled, import_prescriptions, unnamed, skip_bad=True)) == (0, 0, 0, 0, 1)
    assert the_item(session, "I2").status is PrescriptionStatus.ACTIVE


def test_an_empty_answer_cancels_only_a_named_source(filled: Database) -> None:
    assert tallies(run(filled, import_prescriptions, response(NUMBER))) == (0, 0, 0, 0, 0)
    run(filled, import_prescriptions, response(NUMBER, Item()))
    with pytest.raises(ImportRefused, match="1 rows"):
        run(filled, import_prescriptions, response(NUMBER))
    assert tallies(run(filled, import_prescriptions, response(NUMBER), source="ANNAT")) == (0, 0, 0, 0, 0)
    assert tallies(run(filled, import_prescriptions, response(NUMBER), source="JOURNAL")) == (0, 0, 0, 1, 0)


def test_a_table_cancels_only_when_it_is_full(filled: Database, session: Session) -> None:
    run(filled, import_prescriptions, TABLE)
    run(filled, import_prescriptions, response(OTHER, Item()))
    shorter = "\n".join(TABLE.splitlines()[:2]) + "\n"
    assert tallies(run(filled, import_prescriptions, shorter)) == (0, 0, 1, 0, 0)
    unreadable = shorter + TABLE.splitlines()[2].replace(NUMBER, "1") + "\n"
    assert tallies(run(filled, import_prescriptions, unreadable, is_full=True, skip_bad=True)) == (0, 0, 1, 0, 1)
    assert tallies(run(filled, import_prescriptions, shorter, is_full=True)) == (0, 0, 1, 2, 0)
    assert the_item(session).status is PrescriptionStatus.ACTIVE


@pytest.mark.parametrize(
    ("status", "expected"), [("MAKULERAD", "CANCELLED"), ("UTGÅTT", "EXPIRED"), ("LEVERERAD", "DELIVERED")]
)
def test_the_source_ends_an_item(filled: Database, session: Session, status: str, expected: str) -> None:
    run(filled, import_prescriptions, response(NUMBER, Item()))
    run(filled, import_prescriptions, response(NUMBER, Item(status=status)))
    assert the_item(session).status == expected
    assert the_item(session).ended_on == (None if status == "LEVERERAD" else date(2026, 12, 1))


def order_once(database: Database, seen: int, key: str) -> str:
    """Order all of item I1 and return the order number."""
    with database.unit_of_work() as session:
        item = the_item(session)
        person = session.get_one(Person, item.prescription.person_id)
        line = OrderLine(item.id, {item.article_id: item.packages_per_order}, seen)
        return place_order(session, patient_identity(person), PlaceOrder((line,), idempotency_key=key)).order_no


def counts(session: Session) -> tuple[int, int, int]:
    item = the_item(session)
    return item.orders_used_here, item.orders_used_elsewhere, item.orders_remaining


def test_an_old_file_never_gives_withdrawals_back(filled: Database, session: Session, clock: ManualClock) -> None:
    old = response(NUMBER, Item(remaining=3), history=(Past("J-1"),))
    run(filled, import_prescriptions, old)
    order_no = order_once(filled, 3, "first")
    assert counts(session) == (1, 1, 2)
    earliest = the_item(session).next_earliest_order_date
    assert earliest == date(2026, 12, 1) + timedelta(days=90 - 14)
    assert tallies(run(filled, import_prescriptions, old)) == (0, 0, 1, 0, 0)
    assert counts(session) == (1, 1, 2)
    assert the_item(session).next_earliest_order_date == earliest

    # The source has heard of our order, counts it and lists it; then somebody withdraws elsewhere.
    row_id = session.scalars(select(OrderRow.id).join(Order).where(Order.order_no == order_no)).one()
    echo = Past(order_item_id(order_no, row_id), order_date="2026-12-01")
    run(filled, import_prescriptions, response(NUMBER, Item(remaining=2), history=(Past("J-1"), echo)))
    assert counts(session) == (1, 1, 2)
    newer = response(NUMBER, Item(remaining=1), history=(Past("J-1"), echo, Past("J-2", order_date="2026-12-02")))
    run(filled, import_prescriptions, newer)
    assert counts(session) == (1, 2, 1)
    assert session.scalars(select(ExternalWithdrawal.order_item_id).order_by(ExternalWithdrawal.id)).all() == [
        "J-1",
        "J-2",
    ]
    for stale in (old, response(NUMBER, Item(remaining=4)), response(NUMBER, Item(remaining=2), history=(echo,))):
        run(filled, import_prescriptions, stale)
        assert counts(session) == (1, 2, 1)


def test_a_cancelled_order_comes_back_although_the_source_still_lists_it(filled: Database, session: Session) -> None:
    run(filled, import_prescriptions, response(NUMBER, Item(remaining=4)))
    order_no = order_once(filled, 4, "first")
    row_id = session.scalars(select(OrderRow.id).join(Order).where(Order.order_no == order_no)).one()
    told = response(NUMBER, Item(remaining=3), history=(Past(order_item_id(order_no, row_id)),))
    run(filled, import_prescriptions, told)
    assert counts(session) == (1, 0, 3)
    with filled.unit_of_work() as writing:
        person = writing.get_one(Person, the_item(session).prescription.person_id)
        cancel_order(writing, patient_identity(person), order_no)
    run(filled, import_prescriptions, told)
    assert counts(session) == (0, 0, 4)


def test_a_prescriber_lowers_what_is_allowed_below_what_was_used(filled: Database, session: Session) -> None:
    run(filled, import_prescriptions, response(NUMBER, Item(remaining=4)))
    order_once(filled, 4, "first")
    run(filled, import_prescriptions, response(NUMBER, Item(allowed=1, remaining=0)))
    assert counts(session) == (1, 1, 0)
