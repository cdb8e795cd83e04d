"""One installation of the portal on this machine: its servers, its database, its pages, and an identity provider for it."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
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
from portal.demo.supervisor import Supervisor
from portal.embedded.postgres import EmbeddedPostgres
from portal.embedded.process import ProcessFailed, end_of_log
from portal.embedded.valkey import EmbeddedValkey
from portal.migrations import migrate
from portal.regions import serve_regions

FIRST_PROVIDER_PORT = 8400
_DATABASE = "portal"
_READY_SECONDS = 60

Say = Callable[[str], None]
Fill = Callable[[Database, Settings, Say], None]


@dataclass(frozen=True)
class Plan:
    """What one installation is: where its state lies, what fills its database, and what else it is.

    `of` follows the names of its parts where several installations run. Two host names for one machine: cookies do not care about
    ports, and log-in crosses sites as it does for real.
    """

    files: DemoFiles
    fill: Fill
    of: str = ""
    host: str = "localhost"
    provider_host: str = "127.0.0.1"
    workers: int = 2
    settings: Mapping[str, str] = field(default_factory=dict)


class Installation:
    """One run of an installation."""

    def __init__(self, plan: Plan, say: Say) -> None:
        self._plan, self._say, self._files = plan, say, plan.files
        self._port = 0

    def start(self, supervisor: Supervisor, wanted_port: int, *, waits: bool = True) -> str:
        """Start everything and return the address of its pages once they answer (or, unless it `waits`, will); raise ProcessFailed."""
        plan, files = self._plan, self._files
        files.prepare()
        own = DemoSecrets.load_or_make(files)
        node = Node.find()
        postgres = EmbeddedPostgres(files.postgres, files.log("postgres"))
        valkey = EmbeddedValkey(files.valkey, files.log("valkey"))
        with self._step("Starting PostgreSQL"):
            self._begin(supervisor, "PostgreSQL", postgres)
            postgres.create_database(_DATABASE)
        with self._step("Starting Valkey"):
            self._begin(supervisor, "Valkey", valkey)
        port = services.free_port(wanted_port)
        if port != wanted_port:
            self._say(f"Port {wanted_port} is taken; port {port} is used instead.")
        provider_port = services.free_port(max(FIRST_PROVIDER_PORT, port + 1))
        base_url, issuer = f"http://{plan.host}:{port}", f"http://{plan.provider_host}:{provider_port}"
        usual = portal_environment(
            files, own, base_url=base_url, issuer=issuer, database_url=postgres.url(_DATABASE), redis_url=valkey.url
        )
        environment = {name: value for name, value in {**usual, **plan.settings}.items() if value}
        settings = Settings.from_environment(environment)
        write_environment(files, environment)
        use_keyring(settings.keyring)
        serve_regions(settings)
        with self._step("Migrating the database"):
            migrate(settings.database_url)
        self._fill(settings)
        with self._step("Starting the identity provider"):
            write_private(files.provider_config, json.dumps(_provider_config(own, issuer, provider_port, base_url)))
            self._begin(supervisor, "The identity provider", services.identity_provider(node.program, files))
            self._wait_for(f"{issuer}/.well-known/openid-configuration", "identity-provider", supervisor)
        with self._step("Starting the relay, the workers and the web server"):
            for number in range(1, plan.workers + 1):
                self._begin(supervisor, f"Worker {number}", services.worker(files, environment, number))
            self._begin(supervisor, "The relay", services.relay(files, environment))
            self._begin(supervisor, "The web server", services.web(files, environment, port))
            self._port = port
            if waits:
                self.wait(supervisor)
        return base_url

    def wait(self, supervisor: Supervisor) -> None:
        """Return when the pages answer; raise ProcessFailed."""
        self._wait_for(f"http://127.0.0.1:{self._port}/readyz", "web", supervisor)

    def _begin(self, supervisor: Supervisor, name: str, service: Any) -> None:
        supervisor.start(f"{name}{self._plan.of}", service)

    def _fill(self, settings: Settings) -> None:
        with self._step("Importing the demo region"):
            database = Database(settings.database_url)
            try:
                self._plan.fill(database, settings, lambda line: self._say(f"  {line}"))
            finally:
                database.dispose()

    def _wait_for(self, address: str, log: str, supervisor: Supervisor) -> None:
        deadline = time.monotonic() + _READY_SECONDS
        while not _answers(address):
            supervisor.look_after()
            if time.monotonic() > deadline:
                path = self._files.log(log)
                raise ProcessFailed(f"{address} does not answer; the end of {path}:\n{end_of_log(path)}")
            time.sleep(0.1)

    @contextmanager
    def _step(self, title: str) -> Iterator[None]:
        self._say(f"{title}{self._plan.of} …")
        started = time.monotonic()
        yield
        self._say(f"  done ({time.monotonic() - started:.1f} s)")


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
