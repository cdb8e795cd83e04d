"""What consultants see, on real PostgreSQL: the board, its piles, and the case."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select

from auth.identity import Role
from auth.models import Person, Protection
from core.audit import AccessLogEntry
from core.clock import ManualClock
from core.db import Database
from core.errors import NotFound, NotPermitted
from delivery.complaints.asking import ask
from delivery.complaints.board import PAGE_SIZE, Board, Pile, Wanted, board, untriaged_red_flags
from delivery.complaints.decisions import take_case
from delivery.complaints.merging import mark_duplicate
from delivery.complaints.models import Complaint, FaultKind, LookFirst
from delivery.complaints.queries import open_case
from delivery.complaints.services import report_fault
from delivery.complaints.triage import Triage, triage
from orders.catalogue import Supplier
from orders.kinds import ProductArea, ProductKind
from tests.integration.test_fault_reports import REPORT
from tests.support.builders import add_article
from tests.support.complaints import Office
from tests.support.deliveries import add_delivered
from tests.support.statements import counted


@pytest.fixture
def office(database: Database) -> Office:
    return Office(database)


def _board(database: Database, office: Office, wanted: Wanted | None = None) -> Board:
    with database.unit_of_work() as session:
        return board(session, office.eva, wanted)


def test_red_flags_come_first_then_what_is_due(database: Database, clock: ManualClock, office: Office) -> None:
    early = office.report()
    clock.advance(timedelta(days=1))
    late = office.report()
    # Due last of all, and first all the same.
    clock.advance(timedelta(days=6))
    red = office.report(is_red=True)
    with database.unit_of_work() as session:
        shown = board(session, office.eva)
    assert [case.case_no for case in shown.cases] == [red, early, late]


def test_each_pile_holds_what_its_count_says(database: Database, clock: ManualClock, office: Office) -> None:
    # The cases of one patient and lot within two weeks may be the same: nothing is replaced at once.
    open_one, mine, red, waiting, replaced, declined, closed = (
        office.report(is_red=number == 2) for number in range(7)
    )
    with database.unit_of_work() as session:
        take_case(session, office.eva, mine)
        ask(session, office.per, waiting, "När?", "k")
        mark_duplicate(session, office.per, closed, open_one)
    office.replace(office.eva, replaced)
    office.decline(office.per, declined)
    expected = {
        Pile.OPEN: {open_one, mine, red},
        Pile.RED_FLAG: {red},
        Pile.OVERDUE: {red},
        Pile.MINE: {mine},
        Pile.ADDED_TO: set(),
        Pile.WAITING: {waiting},
        Pile.REPLACED: {replaced},
        Pile.SUPPLIER: set(),
        Pile.DECLINED: {declined},
        Pile.CLOSED: {closed},
    }
    clock.advance(timedelta(days=2))
    for pile, numbers in expected.items():
        shown = _board(database, office, Wanted(pile))
        assert {case.case_no for case in shown.cases} == numbers, pile
        assert shown.counts == {name: len(cases) for name, cases in expected.items()}
        assert shown.total == len(numbers)


def test_a_decided_red_flag_stays_in_sight_until_somebody_has_looked(database: Database, office: Office) -> None:
    case_no = office.report(is_red=True)
    office.replace(office.eva, case_no)
    assert [case.case_no for case in _board(database, office, Wanted(Pile.RED_FLAG)).cases] == [case_no]
    with database.unit_of_work() as session:
        assert untriaged_red_flags(session, office.eva) == 1
        assert untriaged_red_flags(session, replace(office.eva, region="norrbotten")) == 0
        triage(session, office.eva, Triage(case_no))
        assert untriaged_red_flags(session, office.eva) == 0
    assert _board(database, office, Wanted(Pile.RED_FLAG)).cases == ()


def test_a_pile_is_narrowed_and_says_what_each_choice_leaves(database: Database, office: Office) -> None:
    with database.unit_of_work() as session:
        supplier = Supplier(region="vgr", supplier_no="7", name="Fjordsensor AB")
        strips = add_article(session, kind=ProductKind.TEST_STRIP, name="Teststickor")
        session.add(supplier)
        session.flush()
        strips.supplier_id = supplier.id
        patient = session.get_one(Person, office.patient.id)
        picked_lot_id = add_delivered(session, patient, article=strips, lot_no="T1").id
        supplier_id = supplier.id
    first, second = office.report(is_red=True), office.report()
    with database.unit_of_work() as session:
        command = replace(
            REPORT, picked_lot_id=picked_lot_id, kind=FaultKind.WRONG_READING, wants_replacement=False, applied_on=None
        )
        strip = report_fault(session, office.reporter, replace(command, idempotency_key="strip")).case_no
    everything = _board(database, office)
    assert everything.facets.kinds == {ProductKind.SENSOR: 2, ProductKind.TEST_STRIP: 1}
    assert everything.facets.suppliers == {supplier_id: ("Fjordsensor AB", 1)}
    assert everything.facets.looks == {LookFirst.RED_FLAG: 1, LookFirst.POSSIBLE_DUPLICATE: 1}
    ways: list[tuple[Wanted, set[str]]] = [
        (Wanted(kind=ProductKind.SENSOR), {first, second}),
        (Wanted(supplier_id=supplier_id), {strip}),
        (Wanted(look_first=LookFirst.RED_FLAG), {first}),
        (Wanted(look_first=LookFirst.RED_FLAG, supplier_id=supplier_id), set()),
        (Wanted(area=ProductArea.DIABETES, kind=ProductKind.TEST_STRIP), {strip}),
        (Wanted(area=ProductArea.STOMA), set()),
        (Wanted(words="teststick"), {strip}),
        (Wanted(words="T1"), {strip}),
        (Wanted(words="t", kind=ProductKind.SENSOR), set()),
    ]
    for wanted, numbers in ways:
        shown = _board(database, office, wanted)
        assert ({case.case_no for case in shown.cases}, shown.total) == (numbers, len(numbers)), wanted
    # What another kind would leave is said although one kind is chosen; of another supplier's there is none.
    assert _board(database, office, Wanted(kind=ProductKind.SENSOR)).facets.kinds == everything.facets.kinds
    assert _board(database, office, Wanted(supplier_id=supplier_id)).facets.kinds == {ProductKind.TEST_STRIP: 1}


def test_the_board_asks_as_much_for_many_cases_as_for_one(database: Database, office: Office) -> None:
    numbers: list[str] = []
    for total in (1, 4):
        while len(numbers) < total:
            numbers.append(office.report(is_routed=False))
        with counted(database) as statements, database.unit_of_work() as session:
            shown = board(session, office.eva)
            seen = [(c.report.kind, c.article.display_name, c.lot and c.lot.lot_no, c.owner) for c in shown.cases]
        assert len(seen) == total
        assert len([text for text in statements if text.startswith("SELECT")]) == 3, statements
    with database.unit_of_work() as session:
        entry = session.scalars(select(AccessLogEntry).where(AccessLogEntry.action == "complaints.listed")).first()
        assert entry is not None
        assert (entry.actor_label, entry.manner) == ("Eva Konsulent", "LOOK")


def test_a_case_is_found_by_its_number_and_by_its_lot(database: Database, office: Office) -> None:
    case_no = office.report()
    office.decline(office.eva, case_no)
    with database.unit_of_work() as session:
        for words in (case_no, f"{case_no[:3]} {case_no[3:]}", "l24a"):
            assert [case.case_no for case in board(session, office.eva, Wanted(words=words)).cases] == [case_no]
        for words in ("%", "_24A88", "100017"):
            assert board(session, office.eva, Wanted(words=words)).cases == ()


def test_long_piles_have_pages(database: Database, office: Office) -> None:
    office.report()
    with database.unit_of_work() as session:
        first = session.scalars(select(Complaint)).one()
        copied = {"region", "person_id", "article_id", "lot_id", "state", "received_at", "has_red_flag"}
        facts = {name: getattr(first, name) for name in copied}
        report = {
            column.name: getattr(first.report, column.name)
            for column in first.report.__table__.columns
            if column.name not in {"id", "complaint_id"}
        }
        for number in range(PAGE_SIZE):
            more = Complaint(case_no=f"X{number}", **facts)
            session.add(more)
            session.flush()
            session.add(type(first.report)(complaint_id=more.id, **report))
    with database.unit_of_work() as session:
        assert len(board(session, office.eva).cases) == PAGE_SIZE
        last = board(session, office.eva, Wanted(page=99))
        assert (last.page, last.pages, len(last.cases)) == (2, 2, 1)


def test_only_consultants_of_the_region_may(database: Database, office: Office) -> None:
    case_no = office.report()
    elsewhere = replace(office.eva, region="other")
    with database.unit_of_work() as session:
        assert board(session, elsewhere).cases == ()
        with pytest.raises(NotFound):
            open_case(session, elsewhere, case_no)
        for role in Role:
            if role is Role.CONSULTANT:
                continue
            with pytest.raises(NotPermitted):
                board(session, replace(office.eva, role=role))
            with pytest.raises(NotPermitted):
                open_case(session, replace(office.eva, role=role), case_no)
    for act in (office.replace, office.decline):
        with pytest.raises(NotFound):
            act(elsewhere, case_no)
        with pytest.raises(NotPermitted):
            act(replace(office.eva, role=Role.DEPOT), case_no)


def test_a_case_shows_its_lots_other_cases_and_is_logged(database: Database, office: Office) -> None:
    other, case_no = office.report(is_red=True), office.report()
    with database.unit_of_work() as session:
        opened = open_case(session, office.eva, case_no)
        assert [case.case_no for case in opened.same_lot] == [other]
        assert (opened.same_lot_count, opened.delivered_packages) == (1, 3)
        assert (opened.reporter_name, opened.call_on) == ("Kim Ombudsson", "0500-00 00 01")
    with database.session() as session:
        entry = session.scalars(select(AccessLogEntry).where(AccessLogEntry.action == "complaint.seen")).one()
        assert (entry.subject_person_id, entry.object_ref, entry.unit_id) == (
            office.patient.id,
            f"case:{case_no}",
            office.eva.unit_id,
        )


@pytest.mark.parametrize("who", ["patient", "proxy"])
def test_a_protection_that_came_after_the_report_hides_name_and_number(
    database: Database, office: Office, who: str
) -> None:
    case_no = office.report()
    with database.unit_of_work() as session:
        person = session.get_one(Person, getattr(office, who).id)
        for name in ("given_name", "family_name", "street", "postal_code", "city"):
            setattr(person, name, "")
        person.protection = Protection.CONFIDENTIALITY_FLAG
    with database.unit_of_work() as session:
        opened = open_case(session, office.eva, case_no)
        assert (opened.is_protected, opened.reporter_name, opened.call_on) == (True, "", "")
