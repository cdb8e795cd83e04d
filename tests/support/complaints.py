"""Two consultants and the cases that a proxy reports to them."""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy import func, select
from sqlalchemy.orm import selectinload

from auth.identity import Identity, Relation, Role, Task
from auth.models import InboxMessage
from auth.persons import staff_identity
from core.db import Database
from core.outbox import Message
from delivery.complaints.decisions import ReplaceProduct, decline, replace_product
from delivery.complaints.models import Complaint
from delivery.complaints.routing import route_fault_report
from delivery.complaints.services import report_fault
from tests.integration.test_fault_reports import REPORT
from tests.support.builders import add_person, add_staff, patient_identity
from tests.support.deliveries import add_delivered


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

    def report(
        self,
        *,
        is_red: bool = False,
        packages: int = 1,
        is_routed: bool = True,
        wants: bool = False,
        picked_lot_id: int | None = None,
    ) -> str:
        """File a report and let the worker route it; returns the case number. One that `wants` a new one may be replaced at once."""
        with self.database.unit_of_work() as session:
            count = session.scalars(select(func.count()).select_from(Complaint)).one()
            command = replace(
                REPORT,
                picked_lot_id=picked_lot_id or self.picked_lot_id,
                wants_replacement=wants,
                was_harmed=is_red,
                packages=packages,
                idempotency_key=f"report-{count}",
            )
            complaint = report_fault(session, self.reporter, command)
        if is_routed:
            self.route(complaint.id)
        return complaint.case_no

    def route(self, complaint_id: int) -> None:
        """Let the worker route a case in a transaction of its own."""
        with self.database.unit_of_work() as session:
            route_fault_report(session, Message(1, "fault.reported", {"complaint_id": complaint_id}))

    def case(self, case_no: str) -> Complaint:
        """Return a case as it is now, with its timeline."""
        with self.database.session() as session:
            found = select(Complaint).where(Complaint.case_no == case_no).options(selectinload(Complaint.events))
            return session.scalars(found).one()

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
