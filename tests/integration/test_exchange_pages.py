"""The consultant's pages of exchange files: look first, read once, send the rest back, see the chain."""

from __future__ import annotations

import csv
import io

import pytest
from flask.testing import FlaskClient
from openpyxl import load_workbook
from werkzeug.test import TestResponse

from core.db import Database
from delivery.complaints.models import ComplaintState
from tests.support.exchanges import Exchanging, exchange_csv
from tests.support.pages import check_page
from tests.support.web import make_app, sign_in, token_of
from tests.support.web_files import post_files


@pytest.fixture
def work(database: Database) -> Exchanging:
    return Exchanging(database)


@pytest.fixture
def client(work: Exchanging) -> FlaskClient:
    return sign_in(make_app(work.database).test_client(), work.commission)


def _upload(
    client: FlaskClient, work: Exchanging, raw: bytes, name: str = "november.csv", **changes: str
) -> TestResponse:
    form: dict[str, object] = {
        "csrf_token": token_of(client, "/exchanges"),
        "supplier": str(work.supplier.id),
        "file": (io.BytesIO(raw), name),
        **changes,
    }
    return post_files(client, "/exchanges", form)


def _press(client: FlaskClient, page: str, action: str) -> TestResponse:
    return client.post(action, data={"csrf_token": token_of(client, page)})


def test_look_read_send_back_and_find_the_chain(work: Exchanging, client: FlaskClient) -> None:
    work.sent("P1"), work.sent("P2")
    case_no = work.case("P1")
    empty = client.get("/exchanges")
    check_page(empty)
    assert "No file has been read yet" in empty.text

    raw = exchange_csv("P1;N1;2026-11-10;Sprucken lucka", "P2;N2;2026-11-10;", "=1+1;N3;2026-11-10;<b>HTML</b>")
    uploaded = _upload(client, work, raw)
    assert uploaded.status_code == 303
    shown = client.get(uploaded.location)
    check_page(shown)
    assert "Nothing has been changed yet" in shown.text
    assert "There is no reason for the exchange" in shown.text
    assert "&lt;b&gt;HTML&lt;/b&gt;" in shown.text
    assert work.unit("P1").status.value == "SHIPPED"

    read = _press(client, uploaded.location, f"{uploaded.location}/read")
    page = client.get(read.location)
    check_page(page)
    assert "P1 → N1" in page.text
    assert f"/complaints/{case_no}" in page.text
    assert work.unit("N1").status.value == "SHIPPED"
    check_page(client.get(f"/complaints/{case_no}"))

    table = client.get(f"{read.location}/refused.csv")
    rows = list(csv.reader(io.StringIO(table.data.decode("utf-8-sig")), delimiter=";"))
    assert [row[:5] for row in rows] == [
        ["Row", "Old serial number", "New serial number", "Date", "Reason"],
        ["3", "P2", "N2", "2026-11-10", ""],
        ["4", "'=1+1", "N3", "2026-11-10", "<b>HTML</b>"],
    ]
    book = load_workbook(io.BytesIO(client.get(f"{read.location}/refused.xlsx").data))
    cells = [[(cell.value, cell.data_type) for cell in row] for row in book.worksheets[0].iter_rows(min_row=2)]
    assert [row[1] for row in cells] == [("P2", "s"), ("=1+1", "s")]

    returned = _press(client, read.location, f"{read.location}/returned")
    after = client.get(returned.location)
    assert "Noted that 2 rows have gone back" in after.text
    assert "I have sent the list" not in after.text
    listed = client.get("/exchanges?serial=n1")
    check_page(listed)
    assert "november.csv" in listed.text
    assert "Sprucken lucka" in listed.text
    assert "No product with that serial number" in client.get("/exchanges?serial=Q%00").text


def test_the_list_can_be_corrected_and_sent_as_it_is(work: Exchanging, client: FlaskClient) -> None:
    work.sent("P1"), work.sent("P2")
    uploaded = _upload(client, work, exchange_csv("P1;N1;2026-11-10;", "P2;N2;10/11/2026;Batteriet"))
    read = _press(client, uploaded.location, f"{uploaded.location}/read")
    book = load_workbook(io.BytesIO(client.get(f"{read.location}/refused.xlsx").data))
    page = book.worksheets[0]
    page["E2"], page["D3"] = "Sprucken", "2026-11-10"
    corrected = io.BytesIO()
    book.save(corrected)
    again = _upload(client, work, corrected.getvalue(), "december.xlsx")
    last = _press(client, again.location, f"{again.location}/read")
    assert "P1 → N1" in client.get(last.location).text
    assert work.unit("N2").replaces_id == work.unit("P2").id
    assert "Came right in a later file" in client.get(read.location).text


def test_what_cannot_be_read_says_why_beside_the_file(work: Exchanging, client: FlaskClient) -> None:
    for raw, said in (
        (b"", "The file is empty"),
        (b"Old serial;New serial\nA;B", "These were not found: Date, Reason"),
        (b"\xd0\xcf\x11\xe0", "save it as an Excel workbook"),
        (b"PK\x03\x04", "The file is broken"),
        (b"x" * 3_200_000, "larger than 3 MB"),
    ):
        answer = _upload(client, work, raw)
        assert answer.status_code == 422
        assert said in answer.text
        check_page(answer)
    answer = client.post("/exchanges", data={"csrf_token": token_of(client, "/exchanges"), "supplier": "x"})
    assert answer.status_code == 422
    assert "Choose the file that the supplier sent" in answer.text
    assert _upload(client, work, b"x" * 5_000_000).status_code == 413


def test_the_same_file_again_leads_to_the_one_that_was_read(work: Exchanging, client: FlaskClient) -> None:
    work.sent("P1")
    raw = exchange_csv("P1;N1;2026-11-10;Sprucken")
    file_id = work.read(raw)
    again = _upload(client, work, raw, "../../x\x00<script>.csv")
    assert again.location == f"/exchanges/{file_id}"
    assert "This very file has been read before" in client.get(again.location).text


def test_a_file_that_was_only_looked_at_can_be_left(work: Exchanging, client: FlaskClient) -> None:
    work.sent("P1")
    uploaded = _upload(client, work, exchange_csv("P1;N1;2026-11-10;Sprucken"), "C:\\a\\<img src=x>.csv")
    assert "&lt;img src=x&gt;.csv" in client.get(uploaded.location).text
    left = _press(client, uploaded.location, f"{uploaded.location}/discard")
    assert "Nothing was changed" in client.get(left.location).text
    assert client.get(uploaded.location).status_code == 404


def test_the_case_tells_of_the_exchange(work: Exchanging, client: FlaskClient) -> None:
    work.sent("P1")
    case_no = work.case("P1", ComplaintState.TRIAGED)
    work.read(exchange_csv("P1;N1;2026-11-10;Sprucken"))
    page = client.get(f"/complaints/{case_no}").text
    assert "P1 → N1" in page
    assert "The supplier exchanged the product" in page
