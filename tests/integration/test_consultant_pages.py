"""The consultant's pages: the board, the case, and what its buttons do."""

from __future__ import annotations

from dataclasses import replace

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from auth.identity import Role
from core.db import Database
from core.idempotency import new_key
from core.outbox import Message
from delivery.complaints.models import Complaint, ComplaintState
from delivery.complaints.routing import route_fault_report
from delivery.complaints.services import report_fault
from tests.integration.test_fault_reports import REPORT
from tests.support.builders import add_person, add_staff, patient_identity
from tests.support.deliveries import add_delivered
from tests.support.pages import check_page
from tests.support.web import make_app, sign_in, token_of

CASE = "/complaints/100016"


class Desk:
    """Two signed-in consultants and one case with a red flag."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.app = make_app(database)
        with database.unit_of_work() as session:
            eva = add_staff(session, Role.CONSULTANT, name="Eva Konsulent")
            per = add_staff(session, Role.CONSULTANT, name="Per Konsulent")
            self.patient = add_person(session, name="Astrid Provsson")
            self.picked_lot_id = add_delivered(session, self.patient).id
        self.report()
        self.eva = sign_in(self.app.test_client(), eva)
        self.per = sign_in(self.app.test_client(), per)

    def report(self, key: str = "first") -> None:
        """File a report about the product and route it."""
        command = replace(REPORT, picked_lot_id=self.picked_lot_id, was_harmed=True, idempotency_key=key)
        with self.database.unit_of_work() as session:
            complaint = report_fault(session, patient_identity(self.patient), command)
            route_fault_report(session, Message(1, "fault.reported", {"complaint_id": complaint.id}))

    def post(self, client: FlaskClient, act: str, **fields: str) -> TestResponse:
        """Press a button of the case page."""
        fields = {"csrf_token": token_of(client, CASE), "idempotency_key": new_key()} | fields
        return client.post(f"{CASE}/{act}", data=fields)

    def complaint(self) -> Complaint:
        """Return the first case as it is now."""
        with self.database.session() as session:
            return session.scalars(select(Complaint).where(Complaint.case_no == "100016")).one()


@pytest.fixture
def desk(database: Database) -> Desk:
    return Desk(database)


def test_the_board_and_the_case_say_what_a_decision_needs(desk: Desk) -> None:
    desk.report("second")
    board = desk.eva.get("/complaints")
    check_page(board)
    assert "Astrid Provsson" not in board.text
    assert "2 cases to decide" in board.text
    assert f'href="{CASE}"' in board.text
    page = desk.eva.get(CASE)
    check_page(page)
    for words in ("Red flag", "L24A88", "Astrid Provsson", "0500-00 00 01", "uses no withdrawal", "Den lossnade"):
        assert words in page.text, words


@pytest.mark.parametrize(
    "query",
    ["?show=red-flag", "?show=nonsense", "?find=%00", "?find=l24", "?page=-3", "?page=999999999999", "?find=999"],
)
def test_every_pile_and_search_is_a_page(desk: Desk, query: str) -> None:
    page = desk.eva.get(f"/complaints{query}")
    assert page.status_code == 200
    check_page(page)


def test_replacing_from_the_page(desk: Desk) -> None:
    answer = desk.post(desk.eva, "replace", packages="2")
    assert (answer.status_code, answer.location) == (303, CASE)
    assert desk.complaint().state is ComplaintState.REPLACEMENT_ORDERED
    page = desk.eva.get(CASE)
    check_page(page)
    assert "Order the replacement" not in page.text
    assert "Eva Konsulent" in page.text


def test_declining_from_the_page_needs_a_reason(desk: Desk) -> None:
    answer = desk.post(desk.eva, "decline", reason="  ")
    assert answer.status_code == 422
    check_page(answer)
    assert "Write why." in answer.text
    assert desk.complaint().state is ComplaintState.RECEIVED
    assert desk.post(desk.eva, "decline", reason="Den var <tappad>.").status_code == 303
    assert "Den var &lt;tappad&gt;." in desk.eva.get(CASE).text


@pytest.mark.parametrize("packages", ["", "0", "4", "två", "9" * 30])
def test_an_impossible_number_of_packages_is_said_and_kept(desk: Desk, packages: str) -> None:
    answer = desk.post(desk.eva, "replace", packages=packages)
    assert answer.status_code == 422
    check_page(answer)
    assert "data-error-summary" in answer.text
    assert f'value="{packages}"' in answer.text
    assert desk.complaint().state is ComplaintState.RECEIVED


def test_a_page_left_open_is_told_who_decided(desk: Desk) -> None:
    token = token_of(desk.per, CASE)
    desk.post(desk.eva, "decline", reason="Nej.")
    late = desk.per.post(f"{CASE}/replace", data={"csrf_token": token, "packages": "1", "idempotency_key": new_key()})
    assert late.status_code == 303
    assert "Eva Konsulent declined the complaint" in desk.per.get(CASE).text
    taken = desk.per.post(f"{CASE}/take", data={"csrf_token": token})
    assert taken.status_code == 303
    assert desk.complaint().state is ComplaintState.DECLINED


def test_taking_a_case_from_the_page(desk: Desk) -> None:
    assert "Nobody yet" in desk.eva.get(CASE).text
    desk.post(desk.eva, "take")
    page = desk.per.get(CASE).text
    assert "Eva Konsulent" in page
    assert "Nobody yet" not in page


def test_an_unknown_case_is_not_found(desk: Desk) -> None:
    assert desk.eva.get("/complaints/100017").status_code == 404
    assert desk.eva.get("/complaints/%00").status_code == 404
    answer = desk.eva.post(
        "/complaints/100017/replace",
        data={"csrf_token": token_of(desk.eva, CASE), "packages": "1", "idempotency_key": new_key()},
    )
    assert answer.status_code == 404
