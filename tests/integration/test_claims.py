"""Claims on real PostgreSQL: what joins which pack, what it is worth, sending, answers, chasing, closing."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import func, select, update

from auth.identity import Role
from auth.persons import staff_identity
from core.audit import AccessLogEntry
from core.db import Database
from core.errors import NotFound, NotPermitted
from core.outbox import OutboxMessage
from delivery.complaints import claim_sending
from delivery.complaints.claim_errors import (
    AddressMalformed,
    ClaimRefused,
    PackNotThere,
)
from delivery.complaints.claim_models import ClaimLine, ClaimStatus
from delivery.complaints.claim_overview import claims_page
from delivery.complaints.claim_queries import case_claim, open_pack
from delivery.complaints.claim_rules import ClaimProblem
from delivery.complaints.claims import claim_all, claim_case, take_out
from delivery.complaints.models import Complaint, ComplaintState
from tests.support.builders import add_staff
from tests.support.claims import ClaimOffice
from tests.support.statements import counted

MAIL = "reklamation@sensorbolaget.example"


@pytest.fixture
def office(database: Database) -> ClaimOffice:
    return ClaimOffice(database)


def test_cases_gather_per_supplier_and_agreement(office: ClaimOffice) -> None:
    first, second = office.case(), office.case(packages=2, paid="400.25")
    reader, needle = office.case(office.reader), office.case(office.needle)
    claim_no = office.claim(first)
    assert office.claim(second) == claim_no
    assert len({claim_no, office.claim(reader), office.claim(needle)}) == 3
    # The price of the order goes before today's.
    assert [office.line(case).value for case in (first, second, reader)] == [
        Decimal("450.00"),
        Decimal("800.50"),
        Decimal("1200.50"),
    ]
    assert office.state(first) is ComplaintState.CLAIMED
    assert office.events(first) == ["CLAIMED"]
    # Twice is once.
    assert office.claim(first) == claim_no
    with office.database.session() as session:
        assert session.scalars(select(func.count()).select_from(ClaimLine)).one() == 4
        acted = select(AccessLogEntry.object_ref).where(AccessLogEntry.action == "complaint.claimed")
        assert session.scalars(acted).first() == f"case:{first}"


@pytest.mark.parametrize(
    ("facts", "problem"),
    [
        ({"state": ComplaintState.RECEIVED}, ClaimProblem.NOT_NOW),
        ({"state": ComplaintState.CLOSED}, ClaimProblem.NOT_NOW),
        ({"is_kept": False}, ClaimProblem.THROWN_AWAY),
        ({"paid": "0"}, ClaimProblem.NO_PRICE),
    ],
)
def test_what_is_not_claimed_and_why(office: ClaimOffice, facts: dict[str, Any], problem: ClaimProblem) -> None:
    case_no = office.case(**facts)
    with pytest.raises(ClaimRefused) as refused:
        office.claim(case_no)
    assert refused.value.problem is problem
    assert office.events(case_no) == []
    if problem is ClaimProblem.THROWN_AWAY:
        office.do(claim_case, office.eva, case_no, even_if_thrown=True)
        assert office.state(case_no) is ComplaintState.CLAIMED


def test_only_consultants_of_the_region_claim(office: ClaimOffice) -> None:
    case_no = office.case()
    with office.database.unit_of_work() as session:
        picker = staff_identity(add_staff(session, Role.DEPOT))
        northern = staff_identity(add_staff(session, Role.CONSULTANT, region="norrbotten"))
    with pytest.raises(NotPermitted):
        office.do(claim_case, picker, case_no)
    for act in (claim_case, case_claim):
        with pytest.raises(NotFound):
            office.do(act, northern, case_no)
    claim_no = office.claim(case_no)
    with pytest.raises(NotFound):
        office.do(open_pack, northern, claim_no)
    with pytest.raises(NotFound):
        office.do(claim_all, northern, office.supplier.id)
    for wrong in ("", "\x00", "9" * 13, "x", "999999"):
        with pytest.raises(NotFound):
            office.do(open_pack, office.eva, wrong)


def test_everything_that_can_be_claimed_is_and_the_rest_is_left(office: ClaimOffice) -> None:
    wanted = {office.case(), office.case(office.reader), office.case(packages=3)}
    unpriced = office.case(paid="0.00")
    left = {
        office.case(office.needle),
        office.case(is_kept=False),
        office.case(state=ComplaintState.TRIAGED),
        office.case(state=ComplaintState.RECEIVED),
    }
    done = office.do(claim_all, office.eva, office.supplier.id)
    assert (done.claimed, len(done.claim_nos)) == (3, 2)
    assert [(one.case_no, one.problem) for one in done.left] == [(unpriced, ClaimProblem.NO_PRICE)]
    assert {office.state(case) for case in wanted} == {ComplaintState.CLAIMED}
    assert ComplaintState.CLAIMED not in {office.state(case) for case in left}
    assert office.do(claim_all, office.per, office.supplier.id).claimed == 0


def test_claiming_many_takes_a_fixed_number_of_statements(database: Database, office: ClaimOffice) -> None:
    used = []
    for many in (2, 12):
        for _ in range(many):
            office.case()
        with counted(database) as statements:
            assert office.do(claim_all, office.eva, office.supplier.id).claimed == many
        used.append(len(statements))
    assert used[0] >= used[1] - 1, used
    claim_no = office.claim(office.case())
    with counted(database) as statements:
        office.do(open_pack, office.eva, claim_no)
    assert len(statements) < 8
    with counted(database) as statements:
        office.do(claims_page, office.eva)
    assert len(statements) < 10


def test_a_full_pack_takes_no_more(office: ClaimOffice, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("delivery.complaints.claims.MOST_LINES", 1)
    claim_no = office.claim(office.case())
    with pytest.raises(ClaimRefused) as refused:
        office.claim(office.case())
    assert (refused.value.problem, refused.value.claim_no) == (ClaimProblem.PACK_FULL, claim_no)


def test_taking_a_case_out_puts_it_back_where_it_was(office: ClaimOffice) -> None:
    replaced, triaged = office.case(), office.case(state=ComplaintState.TRIAGED)
    claim_no = office.claim(replaced, triaged)
    assert office.do(take_out, office.per, claim_no, replaced) is False
    assert office.state(replaced) is ComplaintState.REPLACEMENT_ORDERED
    assert office.events(replaced) == ["CLAIMED", "CLAIM_TAKEN_BACK"]
    with pytest.raises(NotFound):
        office.do(take_out, office.per, claim_no, replaced)
    # The last one takes the pack with it.
    assert office.do(take_out, office.per, claim_no, triaged) is True
    assert office.state(triaged) is ComplaintState.TRIAGED
    with pytest.raises(NotFound):
        office.do(open_pack, office.eva, claim_no)
    assert office.claim(replaced) != claim_no


def test_a_sent_pack_is_closed_to_cases_and_the_next_one_opens(office: ClaimOffice) -> None:
    case_no = office.case()
    claim_no = office.sent(case_no)
    pack = office.pack(claim_no)
    assert (pack.status, pack.sent_to, pack.sent_by_id) == (ClaimStatus.SENT, MAIL, office.eva.staff_id)
    # Thirty days from 1 December are New Year's Eve: the next day on which both work.
    assert pack.answer_due_on == date(2027, 1, 4)
    assert office.events(case_no) == ["CLAIMED", "CLAIM_SENT"]
    with pytest.raises(PackNotThere) as gone:
        office.do(take_out, office.per, claim_no, case_no)
    assert gone.value.status is ClaimStatus.SENT
    assert office.claim(office.case()) != claim_no
    with pytest.raises(PackNotThere) as again:
        office.do(claim_sending.send_pack, office.per, claim_no, MAIL, "another")
    assert again.value.sent_by == "Eva Konsulent"
    # The same click again sends nothing more.
    office.do(claim_sending.send_pack, office.eva, claim_no, MAIL, f"send-{claim_no}")
    with office.database.session() as session:
        sent = session.scalars(select(OutboxMessage.payload).where(OutboxMessage.kind == "claim.send")).all()
        assert sent == [{"claim_id": pack.id, "to": MAIL}]


@pytest.mark.parametrize("address", ["", "supplier", "a@b", "a b@example.org", "a@example.org\nBcc: x@example.org"])
def test_a_claim_goes_to_an_address_or_nowhere(office: ClaimOffice, address: str) -> None:
    claim_no = office.claim(office.case())
    with pytest.raises(AddressMalformed):
        office.do(claim_sending.send_pack, office.eva, claim_no, address, "key")
    assert office.pack(claim_no).status is ClaimStatus.OPEN


def test_an_accepted_case_that_is_opened_again_is_not_claimed_twice(office: ClaimOffice) -> None:
    case_no = office.case()
    claim_no = office.accepted(case_no)
    with office.database.unit_of_work() as session:
        session.execute(update(Complaint).where(Complaint.case_no == case_no).values(state=ComplaintState.TRIAGED))
    with pytest.raises(ClaimRefused) as refused:
        office.claim(case_no)
    assert (refused.value.problem, refused.value.claim_no) == (ClaimProblem.CLAIMED_ALREADY, claim_no)
