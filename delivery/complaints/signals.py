"""Lots that stand out: found by the daily look, and what consultants decide about them. Lock → check → build → record.

Locks nothing but the signals, in lot order; the caller commits.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from sqlalchemy import func, select
from sqlalchemy.orm import Session, joinedload

from auth.identity import Identity, system_identity
from auth.permissions import Permission, require
from core.audit import record
from core.clock import now, today
from core.errors import DomainError, NotFound
from core.outbox import Message
from core.policy import policy_of
from delivery.complaints.policy import ComplaintsPolicy
from delivery.complaints.signal_facts import facts_of, histories
from delivery.complaints.signal_models import LotSignal, SignalStatus
from delivery.complaints.signal_rules import Finding, is_worth_another_look, look
from delivery.models import Lot, LotStatus

LONGEST_NOTE = 400


class SignalSettled(DomainError):
    """Somebody has decided about the flagged lot; `status` is what."""

    def __init__(self, status: SignalStatus) -> None:
        super().__init__(status.value)
        self.status = status


class NoteMissing(DomainError):
    """A flagged lot is dismissed with a note or not at all."""


@dataclass(frozen=True)
class LookOutcome:
    """What one look at a region's lots gave."""

    looked_at: int
    flagged: int
    updated: int


def look_at_lots(session: Session, message: Message) -> None:
    """Look at all lots of the message's region, as the clock asks for every morning."""
    look_for_signals(session, system_identity(message.payload["region"], "look at lots"))


def look_for_signals(session: Session, identity: Identity) -> LookOutcome:
    """Flag the lots of the identity's region that stand out and renew the evidence of those that are flagged.

    Five statements, and one per lot that is flagged or renewed. Locks the region's signals. A lot has one open signal; one that was
    dismissed comes back when the evidence has grown markedly, and one that was called back never. Raises NotPermitted.
    """
    require(identity, Permission.ROUTE_MESSAGES)
    policy = policy_of(identity.region).section(ComplaintsPolicy)
    lots = histories(session, identity.region)
    signals = session.scalars(
        select(LotSignal)
        .where(LotSignal.region == identity.region)
        .options(joinedload(LotSignal.lot))
        .order_by(LotSignal.lot_id, LotSignal.id)
        .with_for_update(of=LotSignal)
        .execution_options(populate_existing=True)
    ).all()
    latest = {signal.lot_id: signal for signal in signals}
    for signal in latest.values():
        if signal.status is SignalStatus.OPEN and signal.lot.status is LotStatus.RECALLED:
            _decide(session, signal, SignalStatus.RECALLED)
    suspect = {lot_id for lot_id, signal in latest.items() if signal.status is not SignalStatus.DISMISSED}
    found = look(
        facts_of(lots.values(), suspect, today(session)),
        today(session).toordinal(),
        least_reports=policy.signal_least_reports,
        percent=policy.signal_false_discovery_percent,
    )
    flagged = updated = 0
    for finding in found:
        earlier = latest.get(finding.lot_id)
        if earlier is not None and earlier.status is SignalStatus.OPEN:
            _renew(session, earlier, finding)
            updated += 1
        elif finding.stands_out and not lots[finding.lot_id].is_recalled and _is_news(earlier, finding, policy):
            signal = LotSignal(region=identity.region, lot_id=finding.lot_id, found_on=today(session))
            _renew(session, signal, finding)
            session.add(signal)
            session.flush()
            record(
                session,
                identity.actor,
                "signal.found",
                subject_person_id=None,
                object_ref=f"lot:{finding.lot_id}",
            )
            flagged += 1
    session.flush()
    return LookOutcome(len(lots), flagged, updated)


def _is_news(earlier: LotSignal | None, finding: Finding, policy: ComplaintsPolicy) -> bool:
    if earlier is None:
        return True
    return earlier.status is SignalStatus.DISMISSED and is_worth_another_look(
        finding.reports,
        finding.chance,
        dismissed_reports=earlier.reports,
        dismissed_chance=earlier.p_value,
        least_reports=policy.signal_least_reports,
    )


def _renew(session: Session, signal: LotSignal, finding: Finding) -> None:
    signal.looked_on = today(session)
    signal.reports, signal.delivered = finding.reports, finding.delivered
    signal.expected, signal.p_value = finding.expected, finding.chance


def dismiss_signal(session: Session, identity: Identity, lot_id: int, note: str) -> LotSignal:
    """Put a flagged lot aside with the reason why, for colleagues and for the next time.

    Locks the signal. Raises NotPermitted, NotFound, NoteMissing, SignalSettled when a colleague was first.
    """
    require(identity, Permission.SEE_SIGNALS)
    signal = session.scalar(
        select(LotSignal)
        .where(LotSignal.region == identity.region, LotSignal.lot_id == lot_id)
        .options(joinedload(LotSignal.lot))
        .order_by(LotSignal.id.desc())
        .limit(1)
        .with_for_update(of=LotSignal)
        .execution_options(populate_existing=True)
    )
    if signal is None:
        raise NotFound
    if signal.status is not SignalStatus.OPEN:
        raise SignalSettled(signal.status)
    if signal.lot.status is LotStatus.RECALLED:
        raise SignalSettled(SignalStatus.RECALLED)
    note = note.strip()
    if not note:
        raise NoteMissing
    _decide(session, signal, SignalStatus.DISMISSED, identity, note[:LONGEST_NOTE])
    record(session, identity.actor, "signal.dismissed", subject_person_id=None, object_ref=f"lot:{lot_id}", reason=note)
    return signal


def _decide(
    session: Session,
    signal: LotSignal,
    status: Literal[SignalStatus.DISMISSED, SignalStatus.RECALLED],
    identity: Identity | None = None,
    note: str = "",
) -> None:
    signal.status = status
    signal.decided_at = now(session)
    signal.decided_by_id = identity.staff_id if identity else None
    signal.note = note


def open_signals(session: Session, identity: Identity) -> int:
    """Return how many flagged lots wait for a decision, for the menu; in one statement. Raises NotPermitted."""
    require(identity, Permission.SEE_SIGNALS)
    return session.scalars(
        select(func.count())
        .select_from(LotSignal)
        .join(Lot, LotSignal.lot_id == Lot.id)
        .where(
            LotSignal.region == identity.region,
            LotSignal.status == SignalStatus.OPEN,
            Lot.status != LotStatus.RECALLED,
        )
    ).one()
