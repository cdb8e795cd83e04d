"""Credit notes when two consultants book at once, and whatever is booked and undone: the lines add up."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st
from sqlalchemy import func, select, text

from core.db import Database
from core.errors import DomainError
from delivery.complaints.claim_errors import (
    CreditedAlready,
    CreditNoteCame,
    CreditRefused,
)
from delivery.complaints.claim_models import ClaimLine, CreditLine, CreditNote
from delivery.complaints.credits import BookCredit, book_credit, undo_credit
from delivery.complaints.models import ComplaintState
from tests.support.claims import ClaimOffice


@pytest.fixture
def office(database: Database) -> ClaimOffice:
    return ClaimOffice(database)


@contextmanager
def _somebody_waits(database: Database, thread: threading.Thread) -> Iterator[None]:
    """Start the thread and go on once it waits for a lock that the caller's transaction holds."""
    thread.start()
    waiting = text(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    )
    for _ in range(200):
        with database.engine.connect() as connection:
            if connection.scalar(waiting):
                yield
                return
        threading.Event().wait(0.05)
    raise AssertionError("the second consultant does not wait for the first")


@pytest.mark.parametrize("same_note", [True, False])
def test_of_two_who_credit_the_same_line_at_once_one_does(
    database: Database, office: ClaimOffice, same_note: bool
) -> None:
    case_no = office.case()
    office.accepted(case_no)
    line = office.line(case_no).id
    outcome: list[DomainError | CreditNote] = []

    def second() -> None:
        try:
            outcome.append(office.credit("K1" if same_note else "K2", {line: "450.00"}, by=office.per))
        except DomainError as problem:
            outcome.append(problem)

    thread = threading.Thread(target=second)
    with database.unit_of_work() as session:
        book_credit(session, office.eva, _command(office, "K1", {line: Decimal("450.00")}))
        with _somebody_waits(database, thread):
            assert outcome == []
    thread.join(20)
    (lost,) = outcome
    assert isinstance(lost, CreditNoteCame if same_note else CreditedAlready)
    assert (lost.earlier.credit_no, lost.earlier.booked_by) == ("K1", "Eva Konsulent")
    assert office.line(case_no).credited == Decimal("450.00")


def test_of_two_who_book_the_same_note_on_different_lines_one_does(database: Database, office: ClaimOffice) -> None:
    # In claims under different agreements, so that nothing but the number is shared.
    first, second = office.case(), office.case(office.reader)
    office.accepted(first), office.accepted(second)
    mine, theirs = office.line(first).id, office.line(second).id
    outcome: list[Any] = []

    def book() -> None:
        try:
            outcome.append(office.credit("K1", {theirs: "450.00"}, by=office.per))
        except CreditNoteCame as came:
            outcome.append(came.earlier.booked_by)

    thread = threading.Thread(target=book)
    with database.unit_of_work() as session:
        book_credit(session, office.eva, _command(office, "K1", {mine: Decimal("450.00")}))
        with _somebody_waits(database, thread):
            pass
    thread.join(20)
    assert outcome == ["Eva Konsulent"]
    assert office.line(second).credited == 0


def test_credits_and_undoings_in_all_directions_never_lock_each_other_out(office: ClaimOffice) -> None:
    cases = [office.case() for _ in range(4)] + [office.case(office.reader) for _ in range(4)]
    office.accepted(*cases[:4]), office.accepted(*cases[4:])
    lines = [office.line(case).id for case in cases]
    errors: list[BaseException] = []
    barrier = threading.Barrier(4)

    def work(place: int) -> None:
        barrier.wait(10)
        mine = lines[place:] + lines[:place]
        try:
            for turn in range(4):
                note = office.credit(f"K{place}-{turn}", dict.fromkeys(mine[::2] if turn % 2 else mine[::-1], "10.00"))
                if turn % 2:
                    office.do(undo_credit, office.per, note.id, "Fel.")
        except BaseException as problem:
            errors.append(problem)

    threads = [threading.Thread(target=work, args=(place,)) for place in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert errors == []
    # Two notes of each stand.
    assert [office.line(case).credited for case in cases] == [Decimal("80.00")] * 8


@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.lists(st.tuples(st.sampled_from(["book", "undo"]), st.integers(0, 2), st.integers(1, 60_000)), max_size=8))
def test_whatever_is_booked_and_undone_the_lines_add_up(office: ClaimOffice, acts: list[tuple[str, int, int]]) -> None:
    cases = [office.case() for _ in range(3)]
    office.accepted(*cases)
    lines = [office.line(case).id for case in cases]
    standing: list[int] = []
    for kind, place, ore in acts:
        try:
            if kind == "book":
                number = f"H{next(office._numbers)}"
                standing.append(office.credit(number, {lines[place]: str(Decimal(ore) / 100)}).id)
            elif standing:
                office.do(undo_credit, office.eva, standing.pop(place % len(standing)), "Fel.")
        except (CreditRefused, CreditedAlready):
            pass
    with office.database.session() as session:
        for line_id, case_no in zip(lines, cases, strict=True):
            line = session.get_one(ClaimLine, line_id)
            booked = session.scalars(
                select(func.coalesce(func.sum(CreditLine.amount), 0))
                .join(CreditNote, CreditLine.credit_note_id == CreditNote.id)
                .where(CreditLine.claim_line_id == line_id, CreditNote.undone_at.is_(None))
            ).one()
            assert line.credited == booked <= line.value
            is_whole = line.credited == line.value
            assert office.state(case_no) is (ComplaintState.CREDITED if is_whole else ComplaintState.ACCEPTED)


def _command(office: ClaimOffice, credit_no: str, shares: dict[int, Decimal]) -> BookCredit:
    return BookCredit(
        office.supplier.id, credit_no, sum(shares.values(), Decimal(0)), date(2026, 12, 1), shares, f"first-{credit_no}"
    )
