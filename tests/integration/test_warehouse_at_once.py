"""Serial numbers that a warehouse sends, and messages that come at the same moment: everything once, nothing to two."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import select

from core.db import Database
from delivery.goods_models import SerialisedUnit, UnitStatus
from delivery.models import PickedLot
from delivery.warehouse_models import Outcome
from orders.models import Article, Order
from tests.support.depot_work import World
from tests.support.elsewhere import Elsewhere
from tests.support.picking import race
from tests.support.warehouse import Sent, despatch, elsewhere_policies


@pytest.fixture
def elsewhere(database: Database, tmp_path: Path) -> Elsewhere:
    elsewhere_policies(tmp_path)
    return Elsewhere(World(database))


def refused(elsewhere: Elsewhere, raw: bytes, reason: str) -> None:
    receipt = elsewhere.take(raw)
    assert (receipt.outcome, receipt.reason) == (Outcome.REFUSED, reason)
    assert elsewhere.lots() == {}
    assert units(elsewhere) == {}


def pump(elsewhere: Elsewhere) -> Article:
    with elsewhere.world.database.unit_of_work() as session:
        article = elsewhere.world.article("Pump")
        session.get_one(Article, article.id).is_serialised = True
    return article


def units(elsewhere: Elsewhere) -> dict[str, SerialisedUnit]:
    with elsewhere.world.database.session() as session:
        return {unit.serial_no: unit for unit in session.scalars(select(SerialisedUnit))}


def test_a_serial_number_is_bound_to_its_patient_and_never_sent_to_two(elsewhere: Elsewhere) -> None:
    article = pump(elsewhere)
    first, second = elsewhere.order({article: 1}), elsewhere.order({article: 1})
    refused(elsewhere, despatch(first, [Sent(first.line, 1)]), "BAD_SERIAL")
    refused(elsewhere, despatch(first, [Sent(first.line, 1, serials=("P-1", "P-2"))]), "BAD_SERIAL")
    assert elsewhere.take(despatch(first, [Sent(first.line, 1, serials=("P-1",))])).outcome is Outcome.TAKEN
    unit = units(elsewhere)["P-1"]
    with elsewhere.world.database.session() as session:
        owner = session.get_one(Order, elsewhere.parts(first)[0].order_id).person_id
        lot_no = session.get_one(PickedLot, unit.picked_lot_id).lot.lot_no
    assert (unit.status, unit.person_id, lot_no) == (UnitStatus.SHIPPED, owner, "L26A01")
    taken = elsewhere.take(despatch(second, [Sent(second.line, 1, lot_no="L2", serials=("P-1",))]))
    assert taken.reason == "SERIAL_TAKEN"
    assert elsewhere.lots() == {"L26A01": 1}
    assert (
        elsewhere.take(despatch(second, [Sent(second.line, 1, lot_no="L2", serials=("P-2",))])).outcome is Outcome.TAKEN
    )


def test_two_identical_advices_at_once_are_one(elsewhere: Elsewhere) -> None:
    order = elsewhere.order({elsewhere.world.article(): 4})
    raw = despatch(order, [Sent(order.line, 3)])
    assert race(6, lambda _number: elsewhere.take(raw)) == [None] * 6
    assert elsewhere.lots() == {"L26A01": 3}
    assert elsewhere.statuses(order) == ["SHIPPED", "AT_WAREHOUSE"]
    assert len(elsewhere.parcels()) == 1


def test_two_parts_at_once_never_add_up_to_more_than_was_ordered(elsewhere: Elsewhere) -> None:
    order = elsewhere.order({elsewhere.world.article(): 4})
    advices = [despatch(order, [Sent(order.line, 1)]) for _number in range(6)]
    assert race(6, lambda number: elsewhere.take(advices[number])) == [None] * 6
    assert elsewhere.lots() == {"L26A01": 4}
    outcomes = [message.outcome for message in elsewhere.messages() if message.document_id.startswith("DA-")]
    assert sorted(outcomes) == [Outcome.REFUSED] * 2 + [Outcome.TAKEN] * 4


def test_the_same_serial_to_two_patients_at_once_reaches_one(elsewhere: Elsewhere) -> None:
    article = pump(elsewhere)
    orders = [elsewhere.order({article: 1}) for _number in range(4)]
    advices = [despatch(order, [Sent(order.line, 1, serials=("P-9",))]) for order in orders]
    assert race(4, lambda number: elsewhere.take(advices[number])) == [None] * 4
    assert len(units(elsewhere)) == 1
    assert sum(elsewhere.statuses(order) == ["SHIPPED"] for order in orders) == 1
