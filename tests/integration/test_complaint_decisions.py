"""One decision a case, whoever clicks how often: what it causes and whom it is told to, on real PostgreSQL."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from functools import partial

import pytest
from sqlalchemy import func, select, text, update

from auth.models import Person
from core.audit import AccessLogEntry
from core.clock import ManualClock
from core.db import Database
from core.outbox import OutboxMessage
from delivery.complaints.decisions import ReplaceProduct, decline, replace_product, take_case
from delivery.complaints.errors import AlreadyDecided, PackagesOutOfRange, PatientHasDied, ReasonMissing
from delivery.complaints.models import Complaint, ComplaintEventKind, ComplaintState
from delivery.complaints.queries import open_case
from orders.models import Channel, Order, OrderRow, PrescriptionItem, RowKind, Withdrawal
from tests.support.complaints import Office


@pytest.fixture
def office(database: Database) -> Office:
    return Office(database)


def test_a_replacement_uses_no_withdrawal_and_tells_both(database: Database, office: Office) -> None:
    case_no = office.report(packages=2)
    with database.session() as session:
        before = session.scalars(select(PrescriptionItem.orders_remaining)).one()
        withdrawals = session.scalars(select(func.count()).select_from(Withdrawal)).one()
    complaint = office.replace(office.eva, case_no, packages=2)
    with database.session() as session:
        assert session.scalars(select(PrescriptionItem.orders_remaining)).one() == before
        assert session.scalars(select(func.count()).select_from(Withdrawal)).one() == withdrawals
        row = session.scalars(select(OrderRow).where(OrderRow.kind == RowKind.REPLACEMENT)).one()
        assert (row.complaint_ref, row.packages, row.order_id) == (complaint.id, 2, complaint.replacement_order_id)
        order = session.get_one(Order, row.order_id)
        assert (complaint.state, complaint.owner_id) == (ComplaintState.REPLACEMENT_ORDERED, office.eva.staff_id)
        placed = select(OutboxMessage.payload).where(OutboxMessage.kind == "order.placed")
        assert session.scalars(placed).one() == {"order_id": order.id}
        acted = select(AccessLogEntry).where(AccessLogEntry.action == "complaint.replaced")
        assert session.scalars(acted).one().object_ref == f"case:{case_no}"
    facts = {"case_no": case_no, "order_no": order.order_no, "article": "Glukossensor"}
    assert office.messages("fault.replaced") == [(office.patient.id, facts), (office.proxy.id, facts)]


def test_a_child_is_not_written_to(database: Database, office: Office) -> None:
    case_no = office.report()
    with database.unit_of_work() as session:
        session.execute(update(Person).where(Person.id == office.patient.id).values(birth_date="2017-05-01"))
    office.decline(office.eva, case_no)
    assert [receiver for receiver, _ in office.messages("fault.declined")] == [office.proxy.id]


def test_declining_needs_a_reason_and_passes_it_on(office: Office) -> None:
    case_no = office.report()
    with pytest.raises(ReasonMissing):
        office.decline(office.eva, case_no, "  \n ")
    assert office.messages("fault.declined") == []
    complaint = office.decline(office.eva, case_no, " Den var tappad. ")
    assert (complaint.state, complaint.decline_reason) == (ComplaintState.DECLINED, "Den var tappad.")
    facts = {"case_no": case_no, "article": "Glukossensor", "reason": "Den var tappad."}
    assert office.messages("fault.declined") == [(office.patient.id, facts), (office.proxy.id, facts)]


def test_a_double_click_has_one_effect(database: Database, office: Office) -> None:
    replaced, declined = office.report(), office.report()
    for _ in range(2):
        assert office.replace(office.eva, replaced).state is ComplaintState.REPLACEMENT_ORDERED
        assert office.decline(office.eva, declined).state is ComplaintState.DECLINED
    assert len(office.messages("fault.replaced")) == len(office.messages("fault.declined")) == 2
    with database.session() as session:
        rows = select(func.count()).select_from(OrderRow).where(OrderRow.kind == RowKind.REPLACEMENT)
        assert session.scalars(rows).one() == 1


def test_what_has_been_decided_stays_so_and_says_by_whom(
    database: Database, clock: ManualClock, office: Office
) -> None:
    case_no = office.report()
    office.replace(office.eva, case_no)
    with database.session() as session:
        order_no = session.scalars(select(Order.order_no).where(Order.channel == Channel.COMPLAINT)).one()
    decided_at = clock.now()
    clock.advance(timedelta(hours=1))
    # The page that was left open has one key for both forms.
    attempts: list[Callable[[], object]] = [
        lambda: office.decline(office.per, case_no),
        lambda: office.decline(office.eva, case_no, key="replace-1"),
        lambda: office.replace(office.eva, case_no, key="replace-2"),
    ]
    for attempt in attempts:
        with pytest.raises(AlreadyDecided) as decided:
            attempt()
        facts = decided.value
        assert (facts.state, facts.decided_by, facts.decided_at) == (
            ComplaintState.REPLACEMENT_ORDERED,
            "Eva Konsulent",
            decided_at,
        )
        assert facts.order_no == order_no


@pytest.mark.parametrize("packages", [0, -1, 4])
def test_a_replacement_is_at_most_what_was_delivered(office: Office, packages: int) -> None:
    case_no = office.report()
    with pytest.raises(PackagesOutOfRange) as refused:
        office.replace(office.eva, case_no, packages)
    assert refused.value.delivered_packages == 3


def test_nothing_is_sent_to_the_dead(database: Database, office: Office) -> None:
    case_no = office.report()
    with database.unit_of_work() as session:
        session.execute(update(Person).where(Person.id == office.patient.id).values(deceased_on="2026-11-30"))
    with pytest.raises(PatientHasDied):
        office.replace(office.eva, case_no)


def test_taking_a_case_names_its_owner_once(database: Database, office: Office) -> None:
    case_no = office.report()
    for identity in (office.eva, office.eva, office.per):
        with database.unit_of_work() as session:
            take_case(session, identity, case_no)
    with database.unit_of_work() as session:
        complaint = open_case(session, office.eva, case_no).complaint
        opened = [event.staff_id for event in complaint.events if event.kind is ComplaintEventKind.OPENED]
        assert opened == [office.eva.staff_id, office.per.staff_id]
        assert complaint.owner_id == office.per.staff_id
    office.decline(office.per, case_no)
    with pytest.raises(AlreadyDecided), database.unit_of_work() as session:
        take_case(session, office.eva, case_no)


@pytest.mark.parametrize("first", ["replaced", "declined"])
def test_of_two_who_decide_at_once_one_does(database: Database, office: Office, first: str) -> None:
    case_no = office.report()
    second: Callable[[], object] = partial(office.decline, office.per, case_no)
    if first == "declined":
        second = partial(office.replace, office.per, case_no)
    outcome: list[object] = []

    def decide() -> None:
        try:
            outcome.append(second())
        except AlreadyDecided as decided:
            outcome.append((decided.state, decided.decided_by))

    thread = threading.Thread(target=decide)
    with database.unit_of_work() as session:
        if first == "replaced":
            replace_product(session, office.eva, ReplaceProduct(case_no, 1, "first"))
        else:
            decline(session, office.eva, case_no, "Den var tappad.", "first")
        session.flush()
        thread.start()
        _wait_until_somebody_waits(database)
        assert outcome == []
    thread.join(20)
    state = ComplaintState.REPLACEMENT_ORDERED if first == "replaced" else ComplaintState.DECLINED
    assert outcome == [(state, "Eva Konsulent")]
    with database.session() as session:
        assert session.scalars(select(Complaint.state)).one() is state
        assert session.scalars(select(func.count()).select_from(OrderRow).where(OrderRow.complaint_ref > 0)).one() == (
            1 if first == "replaced" else 0
        )


def _wait_until_somebody_waits(database: Database) -> None:
    """Return when another transaction of this database waits for a lock."""
    waiting = text(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    )
    for _ in range(200):
        with database.engine.connect() as connection:
            if connection.scalar(waiting):
                return
        threading.Event().wait(0.05)
    raise AssertionError("nobody waits: the second consultant does not lock what the first one decides")
