"""Lots that were sent to many and reported by some, made of rows alone: for what counts them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import count

from sqlalchemy import select
from sqlalchemy.orm import Session

from auth.identity import Identity, Relation, Role, system_identity
from auth.models import Person
from auth.persons import staff_identity
from core.clock import ManualClock
from core.db import Database
from delivery.complaints.models import Complaint, ComplaintState, FaultKind, FaultReport
from delivery.complaints.signal_models import LotSignal
from delivery.complaints.signals import LookOutcome, look_for_signals
from delivery.models import Lot, PickedLot, PickLine
from orders.models import Article, Supplier
from tests.support.builders import NOON, REGION, add_article, add_person, add_staff
from tests.support.deliveries import add_delivered

_serial = count(1)
PATIENTS = 14


class Counting:
    """An article of a supplier, patients who use it, and a consultant who watches its lots."""

    def __init__(self, database: Database) -> None:
        self.database = database
        with database.unit_of_work() as session:
            supplier = Supplier(region=REGION, supplier_no="S7", name="Provsensor AB")
            session.add(supplier)
            session.flush()
            self.article = add_article(session, name="Provsensor", price=Decimal("100.00"))
            self.article.supplier_id = supplier.id
            self.supplier_id = supplier.id
            self.people = [add_person(session) for _ in range(PATIENTS)]
            self.commission = add_staff(session, Role.CONSULTANT, name="Eva Konsulent")
            self.eva = staff_identity(self.commission)

    def send(
        self,
        lot_no: str,
        *,
        packages: int = 30,
        days_ago: int = 60,
        to: Sequence[Person] | None = None,
        article: Article | None = None,
    ) -> list[PickedLot]:
        """Send so many packages of a lot to each of the people; returns what each got."""
        at = NOON - timedelta(days=days_ago)
        with self.database.unit_of_work() as session:
            return [
                add_delivered(
                    session,
                    person,
                    article=article or self.article,
                    packages=packages,
                    lot_no=lot_no,
                    shipped_at=at,
                    delivered_at=at + timedelta(days=2),
                )
                for person in (self.people if to is None else to)
            ]

    def report(
        self,
        picked: Sequence[PickedLot],
        *,
        days_ago: int = 10,
        state: ComplaintState = ComplaintState.RECEIVED,
        kind: FaultKind = FaultKind.CAME_LOOSE,
        is_red: bool = False,
        duplicate_of: int | None = None,
    ) -> list[int]:
        """Let whoever got it report each of the picked lots once; returns the cases' ids."""
        with self.database.unit_of_work() as session:
            return [
                self._case(session, one, NOON - timedelta(days=days_ago), state, kind, is_red, duplicate_of)
                for one in picked
            ]

    def _case(
        self,
        session: Session,
        picked: PickedLot,
        at: datetime,
        state: ComplaintState,
        kind: FaultKind,
        is_red: bool,
        duplicate_of: int | None,
    ) -> int:
        line = session.get_one(PickLine, picked.pick_line_id)
        person = line.depot_order.order.person
        assert person is not None
        complaint = Complaint(
            case_no=f"77{next(_serial):04d}",
            region=REGION,
            person_id=person.id,
            article_id=line.article_id,
            lot_id=picked.lot_id,
            state=state,
            has_red_flag=is_red,
            received_at=at,
            decline_reason="Den var tappad." if state is ComplaintState.DECLINED else "",
            duplicate_of_id=duplicate_of,
        )
        complaint.report = FaultReport(
            picked_lot_id=picked.id,
            reporter_person_id=person.id,
            reporter_name=person.full_name,
            relation=Relation.SELF,
            kind=kind,
            was_harmed=is_red,
            has_danger_sign=is_red,
            is_kept=True,
            wants_replacement=True,
            reported_at=at,
        )
        session.add(complaint)
        session.flush()
        return complaint.id

    def usual_lots(self, lots: int = 3) -> None:
        """Send lots of the article of which one patient each reports something."""
        for number in range(lots):
            picked = self.send(f"U{number}", days_ago=70 + 30 * number)
            self.report(picked[:1], days_ago=30 + 10 * number)

    def look(self, on: datetime = NOON) -> LookOutcome:
        """Look at all lots, as the clock asks for in the morning."""
        with self.database.unit_of_work(clock=ManualClock(on)) as session:
            return look_for_signals(session, system_identity(REGION, "look at lots"))

    def signals(self) -> list[LotSignal]:
        """Return every signal, the oldest first."""
        with self.database.session() as session:
            return list(session.scalars(select(LotSignal).order_by(LotSignal.id)))

    def lot_id(self, lot_no: str) -> int:
        """Return a lot's id."""
        with self.database.session() as session:
            return session.scalars(select(Lot.id).where(Lot.lot_no == lot_no)).one()

    def other_identity(self, role: Role) -> Identity:
        """Return somebody at work in another role."""
        with self.database.unit_of_work() as session:
            return staff_identity(add_staff(session, role))
