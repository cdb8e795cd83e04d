"""The working-time clock against a slow reference that looks at every minute, over Swedish holidays and changes of the clock."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta

import pytest
from hypothesis import example, given, strategies as st

from core.clock import STOCKHOLM
from core.workdays import is_working_day
from delivery.complaints.clock import WorkingHours, add_working_minutes, working_minutes_between
from delivery.complaints.policy import ComplaintsPolicy

OFFICE = WorkingHours(time(8), time(16, 30))
# Night shifts too: they meet the hours in which Sweden changes its clocks.
HOURS = st.sampled_from(
    [
        OFFICE,
        WorkingHours(time(0), time(23, 59)),
        WorkingHours(time(1, 30), time(4)),
        WorkingHours(time(12), time(12, 1)),
    ]
)
# Around Christmas, Easter, Midsummer, and the last Sundays of March and October.
STARTS = st.sampled_from(
    [
        datetime(2026, 12, 21, tzinfo=UTC),
        datetime(2026, 4, 1, tzinfo=UTC),
        datetime(2026, 6, 17, tzinfo=UTC),
        datetime(2026, 3, 27, tzinfo=UTC),
        datetime(2026, 10, 23, tzinfo=UTC),
        datetime(2027, 5, 4, tzinfo=UTC),
    ]
)
INSTANTS = st.builds(lambda start, minutes: start + timedelta(minutes=minutes), STARTS, st.integers(0, 5 * 24 * 60))


def _works(instant: datetime, hours: WorkingHours) -> bool:
    local = instant.astimezone(STOCKHOLM)
    return is_working_day(local.date()) and hours.begins <= local.time() < hours.ends


def _slowly_between(earlier: datetime, later: datetime, hours: WorkingHours) -> int:
    minutes = 0
    while earlier < later:
        minutes += _works(earlier, hours)
        earlier += timedelta(minutes=1)
    return minutes


def _slowly_add(instant: datetime, minutes: int, hours: WorkingHours) -> datetime:
    while minutes:
        minutes -= _works(instant, hours)
        instant += timedelta(minutes=1)
    return instant


@given(INSTANTS, st.integers(0, 4 * 24 * 60), HOURS)
@example(datetime(2026, 12, 23, 15, 29, tzinfo=UTC), 4 * 24 * 60, OFFICE)
def test_minutes_between_are_those_that_are_worked(earlier: datetime, minutes: int, hours: WorkingHours) -> None:
    later = earlier + timedelta(minutes=minutes)
    assert working_minutes_between(earlier, later, hours) == _slowly_between(earlier, later, hours)


@given(INSTANTS, st.integers(0, 700), st.sampled_from([OFFICE, WorkingHours(time(0), time(23, 59))]))
def test_minutes_added_are_minutes_worked(instant: datetime, minutes: int, hours: WorkingHours) -> None:
    added = add_working_minutes(instant, minutes, hours)
    assert added == _slowly_add(instant, minutes, hours)
    assert working_minutes_between(instant, added, hours) == minutes


@given(INSTANTS, st.integers(0, 2000), st.integers(0, 2000))
def test_a_pause_gives_back_what_was_left(instant: datetime, total: int, used: int) -> None:
    """Stop the clock after some minutes, let time pass, and let it go on: what was left is what it runs for."""
    due = add_working_minutes(instant, total, OFFICE)
    stopped = add_working_minutes(instant, min(used, total), OFFICE)
    left = working_minutes_between(stopped, due, OFFICE)
    assert left == total - min(used, total)
    assert add_working_minutes(stopped, left, OFFICE) == due


@pytest.mark.parametrize(
    ("instant", "minutes", "due"),
    [
        # Twenty-four working hours from a Tuesday at noon in winter: eight and a half hours a day.
        (datetime(2026, 12, 1, 11, tzinfo=UTC), 24 * 60, datetime(2026, 12, 4, 9, 30, tzinfo=UTC)),
        # On Friday at half past three four hours reach Monday.
        (datetime(2026, 12, 4, 14, 30, tzinfo=UTC), 4 * 60, datetime(2026, 12, 7, 10, 0, tzinfo=UTC)),
        # The day before Christmas Eve: the holidays and the weekend do not count.
        (datetime(2026, 12, 23, 14, 30, tzinfo=UTC), 2 * 60, datetime(2026, 12, 28, 8, 0, tzinfo=UTC)),
        # Over the night on which summer time begins, seen from Greenwich an hour earlier.
        (datetime(2026, 3, 27, 15, 0, tzinfo=UTC), 60, datetime(2026, 3, 30, 6, 30, tzinfo=UTC)),
        # In the middle of the night the clock begins when the day does.
        (datetime(2026, 7, 1, 1, 0, tzinfo=UTC), 30, datetime(2026, 7, 1, 6, 30, tzinfo=UTC)),
        # What ends with the day is due then.
        (datetime(2026, 7, 1, 6, 0, tzinfo=UTC), 510, datetime(2026, 7, 1, 14, 30, tzinfo=UTC)),
    ],
)
def test_when_a_case_is_due(instant: datetime, minutes: int, due: datetime) -> None:
    assert add_working_minutes(instant, minutes, OFFICE) == due


def test_nothing_is_taken_back() -> None:
    with pytest.raises(ValueError, match="negative"):
        add_working_minutes(datetime(2026, 7, 1, tzinfo=UTC), -1, OFFICE)
    assert working_minutes_between(datetime(2026, 7, 2, 12, tzinfo=UTC), datetime(2026, 7, 1, tzinfo=UTC), OFFICE) == 0


@pytest.mark.parametrize(
    "wrong",
    [
        {"working_day_begins": "8"},
        {"working_day_begins": "08:00+01:00"},
        {"working_day_ends": "24:00"},
        {"working_day_begins": "17:00"},
        {"working_day_ends": "08:00"},
        {"alert_email": "konsulenterna"},
    ],
)
def test_a_policy_that_cannot_be_kept_is_refused(wrong: dict[str, str]) -> None:
    with pytest.raises(ValueError, match=r"working|minute|hour|alert_email"):
        ComplaintsPolicy(**wrong)  # type: ignore[arg-type]
