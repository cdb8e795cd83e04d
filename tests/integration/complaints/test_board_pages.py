"""The board and the case in the browser's eyes: what is remembered, several cases at once, and every button of the case."""

from __future__ import annotations

import re

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from auth.identity import Role
from core.clock import now
from core.db import Database
from core.idempotency import new_key
from delivery.complaints.draft_models import Photo
from delivery.complaints.models import Complaint, ComplaintState
from delivery.complaints.triage import Triage, triage
from tests.support.builders import add_staff
from tests.support.complaints import Office
from tests.support.pages import check_page
from tests.support.statements import counted
from tests.support.web import make_app, sign_in, token_of


class Desk:
    """Two consultants at their screens, and the office whose cases they decide."""

    def __init__(self, database: Database) -> None:
        self.office = Office(database)
        self.database = database
        app = make_app(database)
        with database.unit_of_work() as session:
            eva = add_staff(session, Role.CONSULTANT, name="Evelina Board")
            per = add_staff(session, Role.CONSULTANT, name="Pelle Board")
            self.eva_id, self.per_id = eva.staff_id, per.staff_id
        self.eva = sign_in(app.test_client(), eva)
        self.per = sign_in(app.test_client(), per)

    def post(self, client: FlaskClient, path: str, **fields: object) -> TestResponse:
        """Press a button."""
        token = token_of(client, "/complaints?show=open")
        return client.post(path, data={"csrf_token": token, "idempotency_key": new_key(), **fields})

    def act(self, case_no: str, act: str, **fields: object) -> TestResponse:
        """Press a button of the case's page as Evelina."""
        return self.post(self.eva, f"/complaints/{case_no}/{act}", **fields)


@pytest.fixture
def desk(database: Database) -> Desk:
    return Desk(database)


def test_what_was_looked_at_last_comes_back(desk: Desk) -> None:
    desk.office.report(is_red=True)
    page = desk.eva.get("/complaints?show=red-flag&kind=SENSOR")
    check_page(page)
    back = desk.eva.get("/complaints")
    assert (back.status_code, back.location) == (303, "/complaints?kind=SENSOR&show=red-flag")
    # A case's page has the same board beside it; and the first pile is one press away.
    assert 'value="red-flag"' in desk.eva.get("/complaints/100016").text
    assert desk.eva.get("/complaints?show=open").status_code == 200
    assert desk.eva.get("/complaints").status_code == 200
    assert desk.per.get("/complaints").status_code == 200


@pytest.mark.parametrize(
    "query",
    [
        "?area=STOMA",
        "?area=NOWHERE",
        "?supplier=9999999999999999",
        "?supplier=x",
        "?look=RED_FLAG",
        "?show=closed&find=L24",
    ],
)
def test_every_way_to_narrow_is_a_page(desk: Desk, query: str) -> None:
    desk.office.report()
    page = desk.eva.get(f"/complaints{query}")
    assert page.status_code == 200
    check_page(page)


def test_the_menu_counts_the_red_flags_that_nobody_has_seen(desk: Desk) -> None:
    case_no = desk.office.report(is_red=True)
    assert re.search(r"Complaints</span><span[^>]*>1<", desk.eva.get("/complaints?show=open").text)
    desk.act(case_no, "triage", note="Ringde.")
    assert not re.search(r"Complaints</span><span", desk.eva.get("/complaints?show=open").text)


def test_several_at_once_each_with_its_own_outcome(desk: Desk) -> None:
    first, second, third = (desk.office.report() for _ in range(3))
    desk.office.decline(desk.office.per, second)
    answer = desk.post(desk.eva, "/complaints/bulk", case=[first, second, third, "999", "x"], do="take")
    assert answer.status_code == 303
    page = desk.eva.get("/complaints?show=mine")
    check_page(page)
    assert "Done with 2 cases." in page.text
    assert "Per Konsulent declined the complaint" in page.text
    assert "is not there" in page.text
    with desk.database.session() as session:
        owners = dict(session.execute(select(Complaint.case_no, Complaint.owner_id)).all())
    assert owners[first] == owners[third] == desk.eva_id


def test_several_are_given_looked_at_and_closed(desk: Desk) -> None:
    numbers = [desk.office.report() for _ in range(2)]
    per = desk.per_id
    for fields in (
        {"do": "assign", "colleague": str(per)},
        {"do": "triage", "words": "Samma fel."},
        {"do": "close", "words": "Bara tips."},
    ):
        desk.post(desk.eva, "/complaints/bulk", case=numbers, **fields)
        assert "Done with 2 cases." in desk.eva.get("/complaints?show=open").text, fields
    for number in numbers:
        assert desk.office.case(number).state is ComplaintState.CLOSED


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"do": "close", "words": ""}, "Write something here."),
        ({"do": "close", "words": "Klart."}, "cannot be closed yet"),
        ({"do": "assign", "colleague": "x"}, "Choose one of the consultants."),
        ({"do": "explode"}, "Choose cases first"),
    ],
)
def test_what_cannot_be_done_with_several_is_said(desk: Desk, fields: dict[str, str], words: str) -> None:
    number = desk.office.report()
    desk.post(desk.eva, "/complaints/bulk", case=[number], **fields)
    assert words in desk.eva.get("/complaints?show=open").text
    assert desk.office.case(number).state is ComplaintState.RECEIVED


def test_a_whole_case_on_its_page(desk: Desk) -> None:
    number = desk.office.report()
    steps: list[tuple[str, dict[str, object], str]] = [
        ("take", {}, "The case is yours."),
        ("note", {"text": "Ringde <hem>."}, "Ringde &lt;hem&gt;."),
        ("ask", {"question": "När slutade den?"}, "The clock stands still"),
        ("answer", {"answer": "I tisdags."}, "the clock goes on"),
        ("triage", {"has_lot_pattern": "y", "note": "Tredje."}, "A pattern in the lot. Tredje."),
        ("assign", {"colleague": str(desk.per_id)}, "Pelle Board"),
        ("decline", {"reason": "Den var tappad."}, "Declined, with this reason"),
        ("reopen", {"reopen_reason": "Fel."}, "The case is open again."),
        ("replace", {"packages": "1"}, "The depot has the replacement."),
        ("close", {"close_reason": "Klart."}, "The case is closed."),
    ]
    for act, fields, words in steps:
        answer = desk.act(number, act, **fields)
        assert (answer.status_code, answer.location) == (303, f"/complaints/{number}"), act
        page = desk.eva.get(f"/complaints/{number}")
        check_page(page)
        assert words in page.text, act
    assert desk.office.case(number).state is ComplaintState.CLOSED


@pytest.mark.parametrize(
    ("act", "fields", "words"),
    [
        ("ask", {"question": " "}, "Write what you want to know."),
        ("note", {"text": ""}, "Write the note."),
        ("note", {"text": "x" * 1001}, "at most 1,000 characters"),
        ("assign", {"colleague": "99999"}, "Choose one of the consultants."),
        ("same", {"same_as": "12"}, "Only a case of the same patient and article"),
        ("same", {"same_as": ""}, "Write the number of the other case."),
    ],
)
def test_what_is_wrong_is_said_beside_it_and_kept(desk: Desk, act: str, fields: dict[str, str], words: str) -> None:
    number = desk.office.report()
    answer = desk.act(number, act, **fields)
    assert answer.status_code == 422
    check_page(answer)
    assert words in answer.text
    # What was typed stands in the field, and the form is open.
    assert all(value in answer.text for name, value in fields.items() if name != "colleague")
    assert re.search(r'<details class="fold quiet act" open', answer.text)


def test_a_possible_duplicate_is_offered_and_never_merged_by_itself(desk: Desk) -> None:
    first, second = desk.office.report(wants=True), desk.office.report(wants=True)
    page = desk.eva.get(f"/complaints/{second}")
    check_page(page)
    assert f"Same as case {first[:3]}\N{NO-BREAK SPACE}{first[3:]}" in page.text
    assert desk.act(second, "not-the-same").status_code == 303
    assert "Same as case" not in desk.eva.get(f"/complaints/{second}").text
    third = desk.office.report(wants=True)
    desk.act(third, "same", same_as=first)
    page = desk.eva.get(f"/complaints/{third}")
    check_page(page)
    assert "The same as another case" in page.text
    assert desk.office.case(third).state is ComplaintState.CLOSED


def test_photos_are_the_cases_own(desk: Desk) -> None:
    first, second = desk.office.report(), desk.office.report()
    with desk.database.unit_of_work() as session:
        photo = Photo(
            complaint_id=desk.office.case(first).id,
            content=b"\xff\xd8\xff\xe0jpeg",
            sha256="0" * 64,
            width=20,
            height=10,
            added_at=now(session),
        )
        session.add(photo)
        session.flush()
        photo_id = photo.id
    page = desk.eva.get(f"/complaints/{first}")
    check_page(page)
    assert f"/complaints/{first}/photos/{photo_id}" in page.text
    shown = desk.eva.get(f"/complaints/{first}/photos/{photo_id}")
    assert (shown.status_code, shown.mimetype) == (200, "image/jpeg")
    assert "no-store" in shown.headers.get("Cache-Control", "") or "private" in shown.headers.get("Cache-Control", "")
    assert desk.eva.get(f"/complaints/{second}/photos/{photo_id}").status_code == 404
    assert desk.eva.get(f"/complaints/{first}/photos/{photo_id + 1}").status_code == 404


def test_the_case_page_asks_as_much_for_many_as_for_one(desk: Desk) -> None:
    counts = []
    number = desk.office.report(is_red=True)
    for _ in range(2):
        with counted(desk.database) as statements:
            assert desk.eva.get(f"/complaints/{number}").status_code == 200
        counts.append(len([text for text in statements if text.lstrip().startswith("SELECT")]))
        for _more in range(3):
            desk.office.report()
        with desk.database.unit_of_work() as session:
            for words in ("a", "b"):
                triage(session, desk.office.eva, Triage(number, note=words))
    assert counts[1] <= counts[0] + 1
    assert counts[1] <= 24


def test_the_depots_own_replacement_is_said_to_be_nobodys(desk: Desk) -> None:
    number = desk.office.report(wants=True)
    token = token_of(desk.eva, f"/complaints/{number}")
    late = desk.eva.post(
        f"/complaints/{number}/decline", data={"csrf_token": token, "reason": "Nej.", "idempotency_key": new_key()}
    )
    assert late.status_code == 303
    assert "The depot replaced it at once" in desk.eva.get(f"/complaints/{number}").text
