"""What a supplier exchanged directly becomes the patient's: warranty, chain and case follow, and what is wrong goes back. Handbook §7."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date, timedelta
from threading import Barrier

import pytest
from sqlalchemy import func, select

from auth.identity import Role
from auth.persons import staff_identity
from core.audit import AccessLogEntry
from core.clock import ManualClock
from core.db import Database
from core.errors import ChangedMeanwhile, NotFound, NotPermitted
from delivery.complaints.exchange_models import ExchangeFile, ExchangeProblem, ExchangeRow, ExchangeUpload
from delivery.complaints.exchange_queries import chain_of_serial, exchange_file, exchange_files
from delivery.complaints.exchange_reading import ExchangeFileRefused
from delivery.complaints.exchange_units import UNKNOWN_LOT
from delivery.complaints.exchanges import (
    FileReadBefore,
    discard_exchanges,
    mark_returned,
    preview_exchanges,
    read_exchanges,
    upload_exchanges,
)
from delivery.complaints.models import ComplaintEvent, ComplaintEventKind
from delivery.goods_models import SerialisedUnit, UnitStatus
from delivery.models import Lot
from delivery.unit_chain import units_sent
from tests.support.builders import add_staff
from tests.support.exchanges import Exchanging, exchange_csv
from tests.support.statements import counted

TODAY = date(2026, 11, 23)


@pytest.fixture
def work(database: Database) -> Exchanging:
    return Exchanging(database)


def rows_of(work: Exchanging, file_id: int) -> list[tuple[str, ExchangeProblem | None]]:
    with work.database.session() as session:
        rows = session.scalars(select(ExchangeRow).where(ExchangeRow.file_id == file_id).order_by(ExchangeRow.line_no))
        return [(row.old_serial, row.problem) for row in rows]


def logged(work: Exchanging, action: str) -> list[int | None]:
    with work.database.session() as session:
        return list(
            session.scalars(
                select(AccessLogEntry.subject_person_id)
                .where(AccessLogEntry.action == action)
                .order_by(AccessLogEntry.subject_person_id)
            )
        )


def test_the_new_unit_is_the_patients_with_what_was_left_of_the_warranty(work: Exchanging) -> None:
    person, other = work.sent("P1"), work.sent("P2", until=date(2026, 11, 9))
    file_id = work.read(exchange_csv("P1;N1;2026-11-10;Sprucken lucka", "P2;N2;2026-11-10;Batteriet"))
    new, old = work.unit("N1"), work.unit("P1")
    assert (old.status, old.person_id) == (UnitStatus.RETURNED, person.id)
    assert (new.status, new.person_id, new.replaces_id) == (UnitStatus.SHIPPED, person.id, old.id)
    assert (new.shipped_on, new.warranty_until) == (date(2026, 11, 10), date(2029, 5, 31))
    # Nothing was left of the other's: the new one has its own.
    assert (work.unit("N2").person_id, work.unit("N2").warranty_until) == (other.id, date(2030, 11, 9))
    assert rows_of(work, file_id) == [("P1", None), ("P2", None)]
    assert logged(work, "exchange.registered") == sorted([person.id, other.id])
    with work.database.session() as session:
        assert session.get_one(Lot, new.lot_id).lot_no == UNKNOWN_LOT
        assert old.picked_lot_id is not None
        (first, second) = units_sent(session, old.picked_lot_id)
        assert (first.serial_no, first.replaced) == ("N1", ("P1",))
        assert (second.serial_no, second.replaced_by) == ("P1", "N1")
        assert session.scalars(select(func.count()).select_from(ExchangeUpload)).one() == 0


def test_what_is_wrong_with_a_row_is_found_and_the_rest_is_read(work: Exchanging) -> None:
    for serial in ("P1", "P2", "P3", "P4", "P5", "P6", "P7", "P8"):
        work.sent(serial)
    with work.database.unit_of_work() as session:
        shelved = session.scalars(select(SerialisedUnit).where(SerialisedUnit.serial_no == "P8")).one()
        shelved.status, shelved.person_id = UnitStatus.IN_STOCK, None
    rows = {
        "P1;N1;2026-11-10;Sprucken": None,
        ";N2;2026-11-10;Sprucken": ExchangeProblem.OLD_SERIAL_MISSING,
        "P2;;2026-11-10;Sprucken": ExchangeProblem.NEW_SERIAL_MISSING,
        "P2;N2;2026-11-10;": ExchangeProblem.NO_REASON,
        "P3;N3;2026-11-10;-": ExchangeProblem.NO_REASON,
        "P3;N3;2026-11-10;Okänd": ExchangeProblem.NO_REASON,
        "X9;N4;2026-11-10;Sprucken": ExchangeProblem.OLD_SERIAL_UNKNOWN,
        "P8;N5;2026-11-10;Sprucken": ExchangeProblem.OLD_SERIAL_NOT_SENT,
        "P4;P5;2026-11-10;Sprucken": ExchangeProblem.NEW_SERIAL_TAKEN,
        "P5;p5;2026-11-10;Sprucken": ExchangeProblem.SAME_SERIAL,
        "P5;N6;10/11/2026;Sprucken": ExchangeProblem.DATE_UNREADABLE,
        "P5;N6;;Sprucken": ExchangeProblem.DATE_UNREADABLE,
        "P5;N6;2026-12-24;Sprucken": ExchangeProblem.DATE_IN_FUTURE,
        "P5;N6;2026-11-02;Sprucken": ExchangeProblem.DATE_BEFORE_SENT,
        "P6;N7;2026-11-10;Sprucken": ExchangeProblem.TWICE_IN_FILE,
        "P6;N8;2026-11-10;Sprucken": ExchangeProblem.TWICE_IN_FILE,
        "P7;N 9;2026-11-10;Sprucken": ExchangeProblem.NEW_SERIAL_UNREADABLE,
        "P7;1,5E+14;2026-11-10;Sprucken": ExchangeProblem.SERIAL_ROUNDED,
        f"P7;{'N' * 21};2026-11-10;Sprucken": ExchangeProblem.TOO_LONG,
        f"P7;N9;2026-11-10;{'å' * 401}": ExchangeProblem.TOO_LONG,
    }
    upload_id = work.upload(exchange_csv(*rows))
    with work.database.unit_of_work() as session:
        shown = preview_exchanges(session, work.eva, upload_id)
        assert [verdict.problem for verdict in shown.verdicts] == list(rows.values())
        assert (shown.new, shown.known, shown.refused) == (1, 0, 19)
        # Only looked at.
        assert session.scalar(select(SerialisedUnit.id).where(SerialisedUnit.serial_no == "N1")) is None
        file_id = read_exchanges(session, work.eva, upload_id)
    assert [problem for _serial, problem in rows_of(work, file_id)] == list(rows.values())
    assert work.unit("P6").status is UnitStatus.SHIPPED


def test_every_problem_there_is_has_been_seen_here() -> None:
    # The two that need a scene of their own are below.
    own = {ExchangeProblem.OLD_SERIAL_AMBIGUOUS, ExchangeProblem.OLD_SERIAL_EXCHANGED}
    source = test_what_is_wrong_with_a_row_is_found_and_the_rest_is_read.__code__.co_names
    assert set(ExchangeProblem.__members__) - set(source) == {problem.name for problem in own}


def test_the_same_number_on_two_articles_is_told_apart_by_the_article_or_not_at_all(work: Exchanging) -> None:
    with work.database.unit_of_work() as session:
        other = work.article(session, "Insulinpump 2")
    first, _second = work.sent("P1"), work.sent("P1", article=other)
    refused = work.read(exchange_csv("P1;N1;2026-11-10;Sprucken"))
    assert rows_of(work, refused) == [("P1", ExchangeProblem.OLD_SERIAL_AMBIGUOUS)]
    heading = "Artikelnr;Gammalt serienr;Nytt serienr;Datum;Orsak\r\n"
    work.read(f"{heading}{work.pump.article_no};P1;N1;2026-11-10;Sprucken".encode())
    assert work.unit("N1").person_id == first.id


def test_a_chain_in_one_file_comes_out_whole_whatever_the_order(work: Exchanging) -> None:
    person = work.sent("P1")
    file_id = work.read(
        exchange_csv(
            "N2;N3;2026-11-20;Displayen",
            "P1;N1;2026-11-05;Sprucken",
            "N1;N2;2026-11-12;Batteriet",
            "K1;K2;2026-11-12;Rundgång",
            "K2;K1;2026-11-12;Rundgång",
        )
    )
    unknown = ExchangeProblem.OLD_SERIAL_UNKNOWN
    assert [problem for _serial, problem in rows_of(work, file_id)] == [None, None, None, unknown, unknown]
    assert (work.unit("N3").person_id, work.unit("N3").warranty_until) == (person.id, date(2029, 5, 31))
    assert [work.unit(serial).status for serial in ("P1", "N1", "N2", "N3")] == [
        *[UnitStatus.RETURNED] * 3,
        UnitStatus.SHIPPED,
    ]
    with work.database.unit_of_work() as session:
        shown = exchange_file(session, work.eva, file_id)
        assert shown.lines[0].chain == ("N2", "N1", "P1")
        (chain,) = chain_of_serial(session, work.eva, " n1 ")
        assert [(link.unit.serial_no, link.reason) for link in chain] == [
            ("P1", "Sprucken"),
            ("N1", "Batteriet"),
            ("N2", "Displayen"),
            ("N3", ""),
        ]
    assert logged(work, "unit.traced") == [person.id]


def test_next_months_file_may_say_it_again_and_brings_what_was_corrected(work: Exchanging) -> None:
    work.sent("P1"), work.sent("P2")
    first = work.read(exchange_csv("P1;N1;2026-11-10;Sprucken", "P2;N2;2026-11-10;"))
    second = work.read(
        exchange_csv("P1;N1;2026-11-10;Sprucken", "P2;N2;2026-11-10;Batteriet", "P1;N9;2026-11-11;Sprucken")
    )
    assert [problem for _serial, problem in rows_of(work, second)] == [
        None,
        None,
        ExchangeProblem.OLD_SERIAL_EXCHANGED,
    ]
    third = work.read(exchange_csv("P1;N9;2026-11-11;Sprucken"))
    assert rows_of(work, third) == [("P1", ExchangeProblem.OLD_SERIAL_EXCHANGED)]
    with work.database.unit_of_work() as session:
        earlier, later = exchange_file(session, work.eva, first), exchange_file(session, work.eva, second)
        assert [line.corrected_in for line in earlier.refused] == [second]
        assert (len(earlier.registered), len(later.registered)) == (1, 1)
        listed, pages = exchange_files(session, work.eva)
        assert [(one.file.id, one.rows, one.refused) for one in listed] == [
            (third, 1, 1),
            (second, 3, 1),
            (first, 2, 1),
        ]
        assert pages == 1
    with work.database.session() as session:
        assert session.scalars(select(func.count()).where(SerialisedUnit.serial_no == "N1")).one() == 1


def test_the_same_bytes_are_read_once_and_the_earlier_file_is_named(work: Exchanging) -> None:
    work.sent("P1")
    raw = exchange_csv("P1;N1;2026-11-10;Sprucken")
    waiting = work.upload(raw)
    file_id = work.read(raw)
    with pytest.raises(FileReadBefore) as before:
        work.upload(raw)
    assert before.value.file_id == file_id
    with work.database.unit_of_work() as session, pytest.raises(FileReadBefore):
        read_exchanges(session, work.eva, waiting)


def test_the_same_upload_twice_gives_the_same_file(work: Exchanging) -> None:
    work.sent("P1")
    upload_id = work.upload(exchange_csv("P1;N1;2026-11-10;Sprucken"))
    with work.database.unit_of_work() as session:
        first = read_exchanges(session, work.eva, upload_id)
    with work.database.unit_of_work() as session:
        assert read_exchanges(session, work.eva, upload_id) == first


@pytest.mark.parametrize("two_uploads", [False, True])
def test_two_who_read_the_same_file_at_once_read_it_once(work: Exchanging, two_uploads: bool) -> None:
    persons = [work.sent(f"P{number}") for number in range(12)]
    rows = [f"P{number};N{number};2026-11-10;Sprucken" for number in range(12)]
    for number in range(12):
        work.case(f"P{number}")
    raw = exchange_csv(*rows)
    uploads = [work.upload(raw), work.upload(raw)] if two_uploads else [work.upload(raw)] * 2
    together = Barrier(2)

    def read(upload_id: int) -> int | None:
        together.wait(10)
        try:
            with work.database.unit_of_work() as session:
                return read_exchanges(session, work.eva, upload_id)
        except FileReadBefore as before:
            return -before.file_id

    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(read, uploads))
    assert len({abs(answer or 0) for answer in answers}) == 1
    assert (min(answers) < 0) is two_uploads  # type: ignore[type-var, operator]
    with work.database.session() as session:
        assert session.scalars(select(func.count()).select_from(ExchangeFile)).one() == 1
        assert session.scalars(select(func.count()).where(SerialisedUnit.serial_no.startswith("N"))).one() == 12
        events = select(func.count()).where(ComplaintEvent.kind == ComplaintEventKind.EXCHANGED)
        assert session.scalars(events).one() == 12
    assert logged(work, "exchange.registered") == sorted(person.id for person in persons)


def test_files_of_two_suppliers_with_the_same_patients_do_not_wait_for_each_other_forever(work: Exchanging) -> None:
    for number in range(10):
        work.sent(f"P{number}")
    halves = [range(10), reversed(range(10))]
    raws = [
        exchange_csv(*[f"P{n};{side}{n};2026-11-10;Sprucken" for n in half])
        for side, half in zip("AB", halves, strict=True)
    ]
    uploads = [work.upload(raw) for raw in raws]
    together = Barrier(2)

    def read(upload_id: int) -> int:
        together.wait(10)
        with work.database.unit_of_work() as session:
            return read_exchanges(session, work.eva, upload_id)

    with ThreadPoolExecutor(2) as pool:
        files = list(pool.map(read, uploads))
    problems = sorted(str(problem) for file_id in files for _serial, problem in rows_of(work, file_id))
    assert problems == ["None"] * 10 + ["OLD_SERIAL_EXCHANGED"] * 10


def test_a_number_that_is_taken_in_meanwhile_stops_the_whole_file(
    work: Exchanging, monkeypatch: pytest.MonkeyPatch
) -> None:
    work.sent("P1"), work.sent("P2")
    upload_id = work.upload(exchange_csv("P1;N1;2026-11-10;Sprucken", "P2;N2;2026-11-10;Sprucken"))
    from delivery.complaints import exchanges

    locks = exchanges._lock

    def lock_late(*given: object) -> object:
        found = locks(*given)  # type: ignore[arg-type]
        with work.database.unit_of_work() as other:
            old = other.scalars(select(SerialisedUnit).where(SerialisedUnit.serial_no == "P1")).one()
            lot = other.scalars(select(Lot.id).where(Lot.lot_no == "L1")).one()
            other.add(SerialisedUnit(article_id=old.article_id, serial_no="N2", lot_id=lot, arrived_on=TODAY))
        return found

    judge = exchanges._judge
    seen: list[object] = []

    def judge_early(*given: object) -> object:
        # What the second look would have found has come just after it.
        seen.append(seen[0] if seen else judge(*given))  # type: ignore[arg-type]
        return seen[-1]

    monkeypatch.setattr(exchanges, "_lock", lock_late)
    monkeypatch.setattr(exchanges, "_judge", judge_early)
    with pytest.raises(ChangedMeanwhile), work.database.unit_of_work() as session:
        read_exchanges(session, work.eva, upload_id)
    monkeypatch.undo()
    assert work.unit("P1").status is UnitStatus.SHIPPED
    with work.database.unit_of_work() as session:
        file_id = read_exchanges(session, work.eva, upload_id)
    assert [problem for _serial, problem in rows_of(work, file_id)] == [None, ExchangeProblem.NEW_SERIAL_TAKEN]


def test_the_refused_rows_are_marked_as_returned_once(work: Exchanging, clock: ManualClock) -> None:
    work.sent("P1")
    file_id = work.read(exchange_csv("P1;N1;2026-11-10;Sprucken", "X;Y;2026-11-10;Sprucken", "Z;W;2026-11-10;"))
    with work.database.unit_of_work() as session:
        assert mark_returned(session, work.eva, file_id) == 2
    clock.advance(timedelta(days=1))
    with work.database.unit_of_work() as session:
        assert mark_returned(session, work.eva, file_id) == 0
        (listed,), _pages = exchange_files(session, work.eva)
        assert (listed.refused, listed.not_returned) == (2, 0)
        assert listed.returned_at is not None
        assert listed.returned_at.date() == listed.file.read_at.date()


def test_who_may_not_and_whose_it_is_not(work: Exchanging) -> None:
    work.sent("P1")
    raw = exchange_csv("P1;N1;2026-11-10;Sprucken")
    upload_id = work.upload(raw)
    with work.database.unit_of_work() as session:
        depot = staff_identity(add_staff(session, Role.DEPOT))
        elsewhere = replace(work.eva, region="norrbotten")
        for refused, identity in ((NotPermitted, depot), (NotFound, elsewhere)):
            with pytest.raises(refused):
                upload_exchanges(session, identity, work.supplier.id, "x.csv", raw)
            with pytest.raises(refused):
                preview_exchanges(session, identity, upload_id)
            with pytest.raises(refused):
                discard_exchanges(session, identity, upload_id)
            with pytest.raises(refused):
                mark_returned(session, identity, 1)
            with pytest.raises(refused):
                exchange_file(session, identity, 1)
        with pytest.raises(NotPermitted):
            read_exchanges(session, depot, upload_id)
        with pytest.raises(NotPermitted):
            chain_of_serial(session, depot, "P1")
        assert chain_of_serial(session, elsewhere, "P1") == ()
    with pytest.raises(NotFound), work.database.unit_of_work() as session:
        read_exchanges(session, elsewhere, upload_id)
    with pytest.raises(ExchangeFileRefused), work.database.unit_of_work() as session:
        upload_exchanges(session, work.eva, work.supplier.id, "x.csv", b"garbage")


def test_what_nobody_read_is_gone_after_a_day(work: Exchanging, clock: ManualClock) -> None:
    old = work.upload(exchange_csv("A;B;2026-11-10;Sprucken"))
    clock.advance(timedelta(hours=25))
    work.upload(exchange_csv("C;D;2026-11-10;Sprucken"))
    with work.database.unit_of_work() as session, pytest.raises(NotFound):
        preview_exchanges(session, work.eva, old)


def test_the_number_of_statements_does_not_grow_with_the_rows(work: Exchanging) -> None:
    for number in range(8):
        work.sent(f"P{number}")
    files = [
        work.read(exchange_csv(*[f"P{n};N{n};2026-11-10;Sprucken" for n in part])) for part in (range(1), range(1, 8))
    ]
    counts = []
    for file_id in files:
        with counted(work.database) as statements, work.database.unit_of_work() as session:
            exchange_file(session, work.eva, file_id)
        counts.append(len(statements))
    assert counts[0] == counts[1] <= 9
