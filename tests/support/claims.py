"""Two consultants, two suppliers, and cases that can be claimed from them, made of rows alone."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from itertools import count
from typing import Any, TypeVar

from sqlalchemy import select
from sqlalchemy.orm import Session

from auth.identity import Relation, Role
from auth.models import Person, Protection
from auth.persons import staff_identity
from core.clock import now, swedish_date
from core.db import Database
from delivery.complaints import claims
from delivery.complaints.claim_answers import Answer, answer_lines
from delivery.complaints.claim_models import ClaimLine, ClaimOutcome, ClaimPack, CreditNote
from delivery.complaints.claim_sending import send_pack
from delivery.complaints.credits import BookCredit, book_credit
from delivery.complaints.draft_models import Photo
from delivery.complaints.models import Complaint, ComplaintState, FaultKind, FaultReport
from delivery.models import PickedLot
from orders.models import Article, Order, OrderRow, Supplier
from tests.support.builders import add_article, add_person, add_staff
from tests.support.deliveries import add_delivered

T = TypeVar("T")
YES, NO = Answer(ClaimOutcome.ACCEPTED), Answer(ClaimOutcome.REJECTED, "Väl använd.")


class ClaimOffice:
    """Eva and Per, Sensorbolaget with two agreements, Nålbolaget, and helpers that each commit."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self._numbers = count(1)
        with database.unit_of_work() as session:
            self.commissions = [
                add_staff(session, Role.CONSULTANT, name=name) for name in ("Eva Konsulent", "Per Konsulent")
            ]
            self.eva, self.per = (staff_identity(one) for one in self.commissions)
            self.patient = add_person(session, name="Astrid Provsson")
            self.supplier = self._supplier(session, "S1", "Sensorbolaget AB", "reklamation@sensorbolaget.example")
            self.other = self._supplier(session, "S2", "Nålbolaget AB", "")
            self.sensor = self._article(session, "Glukossensor", self.supplier, "AVT-1", "450.00")
            self.reader = self._article(session, "Avläsare", self.supplier, "AVT-2", "1200.50")
            self.needle = self._article(session, "Pennkanyl", self.other, "", "99.90")

    def _supplier(self, session: Session, number: str, name: str, email: str) -> Supplier:
        supplier = Supplier(region="vgr", supplier_no=number, name=name, complaints_email=email)
        session.add(supplier)
        session.flush()
        return supplier

    def _article(self, session: Session, name: str, supplier: Supplier, agreement: str, price: str) -> Article:
        article = add_article(session, name=name, price=Decimal(price))
        article.supplier_id, article.agreement_no = supplier.id, agreement
        session.flush()
        return article

    def do(self, act: Callable[..., T], *arguments: Any, **named: Any) -> T:
        """Do one service call in a transaction of its own."""
        with self.database.unit_of_work() as session:
            return act(session, *arguments, **named)

    def case(
        self,
        article: Article | None = None,
        *,
        state: ComplaintState = ComplaintState.REPLACEMENT_ORDERED,
        packages: int = 1,
        paid: str | None = None,
        patient: Person | None = None,
        photos: tuple[bytes, ...] = (),
        **facts: Any,
    ) -> str:
        """Add a case about a delivered product and return its number; `paid` is the price when it was ordered."""
        with self.database.unit_of_work() as session:
            article = session.merge(article or self.sensor, load=True)
            patient = session.merge(patient or self.patient, load=True)
            picked = add_delivered(session, patient, article=article)
            return self._add(session, article, patient, picked, state, packages, paid, photos, facts)

    def _add(
        self,
        session: Session,
        article: Article,
        patient: Person,
        picked: PickedLot,
        state: ComplaintState,
        packages: int,
        paid: str | None,
        photos: tuple[bytes, ...],
        facts: dict[str, Any],
    ) -> str:
        row = session.get_one(OrderRow, picked.line.order_row_id)
        row.package_price = Decimal(paid) if paid is not None else None
        case_no = f"{50000 + next(self._numbers)}7"
        complaint = Complaint(
            case_no=case_no,
            region="vgr",
            person_id=patient.id,
            article_id=article.id,
            lot_id=picked.lot_id,
            state=state,
            received_at=now(session),
            has_red_flag=facts.pop("has_red_flag", False),
            duplicate_of_id=facts.pop("duplicate_of_id", None),
            replacement_order_id=session.scalars(select(Order.id).where(Order.id == row.order_id)).one()
            if state is ComplaintState.REPLACEMENT_ORDERED
            else None,
        )
        session.add(complaint)
        session.flush()
        report = {
            "reporter_person_id": patient.id,
            "reporter_name": "" if patient.protection is not Protection.NONE else patient.full_name,
            "relation": Relation.SELF,
            "call_on": "" if patient.protection is not Protection.NONE else "0500-00 00 01",
            "kind": FaultKind.CAME_LOOSE,
            "description": "Den lossnade när hon sov.",
            "applied_on": date(2026, 11, 20),
            "failed_on": date(2026, 11, 24),
            "was_harmed": False,
            "has_danger_sign": False,
            "is_kept": True,
            "wants_replacement": True,
            "answers": {},
        } | facts
        session.add(
            FaultReport(
                complaint_id=complaint.id,
                picked_lot_id=picked.id,
                packages=packages,
                reported_at=now(session),
                **report,
            )
        )
        session.add_all(
            Photo(complaint_id=complaint.id, content=photo, sha256="0" * 64, width=60, height=40, added_at=now(session))
            for photo in photos
        )
        session.flush()
        return case_no

    def claim(self, *case_nos: str) -> str:
        """Claim cases and return the number of the pack."""
        return [self.do(claims.claim_case, self.eva, case_no) for case_no in case_nos][-1].claim_no

    def sent(self, *case_nos: str) -> str:
        """Claim cases and send the pack; return its number."""
        claim_no = self.claim(*case_nos)
        self.do(send_pack, self.eva, claim_no, "reklamation@sensorbolaget.example", f"send-{claim_no}")
        return claim_no

    def accepted(self, *case_nos: str) -> str:
        """Claim cases, send the pack and have the supplier accept all of it; return its number."""
        claim_no = self.sent(*case_nos)
        self.do(answer_lines, self.eva, claim_no, {}, YES)
        return claim_no

    def credit(
        self, credit_no: str, shares: dict[int, str], *, by: Any = None, amount: str = "", **changes: Any
    ) -> CreditNote:
        """Book a note over lines; its amount is their sum unless said otherwise."""
        amounts = {line: Decimal(share) for line, share in shares.items()}
        command = BookCredit(
            supplier_id=changes.get("supplier_id", self.supplier.id),
            credit_no=credit_no,
            amount=Decimal(amount) if amount else sum(amounts.values(), Decimal(0)),
            dated_on=changes.get("dated_on", date(2026, 12, 1)),
            shares=amounts,
            idempotency_key=changes.get("key", f"credit-{credit_no}-{next(self._numbers)}"),
        )
        return self.do(book_credit, by or self.eva, command)

    def line(self, case_no: str) -> ClaimLine:
        """Return the latest claim line of a case, with its pack."""
        with self.database.session() as session:
            line = session.scalars(
                select(ClaimLine)
                .join(Complaint, ClaimLine.complaint_id == Complaint.id)
                .where(Complaint.case_no == case_no)
                .order_by(ClaimLine.id.desc())
            ).first()
            assert line is not None
            _ = line.pack, line.complaint
            return line

    def pack(self, claim_no: str) -> ClaimPack:
        """Return a pack as it is now."""
        with self.database.session() as session:
            return session.scalars(select(ClaimPack).where(ClaimPack.claim_no == claim_no)).one()

    def state(self, case_no: str) -> ComplaintState:
        """Return where a case is now."""
        with self.database.session() as session:
            return session.scalars(select(Complaint.state).where(Complaint.case_no == case_no)).one()

    def events(self, case_no: str) -> list[str]:
        """Return a case's timeline by kind."""
        with self.database.session() as session:
            complaint = session.scalars(select(Complaint).where(Complaint.case_no == case_no)).one()
            return [event.kind.value for event in complaint.events]


def add_claim(session: Session, supplier_id: int, case_no: str, staff_id: int) -> dict[str, object]:
    """Add a pack with one case and a credit note of the supplier's region, as rows alone; return their numbers by parameter."""
    supplier = session.get_one(Supplier, supplier_id)
    complaint_id = session.scalars(select(Complaint.id).where(Complaint.case_no == case_no)).one()
    pack = ClaimPack(region=supplier.region, claim_no="90019", supplier_id=supplier_id, opened_at=now(session))
    session.add(pack)
    session.flush()
    line = ClaimLine(pack_id=pack.id, complaint_id=complaint_id, packages=1, value=Decimal("450.00"))
    note = CreditNote(
        region=supplier.region,
        supplier_id=supplier_id,
        credit_no="KREDIT-9001",
        amount=Decimal("1.00"),
        dated_on=swedish_date(now(session)),
        booked_at=now(session),
        booked_by_id=staff_id,
    )
    session.add_all([line, note])
    session.flush()
    return {"claim_no": pack.claim_no, "note_id": note.id}
