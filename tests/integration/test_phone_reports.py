"""A fault reported by phone: customer service asks the patient's questions and writes down what the caller says."""

from __future__ import annotations

from datetime import date

import pytest
from sqlalchemy import select

from auth.identity import Relation, Role
from auth.models import Guardianship, InboxMessage, Person, Protection
from core.db import Database
from delivery.complaints.models import Complaint, FaultReport
from tests.support.builders import add_person, add_staff
from tests.support.calls import Desk
from tests.support.deliveries import add_delivered
from tests.support.order_forms import count_rows
from tests.support.pages import check_page
from tests.support.web import sign_in, token_of


class PhoneDesk(Desk):
    """Customer service in a call about somebody who has been sent a sensor."""

    def __init__(self, database: Database, born: date | None = None) -> None:
        super().__init__(database)
        with database.unit_of_work() as session:
            self.person = add_person(session, name="Astrid Provsson", born=born)
            self.person.phone = "070-000 00 77"
            self.page = f"/fault-reports/new/{add_delivered(session, self.person).id}"
        self.take_call(self.person, "Sensorn lossnade")

    def form(self, **changes: str) -> dict[str, str]:
        """What a browser would send."""
        return {
            "csrf_token": token_of(self.client, self.page),
            "idempotency_key": "one-form",
            "kind": "CAME_LOOSE",
            "error_code": "",
            "applied_on": "2026-11-20",
            "failed_on": "2026-11-24",
            "has_danger_sign": "no",
            "was_harmed": "no",
            "is_kept": "yes",
            "packages": "1",
            "wants_replacement": "yes",
            "call_on": "0500-00 00 01",
            "description": "Den lossnade i duschen.",
            **changes,
        }


@pytest.fixture
def desk(database: Database) -> PhoneDesk:
    return PhoneDesk(database)


def test_the_questions_are_put_to_the_caller(desk: PhoneDesk) -> None:
    page = desk.client.get(desk.page)
    check_page(page)
    for words in (
        "Does the caller still have the product?",
        "Does the caller want a new one?",
        "Phone number to the caller",
        "Ask the caller to hang up and get help.",
        'value="070-000 00 77"',
    ):
        assert words in page.text, words
    for words in ("Do you", "Yes, send me"):
        assert words not in page.text, words
    theirs = sign_in(desk.app.test_client(), desk.person).get(desk.page).text
    assert "Do you still have the product?" in theirs
    assert "caller" not in theirs


def test_the_report_names_customer_service_and_the_patient_is_told(desk: PhoneDesk) -> None:
    form = desk.form()
    answer = desk.client.post(desk.page, data=form)
    assert answer.status_code == 303
    assert desk.client.post(desk.page, data=form).location == answer.location, "a double click makes one case"
    check_page(desk.client.get(answer.location))
    with desk.database.session() as session:
        report = session.scalars(select(FaultReport)).one()
        assert (report.reporter_staff_id, report.reporter_person_id, report.relation, report.reporter_name) == (
            desk.identity.staff_id,
            None,
            Relation.CALL,
            "Siv Kundtjänst",
        )
        assert (report.call_on, report.description) == ("0500-00 00 01", "Den lossnade i duschen.")
        case_no = session.scalars(select(Complaint.case_no)).one()
        consultant = add_staff(session, Role.CONSULTANT)
        session.commit()
    patient = sign_in(desk.app.test_client(), desk.person)
    assert "We have your fault report" in patient.get("/inbox").text
    for client in (patient, desk.client):
        page = client.get(f"/fault-reports/{case_no}")
        check_page(page)
        assert "Customer service wrote down your report" in page.text
    (entry,) = desk.entries("fault.reported")
    assert (entry.reason, entry.actor_label, entry.subject_person_id) == (
        "Sensorn lossnade",
        "Siv Kundtjänst",
        desk.person.id,
    )
    board = sign_in(desk.app.test_client(), consultant)
    for path in ("/complaints", f"/complaints/{case_no}"):
        page = board.get(path)
        check_page(page)
        assert "Customer service, by phone" in page.text


def test_a_wrong_answer_is_said_and_nothing_is_lost(desk: PhoneDesk) -> None:
    answer = desk.client.post(desk.page, data=desk.form(failed_on="2026-12-24", has_danger_sign="yes"))
    assert answer.status_code == 422
    check_page(answer)
    assert "That day has not come yet." in answer.text
    assert "Den lossnade i duschen." in answer.text
    assert "Does the caller want a new one?" in answer.text
    assert answer.text.index("Ask the caller to hang up") < answer.text.index(
        '<form method="post" class="form fault-form'
    )
    assert count_rows(desk.database, FaultReport) == 0


def test_with_protected_identity_no_name_and_no_number_is_kept(desk: PhoneDesk) -> None:
    with desk.database.unit_of_work() as session:
        person = session.get_one(Person, desk.person.id)
        for name in ("given_name", "family_name", "street", "postal_code", "city", "phone"):
            setattr(person, name, "")
        person.protection = Protection.CONFIDENTIALITY_FLAG
    page = desk.client.get(desk.page)
    check_page(page)
    assert 'name="call_on"' not in page.text
    assert desk.client.post(desk.page, data=desk.form()).status_code == 303
    with desk.database.session() as session:
        report = session.scalars(select(FaultReport)).one()
        assert (report.reporter_name, report.call_on) == ("", "")


def test_a_childs_report_is_confirmed_to_the_guardian(database: Database) -> None:
    desk = PhoneDesk(database, born=date(2017, 5, 5))
    with database.unit_of_work() as session:
        parent = add_person(session, name="Maria Provsson")
        session.add(Guardianship(guardian_id=parent.id, child_id=desk.person.id))
    assert desk.client.post(desk.page, data=desk.form()).status_code == 303
    with database.session() as session:
        assert list(session.scalars(select(InboxMessage.receiver_id))) == [parent.id]
