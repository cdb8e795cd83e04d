"""Orders to a depot elsewhere: sent once, never with a protected address, and not to be cancelled here once they are on their way."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from auth.identity import Role
from auth.models import Person, Protection
from auth.persons import staff_identity
from core.clock import ManualClock, today
from core.db import Database
from core.errors import NotFound, NotPermitted
from core.outbox import Message
from delivery.protection import hide_person
from delivery.shortage import pick_again
from delivery.warehouse_models import Outcome, WarehouseMessage
from delivery.warehouse_orders import note_stopped, send_again
from delivery.warehouse_queries import warehouse_page
from orders.cancelling import cancel_order
from orders.errors import TooLateToCancel
from orders.models import RowStatus
from orders.stopping import stop_orders_of_deceased
from portal.warehouse import NotTaken
from tests.support.builders import add_person, add_staff, patient_identity
from tests.support.depot_work import World
from tests.support.elsewhere import Elsewhere
from tests.support.warehouse import Sent, answer, despatch, elsewhere_policies, orders_out, work_outbox


@pytest.fixture
def elsewhere(database: Database, tmp_path: Path) -> Elsewhere:
    elsewhere_policies(tmp_path)
    return Elsewhere(World(database))


def person_of(elsewhere: Elsewhere, **facts: object) -> Person:
    with elsewhere.world.database.unit_of_work() as session:
        return add_person(session, **facts)  # type: ignore[arg-type]


def protect(elsewhere: Elsewhere, person: Person) -> None:
    with elsewhere.world.database.unit_of_work() as session:
        stored = session.get_one(Person, person.id)
        stored.given_name = stored.family_name = stored.street = stored.postal_code = stored.city = ""
        stored.door_code = ""
        stored.protection = Protection.CONFIDENTIALITY_FLAG
    with elsewhere.world.database.unit_of_work() as session:
        hide_person(session, Message(1, "person.protected", {"person_id": person.id}))


def die(elsewhere: Elsewhere, person: Person) -> None:
    with elsewhere.world.database.unit_of_work() as session:
        session.get_one(Person, person.id).deceased_on = today(session)
    with elsewhere.world.database.unit_of_work() as session:
        stop_orders_of_deceased(session, Message(1, "person.died", {"person_id": person.id}))
    elsewhere.world.handle("order.cancelled")


def test_an_order_is_sent_once_and_waits_at_the_warehouse(elsewhere: Elsewhere) -> None:
    article, other = elsewhere.world.article(), elsewhere.world.article("Lansett")
    order = elsewhere.order({article: 4, other: 2})
    assert elsewhere.statuses(order) == ["AT_WAREHOUSE"]
    assert elsewhere.rows(order) == [RowStatus.PICKING, RowStatus.PICKING]
    assert [(line.packages, line.article_no) for line in order.lines] == [
        (4, article.article_no),
        (2, other.article_no),
    ]
    assert (order.receiver, order.street, order.way) == ("Test Testsson", "Provgatan 1", "HOME_DELIVERY")
    work_outbox(elsewhere.world.database, elsewhere.desk)
    assert elsewhere.desk.sent == 1
    (sent,) = orders_out(elsewhere.world.database)
    assert sent.outcome is Outcome.SENT
    assert sent.sent_at is not None


def test_no_personal_number_is_in_an_order(elsewhere: Elsewhere) -> None:
    person = person_of(elsewhere)
    order = elsewhere.order({elsewhere.world.article(): 1}, person)
    body = elsewhere.desk.received[order.document_id].decode()
    assert person.number not in body
    assert f"{person.birth_date:%Y%m%d}" not in body
    assert "Portkod 1234, Ring på" in body


def test_a_depot_of_our_own_is_sent_nothing(database: Database) -> None:
    world = World(database)
    depot_order_id = world.order({world.article(): 1})
    assert world.status(depot_order_id).value == "WAITING"
    assert orders_out(database) == []


def test_an_order_cannot_be_cancelled_once_it_is_on_its_way(elsewhere: Elsewhere) -> None:
    person = person_of(elsewhere)
    elsewhere.world.order({elsewhere.world.article(): 1}, person)
    work_outbox(elsewhere.world.database, elsewhere.desk)
    order = elsewhere.desk.last
    with pytest.raises(TooLateToCancel), elsewhere.world.database.unit_of_work() as session:
        cancel_order(session, patient_identity(person), order.document_id.partition("-")[0])
    assert elsewhere.rows(order) == [RowStatus.PICKING]


def test_with_a_protected_identity_only_the_unit_is_in_the_order(elsewhere: Elsewhere) -> None:
    person = person_of(elsewhere, protection=Protection.PROTECTED_REGISTRATION)
    order = elsewhere.order({elsewhere.world.article(): 1}, person)
    assert order.way == "UNIT"
    assert order.receiver == "Diabetesmottagningen Provstad"
    assert "Provgatan" not in elsewhere.desk.received[order.document_id].decode()


def test_protected_before_it_is_sent_goes_to_the_unit(elsewhere: Elsewhere) -> None:
    person = person_of(elsewhere)
    elsewhere.desk.problem = TimeoutError()
    elsewhere.world.order({elsewhere.world.article(): 1}, person)
    with pytest.raises(TimeoutError):
        work_outbox(elsewhere.world.database, elsewhere.desk)
    protect(elsewhere, person)
    assert orders_out(elsewhere.world.database)[0].body == ""
    elsewhere.desk.problem = None
    work_outbox(elsewhere.world.database, elsewhere.desk)
    assert elsewhere.desk.last.way == "UNIT"
    assert elsewhere.desk.sent == 1


def test_protected_after_it_was_sent_is_forgotten_here_and_stopped_by_phone(elsewhere: Elsewhere) -> None:
    person = person_of(elsewhere)
    order = elsewhere.order({elsewhere.world.article(): 1}, person)
    elsewhere.take(answer(order))
    protect(elsewhere, person)
    assert all("Provgatan" not in message.body for message in elsewhere.messages())
    (sent, *_rest) = elsewhere.messages()
    assert (sent.outcome, sent.detail) == (Outcome.CALL_TO_STOP, "RECEIVER_PROTECTED")
    # The very same message once more is still known, although its text is forgotten.
    receipt = elsewhere.take(despatch(order, [Sent(order.line, 1)]))
    assert (receipt.outcome, receipt.detail) == (Outcome.EXCEPTION, "RECEIVER_PROTECTED")


def test_a_death_before_it_is_sent_stops_it(elsewhere: Elsewhere) -> None:
    person = person_of(elsewhere)
    elsewhere.world.order({elsewhere.world.article(): 1}, person)
    die(elsewhere, person)
    work_outbox(elsewhere.world.database, elsewhere.desk)
    assert elsewhere.desk.sent == 0


def test_a_death_after_it_was_sent_asks_for_a_call_and_the_call_ends_it(elsewhere: Elsewhere) -> None:
    person = person_of(elsewhere)
    order = elsewhere.order({elsewhere.world.article(): 1}, person)
    die(elsewhere, person)
    (sent,) = orders_out(elsewhere.world.database)
    assert (sent.outcome, sent.detail) == (Outcome.CALL_TO_STOP, "DECEASED")
    with elsewhere.world.database.unit_of_work() as session:
        (shown,) = warehouse_page(session, elsewhere.world.picker).to_do
        note_stopped(session, elsewhere.world.picker, shown.id)
    assert elsewhere.statuses(order) == ["CANCELLED"]
    with pytest.raises(NotFound), elsewhere.world.database.unit_of_work() as session:
        note_stopped(session, elsewhere.world.picker, shown.id)


def test_stopped_while_it_is_being_sent_asks_for_a_call(elsewhere: Elsewhere) -> None:
    person = person_of(elsewhere)
    elsewhere.world.order({elsewhere.world.article(): 1}, person)

    class Slow:
        def send(self, region: str, document_id: str, body: bytes) -> None:
            elsewhere.desk.send(region, document_id, body)
            die(elsewhere, person)

    work_outbox(elsewhere.world.database, Slow())
    (sent,) = orders_out(elsewhere.world.database)
    assert (sent.outcome, sent.detail) == (Outcome.CALL_TO_STOP, "ORDER_CANCELLED")


def test_an_order_that_is_not_taken_is_seen_and_sent_again_by_hand(elsewhere: Elsewhere) -> None:
    elsewhere.desk.problem = NotTaken(422)
    elsewhere.world.order({elsewhere.world.article(): 1})
    work_outbox(elsewhere.world.database, elsewhere.desk)
    (sent,) = orders_out(elsewhere.world.database)
    assert (sent.outcome, sent.detail) == (Outcome.NOT_TAKEN, "STATUS:422")
    elsewhere.desk.problem = None
    work_outbox(elsewhere.world.database, elsewhere.desk)
    assert elsewhere.desk.sent == 0
    with elsewhere.world.database.unit_of_work() as session:
        (shown,) = warehouse_page(session, elsewhere.world.picker).to_do
        assert shown.problems == (("STATUS", "422"),)
        send_again(session, elsewhere.world.picker, shown.id)
    work_outbox(elsewhere.world.database, elsewhere.desk)
    assert elsewhere.desk.sent == 1
    assert orders_out(elsewhere.world.database)[0].outcome is Outcome.SENT


def test_a_rejected_order_is_back_ordered_told_of_and_ordered_again_under_a_new_number(elsewhere: Elsewhere) -> None:
    order = elsewhere.order({elsewhere.world.article(): 4})
    receipt = elsewhere.take(answer(order, "RE"))
    assert (receipt.outcome, receipt.detail) == (Outcome.EXCEPTION, f"NOT_DELIVERED:{order.line.article_no}")
    assert elsewhere.statuses(order) == ["BACK_ORDERED"]
    assert elsewhere.rows(order) == [RowStatus.BACK_ORDERED]
    assert [(facts["packages"], facts["expected"]) for facts in elsewhere.told("order.short")] == [(4, "")]
    with elsewhere.world.database.unit_of_work() as session:
        pick_again(session, elsewhere.world.picker, elsewhere.parts(order)[0].id)
    work_outbox(elsewhere.world.database, elsewhere.desk)
    again = elsewhere.desk.last
    assert again.document_id == f"{order.document_id}-2"
    assert again.line.packages == 4
    # The first answer once more, under another number, does not reject the second order.
    assert elsewhere.take(answer(order, "RE")).outcome is Outcome.TAKEN
    assert elsewhere.statuses(order) == ["AT_WAREHOUSE"]
    assert elsewhere.take(despatch(again, [Sent(again.line, 4)])).outcome is Outcome.TAKEN
    assert elsewhere.statuses(order) == ["SHIPPED"]


def test_late_orders_are_shown_and_other_regions_are_not(elsewhere: Elsewhere, clock: ManualClock) -> None:
    order = elsewhere.order({elsewhere.world.article(): 4})
    with elsewhere.world.database.unit_of_work() as session:
        assert warehouse_page(session, elsewhere.world.picker).late == []
    clock.advance(timedelta(days=30))
    with elsewhere.world.database.unit_of_work() as session:
        page = warehouse_page(session, elsewhere.world.picker)
        (late,) = page.late
        assert (late.order_no, late.is_sent) == (order.document_id.partition("-")[0], True)
        message = session.get_one(WarehouseMessage, page.recent[0].id)
        message.outcome = Outcome.NOT_TAKEN
    with elsewhere.world.database.unit_of_work() as session:
        stranger = staff_identity(add_staff(session, Role.CONSULTANT))
        with pytest.raises(NotPermitted):
            send_again(session, stranger, message.id)
        with pytest.raises(NotPermitted):
            warehouse_page(session, stranger)
