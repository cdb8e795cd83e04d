"""Which lots a pick line is given: first expired, first out. Pure. Handbook §6."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from enum import StrEnum


@dataclass(frozen=True)
class LotFacts:
    """What decides about a lot; `free` is packages on hand that nobody has reserved."""

    lot_id: int
    expires_on: date
    is_quarantined: bool
    is_recalled: bool
    free: int
    is_on_hold: bool = False


@dataclass(frozen=True)
class Need:
    """What a pick line needs: packages that stay good until `use_until`, from another lot than those to avoid."""

    packages: int
    use_until: date
    avoid_lot_id: int | None = None
    avoid_more: frozenset[int] = frozenset()


class LotProblem(StrEnum):
    """Why a lot may not go to a patient, the gravest first."""

    RECALLED = "RECALLED"
    QUARANTINED = "QUARANTINED"
    ON_HOLD = "ON_HOLD"
    EXPIRED = "EXPIRED"
    SAME_AS_FAULTY = "SAME_AS_FAULTY"
    EXPIRES_TOO_SOON = "EXPIRES_TOO_SOON"


def judge_lot(lot: LotFacts, need: Need, today: date) -> LotProblem | None:
    """Return why the lot may not serve the need, or None; a lot may be used on the day it expires, not after."""
    if lot.is_recalled:
        return LotProblem.RECALLED
    if lot.is_quarantined:
        return LotProblem.QUARANTINED
    if lot.is_on_hold:
        return LotProblem.ON_HOLD
    if lot.expires_on < today:
        return LotProblem.EXPIRED
    if lot.lot_id == need.avoid_lot_id or lot.lot_id in need.avoid_more:
        return LotProblem.SAME_AS_FAULTY
    if lot.expires_on < need.use_until:
        return LotProblem.EXPIRES_TOO_SOON
    return None


def allocate(need: Need, lots: Iterable[LotFacts], today: date) -> dict[int, int]:
    """Return packages per lot id, the soonest expiry first, over as many lots as it takes; less than the need when there is less."""
    left, taken = need.packages, {}
    for lot in sorted(lots, key=lambda lot: (lot.expires_on, lot.lot_id)):
        if left <= 0:
            break
        if lot.free > 0 and judge_lot(lot, need, today) is None:
            taken[lot.lot_id] = min(left, lot.free)
            left -= taken[lot.lot_id]
    return taken
