"""Which unit each row of a supplier's file is about, and why a row goes back instead: values in, verdicts out. Handbook §7."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from delivery.complaints.exchange_models import ExchangeProblem
from delivery.complaints.exchange_reading import StatedExchange
from delivery.goods_models import UnitStatus
from delivery.goods_rules import LONGEST_SERIAL, is_serial

LONGEST_REASON = 400
_SIGNS = re.compile(r"\W+")
_SAYS_NOTHING = frozenset({"", "na", "none", "unknown", "ingen", "inget", "okänd", "okänt", "saknas", "x", "seovan"})


@dataclass(frozen=True)
class UnitFacts:
    """One unit of the supplier's that is known here; `article_marks` are what a file may call its article."""

    unit_id: int
    article_id: int
    article_marks: frozenset[str]
    serial_no: str
    status: UnitStatus
    shipped_on: date | None
    replaced_by: str = ""


@dataclass(frozen=True)
class Verdict:
    """What comes of one row: refused with a `problem`; known already (`is_known`); or the unit, or the row before, that it replaces."""

    row: StatedExchange
    problem: ExchangeProblem | None = None
    old: UnitFacts | None = None
    follows: int | None = None
    is_known: bool = False

    @property
    def is_new(self) -> bool:
        """Whether the row makes a new unit the patient's."""
        return self.problem is None and not self.is_known


def form_problem(row: StatedExchange, today: date) -> ExchangeProblem | None:
    """Return what is wrong with a row whatever is known here; the first that is."""
    wrong = {
        ExchangeProblem.OLD_SERIAL_MISSING: not row.old_serial,
        ExchangeProblem.NEW_SERIAL_MISSING: not row.new_serial,
        ExchangeProblem.SERIAL_ROUNDED: row.is_rounded,
        ExchangeProblem.TOO_LONG: max(len(row.old_serial), len(row.new_serial)) > LONGEST_SERIAL
        or len(row.reason) > LONGEST_REASON,
        ExchangeProblem.NEW_SERIAL_UNREADABLE: not is_serial(row.new_serial),
        ExchangeProblem.SAME_SERIAL: _key(row.old_serial) == _key(row.new_serial),
        ExchangeProblem.NO_REASON: not has_reason(row.reason),
        ExchangeProblem.DATE_UNREADABLE: row.exchanged_on is None,
        ExchangeProblem.DATE_IN_FUTURE: row.exchanged_on is not None and row.exchanged_on > today,
    }
    return next((problem for problem, is_so in wrong.items() if is_so), None)


def has_reason(text: str) -> bool:
    """Tell whether somebody has said why; a dash, a question mark or "okänd" says nothing."""
    return _SIGNS.sub("", text).casefold() not in _SAYS_NOTHING


def judge_exchanges(rows: Sequence[StatedExchange], units: Collection[UnitFacts], today: date) -> list[Verdict]:
    """Return a verdict for each row, in the file's order; a row may follow another one of the file, wherever that stands."""
    judging = _Judging(rows, units, today)
    return [judging.verdict(place) for place in range(len(rows))]


class _Judging:
    def __init__(self, rows: Sequence[StatedExchange], units: Collection[UnitFacts], today: date) -> None:
        self.rows = rows
        self.units: Mapping[str, list[UnitFacts]] = _by_key(units)
        self.problems = [form_problem(row, today) for row in rows]
        self.known = {place: unit for place in range(len(rows)) if (unit := self._find_known(place)) is not None}
        self.makes = self._find_twice()
        self.found: dict[int, Verdict] = {}

    def _find_known(self, place: int) -> UnitFacts | None:
        """The unit that went away by an exchange which has been read before and is told again."""
        new = _key(self.rows[place].new_serial)
        if self.problems[place] is not None:
            return None
        return next((unit for unit in self._named(self.rows[place].old_serial) if _key(unit.replaced_by) == new), None)

    def _find_twice(self) -> dict[str, int]:
        """Refuse what the file says twice, and return which row brings which new number.

        Of rows that say the same the first counts. Of those that differ none does: nobody here can know which is right.
        """
        by_old, by_new = defaultdict(set), defaultdict(set)
        sound = [place for place, wrong in enumerate(self.problems) if wrong is None and place not in self.known]
        for place in sound:
            old, new = self._keys(place)
            by_old[old].add(new)
            by_new[new].add(old)
        makes: dict[str, int] = {}
        for place in sound:
            old, new = self._keys(place)
            if len(by_old[old]) > 1 or len(by_new[new]) > 1 or new in makes:
                self.problems[place] = ExchangeProblem.TWICE_IN_FILE
            else:
                makes[new] = place
        return makes

    def _keys(self, place: int) -> tuple[str, str]:
        return _key(self.rows[place].old_serial), _key(self.rows[place].new_serial)

    def verdict(self, place: int) -> Verdict:
        """Judge one row, and first the rows that it follows, one after the other: a file may hold a chain of any length."""
        waiting = [place]
        while waiting:
            current = waiting[-1]
            before = self._row_before(current)
            if before is not None and before not in self.found and before not in waiting:
                waiting.append(before)
                continue
            self.found.setdefault(current, self._judge(current, before))
            waiting.pop()
        return self.found[place]

    def _row_before(self, place: int) -> int | None:
        """Return the row of the file that brought the unit which this one takes away, when nothing is known of it here."""
        if self.problems[place] is not None or self._named(self.rows[place].old_serial):
            return None
        return self.makes.get(_key(self.rows[place].old_serial))

    def _judge(self, place: int, before: int | None) -> Verdict:
        row, problem = self.rows[place], self.problems[place]
        if problem is not None:
            return Verdict(row, problem)
        if place in self.known:
            return Verdict(row, old=self.known[place], is_known=True)
        if before is not None:
            return self._judge_following(row, before)
        candidates = self._named(row.old_serial)
        sent = [unit for unit in candidates if unit.status is UnitStatus.SHIPPED and not unit.replaced_by]
        if len(sent) > 1:
            sent = [unit for unit in sent if _mark(row.article) in unit.article_marks] or sent
        if len(sent) != 1:
            return Verdict(row, _why_none(candidates, len(sent)))
        return self._judge_day(row, sent[0])

    def _judge_following(self, row: StatedExchange, before: int) -> Verdict:
        earlier = self.found.get(before)
        # One that is judged later is in a circle with this one.
        if earlier is None or not earlier.is_new:
            return Verdict(row, ExchangeProblem.OLD_SERIAL_UNKNOWN)
        assert row.exchanged_on is not None
        assert earlier.row.exchanged_on is not None
        if row.exchanged_on < earlier.row.exchanged_on:
            return Verdict(row, ExchangeProblem.DATE_BEFORE_SENT)
        if self._named(row.new_serial):
            return Verdict(row, ExchangeProblem.NEW_SERIAL_TAKEN)
        return Verdict(row, follows=before)

    def _judge_day(self, row: StatedExchange, old: UnitFacts) -> Verdict:
        assert row.exchanged_on is not None
        if old.shipped_on is not None and row.exchanged_on < old.shipped_on:
            return Verdict(row, ExchangeProblem.DATE_BEFORE_SENT, old)
        if any(unit.article_id == old.article_id for unit in self._named(row.new_serial)):
            return Verdict(row, ExchangeProblem.NEW_SERIAL_TAKEN, old)
        return Verdict(row, old=old)

    def _named(self, serial_no: str) -> list[UnitFacts]:
        """The units of this number as it is written, or else however its letters are."""
        like = self.units.get(_key(serial_no), [])
        return [unit for unit in like if unit.serial_no == serial_no] or like


def _why_none(candidates: Sequence[UnitFacts], sent: int) -> ExchangeProblem:
    if sent > 1:
        return ExchangeProblem.OLD_SERIAL_AMBIGUOUS
    if not candidates:
        return ExchangeProblem.OLD_SERIAL_UNKNOWN
    if any(unit.replaced_by for unit in candidates):
        return ExchangeProblem.OLD_SERIAL_EXCHANGED
    return ExchangeProblem.OLD_SERIAL_NOT_SENT


def _by_key(units: Collection[UnitFacts]) -> dict[str, list[UnitFacts]]:
    found: dict[str, list[UnitFacts]] = defaultdict(list)
    for unit in sorted(units, key=lambda unit: unit.unit_id):
        found[_key(unit.serial_no)].append(unit)
    return dict(found)


def _key(serial_no: str) -> str:
    return serial_no.upper()


def _mark(article: str) -> str:
    return article.strip().lstrip("0").upper()
