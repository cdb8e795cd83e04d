"""What a supplier's exchange means to the case about the product: its timeline says so, and it needs nobody more. Handbook §7."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import or_, select
from sqlalchemy.orm import Session, joinedload

from auth.identity import Identity
from core.clock import now
from delivery.complaints.cases import change_state, record_case, tell_people, tell_timeline
from delivery.complaints.incident_models import Incident
from delivery.complaints.models import Complaint, ComplaintEventKind, ComplaintState, FaultReport
from delivery.complaints.rules import SETTLED, UNDECIDED
from delivery.goods_models import SerialisedUnit


def tell_cases(session: Session, identity: Identity, made: Sequence[SerialisedUnit]) -> dict[int, int]:
    """Tell the open case about each unit that was exchanged, and close those that only waited for it; return the cases by new unit's id.

    Locks the complaints in id order; the caller holds the persons and the units. What has a red flag, an incident, a replacement or a
    claim under way, or may be about another unit of the same delivery, stays open for somebody to finish.
    """
    replaced = _replaced(session, made)
    cases = _lock_cases(session, made)
    with_incident = set(
        session.scalars(select(Incident.complaint_id).where(Incident.complaint_id.in_([case.id for case in cases])))
    )
    told: dict[int, int] = {}
    for unit in made:
        old_serial = replaced[unit.id]
        for case in cases:
            if not _is_about(case, unit, old_serial):
                continue
            told.setdefault(unit.id, case.id)
            tell_timeline(
                session,
                identity,
                case,
                ComplaintEventKind.EXCHANGED,
                f"{old_serial} → {unit.serial_no}",
                for_reporter=True,
            )
            record_case(session, identity, case, "complaint.exchanged")
            is_plain = not case.has_red_flag and case.id not in with_incident and _is_certain(case)
            if case.state in UNDECIDED and is_plain:
                _close(session, identity, case)
    return told


def _close(session: Session, identity: Identity, case: Complaint) -> None:
    if case.state is ComplaintState.RECEIVED:
        change_state(session, identity, case, ComplaintState.TRIAGED)
        case.triaged_at = now(session)
        tell_timeline(session, identity, case, ComplaintEventKind.TRIAGED)
    change_state(session, identity, case, ComplaintState.CLOSED)
    tell_timeline(session, identity, case, ComplaintEventKind.CLOSED, for_reporter=True)
    tell_people(session, case, "fault.closed")


def _replaced(session: Session, made: Sequence[SerialisedUnit]) -> dict[int, str]:
    ids = [unit.replaces_id for unit in made if unit.replaces_id is not None]
    rows = session.execute(select(SerialisedUnit.id, SerialisedUnit.serial_no).where(SerialisedUnit.id.in_(ids)))
    old = dict(rows.all())
    return {unit.id: old[unit.replaces_id] for unit in made if unit.replaces_id is not None}


def _lock_cases(session: Session, made: Sequence[SerialisedUnit]) -> list[Complaint]:
    """The open cases about what the units came with, the latest first; locked in id order."""
    about = select(FaultReport.complaint_id).where(
        or_(
            FaultReport.picked_lot_id.in_([unit.picked_lot_id for unit in made if unit.picked_lot_id is not None]),
            FaultReport.picked_lot_id.is_(None) & (FaultReport.stated_serial_no != ""),
        )
    )
    locked = session.scalars(
        select(Complaint)
        .where(
            Complaint.person_id.in_([unit.person_id for unit in made]),
            Complaint.article_id.in_([unit.article_id for unit in made]),
            Complaint.state.not_in(SETTLED),
            Complaint.id.in_(about),
        )
        .order_by(Complaint.id)
        .with_for_update(of=Complaint)
        .execution_options(populate_existing=True)
        .options(joinedload(Complaint.report).joinedload(FaultReport.picked_lot))
    ).all()
    return list(reversed(locked))


def _is_certain(case: Complaint) -> bool:
    """Whether it is this very unit: of several in one delivery, without a number in the report, it may be another."""
    picked = case.report.picked_lot
    return bool(case.report.stated_serial_no) or (picked is not None and picked.packages == 1)


def _is_about(case: Complaint, unit: SerialisedUnit, old_serial: str) -> bool:
    """Whether the case is about the unit that went away: by its number where the report has one, else by the delivery it came with."""
    report = case.report
    if case.person_id != unit.person_id or case.article_id != unit.article_id:
        return False
    if report.stated_serial_no:
        return report.stated_serial_no.upper() == old_serial.upper()
    return report.picked_lot_id is not None and report.picked_lot_id == unit.picked_lot_id
