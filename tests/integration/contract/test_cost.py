"""What a call costs the database, however much is in it: the load that the contract must bear is counted in statements."""

from __future__ import annotations

from datetime import timedelta

from flask import Flask
from sqlalchemy import func, select

from core.clock import ManualClock
from core.db import Database
from orders.cancelling import cancel_order
from orders.models import Order
from tests.integration.contract.conftest import Scene
from tests.support.builders import add_article, add_item, add_person, patient_identity
from tests.support.contract_calls import Caller, Row, result
from tests.support.statements import counted

# Person, items, sub-articles; number, key; order, delivery, limits, withdrawals, rows, inbox, access log; who is told; outbox.
MOST_FOR_AN_ORDER = 14
# Person, items, ways, sub-articles; history here and elsewhere; access log.
MOST_FOR_A_LOOK = 7


def _rows(database: Database, count: int) -> tuple[str, list[Row]]:
    """Prescribe so many articles to a new person, each with a sub-article; return the number and a row for each."""
    with database.unit_of_work() as session:
        person = add_person(session)
        rows = []
        for _ in range(count):
            chosen = add_article(session)
            item = add_item(session, person, add_article(session), sub_articles=(chosen,))
            rows.append(Row(item.external_id, chosen.article_no, item.prescription.external_id))
        return person.number, rows


def test_an_order_takes_few_statements_however_long(contract_app: Flask, database: Database) -> None:
    caller = Caller(contract_app)
    for count in (1, 12):
        number, rows = _rows(database, count)
        with counted(database) as statements:
            answered = caller.order(number, *rows)
        assert result(answered)[0] == "OK"
        assert answered.data.count(b"OrderItemId>") == 2 * count
        assert len(statements) <= MOST_FOR_AN_ORDER, "\n".join(statements)


def test_an_order_asked_again_takes_fewer(contract_app: Flask, database: Database) -> None:
    caller = Caller(contract_app)
    number, rows = _rows(database, 12)
    first = caller.order(number, *rows)
    with counted(database) as statements:
        again = caller.order(number, *rows)
    assert again.data == first.data
    assert len(statements) < MOST_FOR_AN_ORDER / 2 + 2, "\n".join(statements)


def test_a_look_takes_few_statements_however_much_there_is(contract_app: Flask, database: Database) -> None:
    caller = Caller(contract_app)
    for count in (1, 12):
        number, rows = _rows(database, count)
        caller.order(number, *rows)
        with counted(database) as statements:
            answered = caller.prescriptions(number)
        assert answered.data.count(b"<core:OrderItemId>") == count
        assert len(statements) <= MOST_FOR_A_LOOK, "\n".join(statements)


def test_the_same_order_is_a_retry_for_ten_minutes_from_the_first_time(
    scene: Scene, database: Database, clock: ManualClock
) -> None:
    caller, number, row = scene.caller, scene.number, scene.first
    first = caller.order(number, row)
    for _ in range(3):
        clock.advance(timedelta(minutes=3))
        assert caller.order(number, row).data == first.data
    clock.advance(timedelta(minutes=3))
    # Now it is another order, and it is too early for the next one.
    assert result(caller.order(number, row))[0] == "ERROR"
    with database.unit_of_work() as session:
        assert session.scalar(select(func.count()).select_from(Order)) == 1


def test_the_same_order_after_it_was_cancelled_is_a_new_one(scene: Scene, database: Database) -> None:
    caller, number, row = scene.caller, scene.number, scene.first
    caller.order(number, row)
    with database.unit_of_work() as session:
        order = session.scalars(select(Order)).one()
        cancel_order(session, patient_identity(order.patient), order.order_no)
    answered = caller.order(number, row)
    assert result(answered)[0] == "OK"
    assert answered.data.count(b"<core:OrderItemId>") == 1
    with database.unit_of_work() as session:
        assert session.scalar(select(func.count()).select_from(Order)) == 2
