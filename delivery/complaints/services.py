"""Filing a fault report. Lock → check → build → record; the caller commits. What consultants decide: `decisions.py`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from sqlalchemy import select
from sqlalchemy.orm import Session
from stdnum import luhn

from auth.calls import inbox_readers
from auth.identity import Identity
from auth.models import Person
from auth.permissions import Permission, require
from auth.persons import post_message
from core import idempotency
from core.audit import record
from core.clock import now, today
from core.outbox import publish
from delivery.complaints import rules
from delivery.complaints.drafts import SCOPE, hand_over_photos, key_owner
from delivery.complaints.errors import ReportRefused
from delivery.complaints.models import (
    CASE_NO_SEQUENCE,
    Complaint,
    ComplaintEvent,
    ComplaintEventKind,
    ComplaintState,
    FaultKind,
    FaultReport,
)
from delivery.complaints.products import ProductRef, ReportedProduct, find_product
from delivery.complaints.questions import read_answers
from orders.services import lock_person


@dataclass(frozen=True)
class ReportFault:
    """Everything that a fault report says; `packages` is how many of the delivered ones failed.

    What we are not known to have sent has no picked lot, but an article, and the lot and serial number that the reporter states.
    """

    picked_lot_id: int | None
    kind: FaultKind
    was_harmed: bool
    has_danger_sign: bool
    is_kept: bool
    wants_replacement: bool
    idempotency_key: str
    packages: int = 1
    applied_on: date | None = None
    failed_on: date | None = None
    error_code: str = ""
    description: str = field(default="", repr=False)
    call_on: str = field(default="", repr=False)
    # To the questions that fit the product, by their code, as typed.
    answers: Mapping[str, str] = field(default_factory=dict, repr=False)
    article_id: int | None = None
    stated_lot_no: str = ""
    stated_serial_no: str = ""

    @property
    def product(self) -> ProductRef:
        """The product that the report is about."""
        if self.picked_lot_id is not None:
            return ProductRef(picked_lot_id=self.picked_lot_id, serial_no=self.stated_serial_no)
        return ProductRef(article_id=self.article_id, lot_no=self.stated_lot_no, serial_no=self.stated_serial_no)


def report_fault(session: Session, identity: Identity, command: ReportFault) -> Complaint:
    """File a fault report for the identity's subject, or return the case that the same key already opened.

    Locks the person; writes case, report, timeline, access log, outbox and inbox; the photos of the reporter's draft become the case's,
    and the draft is gone. Raises NotPermitted, NotFound for a product that cannot be reported, ReportRefused naming everything that does
    not add up.
    """
    require(identity, Permission.REPORT_FAULT)
    person = lock_person(session, identity.subject_person_id)
    spent = idempotency.spend(session, SCOPE, key_owner(identity), command.idempotency_key)
    if not spent.is_first:
        return session.scalars(select(Complaint).where(Complaint.case_no == spent.earlier_result)).one()
    product = find_product(session, identity, command.product)
    answers = _check(session, product, command)

    complaint = _build(session, identity, person, product, command, answers)
    hand_over_photos(session, identity, command.product, complaint.id)
    spent.settle(session, complaint.case_no)
    record(
        session,
        identity.actor,
        "fault.reported",
        subject_person_id=person.id,
        object_ref=f"case:{complaint.case_no}",
    )
    publish(session, "fault.reported", complaint_id=complaint.id)
    receivers = inbox_readers(session, person) if identity.person_id is None else (identity.person_id,)
    for receiver_id in receivers:
        post_message(
            session,
            receiver_id,
            person.id,
            "fault.received",
            case_no=complaint.case_no,
            article=product.article.display_name,
        )
    return complaint


def _check(session: Session, product: ReportedProduct, command: ReportFault) -> Mapping[str, str]:
    """Return the answers as they are kept."""
    facts = rules.ReportFacts(
        product=product.article.kind,
        fault=command.kind,
        packages=command.packages,
        delivered_packages=product.packages,
        delivered_on=product.arrived_on,
        applied_on=command.applied_on,
        failed_on=command.failed_on,
    )
    problems = rules.check_report(facts, today(session))
    answers = read_answers(product.article.kind, command.kind, command.answers, today(session))
    if problems or answers.problems:
        raise ReportRefused(problems, product.arrived_on, product.packages, answers.problems)
    return answers.kept


def _build(
    session: Session,
    identity: Identity,
    person: Person,
    product: ReportedProduct,
    command: ReportFault,
    answers: Mapping[str, str],
) -> Complaint:
    instant = now(session)
    number = str(session.scalar(CASE_NO_SEQUENCE))
    complaint = Complaint(
        case_no=number + luhn.calc_check_digit(number),
        region=person.region,
        person_id=person.id,
        article_id=product.article.id,
        lot_id=product.lot.id if product.lot is not None else None,
        state=ComplaintState.RECEIVED,
        has_red_flag=rules.has_red_flag(
            product.article.kind, was_harmed=command.was_harmed, has_danger_sign=command.has_danger_sign
        ),
        received_at=instant,
    )
    session.add(complaint)
    session.flush()
    session.add_all(
        [
            FaultReport(
                complaint_id=complaint.id,
                picked_lot_id=product.delivered.id if product.delivered is not None else None,
                stated_lot_no=command.stated_lot_no,
                stated_serial_no=command.stated_serial_no,
                reporter_person_id=identity.person_id,
                reporter_staff_id=identity.staff_id,
                # Handbook §4: with protected identity no name and no phone number is kept.
                reporter_name="" if person.is_protected else identity.label,
                relation=identity.relation,
                call_on="" if person.is_protected else command.call_on.strip(),
                packages=command.packages,
                kind=command.kind,
                description=command.description.strip(),
                error_code=command.error_code.strip(),
                applied_on=command.applied_on,
                failed_on=command.failed_on,
                was_harmed=command.was_harmed,
                has_danger_sign=command.has_danger_sign,
                is_kept=command.is_kept,
                wants_replacement=command.wants_replacement,
                answers=dict(answers),
                reported_at=instant,
            ),
            ComplaintEvent(
                complaint_id=complaint.id,
                at=instant,
                kind=ComplaintEventKind.REPORTED,
                person_id=identity.person_id,
                staff_id=identity.staff_id,
                for_reporter=True,
            ),
        ]
    )
    session.flush()
    return complaint
