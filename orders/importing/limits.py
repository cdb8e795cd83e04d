"""How much of a prescription the source says was used elsewhere: pure, and wrong only on the careful side."""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True)
class KnownUse:
    """What the database knows of an item's use: `elsewhere` withdrawals, their listed ids and days, and our own by order item id.

    An order item id of ours is `order_no-row_id`; a withdrawal that is spread over sub-articles has several.
    """

    elsewhere: int
    listed_elsewhere: dict[str, date]
    standing_here: dict[str, int]
    cancelled_here: dict[str, int]


def used_elsewhere(
    known: KnownUse,
    allowed: int,
    remaining: int,
    history: Set[str],
    days_elsewhere: Set[date],
    *,
    added_here: int = 0,
    is_live: bool = False,
) -> int:
    """Return the withdrawals made elsewhere, given what the source states and the order item ids and days of its history.

    `allowed` and `remaining` are the source's own numbers, without the `added_here` of our prescribers.

    Our own withdrawals that the source lists are not counted twice. A smaller number than before is believed only from a file that
    lists everything we know of, where that explains the number before: anything else may be an old file, and an old file must never
    give withdrawals back (handbook §3.6). What `is_live` was asked for just now, and is believed.
    """
    used = allowed - remaining
    echoed = len({withdrawal for item_id, withdrawal in known.standing_here.items() if item_id in history})
    # What was cancelled here and is listed still counts there only as far as the rest of its history does not explain the number.
    cancelled = len({withdrawal for item_id, withdrawal in known.cancelled_here.items() if item_id in history})
    cancelled = max(0, min(cancelled, used - echoed - len(days_elsewhere)))
    stated = max(0, used - echoed - cancelled)
    if added_here and remaining == 0:
        # The source cannot count beyond its own limit: an echo of an added withdrawal may not be among those that it counts.
        return max(stated, known.elsewhere, min(used, len(days_elsewhere)))
    if is_live:
        # What was cancelled here, and is listed there, counts there.
        return max(0, used - echoed)
    if stated >= known.elsewhere or _is_proven_fresh(known, history):
        return stated
    return known.elsewhere


def _is_proven_fresh(known: KnownUse, history: Set[str]) -> bool:
    lists_theirs = known.listed_elsewhere.keys() <= history
    lists_ours = set(known.standing_here.values()) <= {
        withdrawal for item_id, withdrawal in known.standing_here.items() if item_id in history
    }
    return lists_theirs and lists_ours and len(set(known.listed_elsewhere.values())) >= known.elsewhere
