"""A pump that replaces a faulty one inherits what is left of its warranty, and the case tells which replaced which. Handbook §6."""

from __future__ import annotations

from datetime import date

import pytest
from sqlalchemy import select

from auth.identity import Identity, Role
from auth.models import Person
from auth.persons import staff_identity
from core.db import Database
from delivery.complaints.decisions import ReplaceProduct, replace_product
from delivery.complaints.models import FaultKind
from delivery.complaints.queries import open_case
from delivery.complaints.services import ReportFault, report_fault
from delivery.goods_models import SerialisedUnit, UnitStatus
from delivery.models import DepotOrder
from delivery.picking import scan
from delivery.receipts import open_receipt
from delivery.receiving import ReceiveGoods, receive_goods
from delivery.shipping import pack
from delivery.shortage import finish
from orders.models import Article, Order, OrderRow, ProductKind, RowKind
from tests.integration.test_serials import GOOD, begun, code, sent, unit
from tests.support.builders import add_person, add_staff, patient_identity
from tests.support.depot_work import World, gs1
from tests.support.picking import LATE
from tests.support.recalls import RecallWorld


@pytest.fixture
def world(database: Database) -> World:
    return World(database)


@pytest.fixture
def pump(world: World) -> Article:
    """A pump of which P1 to P4 are on the shelf, in two lots."""
    article = world.article("Insulinpump")
    with world.database.unit_of_work() as session:
        found = session.get_one(Article, article.id)
        found.is_serialised, found.kind = True, ProductKind.PUMP
        receipt = open_receipt(session, world.picker, None, "FS-1")
        for lot_no, serials in (("L1", ("P1", "P2", "P3")), ("L2", ("P4",))):
            receive_goods(
                session, world.picker, ReceiveGoods(receipt.id, gs1(found, lot_no, GOOD), len(serials), serials=serials)
            )
        return found


def complained(world: World, consultant: Identity, person: Person, picked_lot_id: int, serial: int) -> tuple[str, int]:
    """Report a fault, have it replaced and routed; return the case's number and the new depot order."""
    with world.database.unit_of_work() as session:
        fault = ReportFault(
            picked_lot_id=picked_lot_id,
            kind=FaultKind.STOPPED_WORKING,
            was_harmed=False,
            has_danger_sign=False,
            is_kept=True,
            wants_replacement=True,
            idempotency_key=f"fault-{serial}",
        )
        case_no = report_fault(session, patient_identity(person), fault).case_no
        replaced = replace_product(session, consultant, ReplaceProduct(case_no, 1, f"replace-{serial}"))
        order_id = replaced.replacement_order_id
    world.handle("order.placed")
    with world.database.session() as session:
        return case_no, session.scalars(select(DepotOrder.id).where(DepotOrder.order_id == order_id)).one()


def test_a_replacement_inherits_what_is_left_of_the_warranty(world: World, pump: Article) -> None:
    with world.database.unit_of_work() as session:
        person = add_person(session)
        consultant = staff_identity(add_staff(session, Role.CONSULTANT))
        receipt = open_receipt(session, world.picker, None, "FS-9")
        receive_goods(session, world.picker, ReceiveGoods(receipt.id, gs1(pump, "L2", GOOD), 2, serials=("P6", "P7")))
        receive_goods(session, world.picker, ReceiveGoods(receipt.id, gs1(pump, "L3", GOOD), 1, serials=("P8",)))
    picked = sent(world, begun(world, pump, 1, person), code(pump, "P1"))
    with world.database.unit_of_work() as session:
        session.scalars(select(SerialisedUnit).where(SerialisedUnit.serial_no == "P1")).one().warranty_until = date(
            2027, 3, 1
        )
    first_case, second = complained(world, consultant, person, picked.id, 1)
    world.start(second)
    again = sent(world, second, code(pump, "P6", "L2"))
    assert (unit(world, "P6").warranty_until, unit(world, "P6").replaces_id) == (
        date(2027, 3, 1),
        unit(world, "P1").id,
    )
    _case, third = complained(world, consultant, person, again.id, 2)
    world.start(third)
    # Neither of the lots that have failed the patient.
    sent(world, third, code(pump, "P8", "L3"))
    assert unit(world, "P8").warranty_until == date(2027, 3, 1)
    with world.database.unit_of_work() as session:
        shown = open_case(session, consultant, first_case)
        assert [(one.serial_no, one.replaced, one.replaced_by) for one in shown.units] == [("P1", (), "P6")]
        assert shown.warranty_ends_on == date(2027, 3, 1)
        last = open_case(session, consultant, _case)
        assert [(one.serial_no, one.replaced, one.replaced_by) for one in last.units] == [("P6", ("P1",), "P8")]


def test_what_comes_instead_of_a_recalled_pump_inherits_from_that_one_and_no_other(database: Database) -> None:
    world = RecallWorld(database)
    pump = world.article("Insulinpump")
    lot = world.stock(pump, 4, "P-LOT")
    world.pumps(lot, "A1", "A2", "A3", "A4")
    anna = world.person()
    order = world.order({pump: 2}, anna)
    world.start(order)
    with database.unit_of_work() as session:
        for serial in ("A1", "A2"):
            scan(session, world.picker, order, gs1(pump, "P-LOT", LATE), serial_no=serial)
        finish(session, world.picker, order)
        parcel_id = pack(session, world.picker, order).id
    world.ship(parcel_id)
    with database.unit_of_work() as session:
        for serial in ("A1", "A2"):
            session.scalars(
                select(SerialisedUnit).where(SerialisedUnit.serial_no == serial)
            ).one().warranty_until = date(2027, 3, int(serial[1:]))
    # Of two pumps in one parcel only the second is called back.
    recall = world.open("A2", 1, replaces=True)
    world.tell(recall)
    with database.session() as session:
        instead = session.scalars(
            select(DepotOrder.id).join(Order).join(OrderRow).where(OrderRow.kind == RowKind.REPLACEMENT)
        ).one()
    world.start(instead)
    with database.unit_of_work() as session:
        scan(session, world.picker, instead, gs1(pump, "P-LOT", LATE), serial_no="A4")
        finish(session, world.picker, instead)
        parcel_id = pack(session, world.picker, instead).id
    world.ship(parcel_id)
    new, old = unit(world, "A4"), unit(world, "A2")
    assert (new.warranty_until, new.replaces_id) == (date(2027, 3, 2), old.id)
    assert (new.person_id, new.status) == (anna.id, UnitStatus.SHIPPED)
