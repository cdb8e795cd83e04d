"""What a supplier exchanged directly, and the case about it: told, and done unless somebody must look. Handbook §7."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from core.db import Database
from delivery import errors
from delivery.complaints.exchange_queries import exchange_file
from delivery.complaints.models import Complaint, ComplaintEvent, ComplaintEventKind, ComplaintState
from delivery.complaints.recall_returns import must_stay_out
from delivery.goods_models import SerialisedUnit, UnitStatus
from delivery.models import PickedLot
from delivery.serials import take_back_units
from tests.support.exchanges import Exchanging, exchange_csv


@pytest.fixture
def work(database: Database) -> Exchanging:
    return Exchanging(database)


def case(work: Exchanging, case_no: str) -> tuple[ComplaintState, list[ComplaintEventKind]]:
    with work.database.session() as session:
        found = session.scalars(select(Complaint).where(Complaint.case_no == case_no)).one()
        return found.state, [event.kind for event in found.events]


def test_the_open_case_hears_of_it_and_is_done_unless_somebody_must_look(work: Exchanging) -> None:
    for serial in ("P1", "P2", "P3", "P4", "P5"):
        work.sent(serial)
    plain, triaged = work.case("P1"), work.case("P2", ComplaintState.TRIAGED)
    red, claimed = work.case("P3", is_red=True), work.case("P4", ComplaintState.CLAIMED)
    other_number, declined = work.case("P5", stated="P99"), work.case("P1", ComplaintState.DECLINED)
    file_id = work.read(exchange_csv(*[f"P{n};N{n};2026-11-10;Sprucken" for n in range(1, 6)]))
    exchanged, closed = ComplaintEventKind.EXCHANGED, ComplaintEventKind.CLOSED
    assert case(work, plain) == (ComplaintState.CLOSED, [exchanged, ComplaintEventKind.TRIAGED, closed])
    assert case(work, triaged) == (ComplaintState.CLOSED, [exchanged, closed])
    assert case(work, red) == (ComplaintState.RECEIVED, [exchanged])
    assert case(work, claimed) == (ComplaintState.CLAIMED, [exchanged])
    assert case(work, other_number) == (ComplaintState.RECEIVED, [])
    assert case(work, declined) == (ComplaintState.DECLINED, [])
    with work.database.unit_of_work() as session:
        lines = exchange_file(session, work.eva, file_id).lines
        assert [line.case_no for line in lines] == [plain, triaged, red, claimed, ""]
        event = session.scalars(select(ComplaintEvent).where(ComplaintEvent.kind == exchanged)).first()
        assert event is not None
        assert (event.text, event.for_reporter) == ("P1 → N1", True)


def test_the_case_of_the_exchanged_unit_is_found_when_that_is_exchanged_too(work: Exchanging) -> None:
    work.sent("P1")
    work.read(exchange_csv("P1;N1;2026-11-10;Sprucken"))
    again = work.case("N1")
    work.read(exchange_csv("N1;N2;2026-11-20;Batteriet"))
    assert case(work, again)[0] is ComplaintState.CLOSED


def test_what_the_supplier_sent_can_come_back_to_the_depot_and_be_scrapped(work: Exchanging) -> None:
    work.sent("P1")
    work.read(exchange_csv("P1;N1;2026-11-10;Sprucken"))
    with work.database.unit_of_work() as session:
        new = session.scalars(select(SerialisedUnit).where(SerialisedUnit.serial_no == "N1")).one()
        take_back_units(session, session.get_one(PickedLot, new.picked_lot_id), ["N1"], to_stock=False)
    assert work.unit("N1").status is UnitStatus.SCRAPPED


def test_what_the_supplier_sent_never_goes_on_the_shelf_as_another_lot(work: Exchanging) -> None:
    work.sent("P1")
    work.read(exchange_csv("P1;N1;2026-11-10;Sprucken"))
    with work.database.unit_of_work() as session:
        new = session.scalars(select(SerialisedUnit).where(SerialisedUnit.serial_no == "N1")).one()
        picked = session.get_one(PickedLot, new.picked_lot_id)
        with pytest.raises(errors.SerialOfOtherLot):
            take_back_units(session, picked, ["N1"], to_stock=True)
        # The depot is not left standing with it: the return is taken, and scrapped, whatever the region lets back on the shelf.
        assert must_stay_out(session, picked, ["N1"])
    assert work.unit("N1").status is UnitStatus.SHIPPED
