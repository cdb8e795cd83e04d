"""`make simulate-signals`: how soon bad lots are found, and how often ordinary ones are flagged, over seeded seasons of a whole region.

The portal's own rules look every day at a region of some 47,000 patients; every other season has four bad lots, of several strengths. The
last line is JSON: `seasons` (of one year), `bad_lots`, `found`, `median_delay_days` (from the day the first package of the lot left the
depot to the day it was flagged), `false_alarms_per_year` (lots flagged that are as the others). `--no-caution` shows what the same look
gives without what keeps it silent.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from statistics import median

from benchmarks.simulated_lots import REGION, STRENGTHS, WARM_UP, YEAR, Kind, SimulatedLot, simulate
from delivery.complaints.policy import ComplaintsPolicy
from delivery.complaints.signal_rules import (
    FOLLOWED_DAYS,
    NO_CAUTION,
    USUAL,
    Caution,
    Curve,
    add_in_use,
    curve_of,
    look,
    week_of,
)

SEASONS = 20
# How often it is learned anew how the reports of each kind come.
LEARN_EVERY = 28


@dataclass(frozen=True)
class Season:
    """What one season gave: the bad lots as (strength, days until found or None), and how many ordinary lots were flagged."""

    bad: tuple[tuple[float, int | None], ...]
    false_alarms: int
    lots: int
    reports: int


def play(
    seed: int,
    *,
    is_clean: bool,
    kinds: Sequence[Kind] = REGION,
    strengths: Sequence[float] = STRENGTHS,
    caution: Caution = USUAL,
) -> Season:
    """Let one season happen and look at it every day of its year."""
    lots = simulate(seed, kinds, () if is_clean else strengths)
    watch(lots, caution)
    return Season(
        tuple((lot.times, _delay(lot)) for lot in lots if lot.times > 1),
        sum(lot.flagged_on is not None and lot.times == 1 for lot in lots),
        len(lots),
        sum(len(lot.reported) for lot in lots),
    )


def watch(lots: Sequence[SimulatedLot], caution: Caution = USUAL) -> None:
    """Look at the lots every day and note when each is flagged; a flagged lot no longer sets the norm, as in the portal."""
    policy = ComplaintsPolicy()
    curves: dict[str, Curve] = {}
    for today in range(WARM_UP, WARM_UP + YEAR):
        begun = {lot.facts.lot_id: lot for lot in lots if lot.sent[0][0] <= today}
        learns = (today - WARM_UP) % LEARN_EVERY == 0
        if learns:
            curves = _curves(list(begun.values()), today)
        for lot in begun.values():
            (_catch_up if learns else _next_day)(lot, curves[lot.facts.kind], today)
        for found in look(
            [lot.facts for lot in begun.values()],
            today,
            least_reports=policy.signal_least_reports,
            percent=policy.signal_false_discovery_percent,
            caution=caution,
        ):
            lot = begun[found.lot_id]
            if found.stands_out and lot.flagged_on is None:
                lot.flagged_on = today
                lot.facts.sets_norm = False


def _curves(lots: Sequence[SimulatedLot], today: int) -> dict[str, Curve]:
    sent: dict[str, list[tuple[int, int]]] = {}
    ages: dict[str, list[int]] = {}
    for lot in lots:
        sent.setdefault(lot.facts.kind, []).extend(
            (today - day, packages) for day, packages in lot.sent if day <= today
        )
        ages.setdefault(lot.facts.kind, []).extend(age for day, age in lot.reported if day <= today)
    return {kind: curve_of(sent[kind], ages[kind]) for kind in sent}


def _catch_up(lot: SimulatedLot, curve: Curve, today: int) -> None:
    """Count the lot from its beginning, as the portal does every morning."""
    facts = lot.facts
    facts.in_use, facts.reports, facts.delivered = {}, {}, 0
    for day, packages in lot.sent:
        if day <= today:
            add_in_use(facts.in_use, day, packages, curve, today)
            facts.delivered += packages
            facts.last_delivered_on = day
    for day, _age in lot.reported:
        if day <= today:
            facts.reports[week_of(day)] = facts.reports.get(week_of(day), 0) + 1


def _next_day(lot: SimulatedLot, curve: Curve, today: int) -> None:
    """Add one day to what was counted: the same figures as from the beginning, sooner."""
    facts = lot.facts
    if today - facts.last_delivered_on > 2 * FOLLOWED_DAYS:
        return
    more = 0.0
    for day, packages in lot.sent:
        if day <= today:
            more += packages * (curve.share(today - day) - curve.share(today - day - 1))
        if day == today:
            facts.delivered += packages
            facts.last_delivered_on = day
    facts.in_use[week_of(today)] = facts.in_use.get(week_of(today), 0.0) + more
    came = lot.reports_on(today)
    if came:
        facts.reports[week_of(today)] = facts.reports.get(week_of(today), 0) + came


def _delay(lot: SimulatedLot) -> int | None:
    return None if lot.flagged_on is None else lot.flagged_on - lot.sent[0][0]


def _play(caution: Caution, seed: int) -> Season:
    return play(seed, is_clean=seed % 2 == 0, caution=caution)


def main() -> None:
    """Play the seasons and print."""
    asked = argparse.ArgumentParser(prog="simulate-signals", description=__doc__)
    asked.add_argument("--seasons", type=int, default=SEASONS)
    asked.add_argument("--first-seed", type=int, default=0)
    asked.add_argument("--no-caution", action="store_true")
    arguments = asked.parse_args()
    seeds = range(arguments.first_seed, arguments.first_seed + arguments.seasons)
    with ProcessPoolExecutor(2) as processes:
        seasons = list(processes.map(partial(_play, NO_CAUTION if arguments.no_caution else USUAL), seeds))
    lots, reports = (
        round(median(values)) for values in zip(*((one.lots, one.reports) for one in seasons), strict=True)
    )
    print(
        f"{len(seasons)} seasons; in the middle one {lots:,} lots and {reports:,} reports in {(WARM_UP + YEAR) // 7} weeks"
    )
    for times in STRENGTHS:
        print(_sentence(times, [delay for one in seasons for strength, delay in one.bad if strength == times]))
    clean = [one.false_alarms for one in seasons if not one.bad]
    print(f"{len(clean)} seasons without bad lots: {sum(clean)} false alarms, {clean.count(0)} seasons silent")
    delays = [delay for one in seasons for _strength, delay in one.bad]
    found = [delay for delay in delays if delay is not None]
    figures = {
        "seasons": len(seasons),
        "bad_lots": len(delays),
        "found": len(found),
        "median_delay_days": median(found) if found else None,
        "false_alarms_per_year": round(sum(one.false_alarms for one in seasons) / len(seasons), 2),
    }
    print(json.dumps(figures))


def _sentence(times: float, delays: Sequence[int | None]) -> str:
    found = [delay for delay in delays if delay is not None]
    after = f", half of them within {median(found):g} days of the first package" if found else ""
    return f"lots {times:g} times as bad: {len(found)} of {len(delays)} found{after}"


if __name__ == "__main__":
    main()
