"""What consultants see of one case: everything that a decision needs. The board is in `board.py`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import Row, func, select
from sqlalchemy.orm import Session, joinedload, selectinload

from auth.identity import Identity
from auth.models import Person, StaffMember
from auth.permissions import Permission, require
from core.audit import record
from core.clock import now, swedish_date
from core.errors import NotFound
from core.policy import policy_of
from delivery.complaints.draft_models import Photo
from delivery.complaints.duplicates import possible_duplicates
from delivery.complaints.models import Complaint, ComplaintEvent, ComplaintEventKind, FaultReport
from delivery.complaints.photos import photos_of_case
from delivery.complaints.policy import ComplaintRoute, ComplaintsPolicy
from delivery.complaints.replacing import delivered_packages, is_sent_from_elsewhere
from delivery.complaints.rules import UNDECIDED, is_case_no
from delivery.complaints.triage import colleagues
from delivery.models import DepotOrder, MovementReason, PickedLot, PickLine, StockMovement
from delivery.unit_chain import SentUnit, units_sent
from delivery.warranty import own_warranty
from orders.models import Article, ProductKind


@dataclass(frozen=True)
class OpenCase:
    """One case as a consultant decides it; a protected identity is neither named nor phoned (handbook §4).

    `warranty_ends_on` is the supplier's last day of warranty, of pumps and other products with a serial number; `units` are those that
    were sent with the delivery.
    """

    complaint: Complaint
    report: FaultReport
    delivered_on: date | None
    delivered_packages: int
    same_lot: tuple[Complaint, ...]
    same_lot_count: int
    is_protected: bool
    instant: datetime
    route: ComplaintRoute
    warranty_ends_on: date | None
    units: tuple[SentUnit, ...] = ()
    # Cases that may be about the same product, as long as nobody has said whether they are.
    duplicates: tuple[Complaint, ...] = ()
    photos: tuple[Photo, ...] = ()
    colleagues: tuple[StaffMember, ...] = ()
    duplicate_of: str = ""
    # No depot of ours can send anything in the region.
    is_sent_from_elsewhere: bool = False

    @property
    def reporter_name(self) -> str:
        """Who reported; empty with protected identity."""
        return "" if self.is_protected else self.report.reporter_name

    @property
    def call_on(self) -> str:
        """The phone number they may be reached on; empty with protected identity."""
        return "" if self.is_protected else self.report.call_on


def open_case(session: Session, identity: Identity, case_no: str) -> OpenCase:
    """Return one case of the identity's region with all that its page shows, and log the look.

    A fixed number of statements. Raises NotPermitted, NotFound for another region's.
    """
    require(identity, Permission.SEE_COMPLAINTS)
    if not is_case_no(case_no):
        raise NotFound
    complaint = session.scalar(
        select(Complaint)
        .where(Complaint.case_no == case_no, Complaint.region == identity.region)
        .options(
            joinedload(Complaint.person),
            joinedload(Complaint.article).joinedload(Article.supplier),
            joinedload(Complaint.lot),
            joinedload(Complaint.owner),
            joinedload(Complaint.replacement_order),
            joinedload(Complaint.report)
            .joinedload(FaultReport.picked_lot)
            .joinedload(PickedLot.line)
            .joinedload(PickLine.depot_order)
            .selectinload(DepotOrder.parcels),
            selectinload(Complaint.events).joinedload(ComplaintEvent.staff_member),
        )
        .execution_options(populate_existing=True)
    )
    if complaint is None:
        raise NotFound
    report = complaint.report
    same_lot = _same_lot(session, complaint)
    units = (
        units_sent(session, report.picked_lot_id)
        if complaint.article.is_serialised and report.picked_lot_id is not None
        else ()
    )
    opened = OpenCase(
        complaint=complaint,
        report=report,
        delivered_on=_delivered_on(report),
        delivered_packages=delivered_packages(session, complaint),
        same_lot=tuple(row[0] for row in same_lot),
        same_lot_count=same_lot[0][1] if same_lot else 0,
        is_protected=complaint.person.is_protected or _reporter_is_protected(session, report),
        instant=now(session),
        route=complaint.route or policy_of(complaint.region).section(ComplaintsPolicy).route_of(complaint.article.kind),
        warranty_ends_on=max((one.warranty_until for one in units if one.warranty_until), default=None)
        or _warranty_ends_on(session, complaint),
        units=units,
        duplicates=_duplicates(session, complaint),
        photos=tuple(photos_of_case(session, complaint.id)),
        colleagues=tuple(colleagues(session, identity)),
        duplicate_of=case_no_of(session, complaint.duplicate_of_id),
        is_sent_from_elsewhere=is_sent_from_elsewhere(session, complaint.region),
    )
    record(
        session,
        identity.actor,
        "complaint.seen",
        subject_person_id=complaint.person_id,
        manner="LOOK",
        object_ref=f"case:{complaint.case_no}",
    )
    return opened


def _same_lot(session: Session, complaint: Complaint) -> list[Row[Complaint, int]]:
    """The latest ten other cases of the lot, and how many there are."""
    return list(
        session.execute(
            select(Complaint, func.count().over())
            .where(
                Complaint.lot_id == complaint.lot_id,
                Complaint.region == complaint.region,
                Complaint.id != complaint.id,
            )
            .options(joinedload(Complaint.report))
            .order_by(Complaint.id.desc())
            .limit(10)
        ).all()
    )


def _delivered_on(report: FaultReport) -> date | None:
    if report.picked_lot is None:
        return None
    instants = [
        parcel.delivered_at or parcel.shipped_at
        for parcel in report.picked_lot.line.depot_order.parcels
        if parcel.delivered_at or parcel.shipped_at
    ]
    return max((swedish_date(instant) for instant in instants if instant), default=None)


def _warranty_ends_on(session: Session, complaint: Complaint) -> date | None:
    if not (complaint.article.is_serialised or complaint.article.kind is ProductKind.PUMP):
        return None
    picked_lot = complaint.report.picked_lot
    if picked_lot is None:
        return None
    policy = policy_of(complaint.region).section(ComplaintsPolicy)
    depot_order = picked_lot.line.depot_order
    arrived_at = session.scalar(
        select(func.min(StockMovement.at)).where(
            StockMovement.lot_id == complaint.lot_id,
            StockMovement.depot_id == depot_order.depot_id,
            StockMovement.reason == MovementReason.RECEIVED,
        )
    )
    shipped_at = min((parcel.shipped_at for parcel in depot_order.parcels if parcel.shipped_at), default=None)
    return own_warranty(
        swedish_date(arrived_at) if arrived_at else None, swedish_date(shipped_at) if shipped_at else None, policy
    )


def _reporter_is_protected(session: Session, report: FaultReport) -> bool:
    # The flag may have arrived after the report was filed.
    reporter = session.get(Person, report.reporter_person_id) if report.reporter_person_id is not None else None
    return reporter is not None and reporter.is_protected


def _duplicates(session: Session, complaint: Complaint) -> tuple[Complaint, ...]:
    is_answered = any(event.kind is ComplaintEventKind.NOT_DUPLICATE for event in complaint.events)
    if complaint.state not in UNDECIDED or is_answered:
        return ()
    return tuple(possible_duplicates(session, complaint))


def case_no_of(session: Session, complaint_id: int | None) -> str:
    """Return a case's number by its id; empty for none."""
    if complaint_id is None:
        return ""
    return session.scalars(select(Complaint.case_no).where(Complaint.id == complaint_id)).one()
