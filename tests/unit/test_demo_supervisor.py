"""The demo's supervisor starts again what dies, later each time, and stops in the opposite order."""

from __future__ import annotations

from portal.demo.supervisor import Supervisor
from portal.embedded.process import ProcessFailed


class FakeService:
    """A service that dies when told to and notes what is done to it."""

    def __init__(self, name: str, notes: list[str]) -> None:
        self.name = name
        self.notes = notes
        self.status: int | None = None
        self.refusals = 0

    def start(self, *, hold: tuple[int, ...]) -> None:
        """Start, unless it is to refuse."""
        if self.refusals:
            self.refusals -= 1
            raise ProcessFailed("not yet")
        self.status = None
        self.notes.append(f"start {self.name}")

    def stop(self) -> None:
        """Note it."""
        self.notes.append(f"stop {self.name}")

    def exit_status(self) -> int | None:
        """Return what the test set."""
        return self.status


class FakeTime:
    """Seconds that pass when the test says so."""

    seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


def make() -> tuple[Supervisor, FakeTime, list[str], list[str]]:
    """Return a supervisor with its time, what it says and what happens to services."""
    said: list[str] = []
    time = FakeTime()
    return Supervisor(said.append, 3, time), time, said, []


def test_everything_stops_in_the_opposite_order() -> None:
    supervisor, _, _, notes = make()
    for name in ("database", "queue", "web"):
        supervisor.start(name, FakeService(name, notes))
    supervisor.stop_all()
    assert notes == ["start database", "start queue", "start web", "stop web", "stop queue", "stop database"]


def test_what_dies_is_started_again_after_a_growing_delay() -> None:
    supervisor, time, said, notes = make()
    web = FakeService("web", notes)
    supervisor.start("The web server", web)
    delays = []
    for _ in range(8):
        web.status = 137
        supervisor.look_after()
        died_at = time.seconds
        started = notes.count("start web")
        while notes.count("start web") == started:
            time.seconds += 0.25
            supervisor.look_after()
        delays.append(time.seconds - died_at)
    assert delays == [0.5, 1, 2, 4, 8, 16, 30, 30]
    assert "The web server ended (status 137)" in said[0]
    assert said[1] == "The web server runs again."


def test_the_delay_is_short_again_after_a_long_life() -> None:
    supervisor, time, said, notes = make()
    web = FakeService("web", notes)
    supervisor.start("web", web)
    for life in (1.0, 60.0):
        time.seconds += life
        web.status = 1
        supervisor.look_after()
        time.seconds += 30
        supervisor.look_after()
    assert "again in 0.5 s" in said[0]
    assert "again in 0.5 s" in said[2]


def test_a_start_that_fails_is_tried_again() -> None:
    supervisor, time, said, notes = make()
    web = FakeService("web", notes)
    supervisor.start("web", web)
    web.status, web.refusals = 1, 1
    supervisor.look_after()
    for _ in range(10):
        time.seconds += 1
        supervisor.look_after()
    assert "web could not be started: not yet" in said
    assert said[-1] == "web runs again."
