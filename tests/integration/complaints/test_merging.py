"""Two reports of the same thing: closed as the same by a consultant, never by themselves, and never a red flag behind a case without."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from auth.models import Person
from core.db import Database
from delivery.complaints import merging, triage
from delivery.complaints.errors import (
    AlreadyDecided,
    DuplicateIsGraver,
    NotADuplicate,
)
from delivery.complaints.models import Complaint, ComplaintEventKind as Kind, ComplaintState as State, LookFirst
from tests.support.builders import add_article
from tests.support.complaints import Office
from tests.support.deliveries import add_delivered


@pytest.fixture
def office(database: Database) -> Office:
    return Office(database)


def _do(office: Office, act: Callable[..., object], *arguments: object, identity: object = None) -> None:
    with office.database.unit_of_work() as session:
        act(session, identity or office.eva, *arguments)


def _kinds(complaint: Complaint) -> list[Kind]:
    return [event.kind for event in complaint.events]


def test_the_same_as_another_is_closed_and_told(office: Office) -> None:
    first, second = office.report(), office.report()
    assert office.case(second).look_first is LookFirst.POSSIBLE_DUPLICATE
    _do(office, merging.mark_duplicate, second, first)
    complaint = office.case(second)
    assert (complaint.state, complaint.duplicate_of_id) == (State.CLOSED, office.case(first).id)
    assert _kinds(complaint)[-2:] == [Kind.MADE_DUPLICATE, Kind.CLOSED]
    assert complaint.events[-2].text == first
    facts = {"case_no": second, "article": "Glukossensor", "other_no": first}
    assert office.messages("fault.duplicate") == [(office.patient.id, facts), (office.proxy.id, facts)]
    with pytest.raises(AlreadyDecided):
        _do(office, merging.mark_duplicate, second, first)
    # What is the same as a duplicate is the same as what that is the same as; and nothing goes round in a ring.
    third = office.report()
    _do(office, merging.mark_duplicate, third, second)
    assert office.case(third).duplicate_of_id == office.case(first).id
    with pytest.raises(NotADuplicate):
        _do(office, merging.mark_duplicate, first, third)
    _do(office, triage.reopen, second, "Den var en annan.")
    assert office.case(second).duplicate_of_id is None


def test_only_the_same_patient_and_article_can_be_the_same(database: Database, office: Office) -> None:
    case_no = office.report()
    other = Office(database).report()
    with database.unit_of_work() as session:
        article = add_article(session, name="Annan sensor")
        picked_lot_id = add_delivered(session, session.get_one(Person, office.patient.id), article=article).id
    unlike = office.report(picked_lot_id=picked_lot_id)
    for number in (other, unlike, case_no, "999", "x"):
        with pytest.raises(NotADuplicate):
            _do(office, merging.mark_duplicate, case_no, number)
    assert office.case(case_no).state is State.RECEIVED


def test_a_red_flag_is_not_hidden_behind_a_case_without(office: Office) -> None:
    plain, red = office.report(), office.report(is_red=True)
    with pytest.raises(DuplicateIsGraver):
        _do(office, merging.mark_duplicate, red, plain)
    _do(office, merging.mark_duplicate, plain, red)
    assert office.case(plain).state is State.CLOSED


def test_not_the_same_is_noted_and_stops_being_offered(office: Office) -> None:
    office.report()
    second = office.report()
    _do(office, merging.not_duplicate, second)
    complaint = office.case(second)
    assert (complaint.look_first, complaint.state, complaint.events[-1].kind) == (
        None,
        State.RECEIVED,
        Kind.NOT_DUPLICATE,
    )


def test_two_who_merge_each_into_the_other_leave_one(office: Office) -> None:
    first, second = office.report(), office.report()
    outcome: list[object] = []
    together = threading.Barrier(2)

    def merge(one: str, other: str) -> None:
        together.wait()
        try:
            _do(office, merging.mark_duplicate, one, other)
            outcome.append("done")
        except (NotADuplicate, AlreadyDecided) as problem:
            outcome.append(type(problem))

    threads = [threading.Thread(target=merge, args=pair) for pair in ((first, second), (second, first))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert sorted(map(str, outcome)) == sorted(["done", str(NotADuplicate)])
    states = {office.case(first).state, office.case(second).state}
    assert states == {State.CLOSED, State.RECEIVED}
