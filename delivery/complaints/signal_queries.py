"""What consultants see of lots: those that stand out, and one lot with its reports week by week. Nobody is named."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import func, select
from sqlalchemy.orm import Session, joinedload

from auth.identity import Identity
from auth.models import StaffMember
from auth.permissions import Permission, require
from core.audit import record
from core.clock import today
from core.errors import NotFound
from delivery.complaints.models import Complaint
from delivery.complaints.signal_facts import LotHistory, came_back, first_shipped, histories, ref_of_picked_lot
from delivery.complaints.signal_models import LotSignal, SignalStatus
from delivery.complaints.signal_rules import add_in_use, curve_of, week_of
from delivery.models import DepotOrder, Lot, LotStatus, PickedLot, PickLine, StockBalance
from orders.models import Article, Order

CASES_SHOWN = 50
_LONGEST_CHART = 52


@dataclass(frozen=True)
class Week:
    """One week of a lot: reports and packages sent in it, and reports and those expected since the lot began; None when not known."""

    begins_on: date
    reports: int
    sent: int
    reports_so_far: int
    expected_so_far: float | None


@dataclass(frozen=True)
class FlaggedLot:
    """A lot that stands out, with its evidence week by week."""

    signal: LotSignal
    weeks: tuple[Week, ...]


@dataclass(frozen=True)
class EarlierDecision:
    """What was decided about a lot that was flagged before."""

    signal: LotSignal
    decided_by: str


@dataclass(frozen=True)
class LotStory:
    """One lot as a consultant judges it; packages, `expected` at the baseline of the article's other lots where it was looked at.

    `reports` counts each patient once, as the look does; `cases` are the latest of `case_count`.
    """

    lot: Lot
    signal: LotSignal | None
    reports: int
    delivered: int
    expected: float | None
    chance: float | None
    weeks: tuple[Week, ...]
    cases: Sequence[Complaint]
    case_count: int
    patients: int
    units: int
    on_hand: int
    earlier: tuple[EarlierDecision, ...]


def flagged_lots(session: Session, identity: Identity) -> list[FlaggedLot]:
    """Return the region's lots that stand out and wait for a decision, the least likely first; three statements. Raises NotPermitted."""
    require(identity, Permission.SEE_SIGNALS)
    signals = session.scalars(
        select(LotSignal)
        .join(Lot, LotSignal.lot_id == Lot.id)
        .where(
            LotSignal.region == identity.region,
            LotSignal.status == SignalStatus.OPEN,
            Lot.status != LotStatus.RECALLED,
        )
        .options(joinedload(LotSignal.lot).joinedload(Lot.article).joinedload(Article.supplier))
        .order_by(LotSignal.p_value, LotSignal.id)
    ).all()
    lots = histories(session, identity.region, [signal.lot_id for signal in signals])
    record(session, identity.actor, "signals.listed", subject_person_id=None, manner="LOOK")
    return [
        FlaggedLot(signal, weeks_of(lots.get(signal.lot_id), signal.expected, today(session))) for signal in signals
    ]


def lot_story(session: Session, identity: Identity, lot_id: int) -> LotStory:
    """Return one lot of the region with its signal, weeks and cases; a fixed number of statements.

    Raises NotPermitted, NotFound for another region's.
    """
    require(identity, Permission.SEE_SIGNALS)
    lot = session.scalar(
        select(Lot)
        .join(Article, Lot.article_id == Article.id)
        .where(Lot.id == lot_id, Article.region == identity.region)
        .options(joinedload(Lot.article).joinedload(Article.supplier))
    )
    if lot is None:
        raise NotFound
    signals = session.execute(
        select(LotSignal, StaffMember.name)
        .outerjoin(StaffMember, LotSignal.decided_by_id == StaffMember.id)
        .where(LotSignal.region == identity.region, LotSignal.lot_id == lot_id)
        .order_by(LotSignal.id.desc())
    ).all()
    shown = next((signal for signal, _name in signals if signal.status is SignalStatus.OPEN), None)
    history = histories(session, identity.region, [lot_id]).get(lot_id)
    case_count, cases = _cases(session, identity, lot_id)
    patients, units = _receivers(session, identity, lot_id)
    record(session, identity.actor, "lot.seen", subject_person_id=None, manner="LOOK", object_ref=f"lot:{lot_id}")
    return LotStory(
        lot=lot,
        signal=shown,
        reports=len(history.reported) if history else 0,
        delivered=sum(packages for _day, packages in history.sent) if history else 0,
        expected=shown.expected if shown else None,
        chance=shown.p_value if shown else None,
        weeks=weeks_of(history, shown.expected if shown else None, today(session)),
        cases=cases,
        case_count=case_count,
        patients=patients,
        units=units,
        on_hand=int(session.scalar(select(func.sum(StockBalance.on_hand)).where(StockBalance.lot_id == lot_id)) or 0),
        earlier=tuple(EarlierDecision(signal, name or "") for signal, name in signals if signal is not shown),
    )


def weeks_of(history: LotHistory | None, expected: float | None, day: date) -> tuple[Week, ...]:
    """Return a lot's weeks from the first delivery to `day`; the expected ends at `expected` and follows the packages in use."""
    if history is None or not history.sent:
        return ()
    in_use: dict[int, float] = {}
    even = curve_of((), ())
    sent: dict[int, int] = {}
    for sent_on, packages in history.sent:
        add_in_use(in_use, sent_on.toordinal(), packages, even, day.toordinal())
        week = week_of(sent_on.toordinal())
        sent[week] = sent.get(week, 0) + packages
    reports: dict[int, int] = {}
    for reported_on, _age in history.reported:
        week = week_of(reported_on.toordinal())
        reports[week] = reports.get(week, 0) + 1
    total = sum(in_use.values())
    used, so_far, weeks = 0.0, 0, []
    for week in range(min(sent.keys() | reports.keys()), week_of(day.toordinal()) + 1):
        used += in_use.get(week, 0.0)
        so_far += reports.get(week, 0)
        weeks.append(
            Week(
                date.fromordinal(week * 7 + 1),
                reports.get(week, 0),
                sent.get(week, 0),
                so_far,
                expected * used / total if expected is not None and total else None,
            )
        )
    return tuple(weeks[-_LONGEST_CHART:])


def _cases(session: Session, identity: Identity, lot_id: int) -> tuple[int, Sequence[Complaint]]:
    rows = session.execute(
        select(Complaint, func.count().over())
        .where(Complaint.lot_id == lot_id, Complaint.region == identity.region)
        .options(joinedload(Complaint.report))
        .order_by(Complaint.id.desc())
        .limit(CASES_SHOWN)
    ).all()
    return (rows[0][1] if rows else 0), [complaint for complaint, _count in rows]


def _receivers(session: Session, identity: Identity, lot_id: int) -> tuple[int, int]:
    """How many patients and how many units, for their own store, still have something that was sent of the lot."""
    shipped, returned = first_shipped(), came_back()
    patients, units = session.execute(
        select(func.count(Order.person_id.distinct()), func.count(Order.unit_id.distinct()))
        .select_from(PickedLot)
        .join(PickLine, PickedLot.pick_line_id == PickLine.id)
        .join(DepotOrder, PickLine.depot_order_id == DepotOrder.id)
        .join(shipped, shipped.c.depot_order_id == DepotOrder.id)
        .join(Order, DepotOrder.order_id == Order.id)
        .outerjoin(returned, returned.c.ref == ref_of_picked_lot())
        .where(
            PickedLot.lot_id == lot_id,
            DepotOrder.region == identity.region,
            PickedLot.packages > func.coalesce(returned.c.packages, 0),
        )
    ).one()
    return patients, units
