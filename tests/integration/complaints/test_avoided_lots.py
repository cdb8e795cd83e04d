"""Which lots a replacement does not come from."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import select

from auth.models import Person
from core.db import Database
from core.outbox import Message
from core.policy import policy_of
from delivery.allocation import LotFacts, LotProblem, judge_lot
from delivery.complaints import routing
from delivery.complaints.models import Complaint, ComplaintEventKind, ComplaintState
from delivery.complaints.policy import ComplaintsPolicy
from delivery.models import DepotOrder, Lot, LotStatus, PickedLot, PickLine
from delivery.routing import route_order
from delivery.stock import need_of
from tests.support.complaints import Office
from tests.support.deliveries import add_delivered, add_lot


@pytest.fixture
def office(database: Database) -> Office:
    return Office(database)


def _kinds(complaint: Complaint) -> list[ComplaintEventKind]:
    return [event.kind for event in complaint.events]


def _with_policy(monkeypatch: pytest.MonkeyPatch, **changes: object) -> None:
    """Let the region's complaints policy have other values for one test."""
    changed = replace(policy_of("vgr").section(ComplaintsPolicy), **changes)  # type: ignore[arg-type]
    real = policy_of

    class Changed:
        def section(self, kind: type) -> object:
            return changed if kind is ComplaintsPolicy else real("vgr").section(kind)

    monkeypatch.setattr(routing, "policy_of", lambda _region: Changed())


def test_the_replacement_comes_from_no_lot_that_the_patient_has_a_case_about(
    database: Database, office: Office
) -> None:
    """Nor from one that is quarantined; a case that is declined says nothing against its lot."""
    with database.unit_of_work() as session:
        patient = session.get_one(Person, office.patient.id)
        faulty = session.get_one(PickedLot, office.picked_lot_id).lot
        others = {
            name: add_delivered(session, patient, article=faulty.article, lot_no=name).id
            for name in ("OPENCASE", "DECLINED", "SOUND")
        }
        held = add_lot(session, faulty.article, "HELD")
        held.status = LotStatus.QUARANTINED
        lots = {lot.lot_no: lot.id for lot in session.scalars(select(Lot))}
    office.report(picked_lot_id=others["OPENCASE"])
    office.decline(office.eva, office.report(picked_lot_id=others["DECLINED"]))
    complaint = office.case(office.report(wants=True))
    assert complaint.state is ComplaintState.REPLACEMENT_ORDERED
    with database.unit_of_work() as session:
        route_order(session, Message(1, "order.placed", {"order_id": complaint.replacement_order_id}))
    with database.session() as session:
        order = DepotOrder.order_id == complaint.replacement_order_id
        line = session.scalars(select(PickLine).join(DepotOrder).where(order)).one()
        assert (line.avoid_lot_id, line.avoid_more) == (lots[faulty.lot_no], [lots["OPENCASE"]])
        need = need_of(line)
        verdicts = {}
        for name, lot_id in lots.items():
            lot = session.get_one(Lot, lot_id)
            facts = LotFacts(lot_id, lot.expires_on, lot.status is LotStatus.QUARANTINED, is_recalled=False, free=9)
            verdicts[name] = judge_lot(facts, need, line.use_until)
    same = LotProblem.SAME_AS_FAULTY
    assert verdicts == {
        faulty.lot_no: same,
        "OPENCASE": same,
        "DECLINED": None,
        "SOUND": None,
        "HELD": LotProblem.QUARANTINED,
    }
