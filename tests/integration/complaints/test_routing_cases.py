"""What the worker does with a report: whose turn it is, who looks first, and what is replaced at once."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select, update

from auth.models import Person
from core.audit import AccessLogEntry
from core.clock import ManualClock
from core.db import Database
from core.outbox import OutboxMessage
from core.policy import policy_of
from delivery.complaints import routing
from delivery.complaints.errors import NothingPrescribed
from delivery.complaints.models import Complaint, ComplaintEventKind, ComplaintState, FaultKind, FaultReport, LookFirst
from delivery.complaints.policy import ComplaintRoute, ComplaintsPolicy
from delivery.complaints.services import report_fault
from orders.models import (
    Channel,
    Order,
    OrderRow,
    Prescription,
    PrescriptionItem,
    ProductKind,
    RowKind,
    RowStatus,
    Withdrawal,
)
from tests.integration.test_fault_reports import REPORT
from tests.support.builders import add_article, add_person
from tests.support.complaints import Office
from tests.support.deliveries import add_delivered


@pytest.fixture
def office(database: Database) -> Office:
    return Office(database)


def _kinds(complaint: Complaint) -> list[ComplaintEventKind]:
    return [event.kind for event in complaint.events]


def _replacements(database: Database) -> int:
    with database.session() as session:
        return session.scalars(
            select(func.count()).select_from(OrderRow).where(OrderRow.kind == RowKind.REPLACEMENT)
        ).one()


def test_the_depot_replaces_at_once_and_uses_no_withdrawal(database: Database, office: Office) -> None:
    with database.session() as session:
        before = session.scalars(select(PrescriptionItem.orders_remaining)).all()
        withdrawals = session.scalars(select(func.count()).select_from(Withdrawal)).one()
    complaint = office.case(office.report(wants=True, packages=2))
    assert (complaint.state, complaint.route) == (
        ComplaintState.REPLACEMENT_ORDERED,
        ComplaintRoute.DEPOT_REPLACES,
    )
    assert (complaint.look_first, complaint.owner_id, complaint.closed_at) == (None, None, None)
    with database.session() as session:
        row = session.scalars(select(OrderRow).where(OrderRow.complaint_ref == complaint.id)).one()
        order = session.get_one(Order, row.order_id)
        assert (row.packages, row.withdrawal_id) == (2, None)
        assert (complaint.replacement_order_id, order.orderer_staff_id) == (order.id, None)
        assert session.scalars(select(PrescriptionItem.orders_remaining)).all() == before
        assert session.scalars(select(func.count()).select_from(Withdrawal)).one() == withdrawals
        entry = session.scalars(select(AccessLogEntry).where(AccessLogEntry.action == "complaint.replaced")).one()
        assert (entry.actor_kind, entry.actor_label) == ("SYSTEM", "fault routing")
    assert _kinds(complaint) == [
        ComplaintEventKind.REPORTED,
        ComplaintEventKind.ROUTED,
        ComplaintEventKind.REPLACED,
    ]
    facts = {"case_no": complaint.case_no, "order_no": order.order_no, "article": "Glukossensor"}
    assert office.messages("fault.replaced") == [(office.patient.id, facts), (office.proxy.id, facts)]


def test_a_red_flag_alerts_at_once_and_nothing_is_sent(
    database: Database, office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    _with_policy(monkeypatch, alert_email="konsulent@example.org")
    complaint = office.case(office.report(wants=True, is_red=True))
    assert (complaint.state, complaint.look_first) == (ComplaintState.RECEIVED, LookFirst.RED_FLAG)
    assert ComplaintEventKind.ALERTED in _kinds(complaint)
    assert _replacements(database) == 0
    with database.session() as session:
        alerts = session.scalars(select(OutboxMessage.payload).where(OutboxMessage.kind == "complaint.alert")).all()
    assert alerts == [{"complaint_id": complaint.id}]


def test_without_an_address_the_menu_is_the_alert(database: Database, office: Office) -> None:
    complaint = office.case(office.report(is_red=True))
    assert ComplaintEventKind.ALERTED in _kinds(complaint)
    with database.session() as session:
        assert not session.scalars(select(OutboxMessage).where(OutboxMessage.kind == "complaint.alert")).all()


def test_what_is_due_counts_working_hours_from_the_report(office: Office, clock: ManualClock) -> None:
    # A Friday afternoon at half past three: four hours reach Monday, twenty-four hours Wednesday.
    clock.set(datetime(2026, 12, 4, 14, 30, tzinfo=UTC))
    assert office.case(office.report(is_red=True)).due_at == datetime(2026, 12, 7, 10, tzinfo=UTC)
    assert office.case(office.report()).due_at == datetime(2026, 12, 9, 13, tzinfo=UTC)


def test_a_second_report_of_the_lot_is_looked_at(office: Office, clock: ManualClock) -> None:
    assert office.case(office.report(wants=True)).state is ComplaintState.REPLACEMENT_ORDERED
    clock.advance(timedelta(days=14))
    again = office.case(office.report(wants=True))
    assert (again.state, again.look_first) == (ComplaintState.RECEIVED, LookFirst.POSSIBLE_DUPLICATE)
    clock.advance(timedelta(days=15))
    assert office.case(office.report(wants=True)).state is ComplaintState.REPLACEMENT_ORDERED


def test_no_more_is_replaced_than_was_delivered(office: Office, clock: ManualClock) -> None:
    for _ in range(3):
        assert office.case(office.report(wants=True)).state is ComplaintState.REPLACEMENT_ORDERED
        clock.advance(timedelta(days=15))
    # The three that were delivered have all been replaced.
    assert office.case(office.report(wants=True)).look_first is LookFirst.MANY_REPLACEMENTS


def test_many_replacements_in_a_year_are_looked_at(
    database: Database, office: Office, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    _with_policy(monkeypatch, replacements_a_year_before_a_look=2)
    first = office.report(wants=True)
    for _ in range(2):
        clock.advance(timedelta(days=15))
        latest = office.case(office.report(wants=True))
    assert latest.look_first is LookFirst.MANY_REPLACEMENTS
    # One that was cancelled was never sent.
    with database.unit_of_work() as session:
        session.execute(
            update(OrderRow).where(OrderRow.complaint_ref == office.case(first).id).values(status=RowStatus.CANCELLED)
        )
    clock.advance(timedelta(days=15))
    assert office.case(office.report(wants=True)).look_first is None


def test_after_a_year_it_begins_anew(
    database: Database, office: Office, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    _with_policy(monkeypatch, replacements_a_year_before_a_look=1)
    office.report(wants=True)
    clock.advance(timedelta(days=15))
    for days, look_first in ((364, LookFirst.MANY_REPLACEMENTS), (366, None)):
        with database.unit_of_work() as session:
            placed = {"placed_at": clock.now() - timedelta(days=days)}
            session.execute(update(Order).where(Order.channel == Channel.COMPLAINT).values(placed))
        case_no = office.report(wants=True)
        assert office.case(case_no).look_first is look_first
        clock.advance(timedelta(days=15))


def test_nobody_is_sent_what_they_do_not_want(office: Office) -> None:
    assert office.case(office.report(wants=False)).look_first is LookFirst.NO_REPLACEMENT_WANTED


def test_nothing_is_sent_to_the_dead(database: Database, office: Office) -> None:
    case_no = office.report(wants=True, is_routed=False)
    with database.unit_of_work() as session:
        session.execute(update(Person).where(Person.id == office.patient.id).values(deceased_on="2026-11-20"))
    office.route(office.case(case_no).id)
    assert office.case(case_no).look_first is LookFirst.PATIENT_HAS_DIED


def test_an_unknown_delivery_is_looked_at(database: Database, office: Office) -> None:
    case_no = office.report(wants=True, is_routed=False)
    complaint_id = office.case(case_no).id
    with database.unit_of_work() as session:
        session.execute(update(Complaint).where(Complaint.id == complaint_id).values(lot_id=None))
        session.execute(update(FaultReport).values(picked_lot_id=None, stated_lot_no="L99"))
    office.route(complaint_id)
    assert office.case(case_no).look_first is LookFirst.LOT_UNKNOWN
    # A consultant may send what was reported all the same.
    assert office.replace(office.eva, case_no).state is ComplaintState.REPLACEMENT_ORDERED


def test_without_any_prescription_nothing_can_be_sent(database: Database, office: Office) -> None:
    with database.unit_of_work() as session:
        stranger = add_person(session, name="Utan Förskrivning")
        session.execute(update(Prescription).values(person_id=stranger.id))
    case_no = office.report(wants=True)
    assert office.case(case_no).look_first is LookFirst.LOT_UNKNOWN
    with pytest.raises(NothingPrescribed):
        office.replace(office.eva, case_no)
    assert office.case(case_no).state is ComplaintState.RECEIVED


def test_a_pump_is_the_suppliers_and_is_recorded(database: Database, office: Office) -> None:
    with database.unit_of_work() as session:
        pump = add_article(session, kind=ProductKind.PUMP, name="Insulinpump")
        picked_lot_id = add_delivered(session, office.patient, article=pump, lot_no="P1").id
    with database.unit_of_work() as session:
        command = replace(REPORT, picked_lot_id=picked_lot_id, kind=FaultKind.STOPPED_WORKING, idempotency_key="pump")
        case_no = report_fault(session, office.reporter, command).case_no
    office.route(office.case(case_no).id)
    complaint = office.case(case_no)
    assert (complaint.route, complaint.look_first) == (ComplaintRoute.SUPPLIER, LookFirst.OTHERS_REPLACE)
    assert (complaint.state, complaint.due_at is not None) == (ComplaintState.RECEIVED, True)


def test_a_region_that_wants_people_to_look_has_its_way(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    _with_policy(monkeypatch, replaces_at_once=False)
    complaint = office.case(office.report(wants=True))
    assert (complaint.state, complaint.look_first) == (ComplaintState.RECEIVED, None)


def test_routing_twice_at_once_replaces_once(database: Database, office: Office) -> None:
    complaint_id = office.case(office.report(wants=True, is_routed=False)).id
    together, failed = threading.Barrier(4), []

    def route() -> None:
        together.wait()
        try:
            office.route(complaint_id)
        except Exception as problem:
            failed.append(problem)

    threads = [threading.Thread(target=route) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert failed == []
    assert _replacements(database) == 1
    with database.session() as session:
        complaint = session.get_one(Complaint, complaint_id)
        assert [event.kind for event in complaint.events].count(ComplaintEventKind.ROUTED) == 1
    assert len(office.messages("fault.replaced")) == 2


def test_two_reports_routed_at_once_are_not_both_replaced(database: Database, office: Office) -> None:
    """The lock on their person is what keeps two reports of one fault from being replaced twice."""
    ids = [office.case(office.report(wants=True, is_routed=False)).id for _ in range(2)]
    threads = [threading.Thread(target=office.route, args=(one,)) for one in ids]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    # Both were there before either was routed: each may be the other's duplicate, and a person looks at both.
    assert _replacements(database) == 0


def _with_policy(monkeypatch: pytest.MonkeyPatch, **changes: object) -> None:
    """Let the region's complaints policy have other values for one test."""
    changed = replace(policy_of("vgr").section(ComplaintsPolicy), **changes)  # type: ignore[arg-type]
    real = policy_of

    class Changed:
        def section(self, kind: type) -> object:
            return changed if kind is ComplaintsPolicy else real("vgr").section(kind)

    monkeypatch.setattr(routing, "policy_of", lambda _region: Changed())
