"""Why a lot is not used for a pick line: each lot of the article with the reason, in one statement. Handbook §6."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from sqlalchemy import or_, select
from sqlalchemy.orm import Session, contains_eager

from core.clock import today
from delivery.allocation import LotProblem, judge_lot
from delivery.models import Lot, PickLine, StockBalance
from delivery.stock import lot_facts, need_of

MOST_LOTS = 30


class WhyNot(StrEnum):
    """Why a lot is not in the pick; FREE is one that could be taken after all."""

    RECALLED = "RECALLED"
    QUARANTINED = "QUARANTINED"
    ON_HOLD = "ON_HOLD"
    EXPIRED = "EXPIRED"
    SAME_AS_FAULTY = "SAME_AS_FAULTY"
    EXPIRES_TOO_SOON = "EXPIRES_TOO_SOON"
    NONE_LEFT = "NONE_LEFT"
    PROMISED_TO_OTHERS = "PROMISED_TO_OTHERS"
    FREE = "FREE"


@dataclass(frozen=True)
class UnusedLot:
    """A lot that a line was not given, and why; `on_hand` and `free` are packages."""

    lot_no: str
    expires_on: date
    use_until: date
    on_hand: int
    free: int
    why: WhyNot


def unused_lots(session: Session, depot_id: int, line: PickLine) -> list[UnusedLot]:
    """Return the depot's lots of the line's article that the line has not reserved, the soonest expiry first; in one statement.

    Lots that are gone and expired are left out. The caller has checked that the reader may see the line.
    """
    day = today(session)
    need = need_of(line)
    reserved = {reservation.lot_id for reservation in line.reservations}
    balances = session.scalars(
        select(StockBalance)
        .join(StockBalance.lot)
        .where(
            StockBalance.depot_id == depot_id,
            Lot.article_id == line.article_id,
            Lot.id.not_in(reserved),
            or_(StockBalance.on_hand > 0, Lot.expires_on >= day),
        )
        .options(contains_eager(StockBalance.lot))
        .order_by((StockBalance.on_hand == 0), Lot.expires_on, Lot.id)
        .limit(MOST_LOTS)
    )
    found = []
    for balance in balances:
        facts = lot_facts(balance)
        problem = judge_lot(facts, need, day)
        found.append(
            UnusedLot(
                lot_no=balance.lot.lot_no,
                expires_on=balance.lot.expires_on,
                use_until=need.use_until,
                on_hand=balance.on_hand,
                free=facts.free,
                why=_why(problem, balance.on_hand, facts.free),
            )
        )
    return found


def _why(problem: LotProblem | None, on_hand: int, free: int) -> WhyNot:
    if problem is not None:
        return WhyNot(problem.value)
    if on_hand == 0:
        return WhyNot.NONE_LEFT
    return WhyNot.FREE if free else WhyNot.PROMISED_TO_OTHERS
