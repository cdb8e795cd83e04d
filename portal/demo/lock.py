"""One demo at a time: a lock that is free only when every process of the last one is gone."""

from __future__ import annotations

import fcntl
import os
import time
from pathlib import Path


class DemoIsRunning(Exception):
    """Something of another demo still runs in this checkout."""


class DemoLock:
    """An advisory lock on a file; keepers of child processes hold it too, so a killed demo frees it only when they are done."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor: int | None = None

    @property
    def descriptor(self) -> int:
        """The open file that holds the lock, to be handed to keepers."""
        assert self._descriptor is not None
        return self._descriptor

    def take(self, patience: float) -> None:
        """Take the lock, waiting at most `patience` seconds; raise DemoIsRunning."""
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        deadline = time.monotonic() + patience
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    os.close(descriptor)
                    raise DemoIsRunning from None
                time.sleep(0.1)
        self._descriptor = descriptor

    def release(self) -> None:
        """Free the lock."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
