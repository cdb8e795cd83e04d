"""Claims on real PostgreSQL once they are sent: answers, reminders, closing, sums, two consultants at once."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import func, select, update

from core import idempotency
from core.clock import ManualClock
from core.db import Database
from core.errors import NotFound
from core.outbox import Message, OutboxMessage
from delivery.complaints import claim_sending
from delivery.complaints.claim_answers import Answer, answer_lines, close_pack, undo_answer
from delivery.complaints.claim_errors import (
    AnsweredAlready,
    AnswerReasonMissing,
    AnswerStays,
    ClaimReasonMissing,
    NothingAnswered,
    PackNotThere,
)
from delivery.complaints.claim_models import ClaimOutcome, ClaimPack, ClaimStatus
from delivery.complaints.claim_overview import ClaimPile, claims_page
from delivery.complaints.claim_queries import case_claim
from delivery.complaints.claims import claim_all, claim_case, take_out
from delivery.complaints.credits import undo_credit
from delivery.complaints.models import ComplaintState
from tests.support.claims import NO, YES, ClaimOffice

MAIL = "reklamation@sensorbolaget.example"


@pytest.fixture
def office(database: Database) -> ClaimOffice:
    return ClaimOffice(database)


def test_answers_one_by_one_and_all_the_others(office: ClaimOffice) -> None:
    cases = [office.case() for _ in range(3)]
    claim_no = office.sent(*cases)
    lines = [office.line(case).id for case in cases]
    with pytest.raises(NothingAnswered):
        office.do(answer_lines, office.eva, claim_no, {})
    with pytest.raises(AnswerReasonMissing) as missing:
        office.do(answer_lines, office.eva, claim_no, {lines[0]: Answer(ClaimOutcome.REJECTED, " ")}, YES)
    assert missing.value.case_nos == (cases[0],)
    assert {office.state(case) for case in cases} == {ComplaintState.CLAIMED}
    office.do(answer_lines, office.eva, claim_no, {lines[0]: NO})
    assert (office.state(cases[0]), office.line(cases[0]).outcome_reason) == (ComplaintState.REJECTED, "Väl använd.")
    assert office.pack(claim_no).status is ClaimStatus.SENT
    office.do(answer_lines, office.per, claim_no, {}, YES)
    assert [office.state(case) for case in cases[1:]] == [ComplaintState.ACCEPTED] * 2
    assert office.pack(claim_no).status is ClaimStatus.ANSWERED
    assert office.events(cases[0]) == ["CLAIMED", "CLAIM_SENT", "REJECTED"]
    # The same answer again changes nothing; another one is told of the first.
    office.do(answer_lines, office.per, claim_no, {lines[1]: YES})
    with pytest.raises(AnsweredAlready):
        office.do(answer_lines, office.per, claim_no, {lines[1]: NO})
    with pytest.raises(NotFound):
        office.do(answer_lines, office.per, claim_no, {10**9: YES})


def test_an_answer_noted_by_mistake_is_undone_as_long_as_nothing_has_come_of_it(office: ClaimOffice) -> None:
    yes, no = office.case(), office.case()
    claim_no = office.sent(yes, no)
    with pytest.raises(AnswerStays) as none_yet:
        office.do(undo_answer, office.eva, claim_no, yes)
    assert not none_yet.value.has_answer
    office.do(answer_lines, office.eva, claim_no, {office.line(no).id: NO}, YES)
    assert office.pack(claim_no).status is ClaimStatus.ANSWERED
    for case_no, event in ((yes, "ACCEPTED"), (no, "REJECTED")):
        office.do(undo_answer, office.per, claim_no, case_no)
        line = office.line(case_no)
        assert (line.outcome, line.outcome_reason, line.answered_at) == (None, "", None)
        assert office.state(case_no) is ComplaintState.CLAIMED
        assert office.events(case_no)[-2:] == [event, "ANSWER_UNDONE"]
        assert office.pack(claim_no).status is ClaimStatus.SENT
    # Now the other way round; what was credited, claimed anew or closed stays.
    office.do(answer_lines, office.eva, claim_no, {office.line(yes).id: NO}, YES)
    note = office.credit("K1", {office.line(no).id: "450.00"})
    again = office.claim(yes)
    for case_no, is_credited in ((no, True), (yes, False)):
        with pytest.raises(AnswerStays) as stays:
            office.do(undo_answer, office.eva, claim_no, case_no)
        assert (stays.value.has_answer, stays.value.is_credited) == (True, is_credited)
    with pytest.raises(NotFound):
        office.do(undo_answer, office.eva, again, no)
    with pytest.raises(PackNotThere):
        office.do(undo_answer, office.eva, again, yes)
    office.do(undo_credit, office.eva, note.id, "Fel ärende.")
    office.do(undo_answer, office.eva, claim_no, no)
    office.do(answer_lines, office.eva, claim_no, {}, YES)
    office.do(close_pack, office.eva, claim_no, "Kommer inte.")
    with pytest.raises(PackNotThere):
        office.do(undo_answer, office.eva, claim_no, no)


def test_an_unsent_pack_has_no_answers(office: ClaimOffice) -> None:
    case_no = office.case()
    with pytest.raises(PackNotThere):
        office.do(answer_lines, office.eva, office.claim(case_no), {}, YES)


def test_a_rejected_case_is_claimed_again_in_a_new_pack_and_goes_back_to_rejected(office: ClaimOffice) -> None:
    case_no = office.case()
    first = office.sent(case_no)
    office.do(answer_lines, office.eva, first, {}, NO)
    second = office.claim(case_no)
    assert second != first
    assert [line.pack.claim_no for line in office.do(case_claim, office.eva, case_no).history] == [second, first]
    office.do(take_out, office.eva, second, case_no)
    assert office.state(case_no) is ComplaintState.REJECTED
    assert office.do(claim_all, office.eva, office.supplier.id).claimed == 0


def test_late_suppliers_are_reminded_and_counted(office: ClaimOffice, clock: ManualClock) -> None:
    mailed, by_hand, answered = office.case(), office.case(office.needle), office.case(office.reader)
    late = office.sent(mailed)
    hand = office.claim(by_hand)
    office.do(claim_sending.mark_sent, office.eva, hand, "key")
    office.accepted(answered)
    with office.database.unit_of_work() as session:
        session.execute(update(ClaimPack).where(ClaimPack.sent_to != "").values(emailed_at=clock.now()))

    def chase() -> list[tuple[str, int]]:
        message = Message(1, "claims.due", {"region": "vgr", "day": ""})
        office.do(claim_sending.chase_late, message)
        with office.database.session() as session:
            sent = session.scalars(
                select(OutboxMessage).where(OutboxMessage.kind == "claim.chase").order_by(OutboxMessage.id)
            )
            packs = {pack.id: pack.claim_no for pack in session.scalars(select(ClaimPack))}
            return [(packs[one.payload["claim_id"]], one.payload["times"]) for one in sent]

    clock.set(datetime(2027, 1, 4, 9, tzinfo=UTC))
    assert chase() == []
    clock.set(datetime(2027, 1, 5, 9, tzinfo=UTC))
    assert chase() == [(late, 1)]
    assert chase() == [(late, 1)]
    assert [row.pack.claim_no for row in office.do(claims_page, office.eva, ClaimPile.LATE).packs] == [late, hand]
    # The sixth of January and the weekend are nobody's; fourteen days on is a Tuesday.
    clock.set(datetime(2027, 1, 18, 9, tzinfo=UTC))
    assert chase() == [(late, 1)]
    clock.set(datetime(2027, 1, 19, 9, tzinfo=UTC))
    assert chase() == [(late, 1), (late, 2)]
    office.do(claim_sending.mark_chased, office.per, hand)
    assert (office.pack(hand).times_chased, office.pack(late).times_chased) == (1, 2)
    office.do(answer_lines, office.eva, late, {}, YES)
    clock.advance(timedelta(days=40))
    assert len(chase()) == 2
    with pytest.raises(PackNotThere):
        office.do(claim_sending.mark_chased, office.per, late)


def test_closing_closes_the_cases_and_writes_off_with_a_reason(office: ClaimOffice) -> None:
    paid, owed, refused, red = office.case(), office.case(), office.case(), office.case(has_red_flag=True)
    claim_no = office.sent(paid, owed, refused, red)
    with pytest.raises(PackNotThere):
        office.do(close_pack, office.eva, claim_no, "x")
    office.do(answer_lines, office.eva, claim_no, {office.line(refused).id: NO}, YES)
    office.credit("K1", {office.line(paid).id: "450.00", office.line(red).id: "450.00"})
    with pytest.raises(ClaimReasonMissing):
        office.do(close_pack, office.eva, claim_no, "  ")
    closed = office.do(close_pack, office.eva, claim_no, "Bolaget har upphört.")
    assert (closed.written_off, closed.left_open) == (Decimal("450.00"), (red,))
    assert [office.state(case) for case in (paid, owed, refused, red)] == [
        ComplaintState.CLOSED,
        ComplaintState.CLOSED,
        ComplaintState.REJECTED,
        ComplaintState.CREDITED,
    ]
    assert office.pack(claim_no).status is ClaimStatus.CLOSED
    assert office.do(claims_page, office.eva).suppliers == ()


def test_sums_per_supplier(office: ClaimOffice) -> None:
    office.case(), office.case(packages=2)
    office.claim(office.case(office.needle, packages=10))
    accepted, waiting = office.case(office.reader), office.case(office.reader)
    claim_no = office.sent(accepted, waiting)
    office.do(answer_lines, office.eva, claim_no, {office.line(accepted).id: YES})
    office.credit("K1", {office.line(accepted).id: "200.25"})
    sums = {one.supplier.name: one for one in office.do(claims_page, office.eva).suppliers}
    sensor, needle = sums["Sensorbolaget AB"], sums["Nålbolaget AB"]
    assert (sensor.waiting, sensor.accepted, sensor.open_sum) == (
        Decimal("1200.50"),
        Decimal("1000.25"),
        Decimal("2200.75"),
    )
    assert (sensor.to_claim, sensor.to_claim_value) == (2, Decimal("1350.00"))
    assert (needle.unsent, needle.open_sum, needle.to_claim) == (Decimal("999.00"), Decimal(0), 0)


def test_two_who_begin_the_same_pack_share_it(office: ClaimOffice) -> None:
    cases = [office.case() for _ in range(8)]
    found: list[str] = []
    barrier = threading.Barrier(4)

    def claim(mine: list[str], identity: Any) -> None:
        barrier.wait(10)
        found.extend(office.do(claim_case, identity, case_no).claim_no for case_no in mine)

    threads = [
        threading.Thread(target=claim, args=(cases[place::4], (office.eva, office.per)[place % 2]))
        for place in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(found) == 8
    assert len(set(found)) == 1
    with office.database.session() as session:
        assert session.scalars(select(func.count()).select_from(ClaimPack)).one() == 1


def test_a_case_claimed_while_its_pack_is_sent_lands_in_one_pack_whole(office: ClaimOffice) -> None:
    claim_no = office.claim(office.case())
    late = office.case()
    outcome: list[str] = []
    with office.database.unit_of_work() as session:
        claim_sending.send_pack(session, office.eva, claim_no, MAIL, idempotency.new_key())
        session.flush()
        thread = threading.Thread(target=lambda: outcome.append(office.do(claim_case, office.per, late).claim_no))
        thread.start()
        thread.join(1)
        assert outcome == [], "the second consultant does not wait for the pack that is being sent"
    thread.join(20)
    assert outcome
    assert outcome[0] != claim_no
    assert office.line(late).pack.status is ClaimStatus.OPEN
