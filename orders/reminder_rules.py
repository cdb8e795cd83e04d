"""What a patient is to be reminded of on a day: values in, reminders out. Nothing here reads or writes anything."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from orders.kinds import ReminderKind
from orders.rules import Reason, Verdict

# Days of grace for CAN_ORDER, so that a day on which nothing ran is caught up; the others have it in their own periods.
CAN_ORDER_FOR = timedelta(days=7)
RUNS_OUT_BEFORE = timedelta(days=10)
ENDS_BEFORE = timedelta(days=30)
# A forecast moves by a few days as parcels arrive; it is still the same running out.
SAME_RUNNING_OUT = timedelta(days=7)
# Reasons with which there is nothing left to remind of: it is over, or supplied by somebody else.
_OVER = frozenset({Reason.DECEASED, Reason.MOVED_OUT, Reason.PHARMACY, Reason.CANCELLED, Reason.EXPIRED})


@dataclass(frozen=True)
class Due:
    """One reminder and the day that it is about."""

    kind: ReminderKind
    about: date


@dataclass(frozen=True)
class ReminderFacts:
    """What the rule needs to know of a prescription item on a day.

    `lasts_until` counts everything of the article that the patient has or that is on its way; `is_followed` tells that another item
    of the same article goes on longer; `told` is what the item's patient has been reminded of lately.
    """

    verdict: Verdict
    next_earliest_order_date: date | None
    last_valid_date: date
    lasts_until: date | None
    is_followed: bool = False
    told: Collection[Due] = ()


def due_reminders(facts: ReminderFacts, day: date) -> tuple[Due, ...]:
    """Return what is due on `day` and has not been told; at most one of each kind."""
    if facts.verdict.reason in _OVER:
        return ()
    return tuple(due for due in _due(facts, day) if not _is_told(due, facts.told))


def _due(facts: ReminderFacts, day: date) -> Iterator[Due]:
    earliest = facts.next_earliest_order_date
    # Only when it has become possible again: what could be ordered all along is no news.
    if facts.verdict.is_allowed and earliest is not None and day - CAN_ORDER_FOR <= earliest <= day:
        yield Due(ReminderKind.CAN_ORDER, earliest)
    if facts.is_followed:
        return
    if facts.lasts_until is not None and day <= facts.lasts_until <= day + RUNS_OUT_BEFORE:
        yield Due(ReminderKind.RUNS_OUT, facts.lasts_until)
    if day <= facts.last_valid_date <= day + ENDS_BEFORE:
        yield Due(ReminderKind.PRESCRIPTION_ENDS, facts.last_valid_date)


def _is_told(due: Due, told: Collection[Due]) -> bool:
    margin = SAME_RUNNING_OUT if due.kind is ReminderKind.RUNS_OUT else timedelta(0)
    return any(one.kind is due.kind and abs(one.about - due.about) <= margin for one in told)
