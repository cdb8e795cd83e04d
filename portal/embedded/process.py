"""A child process that cannot outlive us, whoever kills us and however."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

_KEEPER = Path(__file__).with_name("keeper.py")


class ProcessFailed(Exception):
    """An embedded service did not start or ended; the message says which and carries the end of its log."""


@dataclass(frozen=True)
class User:
    """The ordinary user that a service runs as when we are root."""

    uid: int
    gid: int


@dataclass(frozen=True, kw_only=True)
class Command:
    """What to run, where its output goes, and how it is asked to stop (grace in seconds before it is killed)."""

    argv: Sequence[str]
    log: Path
    environment: Mapping[str, str]
    cwd: Path = Path("/")
    stop_signal: signal.Signals = signal.SIGTERM
    grace: float = 8.0
    user: User | None = None


class KeptProcess:
    """A running command with its keeper; `pid` is the command's own."""

    def __init__(self, command: Command, *, hold: Sequence[int] = ()) -> None:
        """Start the command; `hold` are file descriptors (a lock) that the keeper keeps open as long as the command lives."""
        self._grace = command.grace
        spec = {
            "argv": [str(word) for word in command.argv],
            "cwd": str(command.cwd),
            "log": str(command.log),
            "stop_signal": int(command.stop_signal),
            "grace": command.grace,
            "owner": os.getpid(),
            "uid": command.user.uid if command.user else None,
            "gid": command.user.gid if command.user else None,
        }
        self._keeper = subprocess.Popen(
            [sys.executable, "-I", "-S", str(_KEEPER), json.dumps(spec)],
            env=dict(command.environment),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            pass_fds=tuple(hold),
            start_new_session=True,
        )
        assert self._keeper.stdout is not None
        with self._keeper.stdout as report:
            first_line = report.readline()
        if not first_line:
            self.stop()
            raise ProcessFailed(f"{command.argv[0]} could not be started")
        self.pid = int(first_line)

    def exit_status(self) -> int | None:
        """Return None while the command runs, else its exit status as a shell gives it."""
        return self._keeper.poll()

    def kill(self) -> None:
        """Kill the command (not its keeper) the hard way and wait until all of it is gone."""
        if self.exit_status() is None:
            try:
                os.kill(self.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        self.stop()

    def stop(self) -> int:
        """Ask the command to stop, wait until nothing of it is left, and return its exit status."""
        if self._keeper.stdin is not None and not self._keeper.stdin.closed:
            self._keeper.stdin.close()
        try:
            return self._keeper.wait(self._grace + 10)
        except subprocess.TimeoutExpired:
            self._keeper.kill()
            return self._keeper.wait()


def end_of_log(log: Path, lines: int = 12) -> str:
    """Return the last lines of a log file, or an empty text when there is none."""
    try:
        text = log.read_text(errors="replace")
    except OSError:
        return ""
    return "\n".join(text.splitlines()[-lines:])
