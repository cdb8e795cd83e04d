"""What consultants see: the board of cases, and one case with everything that a decision needs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import ColumnElement, Row, and_, func, or_, select
from sqlalchemy.orm import Session, contains_eager, joinedload, selectinload

from auth.identity import Identity
from auth.models import Person
from auth.permissions import Permission, require
from core.audit import record
from core.clock import now, swedish_date
from core.errors import NotFound
from core.policy import policy_of
from delivery.complaints.decisions import delivered_packages
from delivery.complaints.models import Complaint, ComplaintEvent, ComplaintState, FaultReport
from delivery.complaints.policy import ComplaintRoute, ComplaintsPolicy
from delivery.complaints.rules import UNDECIDED, is_case_no
from delivery.models import DepotOrder, Lot, MovementReason, PickedLot, PickLine, StockMovement
from delivery.unit_chain import SentUnit, units_sent
from delivery.warranty import warranty_begins_on, warranty_ends_on
from orders.models import Article, ProductKind

PAGE_SIZE = 50


class BoardFilter(StrEnum):
    """The piles of the board."""

    OPEN = "open"
    RED_FLAG = "red-flag"
    OVERDUE = "overdue"
    MINE = "mine"
    REPLACED = "replaced"
    DECLINED = "declined"


@dataclass(frozen=True)
class Board:
    """One page of one pile, and how many cases lie in each."""

    chosen: BoardFilter
    cases: tuple[Complaint, ...]
    counts: dict[BoardFilter, int]
    page: int
    pages: int
    instant: datetime


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

    @property
    def reporter_name(self) -> str:
        """Who reported; empty with protected identity."""
        return "" if self.is_protected else self.report.reporter_name

    @property
    def call_on(self) -> str:
        """The phone number they may be reached on; empty with protected identity."""
        return "" if self.is_protected else self.report.call_on


def board(
    session: Session, identity: Identity, chosen: BoardFilter = BoardFilter.OPEN, *, words: str = "", page: int = 1
) -> Board:
    """Return a page of the region's cases, red flags first, then by due time; `words` are a case number or a lot.

    Three statements whatever the number of cases. The list names nobody; the look is logged. Raises NotPermitted.
    """
    require(identity, Permission.SEE_COMPLAINTS)
    instant = now(session)
    piles = _piles(identity, instant)
    counts = session.execute(
        select(*(func.count().filter(pile) for pile in piles.values()))
        .select_from(Complaint)
        .where(Complaint.region == identity.region)
    ).one()
    wanted = and_(Complaint.region == identity.region, _matching(words) if words.strip() else piles[chosen])
    total = session.scalars(select(func.count()).select_from(Complaint).where(wanted)).one()
    pages = max(1, -(-total // PAGE_SIZE))
    page = min(max(1, page), pages)
    newest_first = bool(words.strip()) or chosen in {BoardFilter.REPLACED, BoardFilter.DECLINED}
    order = (
        (Complaint.id.desc(),)
        if newest_first
        else (Complaint.has_red_flag.desc(), Complaint.due_at.asc().nulls_first(), Complaint.id)
    )
    cases = session.scalars(
        select(Complaint)
        .join(FaultReport, FaultReport.complaint_id == Complaint.id)
        .where(wanted)
        .options(
            contains_eager(Complaint.report),
            joinedload(Complaint.article),
            joinedload(Complaint.lot),
            joinedload(Complaint.owner),
        )
        .order_by(*order)
        .limit(PAGE_SIZE)
        .offset((page - 1) * PAGE_SIZE)
    ).all()
    record(session, identity.actor, "complaints.listed", subject_person_id=None, manner="LOOK")
    return Board(chosen, tuple(cases), dict(zip(piles, counts, strict=True)), page, pages, instant)


def _piles(identity: Identity, instant: datetime) -> dict[BoardFilter, ColumnElement[bool]]:
    undecided = Complaint.state.in_(UNDECIDED)
    return {
        BoardFilter.OPEN: undecided,
        BoardFilter.RED_FLAG: and_(undecided, Complaint.has_red_flag),
        BoardFilter.OVERDUE: and_(undecided, Complaint.due_at < instant),
        BoardFilter.MINE: and_(undecided, Complaint.owner_id == identity.staff_id),
        BoardFilter.REPLACED: Complaint.state == ComplaintState.REPLACEMENT_ORDERED,
        BoardFilter.DECLINED: Complaint.state == ComplaintState.DECLINED,
    }


def _matching(words: str) -> ColumnElement[bool]:
    number = "".join(words.split())
    return or_(
        Complaint.case_no == number,
        Complaint.lot_id.in_(select(Lot.id).where(func.upper(Lot.lot_no).startswith(number.upper(), autoescape=True))),
    )


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
    units = units_sent(session, report.picked_lot_id) if complaint.article.is_serialised else ()
    opened = OpenCase(
        complaint=complaint,
        report=report,
        delivered_on=_delivered_on(report),
        delivered_packages=delivered_packages(session, complaint),
        same_lot=tuple(row[0] for row in same_lot),
        same_lot_count=same_lot[0][1] if same_lot else 0,
        is_protected=complaint.person.is_protected or _reporter_is_protected(session, report),
        instant=now(session),
        route=policy_of(complaint.region).section(ComplaintsPolicy).route_of(complaint.article.kind),
        warranty_ends_on=max((one.warranty_until for one in units if one.warranty_until), default=None)
        or _warranty_ends_on(session, complaint),
        units=units,
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
    instants = [
        parcel.delivered_at or parcel.shipped_at
        for parcel in report.picked_lot.line.depot_order.parcels
        if parcel.delivered_at or parcel.shipped_at
    ]
    return max((swedish_date(instant) for instant in instants if instant), default=None)


def _warranty_ends_on(session: Session, complaint: Complaint) -> date | None:
    if not (complaint.article.is_serialised or complaint.article.kind is ProductKind.PUMP):
        return None
    policy = policy_of(complaint.region).section(ComplaintsPolicy)
    depot_order = complaint.report.picked_lot.line.depot_order
    arrived_at = session.scalar(
        select(func.min(StockMovement.at)).where(
            StockMovement.lot_id == complaint.lot_id,
            StockMovement.depot_id == depot_order.depot_id,
            StockMovement.reason == MovementReason.RECEIVED,
        )
    )
    shipped_at = min((parcel.shipped_at for parcel in depot_order.parcels if parcel.shipped_at), default=None)
    begins_on = warranty_begins_on(
        swedish_date(arrived_at) if arrived_at else None, swedish_date(shipped_at) if shipped_at else None, policy
    )
    return warranty_ends_on(begins_on, policy.warranty_years) if begins_on else None


def _reporter_is_protected(session: Session, report: FaultReport) -> bool:
    # The flag may have arrived after the report was filed.
    reporter = session.get(Person, report.reporter_person_id) if report.reporter_person_id is not None else None
    return reporter is not None and reporter.is_protected
