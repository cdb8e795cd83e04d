"""A region's lots over a year and a half, simulated: what is sent of each week by week, and when the reports come in."""

from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from delivery.complaints.signal_rules import LotFacts

# In days: what has happened before anybody looks, and the year that is looked at.
WARM_UP, YEAR = 196, 364
# How many times the article's own rate the bad lots have.
STRENGTHS = (3.0, 5.0, 8.0, 15.0)
# Standard deviation of what lots differ by without any being bad, and of how articles of a kind differ (of the logarithm).
LOTS_DIFFER, ARTICLES_DIFFER = 0.15, 0.5
# Mean days from the failure to the report; the share of failures that are there from the beginning, and how soon they show.
DELAY_DAYS, EARLY_SHARE, EARLY_DAYS = 4.0, 0.25, 5.0
# As a share of the year: people are away in July, and report later.
HOLIDAYS = (0.5, 0.58)


@dataclass(frozen=True)
class Kind:
    """A kind of product: how many articles, packages a week of each, reports per package, weeks that a lot lasts, days that a delivery
    is in use, and how much more fails in summer."""

    name: str
    articles: int
    packages: float
    rate: float
    lot_weeks: int
    days: int
    summer: float


# 200,000 sensors and 180,000 packages of test strips a year, down to what few have.
REGION = (
    Kind("SENSOR", 6, 640.0, 0.016, 4, 84, 0.35),
    Kind("INFUSION_SET", 8, 60.0, 0.010, 6, 84, 0.25),
    Kind("TEST_STRIP", 10, 350.0, 0.0012, 5, 90, 0.0),
    Kind("PEN_NEEDLE", 10, 180.0, 0.0008, 6, 90, 0.0),
    Kind("LANCET", 6, 120.0, 0.0004, 8, 90, 0.0),
    Kind("STOMA", 12, 90.0, 0.006, 6, 60, 0.2),
    Kind("INCONTINENCE", 8, 220.0, 0.0015, 5, 60, 0.1),
)


@dataclass
class SimulatedLot:
    """One lot with what happens to it: (day, packages) sent, and (day, age in days) of the reports; `times` is how bad it is."""

    facts: LotFacts
    sent: list[tuple[int, int]] = field(default_factory=list)
    reported: list[tuple[int, int]] = field(default_factory=list)
    times: float = 1.0
    flagged_on: int | None = None
    _by_day: Counter[int] | None = None

    def reports_on(self, day: int) -> int:
        """Return how many reports come in on a day."""
        if self._by_day is None:
            self._by_day = Counter(came for came, _age in self.reported)
        return self._by_day[day]


def simulate(seed: int, kinds: Sequence[Kind], strengths: Sequence[float]) -> list[SimulatedLot]:
    """Return all lots of a season; one for each strength is that many times as bad as the others."""
    chance = random.Random(seed)
    lots: list[SimulatedLot] = []
    rates: dict[int, float] = {}
    for kind in kinds:
        for _article in range(kind.articles):
            article_id = len(rates) + 1
            rates[article_id] = kind.rate * chance.lognormvariate(0, ARTICLES_DIFFER)
            _send(chance, lots, kind, article_id)
    # In the first two thirds of the year, so that there is time to find them; the larger the likelier.
    planted = [lot for lot in lots if WARM_UP <= lot.sent[0][0] < WARM_UP + YEAR * 2 // 3]
    for times in strengths:
        ordinary = [lot for lot in planted if lot.times == 1]
        chance.choices(ordinary, [sum(packages for _day, packages in lot.sent) for lot in ordinary])[0].times = times
    by_name = {kind.name: kind for kind in kinds}
    for lot in lots:
        _report(chance, lot, by_name[lot.facts.kind], rates[lot.facts.article_id])
    return lots


def _send(chance: random.Random, lots: list[SimulatedLot], kind: Kind, article_id: int) -> None:
    """Send an article's lots, weekly, the next one as one ends: first expired, first out."""
    weekly = kind.packages * chance.lognormvariate(0, ARTICLES_DIFFER)
    day = -chance.randrange(7 * kind.lot_weeks)
    while day < WARM_UP + YEAR:
        lot = SimulatedLot(LotFacts(len(lots), article_id, kind.name))
        weeks = max(1, round(kind.lot_weeks * chance.uniform(0.5, 1.5)))
        for week in range(weeks):
            packages = round(weekly * chance.uniform(0.7, 1.3))
            if packages and day + 7 * week >= 1:
                lot.sent.append((day + 7 * week, packages))
        if lot.sent:
            lots.append(lot)
        # Now and then two lots are sent in the same week.
        day += 7 * (weeks - (weeks > 1 and chance.random() < 0.3))


def _report(chance: random.Random, lot: SimulatedLot, kind: Kind, rate: float) -> None:
    """Let patients use what they were sent, some of it fail, and report it days later."""
    rate *= lot.times * chance.gammavariate(LOTS_DIFFER**-2, LOTS_DIFFER**2)
    for day, packages in lot.sent:
        for _failure in range(_poisson(chance, packages * rate * (1 + kind.summer))):
            is_early = chance.random() < EARLY_SHARE
            age = min(kind.days, chance.expovariate(1 / EARLY_DAYS)) if is_early else chance.uniform(3, kind.days)
            failed = day + age
            season = 1 + kind.summer * math.sin(2 * math.pi * failed / YEAR)
            if chance.random() * (1 + kind.summer) > season:
                continue
            is_holiday = HOLIDAYS[0] < failed / YEAR % 1 < HOLIDAYS[1]
            came = int(failed + chance.expovariate(1 / (DELAY_DAYS * (2 if is_holiday else 1))))
            lot.reported.append((came, came - day))
    lot.reported.sort()


def _poisson(chance: random.Random, mean: float) -> int:
    count, left = 0, mean
    while (left := left - chance.expovariate(1.0)) > 0:
        count += 1
    return count
