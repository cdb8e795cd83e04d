"""Placing and cancelling orders on a real database: one transaction, the limit, and who may."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from threading import Barrier

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import DBAPIError, IntegrityError

from auth.identity import Identity, Role
from auth.models import InboxMessage, Person, Protection
from core.audit import AccessLogEntry
from core.clock import ManualClock
from core.db import Database
from core.errors import NotFound, NotPermitted
from core.outbox import OutboxMessage
from orders.addresses import HomeAddress
from orders.cancelling import cancel_order
from orders.errors import NothingChosen, OrderRefused, TooLateToCancel
from orders.models import DeliveryMethod, Order, OrderRow, PrescriptionItem, RowStatus, Withdrawal
from orders.progress import advance_rows
from orders.queries import products_of
from orders.rules import QuantityProblem, Reason
from orders.services import OrderLine, PlaceOrder, place_order
from orders.wishes import DeliveryWish
from tests.support.builders import add_article, add_depot, add_item, add_person, add_stock, patient_identity
from tests.support.statements import counted

ADDRESS = HomeAddress("Test Testsson", "Provgatan 1", "54130", "Skövde", door_code="1234")


def _line(item: PrescriptionItem, packages: int | None = None) -> OrderLine:
    return OrderLine(item.id, {item.article_id: packages or item.packages_per_order}, item.orders_remaining)


def _command(*lines: OrderLine, key: str = "key-1") -> PlaceOrder:
    return PlaceOrder(lines, (DeliveryWish(address=ADDRESS),), idempotency_key=key)


def _prescribe(database: Database, **options: object) -> tuple[Person, PrescriptionItem]:
    with database.unit_of_work() as session:
        person = add_person(session)
        return person, add_item(session, person, add_article(session), **options)  # type: ignore[arg-type]


def test_an_order_writes_everything_in_one_transaction(database: Database) -> None:
    person, item = _prescribe(database, days=84)
    with database.unit_of_work() as session:
        order = place_order(session, patient_identity(person), _command(_line(item)))
    with database.session() as session:
        stored = session.scalars(select(Order)).one()
        assert stored.order_no == order.order_no
        assert stored.promised_date == date(2026, 12, 8)
        assert [(row.packages, row.status) for row in stored.rows] == [(6, RowStatus.RECEIVED)]
        assert stored.delivery_choices[0].street == "Provgatan 1"
        after = session.get_one(PrescriptionItem, item.id)
        assert (after.orders_remaining, after.orders_used_here) == (3, 1)
        assert after.next_earliest_order_date == date(2026, 12, 1) + timedelta(days=70)
        assert session.scalars(select(OutboxMessage.kind)).all() == ["order.placed"]
        assert session.scalars(select(AccessLogEntry.action)).all() == ["order.placed"]
        assert session.scalars(select(InboxMessage.kind)).all() == ["order.confirmed"]
        assert session.get_one(Person, person.id).door_code == "1234"


def test_nothing_is_written_when_the_transaction_fails(database: Database) -> None:
    person, item = _prescribe(database)
    with pytest.raises(ZeroDivisionError), database.unit_of_work() as session:  # noqa: PT012
        place_order(session, patient_identity(person), _command(_line(item)))
        raise ZeroDivisionError
    with database.session() as session:
        for table in (Order, OutboxMessage, AccessLogEntry, InboxMessage):
            assert session.scalar(select(func.count()).select_from(table)) == 0
        assert session.get_one(PrescriptionItem, item.id).orders_remaining == 4


def test_the_same_key_gives_the_same_order(database: Database) -> None:
    person, item = _prescribe(database)
    numbers = set()
    for _ in range(2):
        with database.unit_of_work() as session:
            numbers.add(place_order(session, patient_identity(person), _command(_line(item))).order_no)
    assert len(numbers) == 1


def test_a_second_tab_is_told_of_the_first_ones_order(database: Database) -> None:
    person, item = _prescribe(database)
    with database.unit_of_work() as session:
        first = place_order(session, patient_identity(person), _command(_line(item)))
    with pytest.raises(OrderRefused) as refusal, database.unit_of_work() as session:
        place_order(session, patient_identity(person), _command(_line(item), key="key-2"))
    assert refusal.value.recent_order_no == first.order_no
    assert refusal.value.problems[0].changed_meanwhile


def test_one_refused_line_refuses_the_whole_order(database: Database) -> None:
    with database.unit_of_work() as session:
        person = add_person(session)
        good = add_item(session, person, add_article(session))
        late = add_item(session, person, add_article(session), earliest=date(2026, 12, 24))
        many = add_item(session, person, add_article(session), packages=2)
    lines = (_line(good), _line(late), _line(many, 3))
    with pytest.raises(OrderRefused) as refusal, database.unit_of_work() as session:
        place_order(session, patient_identity(person), _command(*lines))
    by_item = {problem.prescription_item_id: problem for problem in refusal.value.problems}
    assert by_item.keys() == {late.id, many.id}
    verdict = by_item[late.id].verdict
    assert verdict is not None
    assert (verdict.reason, verdict.day) == (Reason.NOT_YET, date(2026, 12, 24))
    assert by_item[many.id].quantity is QuantityProblem.TOO_MUCH
    with database.session() as session:
        assert session.scalar(select(func.count()).select_from(Order)) == 0


def test_somebody_elses_item_cannot_be_ordered(database: Database) -> None:
    person, _ = _prescribe(database)
    _, foreign = _prescribe(database)
    with pytest.raises(NotPermitted), database.unit_of_work() as session:
        place_order(session, patient_identity(person), _command(_line(foreign)))


def test_staff_and_relatives_without_the_task_cannot_order(database: Database) -> None:
    person, item = _prescribe(database)
    for identity in (
        Identity(role=Role.DEPOT, region="vgr", staff_id=1),
        Identity(role=Role.PATIENT, region="vgr", person_id=999, subject_person_id=person.id),
    ):
        with pytest.raises(NotPermitted), database.unit_of_work() as session:
            place_order(session, identity, _command(_line(item)))


def test_an_empty_order_is_refused(database: Database) -> None:
    person, _ = _prescribe(database)
    with pytest.raises(NothingChosen), database.unit_of_work() as session:
        place_order(session, patient_identity(person), _command())


def test_a_withdrawal_is_spread_over_sub_articles_and_remembered(database: Database) -> None:
    with database.unit_of_work() as session:
        person = add_person(session)
        generic = add_article(session, name="Näringsdryck")
        tastes = tuple(add_article(session, generic=generic, name=name) for name in ("Jordgubb", "Choklad", "Vanilj"))
        item = add_item(session, person, generic, packages=4, sub_articles=tastes)
    spread = {tastes[0].id: 3, tastes[1].id: 1}
    with database.unit_of_work() as session:
        place_order(session, patient_identity(person), _command(OrderLine(item.id, spread, 4)))
    with database.unit_of_work() as session:
        assert sorted(session.scalars(select(OrderRow.packages)).all()) == [1, 3]
        product = products_of(session, patient_identity(person)).later[0]
        assert product.last_spread == spread
        assert product.verdict.reason is Reason.NOT_YET


def test_with_protected_identity_the_parcel_goes_to_the_unit_and_names_nobody(database: Database) -> None:
    with database.unit_of_work() as session:
        person = add_person(session, protection=Protection.CONFIDENTIALITY_FLAG)
        item = add_item(session, person, add_article(session))
    with database.unit_of_work() as session:
        order = place_order(session, patient_identity(person), _command(_line(item)))
        choice = order.delivery_choices[0]
        assert choice.method is DeliveryMethod.UNIT
        assert choice.receiver == "Diabetesmottagningen Provstad"
        assert (choice.door_code, order.orderer_name) == ("", "")


def test_the_database_itself_keeps_no_name_of_a_protected_person(database: Database) -> None:
    with pytest.raises(IntegrityError), database.unit_of_work() as session:  # noqa: PT012
        person = add_person(session)
        person.protection = Protection.PROTECTED_REGISTRATION


def test_a_cancelled_order_gives_the_withdrawal_back_once(database: Database) -> None:
    person, item = _prescribe(database, earliest=date(2026, 11, 1))
    with database.unit_of_work() as session:
        order = place_order(session, patient_identity(person), _command(_line(item)))
    for _ in range(2):
        with database.unit_of_work() as session:
            cancel_order(session, patient_identity(person), order.order_no)
    with database.session() as session:
        after = session.get_one(PrescriptionItem, item.id)
        assert (after.orders_remaining, after.orders_used_here) == (4, 0)
        assert after.next_earliest_order_date == date(2026, 11, 1)
        assert session.scalars(select(OrderRow.status)).all() == [RowStatus.CANCELLED]


def test_an_order_being_picked_cannot_be_cancelled_nor_anybody_elses(database: Database) -> None:
    person, item = _prescribe(database)
    other, _ = _prescribe(database)
    with database.unit_of_work() as session:
        order = place_order(session, patient_identity(person), _command(_line(item)))
        advance_rows(session, [row.id for row in order.rows], RowStatus.PICKING)
    with pytest.raises(TooLateToCancel), database.unit_of_work() as session:
        cancel_order(session, patient_identity(person), order.order_no)
    with pytest.raises(NotFound), database.unit_of_work() as session:
        cancel_order(session, patient_identity(other), order.order_no)


def test_sixteen_at_once_on_one_withdrawal_make_one_order(database: Database) -> None:
    person, item = _prescribe(database, allowed=1)
    line = _line(item)
    start = Barrier(16)

    def attempt(number: int) -> bool:
        start.wait()
        try:
            with database.unit_of_work() as session:
                place_order(session, patient_identity(person), _command(line, key=f"key-{number}"))
        except OrderRefused:
            return False
        return True

    with ThreadPoolExecutor(16) as pool:
        outcomes = list(pool.map(attempt, range(16)))
    assert outcomes.count(True) == 1
    with database.session() as session:
        assert session.scalar(select(func.count()).select_from(Withdrawal)) == 1
        assert session.get_one(PrescriptionItem, item.id).orders_remaining == 0


def test_a_double_click_makes_one_order(database: Database) -> None:
    person, item = _prescribe(database)
    line = _line(item)
    start = Barrier(8)

    def click(_number: int) -> str:
        start.wait()
        with database.unit_of_work() as session:
            return place_order(session, patient_identity(person), _command(line)).order_no

    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(click, range(8)))) == 1
    with database.session() as session:
        assert session.get_one(PrescriptionItem, item.id).orders_remaining == 3


def test_the_limit_holds_in_the_database_itself(database: Database) -> None:
    _, item = _prescribe(database, allowed=1)
    statement = text("UPDATE prescription_item SET orders_remaining = orders_remaining - 2 WHERE id = :id")
    with pytest.raises(IntegrityError, match="remaining_not_negative"), database.unit_of_work() as session:
        session.execute(statement, {"id": item.id})


@pytest.mark.parametrize("table", ["access_log", "stock_movement"])
def test_ledgers_only_grow(database: Database, table: str) -> None:
    person, item = _prescribe(database)
    with database.unit_of_work() as session:
        place_order(session, patient_identity(person), _command(_line(item)))
        add_stock(session, add_depot(session), add_article(session), 1)
    for change in (f"UPDATE {table} SET at = now()", f"DELETE FROM {table}"):  # noqa: S608
        with pytest.raises(DBAPIError, match="only grows"), database.unit_of_work() as session:
            session.execute(text(change))


def test_personal_numbers_are_unreadable_in_the_database(database: Database) -> None:
    person, _ = _prescribe(database)
    with database.session() as session:
        stored = session.execute(text("SELECT row_to_json(person)::text FROM person")).scalar_one()
        assert session.get_one(Person, person.id).number == person.number
        assert person.number not in stored
        assert person.number.encode().hex() not in stored


def test_the_list_of_products_takes_the_same_number_of_statements_however_long(
    database: Database, clock: ManualClock
) -> None:
    with database.unit_of_work() as session:
        few, many = add_person(session), add_person(session)
        for person, count in ((few, 1), (many, 12)):
            for _ in range(count):
                add_item(session, person, add_article(session))
    clock.set(datetime(2026, 12, 1, 9, tzinfo=UTC))
    counts = []
    for person in (few, many):
        with database.unit_of_work() as session, counted(database) as statements:
            products = products_of(session, patient_identity(person)).orderable
            for product in products:
                assert product.item.article.display_name
                assert product.item.prescription.prescribing_unit.name
        counts.append(len(statements))
    assert counts[0] == counts[1]
