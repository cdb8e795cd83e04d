"""Whether an order whose answer was lost is registered at the source: pure, from what the source's history says. Handbook §13."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum


@dataclass(frozen=True)
class SentRow:
    """A row of ours as the source was told of it; pieces, not packages."""

    row_id: int
    item_id: str
    article_no: str
    pieces: int


@dataclass(frozen=True)
class StatedRow:
    """An order item of the source's; pieces, not packages."""

    order_item_id: str
    item_id: str
    article_no: str
    pieces: int


class Standing(StrEnum):
    """What is known of an order that was sent."""

    REGISTERED = "REGISTERED"
    AWAITED = "AWAITED"
    NOT_REGISTERED = "NOT_REGISTERED"


def match_rows(sent: Sequence[SentRow], stated: Collection[StatedRow], known: Set[str] = frozenset()) -> dict[int, str]:
    """Return the source's name of each row that it has now and did not have before (`known`), by our row id.

    A row is known by prescription item and article; where several new ones could be it, by the same pieces first. Each of theirs is one
    row of ours at most.
    """
    new: dict[tuple[str, str], list[StatedRow]] = defaultdict(list)
    for one in sorted(stated, key=lambda one: one.order_item_id):
        if one.order_item_id not in known:
            new[one.item_id, one.article_no].append(one)
    found: dict[int, str] = {}
    for is_exact in (True, False):
        for row in sorted(sent, key=lambda row: row.row_id):
            candidates = new[row.item_id, row.article_no]
            fitting = [one for one in candidates if not is_exact or one.pieces == row.pieces]
            if fitting and row.row_id not in found:
                candidates.remove(fitting[0])
                found[row.row_id] = fitting[0].order_item_id
    return found


def standing_of(
    sent: Sequence[SentRow],
    found: Mapping[int, str],
    *,
    waited: timedelta,
    patience: timedelta,
) -> Standing:
    """Decide what an order is that was sent `waited` before the source was asked.

    The contract is all or nothing, so some of its rows are the beginning of all. Nothing found says nothing before the patience is over:
    the order may still be on its way within the source.
    """
    if len(found) == len(sent):
        return Standing.REGISTERED
    if waited < patience:
        return Standing.AWAITED
    return Standing.REGISTERED if found else Standing.NOT_REGISTERED


@dataclass(frozen=True)
class Copy:
    """Our copy of one withdrawal that the source has registered, still standing; `names` are what it calls its rows."""

    withdrawal_id: int
    placed_at: datetime
    names: frozenset[str]
    is_delivered: bool


# A source may count what it has taken by the next night's run only, and nobody cancels what has long been sent.
COUNTED_AFTER = timedelta(days=1)
CANCELLED_WITHIN = timedelta(days=30)


def cancelled_there(copies: Sequence[Copy], *, used: int, listed: Set[str], asked_at: datetime) -> list[int]:
    """Return the withdrawals of one item that were cancelled at the source: it neither counts nor lists them any more.

    `used` is how many withdrawals the source counts; more of the newest are never taken for cancelled than that explains.
    """
    gone = [
        copy
        for copy in copies
        if not copy.is_delivered
        and not copy.names & listed
        and COUNTED_AFTER <= asked_at - copy.placed_at <= CANCELLED_WITHIN
    ]
    gone.sort(key=lambda copy: (copy.placed_at, copy.withdrawal_id), reverse=True)
    return [copy.withdrawal_id for copy in gone[: max(0, len(copies) - used)]]


def may_take(asked_at: datetime, settled_at: datetime | None) -> bool:
    """Tell whether an answer was asked for after the latest one was taken: any other may undo what that told."""
    return settled_at is None or asked_at > settled_at
