"""Fault reports on real PostgreSQL: what can be reported by whom, what is written, and how a case reaches the queue."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import func, select

from auth.identity import Identity, Relation, Task
from auth.models import InboxMessage, Person, Protection
from core.audit import AccessLogEntry
from core.clock import ManualClock
from core.db import Database
from core.errors import NotFound, NotPermitted
from core.outbox import Message, OutboxMessage
from delivery.complaints.errors import ReportRefused
from delivery.complaints.models import Complaint, ComplaintEvent, ComplaintEventKind, FaultKind, FaultReport
from delivery.complaints.own_cases import own_case, own_cases
from delivery.complaints.routing import route_fault_report
from delivery.complaints.rules import ReportProblem
from delivery.complaints.services import ReportFault, report_fault
from delivery.history import delivered_product, delivered_products
from delivery.models import Parcel
from tests.support.builders import NOON, add_article, add_person, patient_identity
from tests.support.deliveries import add_delivered
from tests.support.statements import counted

REPORT = ReportFault(
    picked_lot_id=0,
    kind=FaultKind.CAME_LOOSE,
    was_harmed=False,
    has_danger_sign=False,
    is_kept=True,
    wants_replacement=True,
    idempotency_key="key-1",
    applied_on=date(2026, 11, 20),
    failed_on=date(2026, 11, 24),
    description="Den lossnade när hon sov. 💤",
    call_on="0500-00 00 01",
)


def _proxy(patient: Person, proxy: Person, *tasks: Task) -> Identity:
    return replace(patient_identity(patient, actor=proxy, relation=Relation.PROXY), tasks=frozenset(tasks))


class Family:
    """A patient with one delivered product, and their proxy."""

    def __init__(self, database: Database) -> None:
        with database.unit_of_work() as session:
            self.patient = add_person(session, name="Astrid Provsson")
            self.proxy = add_person(session, name="Kim Ombudsson")
            self.stranger = add_person(session)
            picked = add_delivered(session, self.patient)
            self.picked_lot_id = picked.id
            self.sscc = session.scalars(select(Parcel.sscc)).one()
        self.identity = patient_identity(self.patient)
        self.proxy_identity = _proxy(self.patient, self.proxy, Task.REPORT_FAULTS)
        self.report = replace(REPORT, picked_lot_id=self.picked_lot_id)


@pytest.fixture
def family(database: Database) -> Family:
    return Family(database)


def _count(database: Database, table: type) -> int:
    with database.session() as session:
        return session.scalars(select(func.count()).select_from(table)).one()


def test_what_was_sent_is_listed_newest_first_in_one_statement(database: Database, family: Family) -> None:
    with database.unit_of_work() as session:
        strips = add_article(session, name="Teststickor")
        for month in range(1, 5):
            add_delivered(
                session,
                family.patient,
                article=strips,
                lot_no=f"T{month}",
                shipped_at=NOON - timedelta(days=60 * month),
                delivered_at=None,
            )
        add_delivered(session, family.patient, lot_no="OLD", shipped_at=NOON - timedelta(days=400))
        add_delivered(session, family.patient, lot_no="PACKED", shipped_at=None, delivered_at=None)
        add_delivered(session, family.stranger, lot_no="THEIRS")
        add_delivered(
            session, family.patient, lot_no="SCANNED", packages=3, scans=3, shipped_at=NOON, delivered_at=None
        )
    with counted(database) as statements, database.unit_of_work() as session:
        products = delivered_products(session, family.identity)
    assert [product.lot.lot_no for product in products] == ["SCANNED", "L24A88", "T1", "T2", "T3", "T4"]
    assert [product.packages for product in products][:2] == [3, 3]
    assert products[0].delivered_on is None
    assert products[1].arrived_on == date(2026, 11, 5)
    assert len([text for text in statements if text.startswith("SELECT")]) == 1


def test_a_parcels_code_narrows_the_list_and_is_logged(database: Database, family: Family) -> None:
    with database.unit_of_work() as session:
        add_delivered(session, family.patient, lot_no="ANOTHER")
    with database.unit_of_work() as session:
        products = delivered_products(session, family.identity, parcel_sscc=family.sscc)
        assert [product.lot.lot_no for product in products] == ["L24A88"]
        assert delivered_products(session, patient_identity(family.stranger), parcel_sscc=family.sscc) == []
    with database.session() as session:
        entry = session.scalars(select(AccessLogEntry).order_by(AccessLogEntry.id)).first()
        assert entry is not None
        assert (entry.action, entry.manner, entry.subject_person_id, entry.object_ref) == (
            "deliveries.seen",
            "LOOK",
            family.patient.id,
            f"parcel:{family.sscc}",
        )


def test_a_proxy_needs_the_task(database: Database, family: Family) -> None:
    without = _proxy(family.patient, family.proxy, Task.ORDER, Task.VIEW_HISTORY)
    with database.unit_of_work() as session:
        assert len(delivered_products(session, family.proxy_identity)) == 1
        with pytest.raises(NotPermitted):
            delivered_products(session, without)
        with pytest.raises(NotPermitted):
            report_fault(session, without, family.report)
        with pytest.raises(NotPermitted):
            own_cases(session, without)


def test_a_report_opens_a_case_and_tells_everybody_in_one_transaction(database: Database, family: Family) -> None:
    with database.unit_of_work() as session:
        case_no = report_fault(session, family.proxy_identity, family.report).case_no
    assert case_no == "100016"
    with database.session() as session:
        complaint = session.scalars(select(Complaint)).one()
        report = session.scalars(select(FaultReport)).one()
        assert (complaint.person_id, complaint.lot_id is not None, complaint.has_red_flag) == (
            family.patient.id,
            True,
            False,
        )
        assert (report.reporter_person_id, report.reporter_name, report.relation) == (
            family.proxy.id,
            "Kim Ombudsson",
            Relation.PROXY,
        )
        assert (report.description, report.call_on) == (REPORT.description, "0500-00 00 01")
        assert [event.kind for event in complaint.events] == [ComplaintEventKind.REPORTED]
        outbox = session.scalars(select(OutboxMessage)).one()
        assert (outbox.kind, outbox.payload) == ("fault.reported", {"complaint_id": complaint.id})
        message = session.scalars(select(InboxMessage)).one()
        assert (message.receiver_id, message.about_person_id, message.kind) == (
            family.proxy.id,
            family.patient.id,
            "fault.received",
        )
        assert message.facts == {"case_no": case_no, "article": "Glukossensor"}
        entry = session.scalars(select(AccessLogEntry)).one()
        assert (entry.action, entry.manner, entry.actor_id, entry.object_ref) == (
            "fault.reported",
            "ACT",
            family.proxy.id,
            f"case:{case_no}",
        )


def test_a_refused_report_leaves_nothing_and_names_everything(database: Database, family: Family) -> None:
    wrong = replace(family.report, failed_on=date(2026, 12, 2), packages=4)
    with pytest.raises(ReportRefused) as refused, database.unit_of_work() as session:
        report_fault(session, family.identity, wrong)
    assert set(refused.value.problems) == {ReportProblem.FAILED_IN_FUTURE, ReportProblem.MORE_THAN_DELIVERED}
    assert (refused.value.delivered_on, refused.value.delivered_packages) == (date(2026, 11, 5), 3)
    assert _count(database, Complaint) == 0
    # The key is not spent: the corrected form goes through.
    with database.unit_of_work() as session:
        report_fault(session, family.identity, family.report)
    assert _count(database, Complaint) == 1


def test_the_same_form_twice_is_one_case(database: Database, family: Family) -> None:
    numbers = set()
    for _ in range(2):
        with database.unit_of_work() as session:
            numbers.add(report_fault(session, family.identity, family.report).case_no)
    assert len(numbers) == 1
    assert (_count(database, Complaint), _count(database, OutboxMessage), _count(database, InboxMessage)) == (1, 1, 1)
    with database.unit_of_work() as session:
        report_fault(session, family.identity, replace(family.report, idempotency_key="key-2"))
    assert _count(database, Complaint) == 2


@pytest.mark.parametrize("picked_lot_id", [10**6, 10**30])
def test_a_product_that_the_subject_was_not_sent_does_not_exist(
    database: Database, family: Family, picked_lot_id: int
) -> None:
    with database.unit_of_work() as session:
        theirs = add_delivered(session, family.stranger).id
    for unknown in (picked_lot_id, theirs):
        with pytest.raises(NotFound), database.unit_of_work() as session:
            report_fault(session, family.identity, replace(family.report, picked_lot_id=unknown))
        with pytest.raises(NotFound), database.unit_of_work() as session:
            delivered_product(session, family.identity, unknown)
    assert _count(database, Complaint) == 0


def test_a_protected_identity_leaves_no_name_and_no_number(database: Database) -> None:
    with database.unit_of_work() as session:
        person = add_person(session, protection=Protection.PROTECTED_REGISTRATION)
        picked = add_delivered(session, person)
        report_fault(session, patient_identity(person), replace(REPORT, picked_lot_id=picked.id))
        report = session.scalars(select(FaultReport)).one()
        assert (report.reporter_name, report.call_on) == ("", "")


@pytest.mark.parametrize(
    ("is_red", "due"),
    # From ten in the morning: twenty-four working hours, and four with a red flag.
    [(False, datetime(2026, 12, 4, 7, 30, tzinfo=UTC)), (True, datetime(2026, 12, 1, 13, 0, tzinfo=UTC))],
)
def test_the_worker_queues_the_case_once(
    database: Database, clock: ManualClock, family: Family, is_red: bool, due: datetime
) -> None:
    with database.unit_of_work() as session:
        complaint_id = report_fault(session, family.identity, replace(family.report, has_danger_sign=is_red)).id
    routed_at = clock.now()
    for _ in range(2):
        with database.unit_of_work() as session:
            route_fault_report(session, Message(1, "fault.reported", {"complaint_id": complaint_id}))
        clock.advance(timedelta(days=5))
    with database.session() as session:
        complaint = session.get_one(Complaint, complaint_id)
        assert (complaint.routed_at, complaint.due_at, complaint.has_red_flag) == (routed_at, due, is_red)
        kinds = list(session.scalars(select(ComplaintEvent.kind).order_by(ComplaintEvent.id)))
        # What the depot may replace at once, and what somebody is alerted to.
        after = ComplaintEventKind.ALERTED if is_red else ComplaintEventKind.REPLACED
        assert kinds == [ComplaintEventKind.REPORTED, ComplaintEventKind.ROUTED, after]


def test_a_proxy_follows_only_what_they_reported_themselves(database: Database, family: Family) -> None:
    with database.unit_of_work() as session:
        own = report_fault(session, family.identity, family.report).case_no
        by_proxy = report_fault(session, family.proxy_identity, family.report).case_no
    with database.unit_of_work() as session:
        assert [case.complaint.case_no for case in own_cases(session, family.proxy_identity)] == [by_proxy]
        assert [case.complaint.case_no for case in own_cases(session, family.identity)] == [by_proxy, own]
        assert own_case(session, family.identity, own).answer_by == date(2026, 12, 4)
        for identity in (family.proxy_identity, patient_identity(family.stranger)):
            with pytest.raises(NotFound):
                own_case(session, identity, own)
