"""The consultant's pages of lots that stand out: the sentence, the chart with its table, the badge, and what the buttons do."""

from __future__ import annotations

import re

import pytest
from flask.testing import FlaskClient

from auth.identity import Role
from auth.models import Commission, Person
from core.clock import ManualClock
from core.db import Database
from tests.support.builders import NOON, add_person, add_staff
from tests.support.counting import Counting
from tests.support.pages import check_page
from tests.support.statements import counted
from tests.support.web import make_app, sign_in, token_of


class Desk:
    """A consultant at work, with lots in the region."""

    def __init__(self, database: Database) -> None:
        database.clock = ManualClock(NOON)
        self.counting = Counting(database)
        self.counting.usual_lots()
        self.app = make_app(database)
        self.client = sign_in(self.app.test_client(), self.counting.commission)

    def flag(self, lot_no: str = "4711", reports: int = 10) -> str:
        """Let a lot stand out; returns its page's address."""
        picked = self.counting.send(lot_no, days_ago=40)
        self.counting.report(picked[:reports], is_red=True)
        self.counting.look()
        return f"/signals/lots/{self.counting.lot_id(lot_no)}"


@pytest.fixture
def desk(database: Database) -> Desk:
    return Desk(database)


def _badge(client: FlaskClient) -> str:
    found = re.search(r'<a href="/signals"[^>]*>.*?</a>', client.get("/complaints").text)
    assert found is not None
    return re.sub("<[^>]*>", " ", found[0]).split()[-1]


def test_an_empty_page_says_why_and_what_will_fill_it(desk: Desk) -> None:
    page = desk.client.get("/signals")
    check_page(page)
    assert "No lot stands out" in page.text
    assert "the morning after" in page.text
    assert _badge(desk.client) == "Signals"


def test_a_flagged_lot_is_said_in_a_sentence_with_a_chart_and_its_table(desk: Desk) -> None:
    path = desk.flag()
    page = desk.client.get("/signals")
    check_page(page)
    assert "1 lot stands out" in page.text
    assert "Lot 4711 of Provsensor: 10 reports on 420 delivered. We would have expected" in page.text
    assert "ordinary lot" in page.text
    assert page.text.count('<svg class="chart-picture"') == 1
    assert page.text.count("<polyline") == 2
    assert f'href="{path}"' in page.text
    assert _badge(desk.client) == "1"
    # The table says what the picture shows: the last row has all of the reports.
    rows = re.findall(r"<tr>(.*?)</tr>", page.text, re.DOTALL)
    assert ">10<" in rows[-1]


def test_a_lots_page_has_its_cases_and_what_can_be_done(desk: Desk) -> None:
    path = desk.flag()
    page = desk.client.get(path)
    check_page(page)
    for words in ("Patients who have had it", ">14<", "Red flag", "Cases of the lot", "Begin a recall of lot 4711"):
        assert words in page.text, words
    assert 'href="/recalls/new?lot=4711' in page.text
    assert "Test Testsson" not in page.text


def test_a_lot_that_does_not_stand_out_has_a_page_without_decisions(desk: Desk) -> None:
    page = desk.client.get(f"/signals/lots/{desk.counting.lot_id('U0')}")
    check_page(page)
    assert "does not stand out" in page.text
    assert "Put it aside" not in page.text


def test_putting_a_lot_aside_asks_why_and_keeps_what_was_typed(desk: Desk) -> None:
    path = desk.flag()
    form = {"csrf_token": token_of(desk.client, path)}
    refused = desk.client.post(f"{path}/dismiss", data={**form, "note": " "})
    assert refused.status_code == 422
    check_page(refused)
    assert "Write why" in refused.text
    too_long = desk.client.post(f"{path}/dismiss", data={**form, "note": "ö" * 401})
    assert too_long.status_code == 422
    assert "ö" * 401 in too_long.text
    done = desk.client.post(f"{path}/dismiss", data={**form, "note": "Kursen satte dem <b>fel</b>."})
    assert (done.status_code, done.location) == (303, "/signals")
    assert "Put aside" in desk.client.get("/signals").text
    assert "Kursen satte dem &lt;b&gt;fel&lt;/b&gt;." in desk.client.get(path).text
    assert _badge(desk.client) == "Signals"
    again = desk.client.post(f"{path}/dismiss", data={**form, "note": "En gång till"}, follow_redirects=True)
    assert "A colleague has put the lot aside already" in again.text


@pytest.mark.parametrize("path", ["/signals", "/signals/lots/1", "/statistics", "/statistics/csv", "/statistics/xlsx"])
def test_nobody_else_may_look(desk: Desk, path: str) -> None:
    with desk.counting.database.unit_of_work() as session:
        others = [add_staff(session, role) for role in (Role.DEPOT, Role.PRESCRIBER, Role.AUDITOR)]
        patient = add_person(session)
    visitors: list[Commission | Person] = [*others, patient]
    for who in visitors:
        assert sign_in(desk.app.test_client(), who).get(path).status_code == 403


def test_the_pages_take_as_many_statements_however_many_lots(desk: Desk) -> None:
    desk.flag()
    # The first page of a session writes that it is in use.
    desk.client.get("/signals")
    with counted(desk.counting.database) as few:
        desk.client.get("/signals")
    desk.flag("4712")
    with counted(desk.counting.database) as many:
        assert "2 lots stand out" in desk.client.get("/signals").text
    assert len(few) == len(many)
