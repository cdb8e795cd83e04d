"""The pages of credit notes: what is wrong is said where it is, to the öre; amounts are read as people write them."""

from __future__ import annotations

from decimal import Decimal

import pytest
from sqlalchemy import func, select

from core.db import Database
from delivery.complaints.claim_models import CreditNote
from delivery.complaints.models import ComplaintState
from portal.consultant.claims.forms import read_amount
from tests.support.claim_pages import Desk
from tests.support.web import make_app


@pytest.fixture
def desk(database: Database) -> Desk:
    return Desk(database, make_app(database, mail_url="smtp://localhost:1"))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"amount": "många"}, "Write the amount with digits"),
        ({"amount": "-5"}, "Write the amount with digits"),
        ({"amount": "450,001"}, "Write the amount with digits"),
        ({"amount": ""}, "more than nothing"),
        ({"amount": "449,99"}, "0.01 more than the note pays"),
        ({"credit_no": " "}, "Write the number"),
        ({"dated_on": "2026-12-24"}, "lies before the claim was opened"),
        ({"dated_on": "i går"}, "year-month-day"),
    ],
)
def test_a_wrong_credit_note_says_what_is_wrong_and_keeps_the_rest(
    desk: Desk, changes: dict[str, str], said: str
) -> None:
    case_no = desk.case()
    claim_no = desk.accepted(case_no)
    answer = desk.credit_form(claim_no, {case_no: "450,00"}, **changes)
    assert answer.status_code == 422
    assert said in answer.text
    assert 'value="450,00"' in answer.text
    with desk.database.session() as session:
        assert session.scalars(select(func.count()).select_from(CreditNote)).one() == 0


def test_a_share_above_what_is_left_is_said_at_its_case(desk: Desk) -> None:
    first, second = desk.case(), desk.case()
    claim_no = desk.accepted(first, second)
    answer = desk.credit_form(claim_no, {first: "450,01", second: "x"}, amount="450,01")
    assert answer.status_code == 422
    assert "share-" in answer.text
    answer = desk.credit_form(claim_no, {first: "450,01"}, amount="450,01")
    assert "At most" in answer.text


def test_a_note_of_the_whole_sum_shares_itself_out(desk: Desk) -> None:
    first, second = desk.case(), desk.case(packages=2)
    claim_no = desk.accepted(first, second)
    assert desk.credit_form(claim_no, {}, amount="1350,01").status_code == 422
    assert desk.credit_form(claim_no, {}, amount="1350").status_code == 303
    assert (desk.state(first), desk.state(second)) == (ComplaintState.CREDITED, ComplaintState.CREDITED)


def test_the_same_note_twice_names_the_first(desk: Desk) -> None:
    first, second = desk.case(), desk.case()
    claim_no = desk.accepted(first, second)
    assert desk.credit_form(claim_no, {first: "450"}, idempotency_key="k").status_code == 303
    # The same click.
    assert desk.credit_form(claim_no, {first: "450"}, idempotency_key="k").status_code == 303
    again = desk.credit_form(claim_no, {second: "450"})
    assert again.status_code == 422
    assert "KF-1 is booked already" in again.text
    assert "Eva Konsulent" in again.text
    twice = desk.credit_form(claim_no, {first: "450"}, credit_no="KF-2")
    assert twice.status_code == 422
    assert "is credited already, by note KF-1" in twice.text.replace("\N{NO-BREAK SPACE}", " ")


def test_a_note_is_undone_with_a_reason(desk: Desk) -> None:
    case_no = desk.case()
    claim_no = desk.accepted(case_no)
    note = desk.credit_form(claim_no, {case_no: "450"}).location
    assert desk.post(f"{note}/undo", reason=" ").status_code == 422
    assert desk.post(f"{note}/undo", reason="Fel <b>belopp</b>.").location == note
    page = desk.get(note)
    assert "Fel &lt;b&gt;belopp&lt;/b&gt;." in page
    assert "Eva Konsulent undid it" in page
    assert desk.state(case_no) is ComplaintState.ACCEPTED
    assert desk.post(f"{note}/undo", reason="Igen.").status_code == 303
    assert "Undone" in desk.get("/claims")


@pytest.mark.parametrize(
    ("typed", "amount"),
    [
        ("450", "450"),
        ("1 234,50", "1234.50"),
        ("1\N{NO-BREAK SPACE}234,5 kr", "1234.5"),
        ("1.234,50", "1234.50"),
        ("1,234.50", "1234.50"),
        ("99:-", "99"),
        ("0,01SEK", "0.01"),
    ],
)
def test_amounts_are_read_as_people_write_them(typed: str, amount: str) -> None:
    assert read_amount(typed) == Decimal(amount)


@pytest.mark.parametrize("typed", ["", "-1", "1,2,3", "1.234", "1e3", "NaN", "٣", "1234567890123", "1,001", "12 kr 50"])
def test_what_is_no_amount(typed: str) -> None:
    with pytest.raises(ValueError):
        read_amount(typed)
