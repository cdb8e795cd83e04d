"""A prescriber reports a fault for a patient of their unit: on the patient's fault pages, and on no other page of the patient's."""

from __future__ import annotations

from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from auth.identity import Relation, Role
from auth.models import InboxMessage, Person, Protection
from core.audit import AccessLogEntry
from core.clock import ManualClock
from core.db import Database
from delivery.complaints.models import Complaint
from orders.care_visits import LONGEST_VISIT
from portal.sessions import CARE_KEY, ServerSession
from tests.integration.test_fault_pages import ANSWERS
from tests.support.builders import add_person, add_staff
from tests.support.deliveries import add_delivered
from tests.support.pages import check_page
from tests.support.prescriber_pages import ClinicPages
from tests.support.web import sign_in


class Clinic(ClinicPages):
    """A clinic with a patient who has been sent something."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self.person = self.clinic.person
        self.clinic.item()
        with database.unit_of_work() as session:
            person = session.get_one(Person, self.person.id)
            self.picked_lot_id = add_delivered(session, person).id
        self.page = f"/fault-reports/new/{self.picked_lot_id}"
        self.opens = f"/prescriber/patients/{self.person.id}/fault-reports"

    def entries(self, *actions: str) -> list[AccessLogEntry]:
        """Return what the access log says of these actions."""
        statement = select(AccessLogEntry).where(AccessLogEntry.action.in_(actions)).order_by(AccessLogEntry.id)
        with self.database.session() as session:
            return list(session.scalars(statement))


@pytest.fixture
def clinic(database: Database) -> Clinic:
    return Clinic(database)


def _statuses(client: FlaskClient, *paths: str) -> list[int]:
    return [client.get(path).status_code for path in paths]


def test_the_prescriber_reports_for_the_patient_and_follows_the_case(clinic: Clinic) -> None:
    page = clinic.nurse.get(f"/prescriber/patients/{clinic.person.id}")
    check_page(page)
    assert f'action="{clinic.opens}"' in page.text
    answer = clinic.post(clinic.nurse, clinic.opens)
    assert (answer.status_code, answer.location) == (303, "/fault-reports/new")
    for path in ("/fault-reports/new", clinic.page, "/fault-reports"):
        shown = clinic.nurse.get(path)
        check_page(shown)
        assert f"You report for {clinic.person.full_name}" in shown.text, path
        assert "Back to the patient" in shown.text
    form = clinic.nurse.get(clinic.page).text
    assert "Does the patient want a new one?" in form
    assert "See to the patient first." in form
    filed = clinic.post(clinic.nurse, clinic.page, **ANSWERS)
    assert filed.status_code == 303
    check_page(clinic.nurse.get(filed.location))
    with clinic.database.session() as session:
        case = session.scalars(select(Complaint)).one()
        assert (case.report.relation, case.report.reporter_staff_id) == (Relation.CARE, clinic.clinic.nurse.staff_id)
        assert case.report.reporter_person_id is None
        told = session.scalars(select(InboxMessage).where(InboxMessage.kind == "fault.received")).one()
        assert told.receiver_id == clinic.person.id
    check_page(clinic.nurse.get(f"/fault-reports/{case.case_no}"))
    assert "Your unit sent the report" in clinic.patient.get(f"/fault-reports/{case.case_no}").text
    for entry in clinic.entries("reporting.opened", "deliveries.seen", "fault.reported"):
        assert (entry.actor_kind, entry.subject_person_id) == ("STAFF", clinic.person.id)
        assert entry.reason == "Reports a fault for the patient"


def test_only_the_fault_pages_open(clinic: Clinic) -> None:
    clinic.post(clinic.nurse, clinic.opens)
    assert _statuses(clinic.nurse, "/my-products", "/orders", "/inbox", "/my-access-log", "/complaints") == [403] * 5
    page = clinic.nurse.get("/prescriber")
    assert page.status_code == 200
    assert "You report for" not in page.text
    assert clinic.entries("orders.seen") == []


def test_it_is_closed_by_the_button_and_after_an_hour(clinic: Clinic, clock: ManualClock) -> None:
    assert _statuses(clinic.nurse, "/fault-reports/new", clinic.page, "/fault-reports") == [403] * 3
    clinic.post(clinic.nurse, clinic.opens)
    assert _statuses(clinic.nurse, "/fault-reports/new") == [200]
    closed = clinic.post(clinic.nurse, "/prescriber/fault-reports/end")
    assert (closed.status_code, closed.location) == (303, f"/prescriber/patients/{clinic.person.id}")
    assert _statuses(clinic.nurse, "/fault-reports/new") == [403]
    assert clinic.post(clinic.nurse, "/prescriber/fault-reports/end").status_code == 303
    assert len(clinic.entries("reporting.closed")) == 1
    clinic.post(clinic.nurse, clinic.opens)
    for _ in range(2):
        clock.advance(LONGEST_VISIT / 2 - timedelta(minutes=3))
        assert _statuses(clinic.nurse, "/fault-reports/new") == [200]
    clock.advance(timedelta(minutes=7))
    assert _statuses(clinic.nurse, "/fault-reports/new") == [403]


def test_another_units_patient_is_not_opened(clinic: Clinic) -> None:
    assert clinic.post(clinic.other_nurse, clinic.opens).status_code == 404
    assert _statuses(clinic.other_nurse, "/fault-reports/new") == [403]
    with clinic.database.unit_of_work() as session:
        elsewhere = add_person(session, region="norrbotten")
    for person_id in (elsewhere.id, 2**70, 0):
        assert clinic.post(clinic.nurse, f"/prescriber/patients/{person_id}/fault-reports").status_code == 404
    assert clinic.entries("reporting.opened") == []


def test_somebody_elses_patient_who_was_found_with_a_reason_is_opened_with_it(clinic: Clinic) -> None:
    number = clinic.person.number
    found = clinic.post(clinic.other_nurse, "/prescriber/find", number=number, reason="Remiss från diabetes")
    assert found.status_code == 303, found.text
    assert clinic.post(clinic.other_nurse, clinic.opens).status_code == 303
    (entry,) = clinic.entries("reporting.opened")
    assert entry.reason == "Reports a fault for the patient: Remiss från diabetes"


def test_with_protected_identity_no_name_and_no_number_is_shown_or_asked_for(clinic: Clinic) -> None:
    with clinic.database.unit_of_work() as session:
        hidden = add_person(session, protection=Protection.CONFIDENTIALITY_FLAG)
        picked_lot_id = add_delivered(session, hidden).id
    clinic.clinic.item(person=hidden)
    page = f"/fault-reports/new/{picked_lot_id}"
    clinic.post(clinic.nurse, f"/prescriber/patients/{hidden.id}/fault-reports")
    shown = clinic.nurse.get(page)
    check_page(shown)
    assert "You report for a patient with protected identity" in shown.text
    assert 'name="call_on"' not in shown.text
    assert clinic.post(clinic.nurse, page, **ANSWERS).status_code == 303
    with clinic.database.session() as session:
        report = session.scalars(select(Complaint)).one().report
        assert (report.reporter_name, report.call_on) == ("", "")


def test_a_visit_reaches_no_other_role(clinic: Clinic) -> None:
    """Whatever a session of another role should keep, it is nobody's visit."""
    with clinic.database.unit_of_work() as session:
        picker = add_staff(session, Role.DEPOT)
    client = sign_in(clinic.app.test_client(), picker)
    name = clinic.app.config["SESSION_COOKIE_NAME"]
    cookie = client.get_cookie(name)
    assert cookie is not None
    kept = ServerSession(clinic.database, cookie.value)
    kept[CARE_KEY] = [clinic.person.id, "x", "2026-12-01T09:00:00+00:00"]
    kept.save()
    assert _statuses(client, "/fault-reports/new") == [403]
