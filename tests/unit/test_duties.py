"""When what the clock does is to be done."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta

from hypothesis import given, strategies as st

from portal.duties import Duty

INSTANTS = st.datetimes(min_value=datetime(2026, 1, 1), max_value=datetime(2028, 1, 1), timezones=st.just(UTC))


def test_a_daily_duty_waits_for_its_hour_in_sweden_in_summer_and_in_winter() -> None:
    duty = Duty("anything", at=time(7, 30))
    assert duty.turn(datetime(2026, 7, 1, 5, 29, tzinfo=UTC)) is None
    assert duty.turn(datetime(2026, 7, 1, 5, 30, tzinfo=UTC)) == "2026-07-01"
    assert duty.turn(datetime(2026, 12, 1, 6, 29, tzinfo=UTC)) is None
    assert duty.turn(datetime(2026, 12, 1, 6, 30, tzinfo=UTC)) == "2026-12-01"


@given(INSTANTS, st.integers(1, 90), st.integers(0, 200))
def test_two_looks_in_the_same_stretch_are_one_turn_and_a_whole_stretch_later_is_another(
    instant: datetime, minutes: int, seconds: int
) -> None:
    duty = Duty("anything", every=timedelta(minutes=minutes))
    assert duty.turn(instant) == duty.turn(instant)
    assert duty.turn(instant) != duty.turn(instant + timedelta(minutes=minutes, seconds=seconds))
