"""What consultants do around a decision: look, ask, give, merge, close and open again; what it writes and whom it tells."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select, update

from auth.identity import Role, system_identity
from auth.models import InboxMessage
from auth.permissions import Permission
from auth.persons import staff_identity
from core.audit import AccessLogEntry
from core.clock import ManualClock
from core.db import Database
from core.errors import NotFound, NotPermitted
from delivery.complaints import asking, cases, merging, triage
from delivery.complaints.errors import (
    AlreadyDecided,
    AlreadyReplaced,
    NobodyToAsk,
    NotAColleague,
    NotWaiting,
    ReasonMissing,
    StateRefused,
)
from delivery.complaints.models import Complaint, ComplaintEventKind as Kind, ComplaintState as State
from delivery.complaints.triage import Triage
from tests.support.builders import add_person, add_staff, patient_identity
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


def test_a_look_is_written_down_and_names_its_owner(database: Database, office: Office) -> None:
    case_no = office.report()
    _do(office, triage.triage, Triage(case_no, has_lot_pattern=True, note=" Tredje i veckan. "))
    complaint = office.case(case_no)
    assert (complaint.state, complaint.owner_id) == (State.TRIAGED, office.eva.staff_id)
    assert (complaint.events[-1].kind, complaint.events[-1].text) == (Kind.TRIAGED, "LOT_PATTERN\nTredje i veckan.")
    assert not complaint.events[-1].for_reporter
    with database.session() as session:
        acted = session.scalars(select(AccessLogEntry).where(AccessLogEntry.action == "complaint.triaged")).one()
        assert acted.object_ref == f"case:{case_no}"


def test_what_is_found_to_be_serious_is_due_sooner_and_stays_red(office: Office, clock: ManualClock) -> None:
    case_no = office.report()
    before = office.case(case_no).due_at
    _do(office, triage.triage, Triage(case_no, is_serious=True))
    red = office.case(case_no)
    assert red.has_red_flag
    assert red.due_at is not None
    assert before is not None
    assert red.due_at < before
    _do(office, triage.triage, Triage(case_no))
    assert office.case(case_no).has_red_flag


def test_a_red_flag_is_never_closed_without_a_look(database: Database, office: Office) -> None:
    case_no = office.report(is_red=True)
    office.replace(office.eva, case_no)
    with pytest.raises(StateRefused):
        _do(office, triage.close, case_no, "Klart.")
    _do(office, triage.triage, Triage(case_no, note="Ringde."))
    # Looked at where it is: a replacement is not taken back by looking.
    assert office.case(case_no).state is State.REPLACEMENT_ORDERED
    with database.session() as session:
        complaint = session.scalars(select(Complaint)).one()
        with pytest.raises(StateRefused):
            cases.change_state(session, system_identity("vgr", "clock"), complaint, State.CLOSED)
    _do(office, triage.close, case_no, "Klart.")
    assert office.case(case_no).closed_at is not None


def test_the_database_itself_refuses_a_red_flag_closed_untriaged(database: Database, office: Office) -> None:
    office.report(is_red=True)
    with pytest.raises(Exception, match="red_flag_is_triaged"), database.unit_of_work() as session:
        session.execute(update(Complaint).values(state=State.CLOSED))


def test_a_case_is_given_to_a_consultant_of_the_region(database: Database, office: Office) -> None:
    case_no = office.report()
    with database.unit_of_work() as session:
        elsewhere = staff_identity(add_staff(session, Role.CONSULTANT, region="norrbotten"))
        picker = staff_identity(add_staff(session, Role.DEPOT))
    for stranger in (elsewhere.staff_id, picker.staff_id, 0):
        with pytest.raises(NotAColleague):
            _do(office, triage.assign, case_no, stranger)
    for _ in range(2):
        _do(office, triage.assign, case_no, office.per.staff_id)
    complaint = office.case(case_no)
    assert complaint.owner_id == office.per.staff_id
    assert [event.text for event in complaint.events if event.kind is Kind.ASSIGNED] == ["Per Konsulent"]


def test_the_clock_stands_still_while_the_reporter_is_asked(office: Office, clock: ManualClock) -> None:
    # A Tuesday at nine: due in twenty-four working hours, on Thursday at four.
    clock.set(datetime(2026, 12, 1, 8, tzinfo=UTC))
    case_no = office.report()
    assert office.case(case_no).due_at == datetime(2026, 12, 3, 15, tzinfo=UTC)
    clock.advance(timedelta(hours=2))
    _do(office, asking.ask, case_no, " När slutade den? ", "k1")
    waiting = office.case(case_no)
    assert (waiting.waiting_since, waiting.minutes_left) == (clock.now(), 22 * 60)
    facts = {"case_no": case_no, "article": "Glukossensor", "question": "När slutade den?"}
    assert office.messages("fault.asked") == [(office.patient.id, facts), (office.proxy.id, facts)]
    assert waiting.events[-1].for_reporter
    # Over a weekend nothing runs; asking again does not wind the clock back.
    clock.advance(timedelta(days=5))
    _do(office, asking.ask, case_no, "Har du kvar den?", "k2")
    assert office.case(case_no).minutes_left == 22 * 60
    with office.database.unit_of_work() as session:
        complaint = cases.lock_case(session, office.eva, Permission.DECIDE_COMPLAINT, case_no)
        triage.resume_after_answer(session, complaint)
        triage.resume_after_answer(session, complaint)
    resumed = office.case(case_no)
    assert (resumed.waiting_since, resumed.minutes_left) == (None, None)
    # From Sunday: Monday, Tuesday eight and a half hours each, five on Wednesday.
    assert resumed.due_at == datetime(2026, 12, 9, 12, tzinfo=UTC)


def test_a_question_is_asked_once_however_often_it_is_sent(office: Office) -> None:
    case_no = office.report()
    for _ in range(2):
        _do(office, asking.ask, case_no, "När?", "same")
    assert _kinds(office.case(case_no)).count(Kind.ASKED) == 1


def test_an_answer_by_phone_lets_the_clock_go_on(office: Office) -> None:
    case_no = office.report()
    with pytest.raises(NotWaiting):
        _do(office, asking.resume_by_hand, case_no, "I tisdags.")
    _do(office, asking.ask, case_no, "När?", "k")
    with pytest.raises(ReasonMissing):
        _do(office, asking.resume_by_hand, case_no, " ")
    _do(office, asking.resume_by_hand, case_no, "I tisdags.")
    complaint = office.case(case_no)
    assert (complaint.waiting_since, complaint.events[-1].kind) == (None, Kind.ANSWERED)
    assert (complaint.events[-1].staff_id, complaint.events[-1].text) == (office.eva.staff_id, "I tisdags.")


def test_a_question_that_nobody_would_read_is_refused(database: Database, office: Office) -> None:
    with database.unit_of_work() as session:
        child = add_person(session, born=datetime(2020, 1, 1, tzinfo=UTC).date(), name="Barn Provsson")
        picked_lot_id = add_delivered(session, child).id
    from delivery.complaints.services import report_fault
    from tests.integration.test_fault_reports import REPORT

    with database.unit_of_work() as session:
        identity = replace(patient_identity(child), person_id=None, staff_id=office.eva.staff_id)
        case_no = report_fault(session, identity, replace(REPORT, picked_lot_id=picked_lot_id)).case_no
    with pytest.raises(NobodyToAsk):
        _do(office, asking.ask, case_no, "När?", "k")
    assert office.case(case_no).waiting_since is None


def test_a_decision_ends_the_waiting(office: Office) -> None:
    for decide in (office.replace, office.decline):
        case_no = office.report()
        _do(office, asking.ask, case_no, "När?", "k")
        decide(office.eva, case_no)
        complaint = office.case(case_no)
        assert (complaint.waiting_since, complaint.minutes_left) == (None, None)


def test_closing_and_opening_again(office: Office, clock: ManualClock) -> None:
    case_no = office.report()
    with pytest.raises(StateRefused):
        _do(office, triage.close, case_no, "Klart.")
    _do(office, triage.triage, Triage(case_no))
    with pytest.raises(ReasonMissing):
        _do(office, triage.close, case_no, "  ")
    _do(office, triage.close, case_no, "Bara ett tips.")
    assert len(office.messages("fault.closed")) == 2
    clock.advance(timedelta(days=30))
    with pytest.raises(StateRefused):
        _do(office, triage.triage, Triage(case_no))
    with pytest.raises(AlreadyDecided):
        office.replace(office.eva, case_no)
    with pytest.raises(AlreadyDecided):
        _do(office, triage.assign, case_no, office.per.staff_id)
    _do(office, triage.reopen, case_no, "Hon ringde.")
    complaint = office.case(case_no)
    assert (complaint.state, complaint.closed_at) == (State.TRIAGED, None)
    assert complaint.due_at is not None
    assert complaint.due_at > clock.now()
    assert len(office.messages("fault.reopened")) == 2
    with pytest.raises(StateRefused):
        _do(office, triage.reopen, case_no, "Igen.")


def test_who_has_had_an_answer_is_not_told_that_it_is_closed(office: Office) -> None:
    case_no = office.report()
    office.decline(office.eva, case_no)
    _do(office, triage.close, case_no, "Klart.")
    assert office.messages("fault.closed") == []


def test_nobody_is_sent_two_for_one_report(office: Office) -> None:
    case_no = office.report(wants=True)
    _do(office, triage.close, case_no, "Klart.")
    _do(office, triage.reopen, case_no, "Den nya är också fel.")
    with pytest.raises(AlreadyReplaced):
        office.replace(office.eva, case_no)


def test_what_is_declined_can_be_taken_up_again(office: Office) -> None:
    case_no = office.report()
    office.decline(office.eva, case_no)
    _do(office, triage.reopen, case_no, "Fel beslut.")
    assert office.case(case_no).decline_reason == ""
    assert office.replace(office.per, case_no).state is State.REPLACEMENT_ORDERED


def test_nothing_of_it_is_for_others(office: Office) -> None:
    case_no = office.report()
    acts: list[tuple[Callable[..., object], tuple[object, ...]]] = [
        (triage.triage, (Triage(case_no),)),
        (triage.assign, (case_no, office.per.staff_id)),
        (triage.add_note, (case_no, "x")),
        (triage.close, (case_no, "x")),
        (triage.reopen, (case_no, "x")),
        (asking.ask, (case_no, "x", "k")),
        (asking.resume_by_hand, (case_no, "x")),
        (merging.mark_duplicate, (case_no, case_no)),
        (merging.not_duplicate, (case_no,)),
    ]
    for act, arguments in acts:
        with pytest.raises(NotFound):
            _do(office, act, *arguments, identity=replace(office.eva, region="norrbotten"))
        for role in (Role.DEPOT, Role.SYSTEM, Role.PRESCRIBER, Role.PATIENT):
            with pytest.raises(NotPermitted):
                _do(office, act, *arguments, identity=replace(office.eva, role=role))


def test_an_answer_and_a_new_question_at_once(database: Database, office: Office) -> None:
    """Either order is right; what is not is a case that waits with the minutes of another question, or a lost line."""
    case_no = office.report()
    _do(office, asking.ask, case_no, "När?", "k0")
    problems: list[Exception] = []
    together = threading.Barrier(2)

    def run(act: Callable[[], None]) -> None:
        together.wait()
        try:
            act()
        except Exception as problem:
            problems.append(problem)

    threads = [
        threading.Thread(target=run, args=(lambda: _do(office, asking.ask, case_no, "Var?", "k1"),)),
        threading.Thread(target=run, args=(lambda: _do(office, asking.resume_by_hand, case_no, "Nu."),)),
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert problems == []
    complaint = office.case(case_no)
    assert _kinds(complaint).count(Kind.ASKED) == 2
    assert _kinds(complaint).count(Kind.ANSWERED) == 1
    answered_last = _kinds(complaint)[-1] is Kind.ANSWERED
    assert (complaint.waiting_since is None) is answered_last


def test_inbox_facts_hold_no_note(database: Database, office: Office) -> None:
    case_no = office.report()
    _do(office, triage.add_note, case_no, "Misstänker handhavande.")
    assert office.case(case_no).events[-1].text == "Misstänker handhavande."
    with database.session() as session:
        assert "Misstänker" not in str([message.facts for message in session.scalars(select(InboxMessage))])
