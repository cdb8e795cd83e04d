"""The whole portal on one machine, from nothing to the printed address, until somebody stops it."""

from __future__ import annotations

import json
import os
import signal
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

from core.crypto import use_keyring
from core.db import Database
from portal.commands.assets import Node
from portal.config import Settings
from portal.demo import services
from portal.demo.environment import (
    CLIENT_ID,
    DemoFiles,
    DemoSecrets,
    portal_environment,
    write_environment,
    write_private,
)
from portal.demo.lock import DemoIsRunning, DemoLock
from portal.demo.supervisor import Supervisor
from portal.embedded.postgres import EmbeddedPostgres
from portal.embedded.process import ProcessFailed, end_of_log
from portal.embedded.valkey import EmbeddedValkey
from portal.migrations import migrate
from portal.regions import serve_regions

WORKERS = 2
FIRST_PROVIDER_PORT = 8400
_DATABASE = "portal"
_READY_SECONDS = 60
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
        files = self._files
        started = time.monotonic()
        own = DemoSecrets.load_or_make(files)
        node = Node.find()
        postgres = EmbeddedPostgres(files.postgres, files.log("postgres"))
        valkey = EmbeddedValkey(files.valkey, files.log("valkey"))
        with self._step("Starting PostgreSQL"):
            supervisor.start("PostgreSQL", postgres)
            postgres.create_database(_DATABASE)
        with self._step("Starting Valkey"):
            supervisor.start("Valkey", valkey)
        port = services.free_port(self._wanted_port)
        if port != self._wanted_port:
            self._say(f"Port {self._wanted_port} is taken; port {port} is used instead.")
        provider_port = services.free_port(max(FIRST_PROVIDER_PORT, port + 1))
        # Two host names for one machine: cookies do not care about ports, and log-in crosses sites as it does for real.
        base_url, issuer = f"http://localhost:{port}", f"http://127.0.0.1:{provider_port}"
        environment = portal_environment(
            files, own, base_url=base_url, issuer=issuer, database_url=postgres.url(_DATABASE), redis_url=valkey.url
        )
        settings = Settings.from_environment(environment)
        write_environment(files, environment)
        use_keyring(settings.keyring)
        serve_regions(settings)
        with self._step("Migrating the database"):
            migrate(settings.database_url)
        self._import_region(settings)
        with self._step("Starting the identity provider"):
            write_private(files.provider_config, json.dumps(_provider_config(own, issuer, provider_port, base_url)))
            supervisor.start("The identity provider", services.identity_provider(node.program, files))
            self._wait_for(f"{issuer}/.well-known/openid-configuration", "identity-provider", supervisor)
        with self._step("Starting the relay, the workers and the web server"):
            for number in range(1, WORKERS + 1):
                supervisor.start(f"Worker {number}", services.worker(files, environment, number))
            supervisor.start("The relay", services.relay(files, environment))
            supervisor.start("The web server", services.web(files, environment, port))
            self._wait_for(f"http://127.0.0.1:{port}/readyz", "web", supervisor)
        self._introduce(base_url, time.monotonic() - started)

    def _import_region(self, settings: Settings) -> None:
        from portal.demo.region import load_demo_region

        with self._step("Importing the demo region"):
            database = Database(settings.database_url)
            try:
                load_demo_region(database, settings, lambda line: self._say(f"  {line}"))
            finally:
                database.dispose()

    def _look_after(self, supervisor: Supervisor) -> None:
        while self._parent is None or os.getppid() == self._parent:
            supervisor.look_after()
            time.sleep(0.25)

    def _wait_for(self, address: str, log: str, supervisor: Supervisor) -> None:
        deadline = time.monotonic() + _READY_SECONDS
        while not _answers(address):
            supervisor.look_after()
            if time.monotonic() > deadline:
                path = self._files.log(log)
                raise ProcessFailed(f"{address} does not answer; the end of {path}:\n{end_of_log(path)}")
            time.sleep(0.1)

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

    @contextmanager
    def _step(self, title: str) -> Iterator[None]:
        self._say(f"{title} …")
        started = time.monotonic()
        yield
        self._say(f"  done ({time.monotonic() - started:.1f} s)")


def reset(folder: Path) -> bool:
    """Remove all state of the demo and return True, or False when there is none; raise DemoIsRunning while one runs."""
    files = DemoFiles(folder.resolve())
    if not files.folder.exists():
        return False
    lock = DemoLock(files.lock)
    lock.take(0)
    try:
        EmbeddedPostgres(files.postgres, files.log("postgres")).remove()
        EmbeddedValkey(files.valkey, files.log("valkey")).remove()
        for path in (files.secrets, files.client_key, files.provider_config, files.environment):
            path.unlink(missing_ok=True)
        for log in (files.folder / "logs").glob("*.log"):
            log.unlink()
    finally:
        lock.release()
    return True


def _provider_config(own: DemoSecrets, issuer: str, port: int, base_url: str) -> dict[str, Any]:
    from portal.demo.region import people_at_identity_provider

    client = {
        "client_id": CLIENT_ID,
        "client_name": "Hjälpmedelsportalen",
        "redirect_uris": [f"{base_url}/log-in/callback"],
        "jwks": {"keys": [own.client_public_key]},
        "token_endpoint_auth_signing_alg": "ES256",
    }
    return {
        "issuer": issuer,
        "port": port,
        "cookie_keys": [own.provider_cookie_key],
        "jwks": own.provider_keys,
        "clients": [client],
        "people": people_at_identity_provider(),
    }


def _answers(address: str) -> bool:
    # Never through a proxy: the address is this machine's own.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(address, timeout=5) as response:
            return bool(response.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def _request_stop(number: int, frame: FrameType | None) -> None:
    raise StopRequested
