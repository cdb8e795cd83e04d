"""The look at lots on simulated seasons: bad lots are found early, and without any the board stays empty."""

from __future__ import annotations

import pytest

from benchmarks.simulate_signals import play
from benchmarks.simulated_lots import REGION, Kind, simulate
from delivery.complaints.signal_rules import NO_CAUTION

# A quarter of the region, so that it takes seconds.
SMALL = tuple(
    Kind(kind.name, articles, kind.packages, kind.rate, kind.lot_weeks, kind.days, kind.summer)
    for kind, articles in zip(REGION, (2, 1, 1, 1, 1, 2, 1), strict=True)
)


def test_strong_bad_lots_are_found_early() -> None:
    seasons = [play(seed, is_clean=False, kinds=SMALL, strengths=(8.0, 15.0)) for seed in (1, 2)]
    delays = [delay for season in seasons for _times, delay in season.bad if delay is not None]
    assert len(delays) >= 3, seasons
    assert sorted(delays)[len(delays) // 2] <= 45, seasons
    assert sum(season.false_alarms for season in seasons) <= 1, seasons


def test_clean_seasons_are_silent() -> None:
    seasons = [play(seed, is_clean=True, kinds=SMALL) for seed in (11, 12)]
    assert all(season.reports > 500 and season.lots > 80 and not season.bad for season in seasons)
    assert sum(season.false_alarms for season in seasons) <= 1, seasons


def test_the_silence_is_the_cautions_doing() -> None:
    """The guard sees: the same seasons, looked at without caution, raise alarms about ordinary lots."""
    seasons = [play(seed, is_clean=True, kinds=SMALL, caution=NO_CAUTION) for seed in (11, 12)]
    assert sum(season.false_alarms for season in seasons) >= 10, seasons


def test_a_seed_gives_the_same_season() -> None:
    first, second = (simulate(7, SMALL, (5.0,)) for _time in range(2))
    assert [lot.reported for lot in first] == [lot.reported for lot in second]
    assert [lot.times for lot in first if lot.times > 1] == [5.0]
    with pytest.raises(AssertionError):
        assert [lot.reported for lot in first] == [lot.reported for lot in simulate(8, SMALL, (5.0,))]
