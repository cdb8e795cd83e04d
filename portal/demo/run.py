"""The whole portal on one machine, from nothing to the printed address, until somebody stops it."""

from __future__ import annotations

import os
import shutil
import signal
import time
from collections.abc import Callable
from pathlib import Path
from types import FrameType

from portal.demo.environment import DemoFiles
from portal.demo.installation import Installation, Plan
from portal.demo.lock import DemoIsRunning, DemoLock
from portal.demo.supervisor import Supervisor
from portal.embedded.postgres import EmbeddedPostgres
from portal.embedded.valkey import EmbeddedValkey

PARTS = ("source", "portal")
_LOCK_PATIENCE = 20.0
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class StopRequested(BaseException):
    """Somebody wants the demo to end; not an Exception, so that nothing on the way catches it."""


class Demo:
    """One run of the demo in one state folder."""

    def __init__(self, folder: Path, port: int, say: Callable[[str], None], *, follow_parent: bool = False) -> None:
        """Prepare a run; with `follow_parent` it also ends when the process that started it is gone."""
        self._files = DemoFiles(folder.resolve())
        self._wanted_port = port
        self._say = say
        self._parent = os.getppid() if follow_parent else None

    def run(self) -> None:
        """Start everything, say where it is, and look after it until a signal comes; raise DemoIsRunning, ProcessFailed."""
        self._files.prepare()
        lock = DemoLock(self._files.lock)
        try:
            lock.take(0.5)
        except DemoIsRunning:
            self._say("Something of another demo still runs here; waiting for it to end …")
            lock.take(_LOCK_PATIENCE)
        supervisor = Supervisor(self._say, lock.descriptor)
        for number in _SIGNALS:
            signal.signal(number, _request_stop)
        try:
            self._start(supervisor)
            self._look_after(supervisor)
        except StopRequested:
            pass
        finally:
            for number in _SIGNALS:
                # A second Ctrl-C must not leave half of it running: everything below ends by itself.
                signal.signal(number, signal.SIG_IGN)
            self._say("Stopping …")
            supervisor.stop_all()
            lock.release()
            self._say("Stopped. The data is kept for next time.")

    def _start(self, supervisor: Supervisor) -> None:
        from portal.demo.region import load_demo_region

        started = time.monotonic()
        base_url = Installation(Plan(self._files, load_demo_region), self._say).start(supervisor, self._wanted_port)
        self._introduce(base_url, time.monotonic() - started)

    def _look_after(self, supervisor: Supervisor) -> None:
        while self._parent is None or os.getppid() == self._parent:
            supervisor.look_after()
            time.sleep(0.25)

    def _introduce(self, base_url: str, seconds: float) -> None:
        from portal.demo.region import who_can_log_in

        people = [("Name", "Number", "What they show"), *who_can_log_in()]
        widths = [max(len(row[column]) for row in people) for column in (0, 1)]
        self._say("")
        self._say(f"Ready after {seconds:.1f} s. Who can log in (pick them at the log-in page):")
        self._say("")
        for name, number, shows in people:
            self._say(f"  {name:<{widths[0]}}  {number:<{widths[1]}}  {shows}")
        self._say("")
        self._say(f"Open {base_url}")
        self._say(f"Logs and settings are in {self._files.folder}. Ctrl-C stops everything.")


def reset(folder: Path) -> bool:
    """Remove all state of the demo and return True, or False when there is none; raise DemoIsRunning while one runs."""
    files = DemoFiles(folder.resolve())
    if not files.folder.exists():
        return False
    lock = DemoLock(files.lock)
    lock.take(0)
    try:
        for folder_of_part in (files.folder, *(files.folder / name for name in PARTS)):
            if folder_of_part.exists():
                _forget(DemoFiles(folder_of_part))
    finally:
        lock.release()
    return True


def _forget(files: DemoFiles) -> None:
    EmbeddedPostgres(files.postgres, files.log("postgres")).remove()
    EmbeddedValkey(files.valkey, files.log("valkey")).remove()
    shutil.rmtree(files.certificates, ignore_errors=True)
    for path in (files.secrets, files.client_key, files.provider_config, files.environment, files.sources):
        path.unlink(missing_ok=True)
    for log in (files.folder / "logs").glob("*.log"):
        log.unlink()


def _request_stop(number: int, frame: FrameType | None) -> None:
    raise StopRequested
