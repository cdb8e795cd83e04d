"""Keeps the demo's processes running: one that dies is started again, later each time, and that is said."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from portal.embedded.process import Command, KeptProcess, ProcessFailed

_FIRST_DELAY = 0.5
_LONGEST_DELAY = 30.0
_STABLE_SECONDS = 20.0


class Service(Protocol):
    """Something that can be started, stopped and looked at."""

    def start(self, *, hold: tuple[int, ...]) -> None:
        """Start it; raise ProcessFailed when that is not possible."""

    def stop(self) -> None:
        """Stop it and wait until nothing of it is left."""

    def exit_status(self) -> int | None:
        """Return None while it runs."""


class CommandService:
    """A service that is one command."""

    def __init__(self, command: Command) -> None:
        self._command = command
        self._process: KeptProcess | None = None

    def start(self, *, hold: tuple[int, ...]) -> None:
        """Start the command."""
        self._process = KeptProcess(self._command, hold=hold)

    def stop(self) -> None:
        """Stop the command."""
        if self._process is not None:
            self._process.stop()
            self._process = None

    def exit_status(self) -> int | None:
        """Return None while the command runs."""
        return None if self._process is None else self._process.exit_status()


@dataclass
class _Part:
    name: str
    service: Service
    started_at: float = 0.0
    delay: float = _FIRST_DELAY
    restart_at: float | None = None


@dataclass
class Supervisor:
    """Starts services in the order they are given and stops them in the opposite order."""

    say: Callable[[str], None]
    lock_descriptor: int
    monotonic: Callable[[], float] = time.monotonic
    _parts: list[_Part] = field(default_factory=list)

    def start(self, name: str, service: Service) -> None:
        """Start a service and look after it from now on."""
        part = _Part(name, service)
        self._parts.append(part)
        self._start(part)

    def look_after(self) -> None:
        """Note who has died and start again whoever has waited long enough; call it a few times a second."""
        for part in self._parts:
            if part.restart_at is None:
                self._note_death(part)
            elif self.monotonic() >= part.restart_at:
                self._restart(part)

    def stop_all(self) -> None:
        """Stop everything, the last started first."""
        while self._parts:
            self._parts.pop().service.stop()

    def _start(self, part: _Part) -> None:
        part.started_at = self.monotonic()
        part.service.start(hold=(self.lock_descriptor,))

    def _note_death(self, part: _Part) -> None:
        status = part.service.exit_status()
        if status is None:
            return
        if self.monotonic() - part.started_at > _STABLE_SECONDS:
            part.delay = _FIRST_DELAY
        self.say(f"{part.name} ended (status {status}); it is started again in {part.delay:g} s. See its log.")
        part.service.stop()
        part.restart_at = self.monotonic() + part.delay
        part.delay = min(part.delay * 2, _LONGEST_DELAY)

    def _restart(self, part: _Part) -> None:
        part.restart_at = None
        try:
            self._start(part)
        except ProcessFailed as problem:
            self.say(f"{part.name} could not be started: {problem}")
            part.restart_at = self.monotonic() + part.delay
            part.delay = min(part.delay * 2, _LONGEST_DELAY)
        else:
            self.say(f"{part.name} runs again.")
