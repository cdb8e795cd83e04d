"""Starting the portal's own processes against a test's database and queue, and killing them for good."""

from __future__ import annotations

import base64
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event
from time import monotonic

import psutil

from tests.support.settings import TEST_KEYRING

ROOT = Path(__file__).parents[2]


def environment(database_url: str, redis_url: str, key_file: Path, **more: str) -> dict[str, str]:
    """Return the environment that the portal's commands need."""
    keys = ",".join(f"{name}:{base64.b64encode(key).decode()}" for name, key in TEST_KEYRING.data_keys.items())
    return {
        "PATH": os.environ["PATH"],
        "PYTHONUNBUFFERED": "1",
        "DATABASE_URL": database_url,
        "REDIS_URL": redis_url,
        "PORTAL_BASE_URL": "http://localhost:8000",
        "PORTAL_SECRET_KEY": "a-secret-that-only-tests-know-0123456789",
        "PORTAL_DATA_KEYS": keys,
        "PORTAL_INDEX_KEY": base64.b64encode(TEST_KEYRING.index_key).decode(),
        "OIDC_ISSUER": "http://127.0.0.1:8400",
        "OIDC_CLIENT_ID": "hjalpmedelsportalen",
        "OIDC_CLIENT_KEY_FILE": str(key_file),
        **more,
    }


class PortalProcess:
    """One `portal …` command in a process group of its own."""

    def __init__(self, settings: dict[str, str], log: Path, *words: str) -> None:
        self.log = log
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "portal", *words],
                cwd=ROOT,
                env=settings,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )

    def kill(self) -> None:
        """Kill the command and every process that it made, at once and without warning."""
        family = [psutil.Process(self._process.pid), *psutil.Process(self._process.pid).children(recursive=True)]
        for process in family:
            process.kill()
        self._process.wait()

    def stop(self) -> None:
        """Ask it to stop, as an operator would."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(10)
            except subprocess.TimeoutExpired:
                self.kill()


@contextmanager
def running(settings: dict[str, str], log: Path, *words: str) -> Iterator[PortalProcess]:
    """Run a command within the block."""
    process = PortalProcess(settings, log, *words)
    try:
        yield process
    finally:
        process.stop()


def wait_until(condition: Callable[[], bool], seconds: float, what: str) -> float:
    """Return how long it took until the condition held; fail with `what` when it never did."""
    started = monotonic()
    while monotonic() - started < seconds:
        if condition():
            return monotonic() - started
        # The thing awaited happens in another process, whose only sign is what it has written.
        Event().wait(0.02)
    raise AssertionError(f"after {seconds} s: {what}")
