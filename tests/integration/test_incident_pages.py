"""The pages of serious incidents: the checklist, the documents, the list and the year."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import asdict
from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select
from werkzeug.test import TestResponse

from auth.identity import Role
from core.clock import ManualClock
from core.db import Database
from core.idempotency import new_key
from delivery.complaints.incident_models import CaseDocument, Incident, Severity
from delivery.complaints.incident_rules import Question
from delivery.complaints.models import Complaint
from orders.models import Article, Supplier
from tests.guards.test_pages import MOST_STATEMENTS
from tests.support.builders import add_staff
from tests.support.incidents import TEXTS, UNEXPECTED, Desk, words
from tests.support.pages import check_page
from tests.support.statements import counted
from tests.support.web import make_app, sign_in, token_of

ANSWERS = {question.value: answer.value for question, answer in UNEXPECTED.items()}
WRITTEN = asdict(TEXTS)


class Pages(Desk):
    """The desk with a browser."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        with database.unit_of_work() as session:
            self.commission = add_staff(session, Role.CONSULTANT, name="Mona Konsulent")
        self.app = make_app(database)
        self.mona: FlaskClient = sign_in(self.app.test_client(), self.commission)
        self.url = f"/complaints/{self.case_no}/incident"

    def get(self, path: str = "") -> TestResponse:
        """Open a page of the incident and check it."""
        answer = self.mona.get(f"{self.url}{path}")
        assert answer.status_code == 200, answer.status
        check_page(answer)
        return answer

    def post(self, path: str, **fields: str) -> TestResponse:
        """Send a form."""
        token = token_of(self.mona, "/complaints")
        return self.mona.post(f"{self.url}{path}", data={"csrf_token": token, "idempotency_key": new_key(), **fields})

    def documents(self) -> list[CaseDocument]:
        """Return the versions there are."""
        with self.database.session() as session:
            return list(session.scalars(select(CaseDocument).order_by(CaseDocument.id)))


@pytest.fixture
def pages(database: Database) -> Pages:
    return Pages(database)


def test_from_red_flag_to_answer(pages: Pages, clock: ManualClock) -> None:
    listed = pages.mona.get("/incidents")
    check_page(listed)
    assert pages.url in listed.text
    assert "Astrid" not in listed.text
    assert "has waited" in listed.text or "came just now" in listed.text
    assert "Is it a serious incident?" in pages.get().text

    answer = pages.post("", **ANSWERS)
    assert (answer.status_code, answer.location) == (303, pages.url)
    page = pages.get().text
    for said in ("Death or unexpected serious harm", "10 days", "at once, rings", "1 day left", "Write the report"):
        assert said in page, said

    assert "filled in from the case" in pages.get("/report").text
    for path in ("/report", "/letter"):
        answer = pages.post(path, **WRITTEN)
        assert answer.status_code == 303
        shown = pages.mona.get(answer.location)
        check_page(shown)
        assert "Note that it was sent" in shown.text
    report, letter = pages.documents()
    downloaded = pages.mona.get(f"{pages.url}/documents/{report.id}/file")
    assert downloaded.mimetype == "application/pdf"
    assert downloaded.headers["Cache-Control"] == "no-store"
    assert "sjukhus i två dygn" in words(downloaded.data)

    clock.advance(timedelta(hours=2))
    sign_in(pages.mona, pages.commission)
    for document in (report, letter):
        sent = pages.post(f"/documents/{document.id}", sent_to="till@example.se", sent_at="2026-12-01T11:30")
        assert (sent.status_code, sent.location) == (303, pages.url)
    page = pages.get().text
    assert "Wait for the manufacturer" in page
    assert "10 days left" in page
    assert "till@example.se" in page
    assert "10 days left" in pages.mona.get("/incidents").text

    assert pages.post("/reference", reference="5.1-2026-7").status_code == 303
    assert pages.post("/answer", text="Rapporterat.", answered_at="").status_code == 303
    page = pages.get().text
    assert "5.1-2026-7" in page
    assert "The manufacturer answered" in page
    done = pages.mona.get("/incidents")
    check_page(done)
    assert "nothing left to do" in done.text
    assert "No clock runs" in done.text


def test_a_missed_deadline_says_how_late(pages: Pages, clock: ManualClock) -> None:
    pages.post("", **ANSWERS)
    clock.advance(timedelta(hours=27))
    sign_in(pages.mona, pages.commission)
    assert "3 hours late" in pages.get().text
    clock.advance(timedelta(days=2))
    sign_in(pages.mona, pages.commission)
    listed = pages.mona.get("/incidents")
    check_page(listed)
    assert "2 days late" in listed.text


def test_answers_that_lack_are_asked_for_and_the_rest_is_kept(pages: Pages) -> None:
    answer = pages.post(
        "", death="NO", serious_deterioration="YES", care_was_needed="\x00", threat_to_public_health="X"
    )
    assert answer.status_code == 422
    check_page(answer)
    assert answer.text.count("Choose an answer") == 2 * len(
        {Question.CAUSE, Question.CARE, Question.UNANTICIPATED, Question.PUBLIC_HEALTH}
    )
    assert re.search(r'<input[^>]*checked[^>]*value="YES"|value="YES"[^>]*checked', answer.text)
    with pages.database.session() as session:
        assert session.scalar(select(Incident)) is None


def test_a_text_that_names_the_patient_comes_back_with_the_word(pages: Pages) -> None:
    pages.post("", **ANSWERS)
    answer = pages.post("/report", **(WRITTEN | {"harm": "Astrid <b>föll</b>."}))
    assert answer.status_code == 422
    check_page(answer)
    assert "This says who somebody is: ”Astrid”" in answer.text
    assert "Astrid &lt;b&gt;föll&lt;/b&gt;." in answer.text
    assert not pages.documents()


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("what_happened", ""),
        ("harm", " \x00 "),
        ("measures", "ä" * 2001),
        ("receiver", ""),
        ("contact_name", ""),
        ("contact_email", "eva"),
        ("contact_email", ""),
    ],
)
def test_what_a_document_lacks_is_said(pages: Pages, field: str, value: str) -> None:
    pages.post("", **ANSWERS)
    answer = pages.post("/letter", **(WRITTEN | {"contact_phone": "", field: value}))
    assert answer.status_code == 422
    check_page(answer)
    assert "data-error-summary" in answer.text
    assert not pages.documents()


@pytest.mark.parametrize(
    "sent_at", ["2026-12-01T09:00", "2027-01-01T00:00", "i går", "0001-01-01T00:00", "2026-13-01T1"]
)
def test_an_impossible_time_of_sending_is_said_and_kept(pages: Pages, sent_at: str) -> None:
    pages.post("", **ANSWERS)
    pages.post("/letter", **WRITTEN)
    letter = pages.documents()[0]
    answer = pages.post(f"/documents/{letter.id}", sent_to="till@example.se", sent_at=sent_at)
    assert answer.status_code == 422, sent_at
    check_page(answer)
    assert f'value="{sent_at}"' in answer.text
    assert pages.documents()[0].sent_at is None


def test_what_is_not_assessed_has_nothing_to_write(pages: Pages) -> None:
    assert pages.mona.get(f"{pages.url}/report").status_code == 404
    assert pages.post("/report", **WRITTEN).location == pages.url
    assert pages.mona.get(f"{pages.url}/documents/1").status_code == 404
    assert pages.mona.get(f"{pages.url}/documents/{'9' * 30}/file").status_code == 404
    assert pages.mona.get("/complaints/%00/incident").status_code == 404


def test_the_year_is_a_page_a_pdf_and_a_table_that_is_no_formula(pages: Pages) -> None:
    with pages.database.unit_of_work() as session:
        article = session.scalars(select(Article).join(Complaint, Complaint.article_id == Article.id)).one()
        article.plain_name = "=1+1 Sensor"
        supplier = Supplier(region="vgr", supplier_no="S9", name="@Fjord AB", complaints_email="k@example.se")
        session.add(supplier)
        session.flush()
        article.supplier_id = supplier.id
    pages.report(is_red=True)
    pages.report()
    pages.post("", **ANSWERS)
    pages.post("/report", **WRITTEN)
    pages.post(f"/documents/{pages.documents()[0].id}", sent_to="x@example.se", reference="5.1-2026-7")
    page = pages.mona.get("/incidents/years/2026")
    check_page(page)
    for said in ("@Fjord AB", "1 red flag of the year is not assessed", "5.1-2026-7"):
        assert said in page.text, said
    table = pages.mona.get("/incidents/years/2026/table")
    rows = list(csv.reader(io.StringIO(table.data.decode("utf-8-sig")), delimiter=";"))
    assert rows[1][:4] == ["'@Fjord AB", article.article_no, "'=1+1 Sensor", "3"]
    assert rows[1][4:] == ["0", "1", "0", "0", "1", "0"]
    said = words(pages.mona.get("/incidents/years/2026/file").data)
    for fact in ("2026", "@Fjord AB", article.article_no, "5.1-2026-7", "L24A88"):
        assert fact in said, fact
    for secret in ("Astrid", "Provsson", "Kim"):
        assert secret not in said + page.text + table.text
    check_page(pages.mona.get("/incidents/years/2025"))
    for year in ("2019", "2027", "9" * 40):
        assert pages.mona.get(f"/incidents/years/{year}").status_code == 404


def test_the_year_is_the_swedish_one(pages: Pages) -> None:
    with pages.database.unit_of_work() as session:
        complaint = session.scalars(select(Complaint)).one()
        # Half past midnight on New Year's Day in Sweden.
        complaint.received_at = complaint.received_at.replace(year=2025, month=12, day=31, hour=23, minute=30)
    pages.post("", **ANSWERS)
    assert "No assessed" not in pages.mona.get("/incidents/years/2026").text
    assert pages.case_no[:3] in pages.mona.get("/incidents/years/2026").text
    assert "Nothing was assessed" in pages.mona.get("/incidents/years/2025").text


def test_the_same_form_sent_twice_is_one_version(pages: Pages) -> None:
    pages.post("", **ANSWERS)
    for _ in range(2):
        assert pages.post("/report", **WRITTEN, idempotency_key="again").status_code == 303
    assert len(pages.documents()) == 1
    with pages.database.session() as session:
        assert session.scalars(select(func.count()).select_from(Incident)).one() == 1
        assert session.scalars(select(Incident.severity)).one() is Severity.DEATH_OR_UNANTICIPATED


def test_no_page_asks_often(pages: Pages) -> None:
    pages.post("", **ANSWERS)
    pages.post("/report", **WRITTEN)
    document = pages.documents()[0]
    paths = ["", "/report", "/letter", f"/documents/{document.id}", f"/documents/{document.id}/file"]
    for path in [*(f"{pages.url}{path}" for path in paths), "/incidents", "/incidents/years/2026"]:
        with counted(pages.database) as statements:
            assert pages.mona.get(path).status_code == 200
        assert len(statements) <= MOST_STATEMENTS, (path, len(statements))
