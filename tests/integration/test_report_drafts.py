"""What has been typed of a report and not yet sent: kept for its reporter alone, found again, thrown away, and gone after two weeks."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import func, select

from auth.identity import Task
from auth.models import ProxyAppointment
from core.audit import AccessLogEntry
from core.clock import ManualClock
from core.db import Database
from core.idempotency import new_key
from core.outbox import Message
from delivery.complaints.draft_models import FaultDraft, Photo
from delivery.complaints.drafts import KEPT_FOR, delete_old_drafts
from tests.integration.test_fault_pages import ANSWERS, Reporter
from tests.support.builders import NOON, add_person
from tests.support.pages import check_page
from tests.support.photos import taken_photo
from tests.support.statements import counted
from tests.support.web import sign_in, token_of

JSON = {"Accept": "application/json"}


@pytest.fixture
def reporter(database: Database) -> Reporter:
    return Reporter(database)


def _keep(reporter: Reporter, key: str = "", **changes: str) -> None:
    answers = {**ANSWERS, **changes, "do": "keep", "idempotency_key": key or new_key()}
    answers["csrf_token"] = token_of(reporter.client, reporter.page)
    answer = reporter.client.post(reporter.page, data=answers, headers=JSON)
    assert (answer.status_code, answer.json) == (200, {"photos": [], "problem": ""})


def _drafts(reporter: Reporter) -> list[FaultDraft]:
    with reporter.database.session() as session:
        return list(session.scalars(select(FaultDraft)))


def test_what_was_typed_is_there_when_one_comes_back(reporter: Reporter) -> None:
    _keep(reporter, description="Hon vaknade av <larmet>", failed_on="")
    (draft,) = _drafts(reporter)
    assert (draft.person_id, draft.reporter_person_id) == (reporter.patient.id, reporter.proxy.id)
    assert "csrf_token" not in draft.form
    chosen = reporter.client.get("/fault-reports/new")
    check_page(chosen)
    assert "You have begun a report" in chosen.text
    page = reporter.client.get(reporter.page)
    check_page(page)
    assert "Here is what you had typed" in page.text
    assert "Hon vaknade av &lt;larmet&gt;" in page.text
    assert 'value="2026-12-01"' not in page.text, "the day was left empty"
    assert reporter.cases() == 0


def test_sending_ends_the_draft_and_a_late_save_brings_it_not_back(reporter: Reporter) -> None:
    key = new_key()
    _keep(reporter, key)
    assert reporter.post(key=key).status_code == 303
    assert _drafts(reporter) == []
    _keep(reporter, key)
    assert _drafts(reporter) == []


def test_a_draft_is_one_however_often_it_is_saved_and_the_log_tells_it_once(reporter: Reporter) -> None:
    for text in ("Den", "Den loss", "Den lossnade"):
        _keep(reporter, description=text)
    (draft,) = _drafts(reporter)
    assert draft.form["description"] == "Den lossnade"
    with reporter.database.session() as session:
        begun = select(func.count()).where(AccessLogEntry.action == "fault.draft_begun")
        assert session.scalars(begun).one() == 1


def test_nobody_else_sees_it_or_throws_it_away(reporter: Reporter) -> None:
    _keep(reporter, description="Bara för mig")
    (draft,) = _drafts(reporter)
    with reporter.database.unit_of_work() as session:
        other = add_person(session, name="Olle Ombudsson")
        appointment = ProxyAppointment(
            patient_id=reporter.patient.id,
            proxy_id=other.id,
            tasks=[Task.REPORT_FAULTS.value],
            valid_from=NOON.date(),
            valid_until=NOON.date().replace(year=2027),
            accepted_at=NOON,
        )
        session.add(appointment)
    others = [
        sign_in(reporter.app.test_client(), other, acting_for=reporter.patient),
        sign_in(reporter.app.test_client(), reporter.patient),
    ]
    for client in others:
        assert "You have begun" not in client.get("/fault-reports/new").text
        assert "Bara för mig" not in client.get(reporter.page).text
        token = token_of(client, reporter.page)
        gone = client.post(f"/fault-reports/drafts/{draft.id}/throw-away", data={"csrf_token": token})
        assert gone.status_code == 404
    assert len(_drafts(reporter)) == 1


def test_it_can_be_thrown_away(reporter: Reporter) -> None:
    _keep(reporter)
    (draft,) = _drafts(reporter)
    token = token_of(reporter.client, reporter.page)
    answer = reporter.client.post(f"/fault-reports/drafts/{draft.id}/throw-away", data={"csrf_token": token})
    assert (answer.status_code, answer.location) == (303, "/fault-reports/new")
    assert "thrown away" in reporter.client.get(answer.location).text
    assert _drafts(reporter) == []


def test_after_two_weeks_it_is_gone_with_its_photos(reporter: Reporter, clock: ManualClock) -> None:
    data = {**ANSWERS, "do": "keep", "csrf_token": token_of(reporter.client, reporter.page)}
    reporter.client.post(reporter.page, data={**data, "photos": _file()}, content_type="multipart/form-data")

    def clean(region: str) -> int:
        with reporter.database.unit_of_work() as session:
            delete_old_drafts(session, Message(1, "drafts.clean", {"region": region, "day": ""}))
        with reporter.database.session() as session:
            return session.scalars(select(func.count()).select_from(Photo)).one()

    clock.advance(KEPT_FOR - timedelta(minutes=5))
    assert (clean("vgr"), len(_drafts(reporter))) == (1, 1)
    clock.advance(timedelta(minutes=10))
    assert (clean("norrbotten"), len(_drafts(reporter))) == (1, 1)
    assert (clean("vgr"), len(_drafts(reporter))) == (0, 0)


def test_saving_takes_as_many_statements_whatever_was_sent(reporter: Reporter) -> None:
    with counted(reporter.database) as statements:
        _keep(reporter)
    assert len(statements) < 45, "the form's page, its token and the save"


def _file() -> tuple[object, str]:
    import io

    return io.BytesIO(taken_photo()), "IMG_0001.JPG"
