"""The consultants' work on real PostgreSQL: the board, the case, one decision and whom it is told to."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from functools import partial

import pytest
from sqlalchemy import func, select, text, update

from auth.identity import Identity, Relation, Role, Task
from auth.models import InboxMessage, Person, Protection
from auth.persons import staff_identity
from core.audit import AccessLogEntry
from core.clock import ManualClock
from core.db import Database
from core.errors import NotFound, NotPermitted
from core.outbox import Message, OutboxMessage
from delivery.complaints.decisions import ReplaceProduct, decline, replace_product, take_case
from delivery.complaints.errors import AlreadyDecided, PackagesOutOfRange, PatientHasDied, ReasonMissing
from delivery.complaints.models import Complaint, ComplaintEventKind, ComplaintState
from delivery.complaints.queries import PAGE_SIZE, BoardFilter, board, open_case
from delivery.complaints.routing import route_fault_report
from delivery.complaints.services import report_fault
from orders.models import Channel, Order, OrderRow, PrescriptionItem, RowKind, Withdrawal
from tests.integration.test_fault_reports import REPORT
from tests.support.builders import add_person, add_staff, patient_identity
from tests.support.deliveries import add_delivered
from tests.support.statements import counted


class Office:
    """Two consultants, a patient with a proxy, and the cases that the proxy reports."""

    def __init__(self, database: Database) -> None:
        self.database = database
        with database.unit_of_work() as session:
            self.eva = staff_identity(add_staff(session, Role.CONSULTANT, name="Eva Konsulent"))
            self.per = staff_identity(add_staff(session, Role.CONSULTANT, name="Per Konsulent"))
            self.patient = add_person(session, name="Astrid Provsson")
            self.proxy = add_person(session, name="Kim Ombudsson")
            self.picked_lot_id = add_delivered(session, self.patient).id
        self.reporter = replace(
            patient_identity(self.patient, actor=self.proxy, relation=Relation.PROXY),
            tasks=frozenset({Task.REPORT_FAULTS}),
        )

    def report(self, *, is_red: bool = False, packages: int = 1, is_routed: bool = True) -> str:
        """File a report and let the worker route it; returns the case number."""
        with self.database.unit_of_work() as session:
            count = session.scalars(select(func.count()).select_from(Complaint)).one()
            command = replace(
                REPORT,
                picked_lot_id=self.picked_lot_id,
                was_harmed=is_red,
                packages=packages,
                idempotency_key=f"report-{count}",
            )
            complaint = report_fault(session, self.reporter, command)
        if is_routed:
            with self.database.unit_of_work() as session:
                route_fault_report(session, Message(1, "fault.reported", {"complaint_id": complaint.id}))
        return complaint.case_no

    def replace(self, identity: Identity, case_no: str, packages: int = 1, key: str = "replace-1") -> Complaint:
        """Order a replacement in a transaction of its own."""
        with self.database.unit_of_work() as session:
            return replace_product(session, identity, ReplaceProduct(case_no, packages, key))

    def decline(
        self, identity: Identity, case_no: str, reason: str = "Den var tappad.", key: str = "no-1"
    ) -> Complaint:
        """Decline in a transaction of its own."""
        with self.database.unit_of_work() as session:
            return decline(session, identity, case_no, reason, key)

    def messages(self, kind: str) -> list[tuple[int, dict[str, object]]]:
        """Return who was told what by messages of this kind."""
        with self.database.session() as session:
            found = session.scalars(
                select(InboxMessage).where(InboxMessage.kind == kind).order_by(InboxMessage.receiver_id)
            )
            return [(message.receiver_id, message.facts) for message in found]


@pytest.fixture
def office(database: Database) -> Office:
    return Office(database)


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
    open_one, mine, red, replaced, declined = (office.report(is_red=number == 2) for number in range(5))
    with database.unit_of_work() as session:
        take_case(session, office.eva, mine)
    office.replace(office.eva, replaced)
    office.decline(office.per, declined)
    expected = {
        BoardFilter.OPEN: {open_one, mine, red},
        BoardFilter.RED_FLAG: {red},
        BoardFilter.OVERDUE: {red},
        BoardFilter.MINE: {mine},
        BoardFilter.REPLACED: {replaced},
        BoardFilter.DECLINED: {declined},
    }
    clock.advance(timedelta(days=2))
    for pile, numbers in expected.items():
        with database.unit_of_work() as session:
            shown = board(session, office.eva, pile)
        assert {case.case_no for case in shown.cases} == numbers
        assert shown.counts == {name: len(cases) for name, cases in expected.items()}


def test_the_board_asks_as_much_for_many_cases_as_for_one(database: Database, office: Office) -> None:
    numbers: list[str] = []
    for total in (1, 4):
        while len(numbers) < total:
            numbers.append(office.report(is_routed=False))
        with counted(database) as statements, database.unit_of_work() as session:
            shown = board(session, office.eva)
            seen = [(c.report.kind, c.article.display_name, c.lot and c.lot.lot_no, c.owner) for c in shown.cases]
        assert len(seen) == total
        assert len([text for text in statements if text.startswith("SELECT")]) == 3
    with database.unit_of_work() as session:
        entry = session.scalars(select(AccessLogEntry).where(AccessLogEntry.action == "complaints.listed")).first()
        assert entry is not None
        assert (entry.actor_label, entry.manner) == ("Eva Konsulent", "LOOK")


def test_a_case_is_found_by_its_number_and_by_its_lot(database: Database, office: Office) -> None:
    case_no = office.report()
    office.decline(office.eva, case_no)
    with database.unit_of_work() as session:
        for words in (case_no, f"{case_no[:3]} {case_no[3:]}", "l24a"):
            assert [case.case_no for case in board(session, office.eva, words=words).cases] == [case_no]
        for words in ("%", "_24A88", "100017"):
            assert board(session, office.eva, words=words).cases == ()


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
        last = board(session, office.eva, page=99)
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
