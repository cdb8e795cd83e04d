"""A circuit breaker: who has just failed several times is left alone for a while."""

from __future__ import annotations

from datetime import datetime, timedelta
from threading import Lock

from core.clock import Clock


class CircuitBreaker:
    """After `failures` in a row nobody is let through for `pause`; then one at a time is, until one has succeeded."""

    def __init__(self, clock: Clock, *, failures: int = 3, pause: timedelta = timedelta(seconds=30)) -> None:
        self._clock, self._most, self._pause = clock, failures, pause
        self._lock = Lock()
        self._failed = 0
        self._closed_until: datetime | None = None

    def lets_through(self) -> bool:
        """Whether to try; whoever is let through tells how it went."""
        with self._lock:
            if self._closed_until is None:
                return True
            if self._clock.now() < self._closed_until:
                return False
            # This one finds out for everybody; should it never tell, another may after the next pause.
            self._closed_until = self._clock.now() + self._pause
            return True

    def succeeded(self) -> None:
        """Let everybody through again."""
        with self._lock:
            self._failed, self._closed_until = 0, None

    def failed(self) -> None:
        """Count a failure; the last one of several in a row begins a pause."""
        with self._lock:
            self._failed += 1
            if self._failed >= self._most:
                self._closed_until = self._clock.now() + self._pause
