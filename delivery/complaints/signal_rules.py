"""Which lots stand out by their fault reports: values in, verdict out. Nothing here reads or writes anything.

A lot's reports are counted against what the article's other lots had in the same time, given how long its packages have been in use.
Handbook §7; why it is done so, and what it was measured to give: docs/adr/0011.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

# Days after the delivery during which packages are followed, and the ages in days by which reports of them are counted.
FOLLOWED_DAYS = 182
AGE_ENDS = (7, 14, 28, 56, 91, FOLLOWED_DAYS)
# An article is believed to be as its kind until it has reports of its own, worth this many; and as it used to be, worth that many.
KIND_REPORTS, PAST_REPORTS = 2.0, 10.0
# Reports per package of a region that has none yet.
UNKNOWN_RATE = 0.01
# A lot that was dismissed comes back when there are half as many reports again and it is ten times less likely.
MORE_REPORTS, LESS_LIKELY = 1.5, 10.0


@dataclass(frozen=True)
class Caution:
    """What keeps the look silent while nothing is wrong; the simulation shows what each is worth.

    `looks`: each new report of a lot is one more chance to be wrong. With 3 to 150 of them the chance that any of them ever comes to p is
    below 30 p, however often anybody looks. `limit`: the baseline is taken at its upper 80 % limit (in standard deviations).
    `ordinary_difference`: lots differ by up to a third without being faulty. `least_times`: however certain it is, fewer reports than
    that many times the expected are no reason to stop a lot.
    """

    looks: float = 30.0
    limit: float = 0.84
    ordinary_difference: float = 1.3
    least_times: float = 2.0


USUAL = Caution()
NO_CAUTION = Caution(looks=1.0, limit=0.0, ordinary_difference=1.0, least_times=0.0)


def poisson_tail(count: int, mean: float) -> float:
    """Return the chance of `count` or more when `mean` are expected, with a small relative error however small it is."""
    if count <= 0:
        return 1.0
    if mean <= 0:
        return 0.0
    if count > mean:
        return min(1.0, _sum(count, mean, upwards=True))
    return max(0.0, 1.0 - _sum(count - 1, mean, upwards=False))


def _sum(count: int, mean: float, *, upwards: bool) -> float:
    """Add up the Poisson chances from `count` on, away from the mean: the first is the largest."""
    term = math.exp(count * math.log(mean) - mean - math.lgamma(count + 1))
    total = 0.0
    while count >= 0 and term > total * 1e-18:
        total += term
        count += 1 if upwards else -1
        term *= mean / count if upwards else (count + 1) / mean
    return total


def discoveries(chances: Mapping[int, float], looked_at: int, percent: int) -> frozenset[int]:
    """Return which lots stand out by Benjamini and Hochberg: at most `percent` of such lists' lots are expected to be false.

    `chances` may leave out lots that cannot stand out; `looked_at` counts them all.
    """
    ranked = sorted((chance, lot_id) for lot_id, chance in chances.items())
    kept = 0
    for rank, (chance, _lot_id) in enumerate(ranked, 1):
        if chance * looked_at * 100 <= percent * rank:
            kept = rank
    return frozenset(lot_id for _chance, lot_id in ranked[:kept])


@dataclass(frozen=True)
class Curve:
    """How the reports of packages come after the delivery: `shares[days]` of all within `FOLLOWED_DAYS` come that soon."""

    shares: tuple[float, ...]

    def share(self, age: int) -> float:
        """Return the share that has come, by the end of the day, of what was sent `age` days ago; the day it is sent counts."""
        return self.shares[max(0, min(age + 1, FOLLOWED_DAYS))]


def curve_of(deliveries: Iterable[tuple[int, int]], report_ages: Iterable[int]) -> Curve:
    """Return the curve of a kind of product from (age in days, packages) of what was sent, and the ages at which reports came.

    Reports per package and day of each age; with few reports, evenly spread over three months.
    """
    in_use, came = [0.0] * len(AGE_ENDS), [0] * len(AGE_ENDS)
    begins = (0, *AGE_ENDS[:-1])
    for age, packages in deliveries:
        for band, (begin, end) in enumerate(zip(begins, AGE_ENDS, strict=True)):
            in_use[band] += packages * max(0, min(age + 1, end) - begin)
    for age in report_ages:
        if age < FOLLOWED_DAYS:
            came[bisect_left(AGE_ENDS, max(0, age) + 1)] += 1
    together = sum(in_use)
    # What was reported may all have come back, and then counts as never sent.
    usual = sum(came) / together if any(came) and together > 0 else 1.0
    daily = []
    for band, end in enumerate(AGE_ENDS):
        believed = usual if end <= 91 else usual / 4
        daily.append((came[band] + 3) / (in_use[band] + 3 / believed))
    shares = [0.0]
    for begin, end, share in zip(begins, AGE_ENDS, daily, strict=True):
        before = shares[-1]
        shares.extend(before + share * day for day in range(1, end - begin + 1))
    return Curve(tuple(share / shares[-1] for share in shares))


def week_of(day: int) -> int:
    """Return the week, from Monday on, that a day's ordinal lies in."""
    return (day - 1) // 7


def add_in_use(in_use: dict[int, float], delivered_on: int, packages: float, curve: Curve, today: int) -> None:
    """Add a delivery to a lot's packages in use by week; `delivered_on` and `today` are ordinals."""
    before = 0.0
    for week in range(week_of(delivered_on), week_of(min(today, delivered_on + FOLLOWED_DAYS)) + 1):
        share = curve.share(min(today, week * 7 + 7) - delivered_on)
        in_use[week] = in_use.get(week, 0.0) + packages * (share - before)
        before = share


@dataclass
class LotFacts:
    """What is known of one lot. Reports are the first of each patient, by the week they came in.

    `in_use` are packages by week, each counted as the share of its reports that are to be expected in that week, so that a package that was
    sent today counts next to nothing and one sent half a year ago one. `sets_norm` is False for lots that are flagged or called back.
    """

    lot_id: int
    article_id: int
    kind: str
    delivered: int = 0
    last_delivered_on: int = 0
    in_use: dict[int, float] = field(default_factory=dict)
    reports: dict[int, int] = field(default_factory=dict)
    sets_norm: bool = True


@dataclass(frozen=True)
class Finding:
    """One lot's evidence: reports, those expected at the article's baseline, and the chance of so many in an ordinary lot."""

    lot_id: int
    reports: int
    delivered: int
    expected: float
    chance: float
    stands_out: bool


def look(
    lots: Sequence[LotFacts], today: int, *, least_reports: int, percent: int, caution: Caution = USUAL
) -> list[Finding]:
    """Return the evidence of every lot with at least `least_reports`, and which of them stand out among all that are followed."""
    baselines = Baselines(lots)
    followed = sum(today - lot.last_delivered_on < FOLLOWED_DAYS for lot in lots)
    found: dict[int, tuple[LotFacts, int, float, float]] = {}
    for lot in lots:
        reports = sum(lot.reports.values())
        if reports >= least_reports and lot.in_use and today - lot.last_delivered_on < FOLLOWED_DAYS:
            expected, tolerated = baselines.expected(lot, caution)
            found[lot.lot_id] = (lot, reports, expected, poisson_tail(reports, tolerated))
    adjusted = {
        lot_id: min(1.0, caution.looks * chance)
        for lot_id, (_lot, reports, expected, chance) in found.items()
        if reports >= caution.least_times * expected
    }
    standing_out = discoveries(adjusted, followed, percent)
    return [
        Finding(lot.lot_id, reports, lot.delivered, expected, chance, lot.lot_id in standing_out)
        for lot, reports, expected, chance in found.values()
    ]


def is_worth_another_look(
    reports: int, chance: float, *, dismissed_reports: int, dismissed_chance: float, least_reports: int
) -> bool:
    """Tell whether the evidence has grown markedly since a consultant dismissed it."""
    enough = max(dismissed_reports + least_reports, math.ceil(dismissed_reports * MORE_REPORTS))
    return reports >= enough and chance * LESS_LIKELY <= dismissed_chance


class Baselines:
    """What lots of each article are expected to have: from the article's other lots, its kind, and the region, in that order."""

    def __init__(self, lots: Iterable[LotFacts]) -> None:
        """Add up the lots that set the norm, by article and by kind."""
        self._weeks: dict[int, dict[int, tuple[float, int]]] = {}
        self._articles: dict[int, tuple[float, int]] = {}
        self._kinds: dict[str, tuple[float, int]] = {}
        self._all = (0.0, 0)
        self._sums: dict[int, dict[int, tuple[float, int]]] = {}
        for lot in lots:
            if not lot.sets_norm:
                continue
            weeks = self._weeks.setdefault(lot.article_id, {})
            for week, packages in lot.in_use.items():
                before = weeks.get(week, (0.0, 0))
                weeks[week] = (before[0] + packages, before[1] + lot.reports.get(week, 0))
            own = _totals(lot)
            self._articles[lot.article_id] = _plus(self._articles.get(lot.article_id, (0.0, 0)), own)
            self._kinds[lot.kind] = _plus(self._kinds.get(lot.kind, (0.0, 0)), own)
            self._all = _plus(self._all, own)

    def expected(self, lot: LotFacts, caution: Caution = USUAL) -> tuple[float, float]:
        """Return how many reports the lot would have at its article's baseline, and the most that is still ordinary.

        The lot itself is left out. What counts most is how the article's other lots did since the lot's first package was sent: a season,
        or an error in an app, is shared by them all.
        """
        own = _totals(lot)
        mine = own if lot.sets_norm else (0.0, 0)
        others = _minus(self._articles.get(lot.article_id, (0.0, 0)), mine)
        meanwhile = _minus(self._since(lot.article_id, min(lot.in_use, default=0)), mine)

        region = _rate(_minus(self._all, mine), UNKNOWN_RATE, 1.0)
        kind = _rate(_minus(self._kinds.get(lot.kind, (0.0, 0)), mine), region, KIND_REPORTS)
        article = _rate(others, kind, KIND_REPORTS)
        past = min(PAST_REPORTS, others[1] - meanwhile[1] + KIND_REPORTS)
        expected = own[0] * _rate(meanwhile, article, past)
        return expected, expected * _upper_limit(meanwhile[1] + past, caution.limit) * caution.ordinary_difference

    def _since(self, article_id: int, week: int) -> tuple[float, int]:
        """What the article's lots add up to from a week on."""
        sums = self._sums.get(article_id)
        if sums is None:
            weeks = self._weeks.get(article_id, {})
            sums, total = {}, (0.0, 0)
            for one in range(max(weeks, default=0), min(weeks, default=0) - 1, -1):
                total = sums[one] = _plus(total, weeks.get(one, (0.0, 0)))
            self._sums[article_id] = sums
        return sums.get(week) or sums.get(max(week, min(sums)), (0.0, 0))


def _rate(counts: tuple[float, int], believed: float, weight: float) -> float:
    """Reports per package, as believed before plus what was seen; `weight` is how many reports the belief is worth."""
    return (counts[1] + weight) / (counts[0] + weight / believed)


def _upper_limit(reports: float, deviations: float) -> float:
    """How many times higher than estimated a rate that rests on so many reports may well be (Wilson and Hilferty's gamma quantile)."""
    ninth = 1 / (9 * reports)
    return float((1 - ninth + deviations * math.sqrt(ninth)) ** 3)


def _totals(lot: LotFacts) -> tuple[float, int]:
    return sum(lot.in_use.values()), sum(lot.reports.values())


def _plus(one: tuple[float, int], other: tuple[float, int]) -> tuple[float, int]:
    return one[0] + other[0], one[1] + other[1]


def _minus(one: tuple[float, int], other: tuple[float, int]) -> tuple[float, int]:
    return max(0.0, one[0] - other[0]), max(0, one[1] - other[1])
