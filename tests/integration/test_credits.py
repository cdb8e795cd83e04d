"""Credit notes on real PostgreSQL: reconciled to the öre, never twice, undone and booked again, two consultants at once."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import func, select

from core.audit import AccessLogEntry
from core.db import Database
from core.errors import NotFound
from delivery.complaints.claim_answers import answer_lines, close_pack
from delivery.complaints.claim_errors import (
    CaseNotCreditable,
    ClaimReasonMissing,
    CreditDateWrong,
    CreditedAlready,
    CreditNoteCame,
    CreditNumberMissing,
    CreditRefused,
    CreditUndone,
)
from delivery.complaints.claim_models import ClaimStatus, CreditNote
from delivery.complaints.claim_queries import creditable_lines, note_page
from delivery.complaints.claim_rules import CreditProblem
from delivery.complaints.credits import undo_credit
from delivery.complaints.models import ComplaintState
from tests.support.claims import NO, ClaimOffice
from tests.support.statements import counted


@pytest.fixture
def office(database: Database) -> ClaimOffice:
    return ClaimOffice(database)


def test_a_note_credits_its_cases_to_the_ore(office: ClaimOffice) -> None:
    whole, part = office.case(), office.case()
    claim_no = office.accepted(whole, part)
    first, second = office.line(whole).id, office.line(part).id
    note = office.credit(" kf-1001 ", {first: "450.00", second: "449.99"})
    assert (note.credit_no, note.amount) == ("KF-1001", Decimal("899.99"))
    assert (office.state(whole), office.state(part)) == (ComplaintState.CREDITED, ComplaintState.ACCEPTED)
    assert office.line(part).credited == Decimal("449.99")
    office.credit("KF-1002", {second: "0.01"})
    assert office.state(part) is ComplaintState.CREDITED
    assert office.events(part) == ["CLAIMED", "CLAIM_SENT", "ACCEPTED", "CREDITED", "CREDITED"]
    assert office.pack(claim_no).status is ClaimStatus.ANSWERED
    assert office.do(creditable_lines, office.eva, office.supplier.id)[1] == []
    with office.database.session() as session:
        booked = select(AccessLogEntry.object_ref).where(AccessLogEntry.action == "complaint.credited")
        assert set(session.scalars(booked)) == {f"case:{whole}", f"case:{part}"}


def test_a_credit_is_a_yes_and_answers_the_pack(office: ClaimOffice) -> None:
    case_no = office.case()
    claim_no = office.sent(case_no)
    office.credit("K1", {office.line(case_no).id: "450.00"})
    assert office.state(case_no) is ComplaintState.CREDITED
    assert office.events(case_no)[-2:] == ["ACCEPTED", "CREDITED"]
    assert office.pack(claim_no).status is ClaimStatus.ANSWERED


def test_a_note_that_came_already_is_refused_with_the_earlier_one(office: ClaimOffice) -> None:
    first, second = office.case(), office.case()
    office.accepted(first, second)
    office.credit("KF 7", {office.line(first).id: "450.00"}, key="same")
    # The same click is the same note.
    assert office.credit("KF 7", {office.line(first).id: "450.00"}, key="same").credit_no == "KF 7"
    with pytest.raises(CreditNoteCame) as came:
        office.credit("kf  7", {office.line(second).id: "450.00"}, by=office.per)
    assert (came.value.earlier.credit_no, came.value.earlier.booked_by) == ("KF 7", "Eva Konsulent")
    with pytest.raises(CreditedAlready) as credited:
        office.credit("KF 8", {office.line(first).id: "450.00"}, by=office.per)
    assert (credited.value.case_no, credited.value.earlier.credit_no) == (first, "KF 7")
    assert office.line(second).credited == 0
    with office.database.session() as session:
        assert session.scalars(select(func.count()).select_from(CreditNote)).one() == 1


@pytest.mark.parametrize(
    ("share", "amount", "problem"),
    [
        ("450.01", "450.01", CreditProblem.MORE_THAN_LEFT),
        ("450.00", "450.01", CreditProblem.DOES_NOT_ADD_UP),
        ("450.00", "449.99", CreditProblem.DOES_NOT_ADD_UP),
        ("1.005", "1.005", CreditProblem.NOT_TO_THE_ORE),
        ("-1", "-1", CreditProblem.NO_AMOUNT),
    ],
)
def test_a_note_that_does_not_reconcile_leaves_nothing(
    office: ClaimOffice, share: str, amount: str, problem: CreditProblem
) -> None:
    case_no = office.case()
    office.accepted(case_no)
    with pytest.raises(CreditRefused) as refused:
        office.credit("K1", {office.line(case_no).id: share}, amount=amount)
    assert refused.value.problems[0] is problem
    assert (office.line(case_no).credited, office.state(case_no)) == (Decimal(0), ComplaintState.ACCEPTED)
    office.credit("K1", {office.line(case_no).id: "450.00"})


def test_what_no_note_is_booked_on(office: ClaimOffice) -> None:
    unsent, refused, theirs, accepted = office.case(), office.case(), office.case(office.needle), office.case()
    claim_no = office.sent(refused, accepted)
    office.do(answer_lines, office.eva, claim_no, {office.line(refused).id: NO})
    office.sent(theirs)
    office.claim(unsent)
    for case_no in (unsent, refused):
        with pytest.raises(CaseNotCreditable) as not_now:
            office.credit("K1", {office.line(case_no).id: "450.00"})
        assert not_now.value.case_no == case_no
    mine = office.line(accepted).id
    attempts: list[tuple[dict[int, str], dict[str, Any]]] = [
        ({office.line(theirs).id: "99.90"}, {}),
        ({mine: "450.00"}, {"supplier_id": office.other.id}),
        ({mine: "450.00"}, {"supplier_id": 10**9}),
        ({10**9: "1.00"}, {}),
    ]
    for shares, changes in attempts:
        with pytest.raises(NotFound):
            office.credit("K1", shares, **changes)
    for day in (date(2026, 12, 2), date(2025, 12, 1)):
        with pytest.raises(CreditDateWrong):
            office.credit("K1", {mine: "450.00"}, dated_on=day)
    with pytest.raises(CreditNumberMissing):
        office.credit(" \x00 ", {mine: "450.00"})
    assert office.line(accepted).credited == 0


def test_undoing_a_note_makes_its_cases_owed_again(office: ClaimOffice) -> None:
    case_no, other = office.case(), office.case()
    claim_no = office.accepted(case_no, other)
    line = office.line(case_no).id
    note = office.credit("K1", {line: "450.00", office.line(other).id: "450.00"})
    office.do(close_pack, office.eva, claim_no)
    with pytest.raises(ClaimReasonMissing):
        office.do(undo_credit, office.per, note.id, " ")
    office.do(undo_credit, office.per, note.id, "Fel leverantörs nota.")
    assert (office.line(case_no).credited, office.pack(claim_no).status) == (Decimal(0), ClaimStatus.ANSWERED)
    # The closed case stays closed; what is owed stands on the claim.
    assert office.state(case_no) is ComplaintState.CLOSED
    assert office.events(case_no)[-1] == "CREDIT_UNDONE"
    with pytest.raises(CreditUndone):
        office.do(undo_credit, office.eva, note.id, "En gång till.")
    found, booked_by, undone_by = office.do(note_page, office.eva, note.id)
    assert (booked_by, undone_by, found.undone_reason) == ("Eva Konsulent", "Per Konsulent", "Fel leverantörs nota.")
    # The same number may come again now.
    again = office.credit("K1", {line: "450.00"})
    assert again.id != note.id
    office.do(undo_credit, office.eva, again.id, "Fel.")
    assert office.line(case_no).credited == 0


def test_undoing_gives_an_open_case_back_to_accepted(office: ClaimOffice) -> None:
    case_no = office.case()
    office.accepted(case_no)
    note = office.credit("K1", {office.line(case_no).id: "450.00"})
    office.do(undo_credit, office.eva, note.id, "Fel belopp.")
    assert office.state(case_no) is ComplaintState.ACCEPTED


def test_a_written_off_case_takes_the_credit_that_comes_all_the_same(office: ClaimOffice) -> None:
    case_no = office.case()
    claim_no = office.accepted(case_no)
    office.do(close_pack, office.eva, claim_no, "Kommer aldrig.")
    assert office.do(creditable_lines, office.eva, office.supplier.id)[1] == []
    lines = office.do(creditable_lines, office.eva, office.supplier.id, claim_no)[1]
    office.credit("K1", {lines[0].id: "450.00"})
    assert (office.state(case_no), office.line(case_no).credited) == (ComplaintState.CLOSED, Decimal("450.00"))


def test_booking_takes_a_fixed_number_of_statements(database: Database, office: ClaimOffice) -> None:
    used = []
    for many in (2, 10):
        cases = [office.case() for _ in range(many)]
        office.accepted(*cases)
        shares = {office.line(case).id: "450.00" for case in cases}
        with counted(database) as statements:
            note = office.credit(f"K{many}", shares)
        used.append(len(statements))
        with counted(database) as statements:
            office.do(undo_credit, office.eva, note.id, "Fel.")
        used.append(len(statements))
    assert used[:2] == used[2:], used
