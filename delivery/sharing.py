"""Many orders and one stock: who gets which lots, and who waits when there is too little. Pure. Handbook §6.

Where everything wanted can be had, each line gets lots first expired, first out. Where it cannot, as many lines as possible get a
bridging quantity before anybody gets more; what is left then fills the lines up, the oldest promise first.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from delivery.allocation import LotFacts, Need, judge_lot


@dataclass(frozen=True, slots=True)
class Wanted:
    """What one pick line wants of an article: `packages` that stay good until `use_until`.

    The first `bridge` of them are used up on `bridge_until` already.
    """

    line_id: int
    article_id: int
    packages: int
    use_until: date
    bridge: int
    bridge_until: date
    promised_date: date
    avoid_lot_id: int | None = None
    avoid_more: frozenset[int] = frozenset()

    @property
    def avoided(self) -> frozenset[int]:
        """Every lot that does not serve it."""
        return self.avoid_more if self.avoid_lot_id is None else self.avoid_more | {self.avoid_lot_id}


def share(wanted: Iterable[Wanted], lots: Iterable[tuple[int, LotFacts]], today: date) -> dict[int, dict[int, int]]:
    """Return packages per lot id for each line id; `lots` come with their article's id. Lines that get nothing are left out.

    Time grows with the number of lines and lots (and the logarithm of the lots of one article).
    """
    lines_of, lots_of = defaultdict[int, list[Wanted]](list), defaultdict[int, list[LotFacts]](list)
    for line in wanted:
        lines_of[line.article_id].append(line)
    for article_id, lot in lots:
        # Use-by and the lot to avoid are each line's own; the rest counts for everybody.
        if article_id in lines_of and lot.free > 0 and judge_lot(lot, Need(1, date.min), today) is None:
            lots_of[article_id].append(lot)
    given: dict[int, dict[int, int]] = defaultdict(dict)
    for article_id, lines in lines_of.items():
        _share_article(sorted(lines, key=lambda line: (line.promised_date, line.line_id)), lots_of[article_id], given)
    return dict(given)


def _share_article(lines: Sequence[Wanted], lots: Sequence[LotFacts], given: dict[int, dict[int, int]]) -> None:
    """Give the lines of one article, the oldest promise first, what there is of it."""
    whole: dict[int, dict[int, int]] = {}
    shelf = _Shelf(lots)
    for line in lines:
        taken = shelf.take(line.packages, line.use_until, line.avoided)
        if sum(taken.values()) < line.packages:
            break
        whole[line.line_id] = taken
    else:
        given.update(whole)
        return
    shelf = _Shelf(lots)
    bridged = {}
    # The smallest bridges first reach the most people; among equals the oldest promise, then the longest horizon is no worse off.
    for line in sorted(lines, key=lambda line: line.bridge):
        taken = shelf.take(line.bridge, line.bridge_until, line.avoided, only_all=True)
        if taken:
            given[line.line_id] = taken
            bridged[line.line_id] = line.bridge
    for line in lines:
        more = shelf.take(line.packages - bridged.get(line.line_id, 0), line.use_until, line.avoided)
        for lot_id, packages in more.items():
            given[line.line_id][lot_id] = given[line.line_id].get(lot_id, 0) + packages


class _Shelf:
    """The lots of one article in the order of their expiry, with what is left of each; emptied lots are skipped."""

    def __init__(self, lots: Sequence[LotFacts]) -> None:
        ordered = sorted(lots, key=lambda lot: (lot.expires_on, lot.lot_id))
        self._ids = [lot.lot_id for lot in ordered]
        self._expiries = [lot.expires_on for lot in ordered]
        self._left = [lot.free for lot in ordered]
        # Where to look next; the last place is behind all lots.
        self._next = list(range(len(ordered) + 1))

    def take(
        self, packages: int, good_until: date, avoided: frozenset[int], *, only_all: bool = False
    ) -> dict[int, int]:
        """Take packages that stay good until a day, the soonest expiry first; with `only_all` nothing when there are too few."""
        taken: list[tuple[int, int]] = []
        left = packages
        place = self._find(bisect_left(self._expiries, good_until))
        while left > 0 and place < len(self._ids):
            if self._ids[place] not in avoided:
                count = min(left, self._left[place])
                taken.append((place, count))
                left -= count
            place = self._find(place + 1)
        if only_all and left > 0:
            return {}
        for place, count in taken:
            self._left[place] -= count
            if self._left[place] == 0:
                self._next[place] = place + 1
        return {self._ids[place]: count for place, count in taken}

    def _find(self, place: int) -> int:
        """Return the first lot from `place` on of which something is left, and shorten the way there."""
        found = place
        while self._next[found] != found:
            found = self._next[found]
        while self._next[place] != found:
            self._next[place], place = found, self._next[place]
        return found
