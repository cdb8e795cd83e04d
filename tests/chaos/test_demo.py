"""The demo as people run it: ready, stopped, started again with its data, killed, and never anything left running."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from portal.demo.services import ROOT, free_port

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(240)]


class RunningDemo:
    """One demo in a state folder of its own."""

    def __init__(self, state: Path, command: str) -> None:
        self.output = state.with_suffix(".out")
        with self.output.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "portal", command, "--state", str(state), "--port", str(free_port(18000))],
                cwd=ROOT,
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    def wait_until_ready(self) -> None:
        """Return when the address is printed; fail with all output when the demo ends instead."""
        while "Open http://localhost:" not in self.output.read_text():
            assert self.process.poll() is None, self.output.read_text()
            time.sleep(0.1)

    def stop(self, how: signal.Signals) -> int:
        """Send the signal and wait for the end."""
        self.process.send_signal(how)
        return self.process.wait(60)


def processes_of(state: Path) -> list[str]:
    """Return the command lines of everything that runs with files in the state folder, keepers included."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            words = (entry / "cmdline").read_bytes()
            environment = (entry / "environ").read_bytes()
        except OSError:
            continue
        if str(state).encode() in words + environment:
            found.append(words.replace(b"\0", b" ").decode(errors="replace"))
    return found


def eventually(condition: Callable[[], bool], seconds: float = 30) -> bool:
    """Wait until the condition holds."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.1)
    return True


def articles(state: Path) -> int:
    """Count the articles in the database of a running installation."""
    line = next(line for line in (state / "env").read_text().splitlines() if line.startswith("DATABASE_URL="))
    address = line.removeprefix("DATABASE_URL=").strip("'").replace("postgresql+psycopg://", "postgresql://")
    with psycopg.connect(address) as connection:
        row = connection.execute("SELECT count(*) FROM article").fetchone()
    assert row is not None
    return int(row[0])


@pytest.fixture
def state(tmp_path: Path) -> Iterator[Path]:
    """A state folder that is reset afterwards."""
    folder = tmp_path / "demo"
    yield folder
    reset = [sys.executable, "-m", "portal", "demo-reset", "--state", str(folder)]
    assert subprocess.run(reset, cwd=ROOT).returncode == 0


@pytest.fixture
def start(state: Path) -> Iterator[Callable[[str], RunningDemo]]:
    """Starts demos in the state folder; whatever the test leaves running is stopped before the folder is reset."""
    started: list[RunningDemo] = []

    def begin(command: str) -> RunningDemo:
        started.append(RunningDemo(state, command))
        return started[-1]

    yield begin
    for demo in started:
        if demo.process.poll() is None:
            demo.stop(signal.SIGINT)


@pytest.mark.skipif(sys.platform != "linux", reason="looks for processes as Linux shows them")
@pytest.mark.parametrize(("command", "installations"), [("demo", ["."]), ("demo-pair", ["source", "portal"])])
def test_the_demo_keeps_its_data_and_leaves_nothing_running(
    state: Path, start: Callable[[str], RunningDemo], command: str, installations: list[str]
) -> None:
    demo = start(command)
    demo.wait_until_ready()
    before = articles(state / installations[0])
    assert before > 0
    busy = subprocess.run([sys.executable, "-m", "portal", "demo-reset", "--state", str(state)], cwd=ROOT)
    assert busy.returncode != 0
    assert demo.stop(signal.SIGINT) == 0, demo.output.read_text()
    assert processes_of(state) == []

    started = time.monotonic()
    demo = start(command)
    demo.wait_until_ready()
    assert time.monotonic() - started < 10 * len(installations) * (2 if os.environ.get("CI") else 1)
    assert articles(state / installations[0]) == before
    assert demo.stop(signal.SIGKILL) == -signal.SIGKILL
    assert eventually(lambda: processes_of(state) == []), processes_of(state)
