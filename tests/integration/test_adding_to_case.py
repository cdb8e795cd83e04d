"""A case is followed in plain words; its reporter adds to it and answers what the consultant asks, and the clock goes on."""

from __future__ import annotations

import io
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select
from werkzeug.test import TestResponse

from auth.identity import Identity, Relation, Role, Task
from auth.persons import staff_identity
from core.audit import AccessLogEntry
from core.clock import ManualClock
from core.db import Database
from core.idempotency import new_key
from delivery.complaints.adding import MOST_ADDITIONS, AddToCase, TooMuchAdded, add_to_case
from delivery.complaints.asking import ask
from delivery.complaints.board import Pile, Wanted, board
from delivery.complaints.decisions import decline
from delivery.complaints.draft_models import Photo
from delivery.complaints.models import Complaint, ComplaintEvent, ComplaintEventKind, ComplaintState, FaultReport
from delivery.complaints.photos import MOST_PHOTOS_OF_CASE
from tests.integration.test_fault_pages import Reporter
from tests.support.builders import NOON, add_person, add_staff, patient_identity
from tests.support.pages import check_page
from tests.support.photos import taken_photo
from tests.support.web import sign_in, token_of

REPORTED = datetime(2026, 12, 1, 9, tzinfo=UTC)
CASE = "/fault-reports/100016"
QUESTION = "Vilken arm satt den på?\nOch <hur> länge?"


class Case(Reporter):
    """A case that the proxy has reported and that waits for a consultant."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        assert self.post().status_code == 303
        with database.unit_of_work() as session:
            self.commission = add_staff(session, Role.CONSULTANT)
            self.consultant: Identity = staff_identity(self.commission)
            complaint = session.scalars(select(Complaint)).one()
            complaint.due_at = REPORTED + timedelta(days=2)

    def identity(self) -> Identity:
        """Return the proxy's identity for services."""
        identity = patient_identity(self.patient, actor=self.proxy, relation=Relation.PROXY)
        return replace(identity, tasks=frozenset({Task.REPORT_FAULTS}))

    def ask(self) -> None:
        """Have the consultant ask."""
        with self.database.unit_of_work() as session:
            ask(session, self.consultant, "100016", QUESTION, new_key())

    def send(self, text: str, *photos: bytes, do: str = "add", key: str = "", client: object = None) -> TestResponse:
        """Send the page's form."""
        user = client or self.client
        data: dict[str, object] = {"text": text, "do": do, "idempotency_key": key or new_key()}
        data["csrf_token"] = token_of(user, CASE)  # type: ignore[arg-type]
        data["photos"] = [(io.BytesIO(photo), "IMG.jpg") for photo in photos]
        return user.post(CASE, data=data, content_type="multipart/form-data")  # type: ignore[attr-defined, no-any-return]

    def events(self) -> list[tuple[ComplaintEventKind, str, int | None, bool]]:
        """Return the lines that were added to the timeline."""
        with self.database.session() as session:
            lines = session.scalars(select(ComplaintEvent).order_by(ComplaintEvent.id)).all()
        kinds = {ComplaintEventKind.ADDED, ComplaintEventKind.ANSWERED, ComplaintEventKind.PHOTO_ADDED}
        return [(line.kind, line.text, line.person_id, line.for_reporter) for line in lines if line.kind in kinds]

    def complaint(self) -> Complaint:
        """Return the case as it is."""
        with self.database.session() as session:
            return session.scalars(select(Complaint)).one()


@pytest.fixture
def case(database: Database) -> Case:
    return Case(database)


def test_words_and_photos_are_added_to_the_timeline(case: Case) -> None:
    answer = case.send("Nu <läcker> den mer", taken_photo(), taken_photo("HEIF"))
    assert (answer.status_code, answer.location) == (303, CASE)
    assert case.events() == [
        (ComplaintEventKind.PHOTO_ADDED, "2", case.proxy.id, True),
        (ComplaintEventKind.ADDED, "Nu <läcker> den mer", case.proxy.id, True),
    ]
    page = case.client.get(CASE)
    check_page(page)
    assert "Nu &lt;läcker&gt; den mer" in page.text
    assert "2 photos were added" in page.text
    with case.database.session() as session:
        assert [photo.added_by_person_id for photo in session.scalars(select(Photo))] == [case.proxy.id] * 2
        logged = session.scalars(select(AccessLogEntry).where(AccessLogEntry.action == "case.added_to")).one()
        assert (logged.subject_person_id, logged.object_ref) == (case.patient.id, "case:100016")


def test_pressed_twice_it_is_added_once(case: Case) -> None:
    key = new_key()
    for _ in range(2):
        assert case.send("En gång", taken_photo(), key=key).status_code == 303
    assert len(case.events()) == 2


def test_a_question_is_read_and_answered_and_the_clock_goes_on(case: Case, clock: ManualClock) -> None:
    case.ask()
    waiting = case.complaint()
    assert waiting.waiting_since == REPORTED
    page = case.client.get(CASE)
    check_page(page)
    assert "We need to know more" in page.text
    assert "Och &lt;hur&gt; länge?" in page.text
    assert "We need to know more" in case.client.get("/fault-reports").text
    clock.advance(timedelta(days=3))
    case.client = sign_in(case.app.test_client(), case.proxy, acting_for=case.patient)
    answer = case.send("Vänster arm, tre dygn", do="answer")
    assert answer.status_code == 303
    assert case.events() == [(ComplaintEventKind.ANSWERED, "Vänster arm, tre dygn", case.proxy.id, True)]
    going = case.complaint()
    assert (going.waiting_since, going.minutes_left) == (None, None)
    assert going.due_at is not None
    assert waiting.due_at is not None
    assert going.due_at > waiting.due_at, "the clock stood still while we waited"
    page = case.client.get(CASE)
    check_page(page)
    assert "Your answer has come in." in page.text
    assert "We need to know more" not in page.text
    assert case.send("Igen", do="answer").status_code == 422


def test_an_answer_has_words(case: Case) -> None:
    case.ask()
    answer = case.send("  ", taken_photo(), do="answer")
    assert answer.status_code == 422
    check_page(answer)
    assert "Write the answer." in answer.text
    assert case.complaint().waiting_since is not None


@pytest.mark.parametrize(
    ("text", "photos", "said"),
    [
        ("", (), "Write something, or choose a photo."),
        ("\x00", (), "Write something, or choose a photo."),
        ("x" * 2001, (), "The text is too long"),
        ("Se bilden", (b"<html>",), "That is not a photo."),
    ],
)
def test_what_cannot_be_added_is_said(case: Case, text: str, photos: tuple[bytes, ...], said: str) -> None:
    answer = case.send(text, *photos)
    assert answer.status_code == 422
    check_page(answer)
    assert said in answer.text
    assert case.events() == []


def test_there_is_an_end_to_what_is_added(case: Case) -> None:
    for _ in range(MOST_PHOTOS_OF_CASE // 5):
        assert case.send("", *[taken_photo(size=(40, 30))] * 5).status_code == 303
    assert "no room for more photos" in case.send("", taken_photo()).text
    identity = case.identity()
    with case.database.unit_of_work() as session:
        for number in range(MOST_ADDITIONS - 2):
            add_to_case(session, identity, AddToCase("100016", f"key-{number}", "Mer"))
        with pytest.raises(TooMuchAdded):
            add_to_case(session, identity, AddToCase("100016", "one-more", "Mer"))


def test_nothing_is_added_to_a_closed_case(case: Case) -> None:
    with case.database.unit_of_work() as session:
        complaint = session.scalars(select(Complaint)).one()
        complaint.state, complaint.closed_at = ComplaintState.CLOSED, NOON
    page = case.client.get(CASE)
    check_page(page)
    assert "The case is closed" in page.text
    assert 'name="text"' not in page.text
    key = {"text": "Hallå", "idempotency_key": new_key(), "csrf_token": token_of(case.client, case.page)}
    assert case.client.post(CASE, data=key).status_code == 422


def test_only_who_follows_the_case_adds_to_it(case: Case) -> None:
    with case.database.unit_of_work() as session:
        stranger = add_person(session)
    patient = sign_in(case.app.test_client(), case.patient)
    for client, status in ((sign_in(case.app.test_client(), stranger), 404), (patient, 303)):
        data = {"text": "Jag med", "idempotency_key": new_key(), "csrf_token": token_of(client, "/fault-reports")}
        assert client.post(CASE, data=data).status_code == status
    assert [person for _kind, _text, person, _told in case.events()] == [case.patient.id]


def test_a_proxy_reads_not_what_the_patient_added(case: Case) -> None:
    patient = sign_in(case.app.test_client(), case.patient)
    assert case.send("Bara mitt", taken_photo(), client=patient).status_code == 303
    assert "Bara mitt" in patient.get(CASE).text
    page = case.client.get(CASE).text
    assert "Bara mitt" not in page
    with case.database.session() as session:
        photo_id = session.scalars(select(Photo.id)).one()
    assert f"/photos/{photo_id}" not in page
    assert case.client.get(f"/fault-reports/photos/{photo_id}").status_code == 404
    assert patient.get(f"/fault-reports/photos/{photo_id}").status_code == 200


def test_what_is_for_those_at_work_is_not_told(case: Case) -> None:
    with case.database.unit_of_work() as session:
        complaint_id = session.scalars(select(FaultReport.complaint_id)).one()
        for kind, is_told in ((ComplaintEventKind.NOTE, False), (ComplaintEventKind.CLAIMED, True)):
            line = ComplaintEvent(complaint_id=complaint_id, at=NOON, kind=kind, for_reporter=is_told, text="Internt")
            session.add(line)
    assert "Internt" not in case.client.get(CASE).text


@pytest.mark.parametrize("state", list(ComplaintState))
def test_every_state_is_told_in_plain_words(case: Case, state: ComplaintState) -> None:
    if state is ComplaintState.REPLACEMENT_ORDERED:
        pytest.skip("a replacement has its order: test_complaint_decisions")
    with case.database.unit_of_work() as session:
        complaint = session.scalars(select(Complaint)).one()
        complaint.state, complaint.decline_reason = state, "Den var tappad."
    for path in (CASE, "/fault-reports", f"{CASE}/received"):
        page = case.client.get(path)
        check_page(page)
        assert "supplier" not in page.text.lower()


def test_what_is_added_to_a_decided_case_waits_on_the_board_until_a_consultant_has_seen_to_it(
    database: Database, clock: ManualClock
) -> None:
    case = Case(database)
    with database.unit_of_work() as session:
        decline(session, case.consultant, "100016", "Inget fel på produkten.", new_key())
    with database.unit_of_work() as session:
        assert board(session, case.consultant, Wanted(Pile.ADDED_TO)).total == 0
    assert case.send("Den slutade igen.").status_code == 303
    with database.unit_of_work() as session:
        assert [one.case_no for one in board(session, case.consultant, Wanted(Pile.ADDED_TO)).cases] == ["100016"]
    consultant = sign_in(case.client.application.test_client(), case.commission)
    page = consultant.get("/complaints/100016").text
    assert "has added something since the case was decided" in page
    answer = consultant.post("/complaints/100016/read", data={"csrf_token": token_of(consultant, "/complaints/100016")})
    assert answer.status_code == 303
    with database.unit_of_work() as session:
        assert board(session, case.consultant, Wanted(Pile.ADDED_TO)).counts[Pile.ADDED_TO] == 0
        assert session.scalars(select(Complaint.state)).one() is ComplaintState.DECLINED
