"""Serious incidents on real PostgreSQL: the assessment, the clocks it starts, and what consultants see of them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from core.audit import AccessLogEntry
from core.clock import ManualClock
from core.db import Database
from core.errors import NotFound, NotPermitted
from delivery.complaints.incident_errors import (
    AnswersMissing,
    NotNotified,
    NotSerious,
    TimeOutOfRange,
)
from delivery.complaints.incident_models import DocumentKind, Incident, Severity
from delivery.complaints.incident_queries import incidents_overview, open_incident
from delivery.complaints.incident_rules import AT_ONCE, Question
from delivery.complaints.incidents import (
    AssessIncident,
    assess,
    note_manufacturers_answer,
    note_reference,
)
from delivery.complaints.models import ComplaintEventKind
from tests.support.incidents import LETTER, NEAR_MISS, NOTHING, TEXTS, UNEXPECTED, YES, Desk
from tests.support.statements import counted


@pytest.fixture
def desk(database: Database) -> Desk:
    return Desk(database)


def test_an_assessment_starts_our_clock_and_is_told(desk: Desk, clock: ManualClock) -> None:
    incident = desk.assess(key="same")
    assert incident.severity is Severity.DEATH_OR_UNANTICIPATED
    assert incident.report_due_at == clock.now() + AT_ONCE
    assert (incident.manufacturer_notified_at, incident.manufacturer_due_at) == (None, None)
    assert Question.COULD_HAVE_LED.value not in incident.checklist
    clock.advance(timedelta(hours=1))
    # The same form twice, and the same answers again: nothing.
    assert desk.assess(key="same").assessed_at == incident.assessed_at
    assert desk.assess().assessed_at == incident.assessed_at
    assert desk.events(ComplaintEventKind.INCIDENT_ASSESSED) == ["DEATH_OR_UNANTICIPATED"]
    with desk.database.session() as session:
        logged = session.scalars(select(AccessLogEntry).where(AccessLogEntry.action == "incident.assessed")).one()
    assert (logged.subject_person_id, logged.object_ref) == (desk.patient.id, f"case:{desk.case_no}")


def test_a_new_assessment_keeps_the_day_of_the_duty_and_counts_anew(desk: Desk, clock: ManualClock) -> None:
    first = desk.assess(NEAR_MISS)
    due_at = first.report_due_at
    desk.send(desk.write(LETTER))
    notified_at = desk.incident().manufacturer_notified_at
    assert notified_at == clock.now()
    assert desk.incident().manufacturer_due_at == datetime(2026, 12, 16, 22, 59, 59, tzinfo=UTC)
    clock.advance(timedelta(days=1))
    second = desk.assess(UNEXPECTED | {Question.PUBLIC_HEALTH: YES}, by=desk.per)
    assert second.severity is Severity.PUBLIC_HEALTH_THREAT
    assert (second.report_due_at, second.manufacturer_notified_at) == (due_at, notified_at)
    assert second.manufacturer_due_at == datetime(2026, 12, 3, 22, 59, 59, tzinfo=UTC)
    assert desk.events(ComplaintEventKind.INCIDENT_ASSESSED) == ["OTHER_SERIOUS", "PUBLIC_HEALTH_THREAT"]


def test_what_turns_out_not_to_be_serious_has_no_clock(desk: Desk, clock: ManualClock) -> None:
    desk.assess()
    incident = desk.assess(NOTHING)
    assert (incident.severity, incident.report_due_at) == (Severity.NOT_SERIOUS, None)
    with pytest.raises(NotSerious):
        desk.write()
    clock.advance(timedelta(days=30))
    before = desk.alerts()
    desk.watch()
    assert desk.alerts() == before


def test_answers_that_lack_are_named_and_nothing_is_written(desk: Desk) -> None:
    with pytest.raises(AnswersMissing) as refused:
        desk.assess({Question.DEATH: YES})
    assert Question.CAUSE in refused.value.questions
    assert Question.COULD_HAVE_LED not in refused.value.questions
    with desk.database.session() as session:
        assert session.scalar(select(Incident)) is None


def test_only_a_consultant_of_the_region_assesses(desk: Desk) -> None:
    with pytest.raises(NotPermitted):
        desk.assess(by=desk.reporter)
    with pytest.raises(NotFound):
        desk.assess(by=replace(desk.eva, region="norrbotten"))
    with pytest.raises(NotFound), desk.database.unit_of_work() as session:
        assess(session, desk.eva, AssessIncident("1 OR 1=1", UNEXPECTED, "k"))


def test_sending_stops_our_clock_and_starts_the_manufacturers(desk: Desk, clock: ManualClock) -> None:
    desk.assess()
    report, letter = desk.write(), desk.write(LETTER)
    written_at = clock.now()
    clock.advance(timedelta(hours=3))
    with pytest.raises(TimeOutOfRange):
        desk.send(letter, sent_at=written_at - timedelta(minutes=5))
    with pytest.raises(TimeOutOfRange):
        desk.send(letter, sent_at=clock.now() + timedelta(minutes=5))
    desk.send(report, reference="5.1.1-2026-1")
    desk.send(letter, sent_at=written_at + timedelta(hours=1), key="sent")
    incident = desk.incident()
    assert incident.reported_at == clock.now()
    assert incident.authority_ref == "5.1.1-2026-1"
    assert incident.manufacturer_notified_at == written_at + timedelta(hours=1)
    assert incident.manufacturer_due_at == datetime(2026, 12, 11, 22, 59, 59, tzinfo=UTC)
    # The same form again changes nothing, and a later letter does not begin the clock anew.
    desk.send(letter, key="sent")
    clock.advance(timedelta(days=2))
    desk.send(desk.write(LETTER, replace(TEXTS, harm="Mer är känt nu.")))
    assert desk.incident().manufacturer_due_at == datetime(2026, 12, 11, 22, 59, 59, tzinfo=UTC)
    assert desk.incident().reported_at == incident.reported_at
    with desk.database.unit_of_work() as session:
        note_reference(session, desk.per, desk.case_no, "5.1.1-2026-2")
        note_manufacturers_answer(session, desk.per, desk.case_no, "Rapporterat som MIR 17.", None)
        note_manufacturers_answer(session, desk.per, desk.case_no, "En gång till.", None)
    assert desk.incident().authority_ref == "5.1.1-2026-2"
    assert desk.incident().manufacturer_answered_at == clock.now()
    assert desk.events(ComplaintEventKind.MANUFACTURER_ANSWERED) == ["Rapporterat som MIR 17."]


def test_nobody_answers_what_was_not_asked(desk: Desk) -> None:
    desk.assess()
    with desk.database.unit_of_work() as session:
        with pytest.raises(NotNotified):
            note_manufacturers_answer(session, desk.eva, desk.case_no, "Svar", None)
        with pytest.raises(NotFound):
            note_reference(session, desk.eva, desk.case_no, "X")


def test_the_list_has_the_next_deadline_first_and_what_waits(desk: Desk, clock: ManualClock) -> None:
    waiting = desk.case_no
    for answers in (NEAR_MISS, UNEXPECTED):
        desk.case_no = desk.report(is_red=True)
        desk.assess(answers)
        for kind in DocumentKind:
            desk.send(desk.write(kind))
        clock.advance(timedelta(minutes=30))
    desk.case_no = desk.report(is_red=True)
    desk.assess()
    with desk.database.unit_of_work() as session:
        found = incidents_overview(session, desk.eva)
    assert [complaint.case_no for complaint in found.waiting] == [waiting]
    dues = [listed.running[0].due_at for listed in found.running if listed.running]
    assert len(dues) == 3
    assert dues == sorted(due for due in dues if due)
    assert found.late_count == 0


def test_the_pages_ask_as_often_however_much_there_is(desk: Desk) -> None:
    desk.assess()
    desk.write()
    with desk.database.unit_of_work() as session, counted(desk.database) as few:
        incidents_overview(session, desk.eva)
        open_incident(session, desk.eva, desk.case_no)
    for turn in range(3):
        desk.case_no = desk.report(is_red=True)
        desk.assess()
        desk.write()
        desk.write(texts=replace(TEXTS, harm=f"Version {turn}"))
        desk.report(is_red=True)
    with desk.database.unit_of_work() as session, counted(desk.database) as many:
        incidents_overview(session, desk.eva)
        open_incident(session, desk.eva, desk.case_no)
    assert len(many) == len(few)
