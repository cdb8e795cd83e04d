"""Everybody who has something of a recall is told by the way that reaches them, answers, and gets new ones once."""

from __future__ import annotations

import io
from datetime import date

import pytest
from pypdf import PdfReader
from sqlalchemy import func, select

from auth.identity import Role, Task
from auth.models import ContactSettings, Guardianship, InboxMessage, NotifyBy, Person, Protection, ProxyAppointment
from auth.persons import staff_identity
from core.audit import AccessLogEntry
from core.db import Database
from core.errors import NotFound, NotPermitted
from core.outbox import Message
from delivery.complaints import recall_errors, recall_telling
from delivery.complaints.recall_answers import acknowledge, acknowledge_for_unit, note_call, phone_list
from delivery.complaints.recall_letters import letters_pdf, prepare_letters
from delivery.complaints.recall_models import Recall, RecallAnswer, RecallRecipient, ToldBy
from delivery.complaints.recall_queries import numbers_of, recall_page
from delivery.complaints.recall_readers import open_recalls_of, recalls_of_unit
from delivery.complaints.recall_report import recall_report, report_pdf, report_rows
from delivery.complaints.recall_telling import Texts, note_letters_posted, tell
from delivery.documents import Address
from delivery.models import DepotOrder
from orders.models import Article, OrderRow, Prescription, RowKind
from portal.document_fonts import document_fonts, document_words
from tests.support.builders import add_person, add_staff, patient_identity
from tests.support.recalls import RecallWorld
from tests.support.statements import counted

SENDER = Address("Konsulenten", "Vårdvägen 2", "54185", "Skövde")


@pytest.fixture
def world(database: Database) -> RecallWorld:
    return RecallWorld(database)


@pytest.fixture
def sensor(world: RecallWorld) -> Article:
    article = world.article()
    world.stock(article, 60, "BAD")
    return article


def _choose(world: RecallWorld, person: Person) -> None:
    with world.database.unit_of_work() as session:
        session.add(
            ContactSettings(
                person_id=person.id, notify_by=NotifyBy.SMS, mobile="0700000000", changed_at=world.database.clock.now()
            )
        )


def _recipient(world: RecallWorld, person: Person) -> RecallRecipient:
    with world.database.session() as session:
        return session.scalars(select(RecallRecipient).where(RecallRecipient.person_id == person.id)).one()


def _told(world: RecallWorld) -> list[tuple[int, int]]:
    with world.database.session() as session:
        rows = session.execute(
            select(InboxMessage.receiver_id, InboxMessage.about_person_id)
            .where(InboxMessage.kind == "recall.notice")
            .order_by(InboxMessage.id)
        )
        return [(row.receiver_id, row.about_person_id) for row in rows]


def test_each_is_told_by_the_way_that_reaches_them(world: RecallWorld, sensor: Article) -> None:
    by_sms, by_letter, unknown, dead = (world.person() for _each in range(4))
    _choose(world, by_sms)
    for person in (by_sms, by_letter, unknown, dead):
        world.sent({sensor: 1}, person)
    with world.database.unit_of_work() as session:
        session.get_one(Person, unknown.id).street = ""
        session.get_one(Person, dead.id).deceased_on = date(2026, 11, 30)
    recall = world.open("BAD", 4)
    assert _told(world) == []
    world.tell(recall)
    assert sorted(_told(world)) == sorted((one.id, one.id) for one in (by_sms, by_letter, unknown))
    assert _recipient(world, by_sms).told_by is ToldBy.INBOX
    assert _recipient(world, by_sms).told_at is not None
    assert _recipient(world, by_letter).told_by is ToldBy.LETTER
    assert _recipient(world, by_letter).told_at is None
    assert _recipient(world, unknown).told_by is ToldBy.PHONE
    assert _recipient(world, dead).told_by is None
    with world.database.session() as session:
        numbers = numbers_of(session, [recall.id])[recall.id]
    assert (numbers.affected, numbers.deceased, numbers.reached, numbers.letters, numbers.to_phone) == (4, 1, 1, 1, 1)
    assert numbers.unreached == 2


def test_a_guardian_and_a_proxy_who_may_answer_read_it_and_nobody_else(world: RecallWorld, sensor: Article) -> None:
    child = add_to(world, date(2018, 3, 1))
    guardian, reporter, viewer = world.person(), world.person(), world.person()
    patient = world.person()
    with world.database.unit_of_work() as session:
        session.add(Guardianship(guardian_id=guardian.id, child_id=child.id))
        for proxy, task in ((reporter, Task.REPORT_FAULTS), (viewer, Task.VIEW_HISTORY)):
            session.add(
                ProxyAppointment(
                    patient_id=patient.id,
                    proxy_id=proxy.id,
                    tasks=[task.value],
                    valid_from=date(2026, 1, 1),
                    valid_until=date(2027, 1, 1),
                    accepted_at=world.database.clock.now(),
                )
            )
    _choose(world, guardian)
    # A child's order is the guardian's: what matters here is who has it.
    world.sent({sensor: 1}, patient)
    sent = world.sent({sensor: 1}, world.person())
    with world.database.unit_of_work() as session:
        session.get_one(DepotOrder, sent).order.person_id = child.id
    world.tell(world.open("BAD", 2))
    assert sorted(_told(world)) == sorted(
        [(guardian.id, child.id), (patient.id, patient.id), (reporter.id, patient.id)]
    )
    assert _recipient(world, child).told_by is ToldBy.INBOX
    assert _recipient(world, patient).told_by is ToldBy.LETTER


def _hide(world: RecallWorld, person: Person, protection: Protection) -> None:
    with world.database.unit_of_work() as session:
        one = session.get_one(Person, person.id)
        one.protection, one.alias = protection, "Blå tallen"
        one.given_name = one.family_name = one.street = one.postal_code = one.city = one.door_code = ""


def add_to(world: RecallWorld, born: date) -> Person:
    with world.database.unit_of_work() as session:
        return add_person(session, born=born)


def test_telling_is_done_once_and_a_batch_at_a_time(
    world: RecallWorld, sensor: Article, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recall_telling, "BATCH", 2)
    people = [world.person() for _each in range(5)]
    for person in people:
        world.sent({sensor: 1}, person)
    recall = world.open("BAD", 5)
    world.tell(recall)
    world.tell(recall)
    for after in (0, 0, 3):
        with world.database.unit_of_work() as session:
            recall_telling.tell_batch(session, Message(1, "recall.tell", {"recall_id": recall.id, "after": after}))
    assert sorted(_told(world)) == sorted((person.id, person.id) for person in people)


def test_a_batch_sends_as_many_statements_for_twenty_as_for_two(world: RecallWorld) -> None:
    counts = []
    for number, size in enumerate((2, 20)):
        article = world.article()
        world.stock(article, 60, f"LOT-{number}")
        for _each in range(size):
            world.sent({article: 1})
        recall = world.open(f"LOT-{number}", size)
        with world.database.unit_of_work() as session:
            tell(session, world.consultant, recall.recall_no, Texts("Sluta."))
        with counted(world.database) as statements, world.database.unit_of_work() as session:
            recall_telling.tell_batch(session, Message(1, "recall.tell", {"recall_id": recall.id, "after": 0}))
        counts.append(len(statements))
    assert counts[0] == counts[1]


def test_one_click_answers_and_the_notice_goes(world: RecallWorld, sensor: Article) -> None:
    anna = world.person()
    world.sent({sensor: 1}, anna)
    recall = world.open("BAD", 1)
    identity = patient_identity(anna)
    with world.database.session() as session:
        assert open_recalls_of(session, identity) == []
    with pytest.raises(NotFound), world.database.unit_of_work() as session:
        acknowledge(session, identity, recall.recall_no)
    world.tell(recall)
    with world.database.session() as session:
        assert len(open_recalls_of(session, identity)) == 1
    for _twice in range(2):
        with world.database.unit_of_work() as session:
            acknowledge(session, identity, recall.recall_no)
    recipient = _recipient(world, anna)
    assert recipient.answer is RecallAnswer.CLICK
    assert recipient.acknowledged_by_person_id == anna.id
    with world.database.session() as session:
        assert open_recalls_of(session, identity) == []
    with pytest.raises(NotFound), world.database.unit_of_work() as session:
        acknowledge(session, patient_identity(world.person()), recall.recall_no)


def test_letters_say_nothing_on_the_side_that_shows(world: RecallWorld, sensor: Article) -> None:
    with world.database.unit_of_work() as session:
        anna = add_person(session, name="Anna Ålund")
        erik = add_person(session, name="Erik English")
        erik.language = "en"
    hidden = world.person()
    for person in (anna, erik, hidden):
        world.sent({sensor: 1}, person)
    _hide(world, hidden, Protection.PROTECTED_REGISTRATION)
    recall = world.open("BAD", 3)
    with pytest.raises(recall_errors.WrongRecallStep), world.database.unit_of_work() as session:
        prepare_letters(session, world.consultant, recall.recall_no, SENDER, "010-000")
    world.tell(recall)
    with world.database.unit_of_work() as session:
        letters = prepare_letters(session, world.consultant, recall.recall_no, SENDER, "010-000 00 00")
    pages = [
        page.extract_text()
        for page in PdfReader(io.BytesIO(letters_pdf(letters, document_fonts(), document_words))).pages
    ]
    assert len(pages) == 6
    outside, inside = pages[::2], pages[1::2]
    for page in outside:
        assert recall.title not in page
        assert sensor.name not in page
        assert "BAD" not in page
    assert "Anna Ålund" in outside[0]
    assert "Sluta använda sensorn." in inside[0]
    assert "Stop using the sensor." in inside[1]
    assert "Diabetesmottagningen" in outside[2]
    assert "BAD" in inside[2]
    with world.database.unit_of_work() as session:
        assert note_letters_posted(session, world.consultant, recall.recall_no) == 3
    with world.database.unit_of_work() as session:
        assert note_letters_posted(session, world.consultant, recall.recall_no) == 0
    with world.database.session() as session:
        assert numbers_of(session, [recall.id])[recall.id].reached == 3


def test_the_phone_list_is_for_those_who_phone_and_each_look_is_kept(world: RecallWorld, sensor: Article) -> None:
    anna, bo, hidden = world.person("Anna Ålund"), world.person("Bo Ek"), world.person()
    for person in (anna, bo, hidden):
        world.sent({sensor: 1}, person)
    with world.database.unit_of_work() as session:
        session.get_one(Person, anna.id).phone = "0500-00 00 01"
        service = staff_identity(add_staff(session, Role.CUSTOMER_SERVICE))
    _hide(world, hidden, Protection.CONFIDENTIALITY_FLAG)
    recall = world.open("BAD", 3)
    world.tell(recall)
    with pytest.raises(NotPermitted), world.database.unit_of_work() as session:
        phone_list(session, world.picker, recall.recall_no)
    with world.database.unit_of_work() as session:
        found = phone_list(session, service, recall.recall_no)
    assert [(one.name, one.phone) for one in found.people][:2] == [("Anna Ålund", "0500-00 00 01"), ("Bo Ek", "")]
    last = found.people[2]
    assert (last.name, last.via_unit, last.ask_for) == ("Blå tallen", True, "Diabetesmottagningen Provstad")
    with world.database.session() as session:
        looks = select(func.count()).where(AccessLogEntry.action == "recall.phone_list_seen")
        assert session.scalar(looks) == 3
    first = found.people[0].recipient_id
    with world.database.unit_of_work() as session:
        note_call(session, service, recall.recall_no, first, has_answered=False, note="")
    with pytest.raises(recall_errors.NoteTooShort), world.database.unit_of_work() as session:
        note_call(session, service, recall.recall_no, first, has_answered=True, note=" ")
    with world.database.unit_of_work() as session:
        again = phone_list(session, service, recall.recall_no)
        assert again.people[-1].recipient_id == first
        note_call(session, service, recall.recall_no, first, has_answered=True, note="Anna har slängt dem.")
    assert _recipient(world, anna).answer is RecallAnswer.PHONE
    with world.database.unit_of_work() as session:
        assert phone_list(session, service, recall.recall_no).waiting == 2


def test_new_ones_are_ordered_once_and_never_from_what_is_called_back(world: RecallWorld, sensor: Article) -> None:
    good = world.stock(sensor, 20, "GOOD")
    anna, dead = world.person(), world.person()
    world.sent({sensor: 2}, anna)
    world.sent({sensor: 3}, dead)
    with world.database.unit_of_work() as session:
        session.get_one(Person, dead.id).deceased_on = date(2026, 11, 30)
    recall = world.open("BAD", 2, replaces=True)
    world.work()
    with world.database.session() as session:
        assert session.scalar(select(func.count()).where(OrderRow.kind == RowKind.REPLACEMENT)) == 0
    world.tell(recall)
    world.tell(recall)
    recipient = _recipient(world, anna)
    with world.database.session() as session:
        row = session.scalars(select(OrderRow).where(OrderRow.kind == RowKind.REPLACEMENT)).one()
        assert (row.order.person_id, row.packages, row.recall_ref) == (anna.id, 2, recipient.id)
        assert row.order_id == recipient.replacement_order_id
        depot_order = session.scalars(select(DepotOrder.id).where(DepotOrder.order_id == row.order_id)).one()
    world.ship(world.packed(depot_order))
    assert world.balance(good) == (18, 0)
    with world.database.session() as session:
        numbers = numbers_of(session, [recall.id])[recall.id]
        assert (numbers.replaced, numbers.replaced_sent) == (1, 1)


def test_the_unit_that_prescribes_sees_it_on_its_page(world: RecallWorld, sensor: Article) -> None:
    anna = world.person()
    world.sent({sensor: 1}, anna)
    recall = world.open("BAD", 1)
    with world.database.unit_of_work() as session:
        unit = session.scalars(select(Prescription).where(Prescription.person_id == anna.id)).one().prescribing_unit
        own = staff_identity(add_staff(session, Role.PRESCRIBER, unit=unit))
        other = staff_identity(add_staff(session, Role.PRESCRIBER))
    with world.database.session() as session:
        assert recalls_of_unit(session, own) == []
    world.tell(recall)
    with world.database.session() as session:
        (seen,) = recalls_of_unit(session, own)
        assert (seen.patients, seen.patients_answered, seen.store_packages) == (1, 0, 0)
        assert recalls_of_unit(session, other) == []
    with pytest.raises(NotFound), world.database.unit_of_work() as session:
        acknowledge_for_unit(session, own, recall.recall_no)


def test_a_unit_with_a_store_is_told_and_answers(world: RecallWorld, sensor: Article) -> None:
    order_id = world.sent({sensor: 4})
    with world.database.unit_of_work() as session:
        member = add_staff(session, Role.PRESCRIBER)
        unit_id, identity = member.unit_id, staff_identity(member)
        order = session.get_one(DepotOrder, order_id).order
        order.person_id, order.unit_id = None, unit_id
    recall = world.open("BAD", 1)
    world.tell(recall)
    with world.database.unit_of_work() as session:
        (seen,) = recalls_of_unit(session, identity)
        assert (seen.store_packages, seen.has_answered) == (4, False)
        acknowledge_for_unit(session, identity, recall.recall_no)
    with world.database.session() as session:
        (seen,) = recalls_of_unit(session, identity)
        assert seen.has_answered
        recipient = session.scalars(select(RecallRecipient)).one()
        assert (recipient.unit_id, recipient.told_by) == (unit_id, ToldBy.INBOX)


def test_the_report_has_the_numbers_and_no_names(world: RecallWorld, sensor: Article) -> None:
    anna = world.person("Anna Ålund")
    (picked,) = world.picked_of(world.sent({sensor: 3}, anna))
    recall = world.open("BAD", 1)
    world.tell(recall)
    world.returned(picked.id, 2)
    with world.database.unit_of_work() as session:
        report = recall_report(session, world.consultant, recall.recall_no)
        page = recall_page(session, world.consultant, recall.recall_no)
        pdf = report_pdf(report, document_fonts(), "en", "Stop", document_words("en"))
    text = " ".join(page.extract_text() for page in PdfReader(io.BytesIO(pdf)).pages)
    assert "2 / 3 (67 %)" in text
    assert "Ålund" not in text
    rows = list(report_rows(report))
    assert rows[1][:5] == ("1", "patient", "no", "3", "2")
    assert not any("Ålund" in cell for row in rows for cell in row)
    assert page.numbers.answered == 1
    assert sum(day.answered for day in page.days) == 1
    with world.database.session() as session:
        assert session.get_one(Recall, recall.id).status == "TOLD"
